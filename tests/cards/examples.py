"""Cards of every kind, to hold against the rules that hold for all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cds_service.cards import compose
from cds_service.oncology.model import FLAG_IDS
from tests.cards.scenes import (
    OPTIONS,
    RELAPSED,
    SELECT,
    VIEW,
    WORDING,
    flags,
    mantle,
    myeloma,
    third_line,
)

INFECTION = "Pneumonia, active (2026-11-12): usually delays, does not exclude"
ALL_FLAGS = flags(
    **{one: f"{one.replace('_', ' ')}: a finding of the record, 2026-10-0{len(one) % 9 + 1}" for one in FLAG_IDS}
)
BENDAMUSTINE = replace(SELECT, lymphotoxic_drugs=("bendamustine",))


def one_card(case, hook=VIEW, options=OPTIONS):
    (card,) = compose(case, hook, WORDING, options)
    return card


EXAMPLES = {
    "lymphoma after two lines": (third_line(), VIEW),
    "the same with every flag": (third_line(flags=ALL_FLAGS), VIEW),
    "myeloma refractory to lenalidomide": (myeloma(), VIEW),
    "the same with every flag and five lines": (
        myeloma(
            lines=tuple(
                replace(myeloma().picture.families["multiple_myeloma"].history.lines[0], number=n) for n in range(1, 6)
            ),
            flags=ALL_FLAGS,
        ),
        VIEW,
    ),
    "mantle cell, EU, BTK inhibitor missing": (mantle(), VIEW),
    "mantle cell, US, BTK inhibitor missing": (mantle(jurisdiction="us"), VIEW),
    "a lymphotoxic order": (third_line(), BENDAMUSTINE),
    "any systemic order": (mantle(), SELECT),
    "left to judgement": (
        third_line(relapsed=replace(RELAPSED, status="review", because="partial response recorded")),
        VIEW,
    ),
}
every_example = pytest.mark.parametrize("name", EXAMPLES)
