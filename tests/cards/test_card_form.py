"""The form of a card: limits, links, identifiers, words it may never use (c.3 to c.7; R-08, R-13, R-14, R-16, R-37)."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import get_args
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.cards import card_json
from cds_service.cards.model import Indicator
from cds_service.oncology.model import FLAG_IDS
from tests.cards.examples import EXAMPLES, every_example, one_card
from tests.cards.scenes import (
    AGE,
    DIAGNOSED,
    DLBCL,
    LISO,
    OPTIONS,
    R_CHOP,
    SELECT,
    VIEW,
    WORDING,
    assessment,
    course,
    criterion,
    flags,
    indication,
    mantle,
    myeloma,
    picture,
    result,
    third_line,
)


@every_example
def test_summary_and_detail_keep_their_limits(name):
    card = one_card(*EXAMPLES[name])
    assert 0 < len(card.summary) <= 139 and "\n" not in card.summary
    assert 0 < len(card.detail) <= 1200


@every_example
def test_it_is_no_eligibility_decision_and_the_centre_decides(name):
    card = one_card(*EXAMPLES[name])
    assert "not an eligibility decision" in card.detail
    assert "the centre decides" in card.detail
    assert card.indicator == "info"


@every_example
def test_no_banned_word(name):
    case, hook = EXAMPLES[name]
    card = one_card(case, hook)
    texts = [card.summary, card.detail, card.source.label, *(link.label for link in card.links)]
    texts += [note["text"] for suggestion in card.suggestions for note in suggestion.resource["note"]]
    for text in texts:
        assert WORDING.lint.findings(text, case.jurisdiction) == []


@every_example
def test_no_less_than_before_a_letter_no_link_no_table(name):
    detail = one_card(*EXAMPLES[name]).detail
    assert not re.search(r"<[A-Za-z/!?]", detail)
    assert "](" not in detail and "|" not in detail and "http" not in detail


@every_example
def test_a_repeated_call_gives_the_same_bytes(name):
    case, hook = EXAMPLES[name]
    first, second = (json.dumps(card_json(one_card(case, hook, replace(OPTIONS, extension=True)))) for _ in range(2))
    assert first == second


@every_example
def test_no_member_is_null_or_empty_at_any_depth(name):
    def walk(value):
        assert value not in (None, "", [], {})
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(inner)

    walk(card_json(one_card(*EXAMPLES[name], options=replace(OPTIONS, extension=True))))


def test_critical_cannot_be_said():
    assert set(get_args(Indicator)) == {"info", "warning"}


def test_uuids_belong_to_the_call_and_the_rule():
    card = one_card(third_line())
    assert UUID(card.uuid).version == 5 and UUID(card.suggestions[0].uuid).version == 5
    assert card.uuid != card.suggestions[0].uuid
    other = one_card(third_line(), replace(VIEW, hook_instance="00000000-0000-0000-0000-000000000001"))
    assert other.uuid != card.uuid


def test_source_topic_and_links_hold_no_patient_data():
    card = one_card(third_line())
    body = card_json(card)
    assert body["source"] == {
        "label": "CAR-T label rules 2026.11.1",
        "url": "https://cds.example.org/rules/us/lbcl",
        "topic": {"system": "urn:cart-cds:topic", "code": "cartUsLbcl"},
    }
    assert [link["url"] for link in body["links"]] == [
        "https://cds.example.org/rules/us/breyanzi/lbcl-3l",
        "https://cds.example.org/rules/us/kymriah/lbcl-3l",
        "https://cds.example.org/rules/us/yescarta/lbcl-3l",
        "https://labels.example.org/breyanzi",
        "https://labels.example.org/kymriah",
        "https://labels.example.org/yescarta",
    ]
    assert {link["type"] for link in body["links"]} == {"absolute"}


def test_the_sandbox_is_named_in_the_source_label():
    label = one_card(third_line(), options=replace(OPTIONS, sandbox=True)).source.label
    assert label.startswith("TEST ONLY – ") and len(label) <= 60


def test_topics_are_letters_and_digits():
    assert one_card(myeloma()).source.topic.code == "cartUsMultipleMyeloma"
    assert one_card(mantle()).source.topic.code == "cartEuMcl"


def test_eight_override_reasons_with_system_code_and_display():
    reasons = card_json(one_card(third_line()))["overrideReasons"]
    assert len(reasons) == 8
    assert all(set(reason) == {"system", "code", "display"} for reason in reasons)


def test_every_unknown_criterion_is_in_the_extension_and_every_item_on_the_card():
    case = mantle()
    card = one_card(case, options=replace(OPTIONS, extension=True))
    told = card.extension["org.cart-cds.assessment"]
    unknown = {(i["id"], c["id"]) for i in told["indications"] for c in i["criteria"] if c["status"] == "unknown"}
    assert unknown == {("eu/breyanzi/mcl", "exposed_btki"), ("eu/tecartus/mcl", "exposed_btki")}
    assert told["family"] == "mcl"


TEXTS = st.text(min_size=0, max_size=400)
STATUSES = st.sampled_from(["met", "unknown", "review"])
CRITERIA = (
    "relapsed_or_refractory",
    "prior_lines",
    "exposed_imid",
    "exposed_pi",
    "exposed_cd38",
    "exposed_btki",
    "exposed_bcl2i",
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    label=TEXTS,
    because=TEXTS,
    statuses=st.lists(STATUSES, min_size=len(CRITERIA), max_size=len(CRITERIA)),
    regimen=TEXTS,
    count=st.integers(0, 12),
    shown=st.sets(st.sampled_from(FLAG_IDS)),
    warned=st.lists(st.text(max_size=60), max_size=6),
)
def test_whatever_the_record_holds_the_card_keeps_its_limits_and_names_what_is_missing(
    label, because, statuses, regimen, count, shown, warned
):
    criteria = [
        criterion(name, status, because, None, "Observation/o1")
        for name, status in zip(CRITERIA, statuses, strict=True)
    ]
    lines = tuple(replace(R_CHOP, number=n + 1, regimen=regimen, agents=(regimen,) * 5) for n in range(count))
    course_ = course(
        lines=lines, diagnoses=(replace(DLBCL, label=label), replace(DLBCL, label=label, concept="other")) * 2
    )
    case = assessment(
        picture(course_, flags=flags(**dict.fromkeys(shown, because))),
        result(indication(LISO, "lbcl-3l", "lbcl", "LBCL"), AGE, DIAGNOSED, *criteria),
    )
    card = one_card(case, replace(SELECT, lymphotoxic_drugs=tuple(warned)), replace(OPTIONS, extension=True))
    assert len(card.summary) <= 139 and len(card.detail) <= 1200
    assert not re.search(r"<[A-Za-z/!?]", card.detail)
    for name, status in zip(CRITERIA, statuses, strict=True):
        if status != "met":
            assert WORDING.criterion_name(name).lower() in card.detail.lower()
    assert "the centre decides" in card.detail and "newest evidence" in card.detail
    json.dumps(card_json(card)).encode()
