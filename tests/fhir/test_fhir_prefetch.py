"""What each key of a prefetch held, told by resource type (PRE-01 to PRE-15, decision 47)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fhir_kit import PATIENT, bundle, resource

from cds_service.fhir.decode import decode_hook
from cds_service.fhir.prefetched import Key, State, prefetch_states

CONDITION = resource("Condition", "c1")
MEDICATION = {"resource": {"resourceType": "Medication", "id": "m"}, "search": {"mode": "include"}}


def outcome(severity: str = "error") -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity}]}


def searchset(*resources: Any, **more: Any) -> dict[str, Any]:
    return bundle(*resources, type="searchset") | more


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, Key(State.NULL)),
        (PATIENT, Key(State.HELD, frozenset({"Patient"}))),
        (outcome("information"), Key(State.FAILED)),
        (searchset(), Key(State.EMPTY)),
        ({"resourceType": "Bundle", "total": 0}, Key(State.EMPTY)),
        (searchset(outcome("warning"), total=0), Key(State.EMPTY)),
        (searchset(outcome("error"), total=0), Key(State.FAILED)),
        (searchset(CONDITION), Key(State.HELD, frozenset({"Condition"}))),
        (searchset(CONDITION, outcome("error")), Key(State.HELD, frozenset({"Condition"}), cut=True)),
        (searchset(CONDITION, total=9), Key(State.HELD, frozenset({"Condition"}), cut=True)),
        (searchset(CONDITION, link=[{"relation": "next"}]), Key(State.HELD, frozenset({"Condition"}), cut=True)),
        (searchset(entry=[MEDICATION, {"resource": CONDITION}]), Key(State.HELD, frozenset({"Condition"}))),
        (bundle(searchset(CONDITION)), Key(State.HELD, frozenset({"Condition"}))),
        ([CONDITION], Key(State.HELD, frozenset({"Condition"}))),
        ({"response": {"status": "200"}, "resource": CONDITION}, Key(State.HELD, frozenset({"Condition"}))),
        ({"response": {"status": "404"}, "resource": None}, Key(State.NULL)),
        ("Condition?patient={{context.patientId}}", Key(State.UNREAD)),
        ({"some": "object"}, Key(State.UNREAD)),
        (5, Key(State.UNREAD)),
    ],
    ids=lambda value: json.dumps(value)[:50] if not isinstance(value, Key) else value.state.value,
)
def test_the_state_of_a_key(value: Any, expected: Key) -> None:
    request = {"hook": "patient-view", "context": {"patientId": "p1"}, "prefetch": {"anything": value}}
    decoded = decode_hook(json.dumps(request).encode())
    assert decoded.hook is not None
    assert prefetch_states(decoded.hook) == {"anything": expected}


def test_a_key_that_was_not_sent_has_no_state() -> None:
    decoded = decode_hook(b'{"hook":"patient-view"}')
    assert decoded.hook is not None
    assert prefetch_states(decoded.hook) == {}
