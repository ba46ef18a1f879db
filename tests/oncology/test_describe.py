"""From a chart to the clinical picture: which families, which facts, and what a chart without a blood cancer costs."""

from __future__ import annotations

import json
import random
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from line_kit import (
    AS_OF,
    coded,
    done,
    dose,
    history,
    knowledge,
    ordered,
    record_of,
    resources,
    status,
    supplied,
    taken,
)

from cds_service.fhir import read_record
from cds_service.fhir.decode import decode_record
from cds_service.oncology import describe, facts_without_family
from cds_service.oncology.model import FACT_NAMES, FLAG_IDS

R_CHOP = ("rituximab", "cyclophosphamide", "doxorubicin", "vincristine", "prednisone")
R_GDP = ("rituximab", "gemcitabine", "dexamethasone", "cisplatin")
EARLY = (dose("2025-10-13", *R_CHOP, n=6), status("2026-03-09", "CR"), status("2026-09-14", "REL"))
TWO_LINES = (
    dose("2023-01-09", *R_CHOP, n=6),
    status("2023-06-12", "CR"),
    status("2024-10-07", "REL"),
    dose("2024-10-28", *R_GDP, n=3),
    status("2025-01-20", "PR"),
    status("2025-07-27", "PD"),
)


def picture(
    chart: list[dict[str, Any]], as_of: date = AS_OF, missing: tuple[str, ...] = (), codes: frozenset[str] = frozenset()
):
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in chart]}
    decoded = decode_record(json.dumps(bundle).encode())
    record = read_record(decoded.resources, decoded.issues, missing)
    return describe(record, as_of, knowledge(), referral_codes=codes)


def chart(dz: str, *events: dict[str, Any], dx: str, **more: Any) -> list[dict[str, Any]]:
    return resources(history(dz, *events, dx=dx, **more))


def condition(key: str, concept: str, onset: str, **more: Any) -> dict[str, Any]:
    subject = {"reference": "Patient/p"}
    return {
        "resourceType": "Condition",
        "id": key,
        "subject": subject,
        "code": coded("diagnoses", concept),
        "onsetDateTime": onset,
        **more,
    }


def test_one_family_with_all_its_facts_signals_and_lines():
    found = picture(chart("LBCL", *EARLY, dx="2025-09-29"))
    assert found.lead == "lbcl"
    family = found.families["lbcl"]
    assert tuple(family.facts) == FACT_NAMES
    assert family.facts["early_1l_failure"].status == "met"
    assert family.signals["first_line_days_max"] == 231
    assert [line.regimen for line in family.history.lines] == ["R-CHOP"]
    assert family.history.lines[0].best_response == "complete_response"
    assert family.newest == "2026-09-14"
    assert found.medication_count == 30
    assert found.medication_span == ("2025-10", "2026-01")
    assert tuple(flag.id for flag in found.flags) == FLAG_IDS
    assert {flag.status for flag in found.flags} <= {"present", "absent", "unknown"}


def test_a_chart_without_a_blood_cancer_is_not_read_further():
    patient = {"resourceType": "Patient", "id": "p", "birthDate": "1958-05-14"}
    cough = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}, "code": {"text": "cough"}}
    drug = {"resourceType": "MedicationStatement", "id": "m", "subject": {"reference": "Patient/p"}, "status": "active"}
    found = picture([patient, cough, {**drug, "medicationCodeableConcept": {"text": "rituximab"}}])
    assert not found.haematological
    assert (found.lead, dict(found.families), found.medication_count) == (None, {}, 0)
    record = record_of([patient, cough, drug])
    describe(record, AS_OF, knowledge())
    assert "observations" not in vars(record) or not record.observations
    assert {fact.status for fact in facts_without_family().values()} == {"unknown"}


def test_refuted_disease_opens_no_family():
    made = chart("LBCL", *TWO_LINES, dx="2022-12-26")
    made[1]["verificationStatus"] = {"coding": [{"code": "refuted"}]}
    assert dict(picture(made).families) == {}


def test_two_families_live_side_by_side_and_the_active_one_with_newest_evidence_leads():
    made = chart("LBCL", *EARLY, dx="2025-09-29")
    made.append(condition("mm", "multiple_myeloma", "2019-01-07"))
    found = picture(made)
    assert tuple(found.families) == ("lbcl", "multiple_myeloma")
    assert found.families["multiple_myeloma"].facts["prior_lines_ge_1"].status != "met"


def test_a_transformed_lymphoma_is_one_family():
    made = resources(history("LBCL", *TWO_LINES, dx="2015-02-09", tx="2022-12-26"))
    found = picture(made)
    assert tuple(found.families) == ("lbcl",)
    assert found.families["lbcl"].history.count.since_transformation == 2


def test_leukaemia_of_unstated_lineage_takes_it_from_blinatumomab():
    events = (
        dose("2024-03-04", "vincristine", "daunorubicin", "dexamethasone", n=4, q=7),
        status("2024-04-05", "CR"),
        status("2025-08-10", "REL"),
    )
    code = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "C91.00"}]}
    plain = chart("B-ALL", *events, dx="2024-02-19")
    plain[1]["code"] = code
    assert [d.role for d in picture(plain).diagnoses] == ["ambiguous"]
    treated = chart("B-ALL", *events, dose("2025-08-20", "blinatumomab", n=2, q=42), dx="2024-02-19")
    treated[1]["code"] = code
    assert [(d.concept, d.certainty) for d in picture(treated).diagnoses] == [("b_all", "inferred")]


def test_a_diagnosis_in_words_is_a_hypothetical_family():
    made = chart("LBCL", *EARLY, dx="2025-09-29")
    made[1]["code"] = {"text": "Diffuse large B-cell lymphoma"}
    found = picture(made)
    assert dict(found.families) == {}
    assert "lbcl" in found.hypothetical
    assert found.haematological


