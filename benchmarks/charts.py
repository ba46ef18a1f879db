"""Charts of any size, as the patient-view request an EHR would send: mostly vital signs and laboratory values, some
diagnoses, drugs and procedures; with or without a blood cancer. Made by
arithmetic, so every run measures the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import orjson

Resource = dict[str, Any]
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC = "http://loinc.org"
FIRST = date(2025, 1, 20)
R_CHOP = (("rituximab", "121191"), ("cyclophosphamide", "3002"), ("doxorubicin", "3639"), ("vincristine", "11202"))
R_GEMOX = (("rituximab", "121191"), ("gemcitabine", "12574"), ("oxaliplatin", "32592"))
PATIENT = "bench"
PATIENT_VIEW = "cart-referral-patient-view"
SUBJECT = {"reference": f"Patient/{PATIENT}"}


def request(resources: int, blood_cancer: bool) -> bytes:
    """The body of a patient-view request whose prefetch holds that many resources beside the Patient."""
    by_type: dict[str, list[Resource]] = {}
    found = list(_lymphoma()) if blood_cancer else []
    filler = _filler()
    while len(found) < resources:
        found.append(next(filler))
    for resource in found[:resources]:
        by_type.setdefault(resource["resourceType"], []).append(resource)
    prefetch: dict[str, Any] = {"patient": patient()}
    for kind in ("Condition", "Procedure", "MedicationRequest", "MedicationAdministration", "Observation"):
        entries = [{"resource": r, "search": {"mode": "match"}} for r in by_type.get(kind, ())]
        prefetch[kind] = {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}
    for kind in ("MedicationStatement", "MedicationDispense", "Immunization", "ServiceRequest"):
        prefetch[kind] = {"resourceType": "Bundle", "type": "searchset", "total": 0, "entry": []}
    return orjson.dumps(
        {
            "hook": "patient-view",
            "hookInstance": "6f2c6e5e-3f7d-4c9c-9d6a-1d2b3c4d5e6f",
            "context": {"userId": "Practitioner/bench", "patientId": PATIENT},
            "prefetch": prefetch,
        }
    )


def patient() -> Resource:
    return {"resourceType": "Patient", "id": PATIENT, "birthDate": "1959-03-14", "gender": "female"}


def coding(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def narrative(name: str, status: str, day: str, value: str) -> Resource:
    """The words that servers write into every resource; with them a resource of the filler has about 1 kB."""
    cells = (("Name", name), ("Status", status), ("Date", day), ("Value", value))
    rows = "".join(f"<tr><th>{head}</th><td>{cell}</td></tr>" for head, cell in cells)
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><table>{rows}</table></div>'}


def _lymphoma() -> Iterator[Resource]:
    """DLBCL that progressed after R-CHOP and again after R-GemOx: 45 resources."""
    yield {
        "resourceType": "Condition",
        "id": "lymphoma",
        "subject": SUBJECT,
        "clinicalStatus": coding("http://terminology.hl7.org/CodeSystem/condition-clinical", "active", "Active"),
        "code": coding(SNOMED, "109969005", "Diffuse large B-cell lymphoma"),
        "onsetDateTime": "2025-01-07",
    }
    for number, (day, code) in enumerate(
        (("2025-06-10", "103337004"), ("2026-02-03", "271299001"), ("2026-10-06", "271299001"))
    ):
        yield {
            "resourceType": "Observation",
            "id": f"status-{number}",
            "status": "final",
            "subject": SUBJECT,
            "code": coding(LOINC, "97509-4", "Cancer disease status"),
            "effectiveDateTime": day,
            "valueCodeableConcept": coding(SNOMED, code, "disease status"),
        }
    for name, regimen, first, cycles, every in (
        ("chop", R_CHOP, FIRST, 6, 21),
        ("gemox", R_GEMOX, date(2026, 2, 16), 6, 14),
    ):
        for cycle in range(cycles):
            for drug, code in regimen:
                yield {
                    "resourceType": "MedicationAdministration",
                    "id": f"{name}-{cycle}-{drug}",
                    "status": "completed",
                    "subject": SUBJECT,
                    "medicationCodeableConcept": coding(RXNORM, code, drug),
                    "effectiveDateTime": (first + timedelta(cycle * every)).isoformat(),
                }


def _filler() -> Iterator[Resource]:
    number = 0
    while True:
        day = (date(2010, 1, 4) + timedelta(number * 3 % 5800)).isoformat()
        yield _observation(number, day)
        number += 1
        if number % 8 == 0:
            yield _condition(number, day)
        if number % 9 == 0:
            yield _request(number, day)
        if number % 11 == 0:
            yield _procedure(number, day)


def _observation(number: int, day: str) -> Resource:
    return {
        "resourceType": "Observation",
        "id": f"o{number}",
        "meta": {"versionId": "1", "lastUpdated": f"{day}T08:30:00Z", "profile": ["http://example.org/vital-signs"]},
        "status": "final",
        "category": [
            coding("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs", "Vital signs")
        ],
        "code": coding(LOINC, "8867-4", "Heart rate"),
        "subject": SUBJECT,
        "encounter": {"reference": f"Encounter/e{number}"},
        "effectiveDateTime": f"{day}T08:30:00-05:00",
        "issued": f"{day}T08:31:00.000-05:00",
        "performer": [{"reference": "Practitioner/pr1", "display": "A clinician"}],
        "valueQuantity": {
            "value": 60 + number % 40,
            "unit": "/min",
            "system": "http://unitsofmeasure.org",
            "code": "/min",
        },
        "text": narrative("Heart rate", "final", day, f"{60 + number % 40} /min"),
    }


def _condition(number: int, day: str) -> Resource:
    return {
        "resourceType": "Condition",
        "id": f"c{number}",
        "clinicalStatus": coding("http://terminology.hl7.org/CodeSystem/condition-clinical", "resolved", "Resolved"),
        "verificationStatus": coding(
            "http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed", "Confirmed"
        ),
        "code": coding(SNOMED, "444814009", "Viral sinusitis (disorder)"),
        "subject": SUBJECT,
        "onsetDateTime": day,
        "recordedDate": day,
        "text": narrative("Viral sinusitis (disorder)", "resolved", day, "confirmed"),
    }


def _request(number: int, day: str) -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "id": f"m{number}",
        "status": "completed",
        "intent": "order",
        "medicationCodeableConcept": coding(RXNORM, "313782", "Acetaminophen 325 MG Oral Tablet"),
        "subject": SUBJECT,
        "authoredOn": day,
        "dosageInstruction": [{"sequence": 1, "text": "as needed", "asNeededBoolean": True}],
        "text": narrative("Acetaminophen 325 MG Oral Tablet", "completed", day, "as needed"),
    }


def _procedure(number: int, day: str) -> Resource:
    return {
        "resourceType": "Procedure",
        "id": f"p{number}",
        "status": "completed",
        "code": coding(SNOMED, "430193006", "Medication Reconciliation (procedure)"),
        "subject": SUBJECT,
        "performedPeriod": {"start": day, "end": day},
        "text": narrative("Medication Reconciliation (procedure)", "completed", day, "one day"),
    }
