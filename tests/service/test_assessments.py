"""``POST /api/assessment``: contract section 3."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.service.conftest import hook_call, resources, sample
from tests.service.test_requests import refused

PATH = "/api/assessment?asOf=2026-11-21&jurisdiction=us"
NAME = "dlbcl-third-line"


def post(client: FlaskClient, body: Any, path: str = PATH, kind: str = "application/fhir+json") -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(path, data=data, content_type=kind)


def test_every_container_gives_the_same_assessment(client: FlaskClient) -> None:
    found = resources(NAME)
    bundle = post(client, sample(NAME))
    assert bundle.status_code == 200
    lines = b"\n".join(json.dumps(resource).encode() for resource in found)
    parameters = {
        "resourceType": "Parameters",
        "parameter": [{"name": "record", "resource": resource} for resource in found],
    }
    for body, kind in (
        (found, "application/json"),
        (lines, "application/x-ndjson"),
        (lines, "application/fhir+ndjson"),
        (parameters, "application/fhir+json"),
        (hook_call(NAME), "application/json"),
    ):
        again = post(client, body, kind=kind)
        assert again.status_code == 200, again.text
        assert again.get_json()["indications"] == bundle.get_json()["indications"]


def test_the_assessment_has_every_member_also_without_a_value(client: FlaskClient) -> None:
    found = post(client, sample("no-blood-cancer")).get_json()
    assert found["schema"] == "cart-cds.assessment/1"
    assert found["family"] is None and found["diagnoses"] == []
    assert len(found["indications"]) == 18
    assert {i["status"] for i in found["indications"]} == {"not_met"}
    assert len(found["flags"]) == 31


def test_jurisdiction_chooses_rules_and_the_version_header(client: FlaskClient) -> None:
    found = post(client, sample(NAME), "/api/assessment?asOf=2026-11-21&jurisdiction=eu")
    assert found.get_json()["ruleset"]["jurisdiction"] == "eu"
    assert len(found.get_json()["indications"]) == 15


def test_as_of_chooses_the_labels_of_that_day(client: FlaskClient) -> None:
    found = post(client, sample(NAME), "/api/assessment?asOf=2018-01-01").get_json()
    assert found["asOf"] == "2018-01-01"
    assert 0 < len(found["indications"]) < 18


@pytest.mark.parametrize(
    "query", ["asOf=x", "asOf=2026-13-01", "asOf=", "asOf=20261121", "jurisdiction=uk", "jurisdiction="]
)
def test_a_bad_parameter_is_400(client: FlaskClient, query: str) -> None:
    refused(post(client, sample(NAME), f"/api/assessment?{query}"), 400, query.partition("=")[0])


@pytest.mark.parametrize("body", [b"", b"{", b"nonsense", b"{}", b"[]", b"5", b'"x"', b'{"a": 1}', b'{"a": "\xff"}'])
def test_no_json_and_no_fhir_are_400(client: FlaskClient, body: bytes) -> None:
    refused(post(client, body), 400)


def test_mixed_and_nobody_are_422(client: FlaskClient) -> None:
    mixed = [*resources(NAME), {"resourceType": "Patient", "id": "other"}]
    refused(post(client, mixed), 422)
    refused(post(client, {"resourceType": "Condition", "id": "c"}), 422)


def test_media_types(client: FlaskClient) -> None:
    refused(post(client, sample(NAME), kind="text/plain"), 415)
    refused(client.get("/api/assessment"), 405)