@pytest.mark.parametrize("name", ["MedicationAdministration", "MedicationStatement", "Observation", "Procedure", "*"])
def test_a_list_that_did_not_come_leaves_what_rests_on_it_open(name):
    made = chart("LBCL", *TWO_LINES, dx="2022-12-26")
    whole, part = picture(made).families["lbcl"], picture(made, missing=(name,)).families["lbcl"]
    assert whole.facts["relapsed_or_refractory"].status == "met"
    assert part.facts["prior_lines_ge_2"].status == "met"
    for fact in FACT_NAMES:
        assert part.facts[fact].status in (whole.facts[fact].status, "unknown"), fact


def test_an_order_never_given_changes_nothing():
    plain = picture(chart("LBCL", *EARLY, dx="2025-09-29")).families["lbcl"]
    more = picture(
        chart("LBCL", *EARLY, ordered("2026-10-05", "rituximab", "ifosfamide", "carboplatin"), dx="2025-09-29")
    )
    again = more.families["lbcl"]
    assert again.history.count == plain.history.count
    assert dict(again.signals) == dict(plain.signals)
    assert {n: f.status for n, f in again.facts.items()} == {n: f.status for n, f in plain.facts.items()}


def test_events_after_the_assessment_date_are_plans():
    found = picture(chart("LBCL", *TWO_LINES, dx="2022-12-26"), as_of=date(2024, 9, 1)).families["lbcl"]
    assert found.facts["relapsed_or_refractory"].status == "not_met"
    assert found.facts["prior_lines_ge_2"].status == "not_met"


def test_car_t_collection_without_an_infusion_silences_and_plain_leukapheresis_does_not():
    collected = done("2026-10-05", "leukapheresis")
    found = picture(chart("LBCL", *TWO_LINES, collected, dx="2022-12-26"))
    assert found.referral_open
    infused = done("2026-11-05", "car-t", prod="axicabtagene ciloleucel")
    assert not picture(chart("LBCL", *TWO_LINES, collected, infused, dx="2022-12-26")).referral_open


def test_an_order_of_the_sites_referral_code_is_found():
    made = chart("LBCL", *TWO_LINES, dx="2022-12-26")
    code = {"coding": [{"system": "urn:site", "code": "9"}]}
    order = {
        "resourceType": "ServiceRequest",
        "id": "s",
        "subject": {"reference": "Patient/p"},
        "status": "active",
        "intent": "order",
    }
    made.append({**order, "code": code, "authoredOn": "2026-11-01"})
    assert not picture(made).referral_open
    assert picture(made, codes=frozenset({"urn:site|9"})).referral_open == ("ServiceRequest/s",)


def test_first_line_under_way_is_told():
    found = picture(chart("LBCL", dose("2026-09-14", *R_CHOP, n=3), dx="2026-09-01"))
    assert found.families["lbcl"].first_line_under_way


def test_the_age_of_the_patient_is_a_signal():
    found = picture(chart("LBCL", *EARLY, dx="2025-09-29", birth="2008")).families["lbcl"]
    assert (found.signals["age_min"], found.signals["age_max"]) == (17, 18)


CASES = {
    "LBCL": ("2022-12-26", TWO_LINES),
    "MM": (
        "2021-02-15",
        (
            dose("2021-03-01", "bortezomib", "lenalidomide", "dexamethasone", n=4),
            status("2021-09-30", "PR"),
            taken("2021-10-10", "2024-05-06", "lenalidomide", route="PO"),
            status("2024-05-13", "PD"),
            dose("2024-06-03", "daratumumab", "carfilzomib", n=12, q=28),
        ),
    ),
    "CLL": (
        "2015-01-12",
        (
            dose("2016-02-01", "fludarabine", "cyclophosphamide", "rituximab", n=6, q=28),
            status("2016-08-15", "CR"),
            status("2019-09-02", "PD"),
            supplied("2019-09-23", "ibrutinib", n=12),
            status("2021-10-03", "PD"),
        ),
    ),
}


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(CASES)), st.integers(0, 10_000))
def test_the_order_of_resources_changes_nothing(name, seed):
    onset, events = CASES[name]
    made = chart(name, *events, dx=onset)
    mixed = made[:]
    random.Random(seed).shuffle(mixed)
    one, other = picture(made), picture(mixed)
    assert dict(one.families) == dict(other.families)
    assert (one.diagnoses, one.issues) == (other.diagnoses, other.issues)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(CASES)), st.data())
def test_cutting_history_off_and_saying_so_never_makes_a_new_met_or_not_met(name, data):
    onset, events = CASES[name]
    kept = tuple(e for e in events if data.draw(st.booleans()))
    whole = next(iter(picture(chart(name, *events, dx=onset)).families.values()))
    part = next(iter(picture(chart(name, *kept, dx=onset), missing=("*",)).families.values()))
    for fact in FACT_NAMES:
        if whole.facts[fact].status != "unknown":
            assert part.facts[fact].status in (whole.facts[fact].status, "unknown"), fact


def test_a_prior_car_t_is_shown_and_silence_is_never_absence():
    infused = done("2025-03-08", "car-t", prod="axicabtagene ciloleucel")
    flags = {f.id: f for f in picture(chart("LBCL", *TWO_LINES, infused, dx="2022-12-26")).flags}
    assert (flags["prior_car_t"].status, flags["prior_cd19_therapy"].status) == ("present", "present")
    assert flags["prior_car_t"].evidence
    silent = {f.id: f.status for f in picture(chart("LBCL", *TWO_LINES, dx="2022-12-26")).flags}
    assert {silent[n] for n in ("platelets", "hepatitis_b", "active_infection", "lvef", "active_gvhd")} == {"unknown"}
