"""Promises of the safety file that belong to the whole service and to no single room."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from cds_service.cdshooks.calls import read_call
from cds_service.cdshooks.catalogue import offered
from cds_service.cdshooks.fetching import reach
from cds_service.cdshooks.seams import NOBODY
from cds_service.pipeline import Pipeline

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from docs_parts import hooks  # noqa: E402

ADDRESS = "/cds-services/cart-referral-patient-view?asOf=2026-11-21"


@pytest.fixture(scope="module")
def service() -> hooks.Service:
    return hooks.Service(Pipeline())


def answer(service: hooks.Service, request: dict[str, Any]) -> str:
    given = service.client.post(ADDRESS, json=request)
    assert given.status_code == 200
    return json.dumps(given.get_json(), ensure_ascii=False)


def test_who_somebody_is_beyond_age_changes_no_answer(service: hooks.Service) -> None:
    plain = service.request("patient-view", hooks.PICTURED)
    told = json.loads(json.dumps(plain))
    told["prefetch"]["patient"] |= {
        "gender": "other",
        "address": [{"line": ["CANARY street"], "country": "XX", "postalCode": "00000"}],
        "communication": [{"language": {"text": "CANARY language"}}],
        "maritalStatus": {"text": "CANARY"},
        "extension": [
            {
                "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
                "extension": [{"url": "text", "valueString": "CANARY race"}],
            },
            {
                "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity",
                "extension": [{"url": "text", "valueString": "CANARY ethnicity"}],
            },
        ],
    }
    assert answer(service, told) == answer(service, plain)
    assert len(json.loads(answer(service, plain))["cards"]) == 1


def test_no_connection_is_opened_by_default(service: hooks.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []

    def refuse(self: socket.socket, address: object) -> None:
        opened.append(address)
        raise OSError("no connection is expected here")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    request = service.request("patient-view", hooks.PICTURED)
    request["fhirServer"] = "https://fhir.example.org"
    request["fhirAuthorization"] = {
        "access_token": "t0ken",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.read",
        "subject": "cart-cds",
    }
    del request["prefetch"]["medicationAdministrations"]
    answer(service, request)
    assert opened == []


def test_a_token_never_shows_in_a_repr(service: hooks.Service) -> None:
    request = service.request("patient-view", hooks.PICTURED)
    request["fhirServer"] = "https://fhir.example.org"
    request["fhirAuthorization"] = {"access_token": "CANARY-t0ken", "token_type": "Bearer", "expires_in": 300}
    body = json.dumps(request).encode()
    call = read_call(body, offered(("patient-view",))["cart-referral-patient-view"])
    found = reach(call, body, NOBODY, 2.0)
    assert found is not None
    assert found.token == "CANARY-t0ken"
    for value in (found, found.request(queries={"conditions": "Condition?patient=1"}), call.request):
        assert "CANARY" not in repr(value)
