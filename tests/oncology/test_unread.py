"""Treatment and status that no code names: read by an exact name, else told, never passed over (decisions 18, 25)."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from line_kit import knowledge

from cds_service.fhir import read_record
from cds_service.fhir.decode import decode_record
from cds_service.oncology import describe
from cds_service.oncology.model import ClinicalPicture
from cds_service.oncology.status import UNREAD
from cds_service.oncology.unread import CONFLICT, NO_NAME, NOT_THERE, TREATS

ME = {"reference": "Patient/p"}
SCT, GM, NDC = "http://snomed.info/sct", "http://fhir.de/CodeSystem/bfarm/icd-10-gm", "http://hl7.org/fhir/sid/ndc"
MYELOMA = {
    "resourceType": "Condition",
    "id": "mm",
    "subject": ME,
    "code": {"coding": [{"system": SCT, "code": "109989006"}]},
    "onsetDateTime": "2022-01-05",
}


BREAST_CANCER = MYELOMA | {
    "id": "bc",
    "code": {"coding": [{"system": GM, "code": "C50.4"}]},
    "onsetDateTime": "2022-01-01",
}


def picture(*resources: dict[str, Any], disease: dict[str, Any] = MYELOMA) -> ClinicalPicture:
    everyone = [{"resourceType": "Patient", "id": "p", "birthDate": "1958-02-03"}, disease, *resources]
    body = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in everyone]}
    decoded = decode_record(json.dumps(body).encode())
    record = read_record(decoded.resources, decoded.issues)
    return describe(record, date(2026, 11, 21), knowledge())


def given(drug: dict[str, Any], name: str = "a", day: str = "2022-02-01", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationAdministration",
        "id": name,
        "subject": ME,
        "status": "completed",
        "effectiveDateTime": day,
        **({"medicationReference": drug} if "reference" in drug else {"medicationCodeableConcept": drug}),
        **more,
    }


def problems(found: ClinicalPicture) -> list[str]:
    return [issue.problem for issue in found.issues]


def exposed(found: ClinicalPicture, fact: str = "exposed_pi") -> str:
    return found.families["multiple_myeloma"].facts[fact].status


def local(display: str, code: str = "L1") -> dict[str, Any]:
    return {"system": "http://hospital.example/formulary", "code": code, "display": display}


@pytest.mark.parametrize(
    "drug",
    [
        {"coding": [local("Bortezomib")]},
        {"coding": [{"display": "bortezomib"}]},
        {"coding": [{"system": SCT, "code": "407097007", "display": "Bortezomib (substance)"}]},
        {"coding": [local("Bortezomib"), local("Velcade", "L2")], "text": "bortezomib"},
        {"coding": [{"system": NDC, "code": "63020004901"}], "text": "bortezomib"},
    ],
)
def test_a_drug_under_unknown_codes_is_read_by_its_exact_name(drug: dict[str, Any]) -> None:
    found = picture(given(drug))
    assert exposed(found) == "met"
    assert problems(found) == []


def test_the_display_of_a_reference_names_a_medication_that_names_nothing() -> None:
    medication = {"resourceType": "Medication", "id": "m", "code": {"coding": [local("", "77")]}}
    found = picture(given({"reference": "Medication/m", "display": "bortezomib"}), medication)
    assert exposed(found) == "met"


def test_every_named_ingredient_of_a_medication_counts() -> None:
    parts = [{"itemCodeableConcept": {"text": name}} for name in ("bortezomib", "daratumumab")]
    medication = {"resourceType": "Medication", "id": "m", "ingredient": parts}
    found = picture(given({"reference": "Medication/m"}), medication)
    assert (exposed(found), exposed(found, "exposed_cd38")) == ("met", "met")


@pytest.mark.parametrize(
    ("drug", "said"),
    [
        ({"text": "bortezomib 3.5 mg injection, 2.3 mg SC"}, "bortezomib"),
        ({"coding": [local("Inj. Velcade 3.5mg vial")]}, "bortezomib"),
        ({"text": "VRd cycle 2"}, "VRd"),
    ],
)
def test_a_cancer_drug_inside_other_words_is_told_and_leaves_counts_open(drug: dict[str, Any], said: str) -> None:
    found = picture(given(drug))
    assert [p for p in problems(found) if p.startswith(f"its words name {said}, but no code")]
    assert exposed(found) == exposed(found, "prior_lines_ge_2") == "unknown"


@pytest.mark.parametrize(
    ("drug", "said"),
    [
        ({"coding": [{"system": NDC, "code": "63020004901"}]}, NO_NAME),
        ({"reference": "Medication/elsewhere"}, NOT_THERE),
        ({"coding": [local("bortezomib"), local("carfilzomib", "L2")]}, CONFLICT),
    ],
)
def test_a_drug_that_cannot_be_known_is_told_and_leaves_counts_open(drug: dict[str, Any], said: str) -> None:
    found = picture(given(drug))
    assert said in problems(found)
    assert exposed(found) == "unknown"


def test_other_medicines_are_one_line_and_leave_nothing_open() -> None:
    begun = given({"coding": [local("lenalidomide")]}, "len")
    found = picture(begun, *(given({"text": f"metformin {n} mg"}, f"m{n}") for n in range(40)))
    assert problems(found) == ["40 medications name no cancer drug by a known code or name; read as other medicine"]
    assert exposed(found) == "not_met"


def test_a_local_form_in_words_is_no_cancer_treatment() -> None:
    begun = given({"coding": [local("lenalidomide")]}, "len")
    found = picture(begun, given({"text": "tretinoin 0.05 % cream, face"}))
    assert problems(found) == ["one medication names no cancer drug by a known code or name; read as other medicine"]
    assert exposed(found) == "not_met"


@pytest.mark.parametrize("status", ["not-done", "entered-in-error"])
def test_what_was_not_given_leaves_nothing_open(status: str) -> None:
    begun = given({"coding": [local("lenalidomide")]}, "len")
    found = picture(begun, given({"text": "bortezomib 3.5 mg vial"}, status=status))
    assert problems(found) == []
    assert exposed(found) == "not_met"


def procedure(**more: Any) -> dict[str, Any]:
    made = {"resourceType": "Procedure", "id": "x", "subject": ME, "status": "completed"}
    return made | {"performedDateTime": "2022-03-01"} | more


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("CAR-T cell infusion", TREATS),
        ("Polychemotherapie Zyklus 1", TREATS),
        ("Intravenous chemotherapy, cycle 2", TREATS),
        ("Colonoscopy", ""),
        ("EXTERNAL BEAM RADIATION, TEAM MEETING", ""),
        ("Chemotherapy with VTD-PACE", "its words name VTD-PACE, but no code or exact name is known; not counted"),
    ],
)
def test_a_procedure_in_words_is_told_when_it_speaks_of_treatment(text: str, said: str) -> None:
    told = problems(picture(procedure(code={"text": text})))
    assert len(told) == bool(said)
    assert all(t.startswith(said) for t in told)


def test_a_therapy_without_a_known_code_gives_its_reason_to_the_drugs_that_are_part_of_it() -> None:
    code = {"coding": [{"system": "http://fhir.de/CodeSystem/bfarm/ops", "code": "8-543", "display": "Chemotherapie"}]}
    therapy = procedure(code=code, reasonReference=[{"reference": "Condition/bc"}])
    found = picture(
        BREAST_CANCER, therapy, given({"coding": [local("bortezomib")]}, partOf=[{"reference": "Procedure/x"}])
    )
    assert exposed(found) != "met"
    assert problems(found) == []
    history = found.families["multiple_myeloma"].history
    assert [s.why for s in history.set_aside] == ["bortezomib: given for another disease (A2)"]


@pytest.mark.parametrize(
    "value",
    [
        {"valueString": "progressive disease"},
        {"valueCodeableConcept": {"text": "PD"}},
        {"valueCodeableConcept": {"coding": [local("Progression")]}},
    ],
)
def test_a_disease_status_in_words_is_told(value: dict[str, Any]) -> None:
    asked = {"coding": [{"system": "http://loinc.org", "code": "97509-4"}]}
    seen = {"resourceType": "Observation", "id": "o", "subject": ME, "status": "final", "code": asked}
    assert problems(picture(seen | value)) == [UNREAD]


def test_another_cancer_is_seen_in_a_national_edition_of_the_classification() -> None:
    """A4: doxorubicin with cyclophosphamide beside breast cancer is no line of myeloma."""
    drugs = [given({"text": name}, name) for name in ("doxorubicin", "cyclophosphamide")]
    assert picture(*drugs).families["multiple_myeloma"].history.count.max == 1
    assert picture(BREAST_CANCER, *drugs).families["multiple_myeloma"].history.count.max == 0
