"""Small records of diagnoses, written as FHIR."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from cds_service.fhir import read_record
from cds_service.fhir.decode import decode_record
from cds_service.fhir.model import Record
from cds_service.oncology.diagnosis import find_diagnoses
from cds_service.oncology.knowledge import Knowledge, load_knowledge
from cds_service.oncology.model import Diagnosis

RULES = Path(__file__).parents[2] / "rules"
AS_OF = date(2026, 11, 21)
ICD, SCT, ICDO = (
    "http://hl7.org/fhir/sid/icd-10-cm",
    "http://snomed.info/sct",
    "http://terminology.hl7.org/CodeSystem/icd-o-3",
)
LOINC = "http://loinc.org"
PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1960-05-17"}
CODES = {
    "dlbcl": (SCT, "109969005"),
    "dlbcl_icd": (ICD, "C83.30"),
    "fl": (ICD, "C82.90"),
    "fl3a": (ICD, "C82.30"),
    "fl3b": (ICD, "C82.40"),
    "fl3": (ICD, "C82.20"),
    "mzl": (ICD, "C88.40"),
    "cll": (ICD, "C91.10"),
    "richter": (SCT, "277550009"),
    "hgbl": (SCT, "277617004"),
    "plasmablastic": (ICDO, "9735/3"),
    "hodgkin": (ICD, "C81.90"),
    "burkitt": (ICD, "C83.70"),
    "b_cell": (ICD, "C85.10"),
    "nhl": (ICD, "C85.90"),
    "small_b": (ICD, "C83.00"),
    "all": (ICD, "C91.00"),
    "all_relapse": (ICD, "C91.02"),
    "b_all": (SCT, "277571004"),
    "t_all": (ICDO, "9837/3"),
    "lbl": (ICD, "C83.50"),
    "b_lbl": (ICDO, "9728/3"),
    "myeloma": (ICD, "C90.00"),
    "myeloma_sct": (SCT, "109989006"),
    "myeloma_remission": (ICD, "C90.01"),
    "smouldering": (SCT, "440422002"),
    "pcl": (ICD, "C90.10"),
    "leukaemia": (SCT, "93143009"),
    "pcnsl": (ICD, "C83.390"),
    "history_car_t": (ICD, "Z92.850"),
    "history_nhl": (ICD, "Z85.72"),
    "diabetes": (ICD, "E11.9"),
}


@cache
def knowledge() -> Knowledge:
    """The shipped rules, read once."""
    return load_knowledge(RULES)


def concept(*names: str, text: str = "", display: str = "") -> dict[str, Any]:
    """A CodeableConcept of the named codes."""
    codings = [{"system": CODES[n][0], "code": CODES[n][1]} | ({"display": display} if display else {}) for n in names]
    return ({"coding": codings} if codings else {}) | ({"text": text} if text else {})


def condition(
    *names: str,
    id: str = "c1",
    text: str = "",
    display: str = "",
    onset: str = "",
    recorded: str = "",
    clinical: str = "",
    verification: str = "confirmed",
    abated: str = "",
    category: str = "problem-list-item",
    **more: Any,
) -> dict[str, Any]:
    """A Condition; parts left empty are absent."""
    found: dict[str, Any] = {
        "resourceType": "Condition",
        "id": id,
        "subject": {"reference": "Patient/p1"},
        "code": concept(*names, text=text, display=display),
        "category": [{"coding": [{"code": category}]}],
        **more,
    }
    for name, code in (("clinicalStatus", clinical), ("verificationStatus", verification)):
        if code:
            found[name] = {"coding": [{"code": code}]}
    for name, when in (("onsetDateTime", onset), ("recordedDate", recorded), ("abatementDateTime", abated)):
        if when:
            found[name] = when
    return found


def record(*resources: dict[str, Any]) -> Record:
    """The record of one patient."""
    decoded = decode_record(json.dumps([PATIENT, *resources]).encode())
    return read_record(decoded.resources, decoded.issues)


def diagnoses(*resources: dict[str, Any], as_of: date = AS_OF, given: Iterable[str] = ()) -> dict[str, Diagnosis]:
    """Diagnoses by concept."""
    found, _ = find_diagnoses(record(*resources), knowledge(), as_of, frozenset(given))
    assert len({d.concept for d in found}) == len(found)
    return {d.concept: d for d in found}


def only(*resources: dict[str, Any], given: Iterable[str] = ()) -> Diagnosis:
    """The one diagnosis there is."""
    found = diagnoses(*resources, given=given)
    assert len(found) == 1, sorted(found)
    return next(iter(found.values()))


def problems(*resources: dict[str, Any]) -> list[str]:
    """The data issues."""
    return [issue.problem for issue in find_diagnoses(record(*resources), knowledge(), AS_OF)[1]]


def pathology(value: str, status: str = "final", question: str = "59847-4", text: str = "") -> dict[str, object]:
    """A pathology result."""
    return {
        "resourceType": "Observation",
        "id": "o1",
        "subject": {"reference": "Patient/p1"},
        "status": status,
        "effectiveDateTime": "2024-02-02",
        "code": {"coding": [{"system": LOINC, "code": question}]},
        "valueCodeableConcept": {"coding": [{"system": ICDO, "code": value}]} | ({"text": text} if text else {}),
    }


def medication(**more: object) -> dict[str, object]:
    """An order given for myeloma."""
    return {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "subject": {"reference": "Patient/p1"},
        "status": "active",
        "intent": "order",
        "reasonCode": [{"coding": [{"system": SCT, "code": "109989006"}]}],
        **more,
    }
