"""Examples of the OpenAPI document: a call, its answer, feedback, a record. A test sends each of them."""

from __future__ import annotations

from typing import Any

import orjson

INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1960-05-01"}
CONDITION = {
    "resourceType": "Condition",
    "id": "c1",
    "subject": {"reference": "Patient/p1"},
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "38341003", "display": "Hypertensive disorder"}]},
}
DRAFT = {
    "resourceType": "MedicationRequest",
    "id": "draft-1",
    "status": "draft",
    "intent": "order",
    "subject": {"reference": "Patient/p1"},
    "medicationCodeableConcept": {"text": "bendamustine"},
}
MEMBERS: dict[str, Any] = {
    "selections": ["MedicationRequest/draft-1"],
    "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": DRAFT}]},
    "conditions": {"resourceType": "Bundle", "entry": [{"resource": CONDITION}]},
    "encounterId": "e1",
}
"""What a hook may demand in ``context`` beside userId and patientId."""
SILENCE: dict[str, Any] = {"cards": []}
RECORD: dict[str, Any] = {"resourceType": "Bundle", "entry": [{"resource": PATIENT}, {"resource": CONDITION}]}
LINES = "\n".join(orjson.dumps(resource).decode() for resource in (PATIENT, CONDITION))
FEEDBACK: dict[str, Any] = {
    "feedback": [
        {
            "card": "4e0a3a1e-4914-4782-8600-ad295d20f4b0",
            "outcome": "accepted",
            "acceptedSuggestions": [{"id": "774c7680-9a9e-4f6b-8e8a-9c9b9b3d1f0a"}],
            "outcomeTimestamp": "2026-11-21T10:00:00Z",
        },
        {
            "card": "4e0a3a1e-4914-4782-8600-ad295d20f4b0",
            "outcome": "overridden",
            "outcomeTimestamp": "2026-11-21T10:05:00Z",
            "overrideReason": {
                "reason": {
                    "system": "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes",
                    "code": "action-completed",
                }
            },
        },
    ]
}
NAMES = {"jurisdiction": "us", "family": "lbcl", "product": "yescarta", "indication": "lbcl-3l"}
"""Names of a rule that is shipped, for the paths of rule pages."""


def call(hook: str, required: tuple[str, ...]) -> dict[str, Any]:
    """A call of a hook, for a patient about whom there is nothing to say."""
    context = {"userId": "Practitioner/1", "patientId": "p1", **{name: MEMBERS[name] for name in required}}
    conditions = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": CONDITION}]}
    return {
        "hook": hook,
        "hookInstance": INSTANCE,
        "context": context,
        "prefetch": {"patient": PATIENT, "conditions": conditions},
    }
