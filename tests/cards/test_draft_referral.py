"""The draft referral is a valid ServiceRequest that nobody has signed (R-19, decisions 34, 35, 42)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest

from cds_service.cards import compose, referral_template
from cds_service.fhir.model import Coverage
from tests.cards.scenes import OPTIONS, SELECT, VIEW, WORDING, flags, mantle, myeloma, third_line

CASES = {
    "lymphoma": third_line(),
    "myeloma with flags": myeloma(flags=flags(active_infection="Pneumonia <active> *2026-11-12*")),
    "mantle cell": mantle(),
    "a chart without dates": third_line(coverage=Coverage()),
}


def draft(case, hook=VIEW, options=OPTIONS):
    (card,) = compose(case, hook, WORDING, options)
    (suggestion,) = card.suggestions
    return suggestion.resource


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("hook", [VIEW, replace(SELECT, encounter_id="e1"), replace(VIEW, patient_id="")])
def test_it_is_a_valid_resource(name, hook):
    made = ServiceRequest.model_validate(draft(CASES[name], hook))
    assert (made.status, made.intent) == ("draft", "proposal")


def test_it_names_patient_diagnosis_and_evidence_and_copies_nothing():
    made = draft(third_line())
    assert made["subject"] == {"reference": "Patient/p1"}
    assert made["reasonReference"] == [{"reference": "Condition/c1"}]
    assert {"reference": "Observation/o9"} in made["supportingInfo"]
    assert {"reference": "Patient/p1"} not in made["supportingInfo"]
    assert made["authoredOn"] == "2026-11-21"
    assert set(made) == {
        "resourceType",
        "status",
        "intent",
        "code",
        "subject",
        "authoredOn",
        "reasonReference",
        "supportingInfo",
        "note",
    }


def test_the_encounter_of_the_call_is_named():
    assert draft(third_line(), replace(VIEW, encounter_id="e1"))["encounter"] == {"reference": "Encounter/e1"}


def test_our_own_code_always_and_the_first_of_the_site():
    site = replace(OPTIONS, referral_codes=(("urn:oid:1.2.3", "REF-1"), ("urn:oid:1.2.3", "REF-2")))
    codes = [(c["system"], c["code"]) for c in draft(third_line(), options=site)["code"]["coding"]]
    assert codes == [("urn:cart-cds:order", "car-t-referral-review"), ("urn:oid:1.2.3", "REF-1")]
    assert draft(third_line())["code"]["text"] == "Referral for CAR-T evaluation"


def test_a_site_code_that_is_no_code_is_refused_at_start():
    with pytest.raises(ValueError):
        referral_template(WORDING, replace(OPTIONS, referral_codes=(("urn:x", " two  blanks "),)))


def test_the_note_lists_lines_what_is_missing_flags_and_what_to_ask():
    text = draft(mantle(flags=flags(active_infection="Pneumonia, active (2026-11-12)")))["note"][0]["text"]
    for words in (
        "Lines of therapy:",
        "- R-CHOP 2026-01 to 2026-05",
        "- BTK inhibitor",
        "- Pneumonia",
        "- interpreter",
    ):
        assert words in text


def test_at_most_twenty_supporting_references():
    many = tuple(f"Observation/o{n}" for n in range(60))
    case = third_line()
    first = case.indications[1]
    crowded = replace(first, criteria=tuple(replace(c, evidence=many) for c in first.criteria))
    assert len(draft(replace(case, indications=(crowded,)))["supportingInfo"]) == 20


def test_one_patient_s_draft_never_reaches_the_next():
    first = draft(third_line())
    second = draft(mantle(), replace(VIEW, patient_id="p2"))
    assert first["subject"] == {"reference": "Patient/p1"} and second["subject"] == {"reference": "Patient/p2"}
    assert "note" not in referral_template(WORDING, OPTIONS)


def test_a_reference_that_nobody_can_follow_is_left_out():
    case = third_line()
    first = case.indications[1]
    loose = replace(first, criteria=tuple(replace(c, evidence=("urn:uuid:1", "#c")) for c in first.criteria))
    made = draft(replace(case, indications=(loose,)))
    assert all("/" in one["reference"] for one in made["supportingInfo"])
