"""Browser clients: COR-01, COR-02, R-47."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.cdshooks.seams import ClosedDoor
from tests.service.conftest import PATIENT_VIEW, hook_call

EHR = "https://ehr.example.org"
PATHS = ["/cds-services", PATIENT_VIEW, PATIENT_VIEW + "/feedback", "/cds-services/"]


@pytest.fixture(scope="module")
def listed(app_for: Callable[..., Any]) -> FlaskClient:
    app = app_for(sandbox=False, auth_off_confirmed="yes", cors_origins=(EHR,), authenticator=ClosedDoor())
    client: FlaskClient = app.test_client()
    return client


def preflight(client: FlaskClient, path: str, origin: str = EHR) -> Any:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    return client.options(path, headers=headers)


@pytest.mark.parametrize("path", PATHS)
def test_cor_01_preflights_need_no_authentication(listed: FlaskClient, path: str) -> None:
    response = preflight(listed, path)
    assert response.status_code == 204
    assert response.headers["Access-Control-Allow-Origin"] == EHR
    assert response.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
    assert response.headers["Access-Control-Allow-Headers"] == "authorization, content-type"
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_cor_02_errors_carry_the_header_too(listed: FlaskClient) -> None:
    for response in (
        listed.post(PATIENT_VIEW, json=hook_call("no-blood-cancer"), headers={"Origin": EHR}),
        listed.get(PATIENT_VIEW, headers={"Origin": EHR}),
        listed.post("/cds-services/none", headers={"Origin": EHR}),
    ):
        assert response.status_code in (401, 404, 405)
        assert response.headers["Access-Control-Allow-Origin"] == EHR
        assert response.headers["Vary"] == "Origin"


def test_another_origin_gets_nothing(listed: FlaskClient) -> None:
    response = preflight(listed, PATIENT_VIEW, "https://evil.example.org")
    assert "Access-Control-Allow-Origin" not in response.headers
    assert response.headers["Vary"] == "Origin"


def test_r_47_off_by_default_outside_the_sandbox(app_for: Callable[..., Any]) -> None:
    client = app_for(sandbox=False, auth_off_confirmed="yes").test_client()
    assert not any(name.startswith("Access-Control") for name, _ in preflight(client, PATIENT_VIEW).headers)


def test_any_origin_in_the_sandbox_but_only_below_cds_services(client: FlaskClient) -> None:
    assert preflight(client, PATIENT_VIEW).headers["Access-Control-Allow-Origin"] == "*"
    for path in ("/about", "/api/assessment", "/rules/us/lbcl", "/metrics", "/cds-services-not"):
        response = client.get(path, headers={"Origin": EHR})
        assert not any(name.startswith("Access-Control") for name, _ in response.headers), path
