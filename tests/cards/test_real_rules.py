"""The example patients of every label pack, judged by the real rules and told on a card."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest

from cds_service.cards import card_json, composition
from cds_service.labels import Rulebook, assess
from cds_service.labels.cases import expand_signals
from cds_service.labels.loader import load_ruleset
from cds_service.labels.packs import Case, Indication
from cds_service.oncology.model import Fact
from tests.cards.scenes import DLBCL, GEMOX, OPTIONS, R_CHOP, RULES, VIEW, WORDING, course, flags, picture

TODAY = date(2026, 11, 21)
FLAGGED = flags(active_infection="Pneumonia, active (2026-11-12)", prior_car_t="CAR-T given 2025-01-02")


@pytest.fixture(scope="module", params=["us", "eu"])
def rulebook(request) -> Rulebook:
    return Rulebook(load_ruleset(RULES, request.param))


def patient(indication: Indication, case: Case):
    """A picture with the signals of the case; two lines with drugs and dates stand for its history."""
    signals, named = expand_signals(case.signals)
    family = indication.family
    diagnoses = tuple(
        replace(
            DLBCL,
            concept=one["dx"],
            label=one["dx"].replace("_", " "),
            family=family,
            certainty=one["dx_certainty"] if one["dx_certainty"] != "ambiguous" else "confirmed",
            role="ambiguous" if one["dx_certainty"] == "ambiguous" else "indication",
        )
        for one in named
    )
    told = Fact(status="met", because="a finding recorded 2026-11-03", grade="recorded", evidence=("Observation/o9",))
    words = (
        "rr",
        "first_line",
        "len_refractory",
        "progressed_last",
        "ball_refractory",
        "lines",
        "transplant_ineligible",
    )
    classes = tuple(f"exposed_{one}" for one in ("imid", "pi", "cd38", "btki", "bcl2i"))
    lines = (R_CHOP, GEMOX, replace(GEMOX, number=3))[: max(0, int(signals["lines_min"]))]
    made = replace(course(family, lines, diagnoses, signals), statements=dict.fromkeys((*words, *classes), told))
    age = (int(signals["age_min"]), int(signals["age_max"])) if signals["age_known"] else None
    return picture(made, age=age, age_because="no birth date; a birth date would settle it", flags=FLAGGED)


def test_every_example_of_every_label_gives_a_fitting_card_or_a_reason(rulebook):
    from cds_service.cards.choose import _ordered

    ruleset = load_ruleset(RULES, rulebook.jurisdiction)
    cards = hidden = 0
    for indication in ruleset.in_force(TODAY):
        for case in indication.cases:
            assessment = assess(patient(indication, case), rulebook)
            made = composition(assessment, VIEW, WORDING, OPTIONS)
            assert made.cards or indication.family in made.silent
            if case.status == "met":
                assert indication.id in {rule for card in made.cards for rule in card.rules}, case.says
            for card in made.cards:
                cards += 1
                assert len(card.summary) <= 139 and len(card.detail) <= 1200, (indication.id, case.says)
                for text in (card.summary, card.detail):
                    assert WORDING.lint.findings(text, rulebook.jurisdiction) == [], text
                assert not re.search(r"<[A-Za-z/!?]", card.detail)
                hidden += "CAR-T given 2025-01-02" not in card.detail or "Pneumonia" not in card.detail
                assert "Flags for review (not exclusions)" in card.detail
                for result in assessment.indications:
                    speaks = result.family == card.family and result.status in ("unknown", "review")
                    diagnosis = result.criterion("diagnosis")
                    if speaks and diagnosis and diagnosis.status in ("met", "review"):
                        for one in result.criteria:
                            if one.status in ("unknown", "review"):
                                assert WORDING.criterion_name(one.id).lower() in card.detail.lower(), (
                                    indication.id,
                                    case.says,
                                    one.id,
                                )
                assert card_json(card)["suggestions"]
    assert cards > 50 and hidden * 50 < cards
    assert _ordered(["unheard", "fl", "lbcl"]) == ["lbcl", "fl", "unheard"]
