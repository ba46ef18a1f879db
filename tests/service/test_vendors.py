"""The shapes of real clients (conformance section 8): the same patient says the same whoever sends it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.service.conftest import (
    ORDER_SELECT,
    SAMPLES,
    Json,
    ask,
    cards,
    draft,
    hook_call,
    orders,
)

BASE = "https://ehr.example.org/api/FHIR/R4/"
OIDS = {
    "http://snomed.info/sct": "urn:oid:2.16.840.1.113883.6.96",
    "http://hl7.org/fhir/sid/icd-10-cm": "urn:oid:2.16.840.1.113883.6.90",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "urn:oid:2.16.840.1.113883.6.88",
}
EPIC_MESSAGES = "urn:oid:1.2.840.114350.1.13.5325.1.7.2.657369"
NOTHING_FOUND: Json = {
    "severity": "warning",
    "code": "processing",
    "details": {"coding": [{"system": EPIC_MESSAGES, "code": "4101"}], "text": "Nothing found."},
}
STANDING_NOTICE: Json = {
    "severity": "warning",
    "code": "processing",
    "details": {"coding": [{"system": EPIC_MESSAGES, "code": "4119"}], "text": "As far as the user may see it."},
}
NAMES = sorted(path.stem for path in SAMPLES.glob("*.json"))


def respelled(value: Any) -> Any:
    """References absolute, code systems as OIDs."""
    if isinstance(value, list):
        return [respelled(item) for item in value]
    if not isinstance(value, dict):
        return value
    changed = {}
    for key, inner in value.items():
        if key == "reference" and isinstance(inner, str) and not inner.startswith(("#", "http")):
            changed[key] = BASE + inner
        elif key == "system" and isinstance(inner, str):
            changed[key] = OIDS.get(inner, inner)
        else:
            changed[key] = respelled(inner)
    return changed


def as_epic_sends_it(call: Json) -> Json:
    """The call with Epic's habits."""
    prefetch = respelled(call["prefetch"])
    for value in prefetch.values():
        if value["resourceType"] != "Bundle":
            continue
        matches = value.get("entry", [])
        for entry in matches:
            entry["fullUrl"] = BASE + f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        messages = [STANDING_NOTICE] if matches else [NOTHING_FOUND, STANDING_NOTICE]
        outcome = {"resourceType": "OperationOutcome", "issue": messages}
        fresh = "urn:uuid:6a8e4a5e-dfbe-11ee-ba6d-3e05e953b2ea"
        value["entry"] = [*matches, {"fullUrl": fresh, "search": {"mode": "outcome"}, "resource": outcome}]
    for entry in prefetch["medicationRequests"]["entry"][:-1]:
        entry["resource"]["category"] = {"text": "Outpatient"}
    scope = "PATIENT.READ (R4) CONDITION.SEARCH [Problems] (R4)"
    return {
        **call,
        "hookInstance": "d1577c69-dfbe-11ee-ba6d-3e05e953b2ea",
        "context": {**call["context"], "userId": "PractitionerRole/ePR.1", "encounterId": "eEnc-1"},
        "prefetch": {f"{key}-user": value for key, value in prefetch.items()},
        "fhirServer": BASE.rstrip("/"),
        "fhirAuthorization": {"access_token": "t0k3n", "token_type": "bearer", "expires_in": 3600, "scope": scope},
        "extension": {
            "com.epic.cdshooks.request.bpa-trigger-action": "60",
            "com.epic.cdshooks.request.cds-hooks-specification-version": "1.1",
            "internal": {"a": [1, None]},
        },
    }


def said(found: list[Json]) -> list[Any]:
    """What cards say: text and conclusions, without ids that follow the hook instance."""
    assessments = [card["extension"]["org.cart-cds.assessment"] for card in found]
    return [
        (card["summary"], card["indicator"], card["detail"], a["facts"], a["indications"], a["flags"])
        for card, a in zip(found, assessments, strict=True)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_epic_gets_the_same_cards(client: FlaskClient, name: str) -> None:
    assert said(cards(client, as_epic_sends_it(hook_call(name)))) == said(cards(client, hook_call(name)))


@pytest.mark.parametrize("name", ["dlbcl-third-line", "myeloma-triple-class", "richter"])
def test_saf_07_any_order_of_keys_and_entries_gives_the_same_bytes(client: FlaskClient, name: str) -> None:
    call = hook_call(name)
    items = list(call["prefetch"].items())
    random.Random(1).shuffle(items)
    for _, value in items:
        random.Random(2).shuffle(value.get("entry", []))
    assert ask(client, {**call, "prefetch": dict(items)}).data == ask(client, hook_call(name)).data


@pytest.mark.parametrize("severity", ["error", "warning"])
def test_oracle_an_outcome_beside_matches_makes_the_list_incomplete(client: FlaskClient, severity: str) -> None:
    call = hook_call()
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "processing"}]}
    call["prefetch"]["medicationAdministrations"]["entry"].append({"resource": outcome, "search": {"mode": "outcome"}})
    (card,) = cards(client, call)
    assert card["extension"]["org.cart-cds.assessment"]["coverage"]["truncated"] is True


def test_the_sandbox_client_sends_a_first_order_without_any_drug(client: FlaskClient) -> None:
    empty = draft("x", patient="dlbcl-third-line")
    del empty["medicationCodeableConcept"]
    selected = ["MedicationRequest/draft-1"]
    call = hook_call("dlbcl-third-line", "order-select", selections=selected, draftOrders=orders(empty))
    assert cards(client, call, ORDER_SELECT) == []


@pytest.mark.parametrize("extra", ["Medication", "ServiceRequest", "NutritionOrder", "DeviceRequest", "Unheard"])
def test_drafts_of_other_types_do_not_disturb(client: FlaskClient, extra: str) -> None:
    other = {"resourceType": extra, "id": "o", "subject": {"reference": "Patient/dlbcl-third-line"}}
    if extra == "Medication":
        del other["subject"]
    drafts = orders(other, draft("12574", patient="dlbcl-third-line"))
    for selected in ("MedicationRequest/draft-1", BASE + "MedicationRequest/draft-1"):
        call = hook_call("dlbcl-third-line", "order-select", selections=[selected], draftOrders=drafts)
        assert cards(client, call, ORDER_SELECT)
