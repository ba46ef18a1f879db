"""No patient content in logs, errors or metrics: R-51, R-52, R-53, SEC-10, FHA-03, FBK-11."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cds_service.cdshooks.logs import FIELDS, make_logger
from tests.service.conftest import PATIENT_VIEW, Json, ask, hook_call
from tests.service.test_feedback import OVERRIDDEN

CANARY = "CANARY-7f3a"
KEEP = {"resourceType", "system", "code", "id", "reference", "birthDate", "status", "intent", "type", "mode", "use"}


def marked(value: Any, name: str = "") -> Any:
    """The value with a canary in every text that no rule reads."""
    if isinstance(value, dict):
        found = {key: marked(item, key) for key, item in value.items()}
        if "resourceType" in value and value["resourceType"] != "Bundle":
            found["text"] = {"status": "generated", "div": f"<div>{CANARY}</div>"}
            found["extension"] = [{"url": f"http://x/{CANARY}", "valueString": CANARY}]
        if value.get("resourceType") == "Patient":
            found |= {
                "name": [{"family": CANARY, "given": [CANARY]}],
                "telecom": [{"system": "phone", "value": CANARY}],
                "address": [{"line": [CANARY], "city": CANARY}],
                "identifier": [{"system": "urn:mrn", "value": CANARY}],
            }
        return found
    if isinstance(value, list):
        return [marked(item, name) for item in value]
    if isinstance(value, str) and name not in KEEP and "ate" not in name and "eriod" not in name and name != "start":
        return f"{value} {CANARY}"
    return value


def canary_call(name: str) -> Json:
    call = hook_call(name, encounterId=CANARY)
    call["prefetch"] = {key: marked(value) for key, value in call["prefetch"].items()}
    call["fhirServer"] = f"https://{CANARY}.example.org"
    call["fhirAuthorization"] = {"access_token": CANARY, "token_type": "Bearer", "expires_in": 1, "scope": CANARY}
    call["extension"] = {CANARY: CANARY}
    call[CANARY] = CANARY
    return call


def spoil(call: Json, name: str) -> Json | bytes:
    """The call broken in one way."""
    if name == "fine":
        return call
    if name == "no json":
        return json.dumps(call).encode()[:-5]
    if name == "other patient":
        call["context"]["patientId"] = CANARY
    elif name == "mixed":
        call["prefetch"]["conditions"]["entry"][0]["resource"]["subject"] = {"reference": f"Patient/{CANARY}"}
    elif name == "bad user":
        call["context"]["userId"] = CANARY
    elif name == "bad instance":
        call["hookInstance"] = CANARY
    elif name == "bad hook":
        call["hook"] = CANARY
    elif name == "no conditions":
        del call["prefetch"]["conditions"]
    elif name == "odd resource":
        call["prefetch"]["observations"] = {"resourceType": CANARY, "id": CANARY}
    elif name == "odd element":
        call["prefetch"]["patient"]["birthDate"] = {"x": CANARY}
    return call


CASES = [
    "fine",
    "no json",
    "other patient",
    "mixed",
    "bad user",
    "bad instance",
    "bad hook",
    "no conditions",
    "odd resource",
    "odd element",
]


@pytest.mark.parametrize("name", ["dlbcl-third-line", "myeloma-triple-class", "no-blood-cancer"])
@pytest.mark.parametrize("case", CASES)
def test_r_51_r_52_no_canary_in_logs_errors_or_metrics(
    app_for: Callable[..., Any], capsys: pytest.CaptureFixture[str], name: str, case: str
) -> None:
    if case == "mixed" and name == "no-blood-cancer":
        pytest.skip("this sample has no Condition to mix")
    client = app_for(log_level="debug").test_client()
    body = spoil(canary_call(name), case)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {CANARY}", "User-Agent": CANARY, "Cookie": CANARY, "X-Request-Id": CANARY}
    response = client.post(
        f"{PATIENT_VIEW}?asOf=2026-11-21&x={CANARY}", data=data, content_type="application/json", headers=headers
    )
    out = capsys.readouterr()
    lines = [json.loads(line) for line in out.out.splitlines()]
    assert lines and lines[-1]["event"] == "request"
    assert CANARY not in out.out + out.err
    assert CANARY not in client.get("/metrics").text
    if response.status_code != 200:
        assert CANARY not in response.text


def test_a_log_line_of_a_hook_says_what_r_51_allows(
    app_for: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    ask(app_for().test_client(), hook_call("dlbcl-third-line"))
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(line) <= FIELDS
    assert line["hook"] == "patient-view" and line["cards"] == 1 and line["status"] == 200
    assert line["rules"]["us/yescarta/lbcl-3l"] == "met"
    assert line["resources"]["MedicationAdministration"] == 48
    assert line["ms"] > 0 and line["ruleset"]
    assert "dlbcl-third-line" not in json.dumps(line)


def test_paths_and_queries_are_never_logged(app_for: Callable[..., Any], capsys: pytest.CaptureFixture[str]) -> None:
    client = app_for().test_client()
    client.get(f"/Patient/{CANARY}?name={CANARY}")
    client.open(f"/{CANARY}", method="PROPFIND")
    assert CANARY not in capsys.readouterr().out


def test_fbk_11_feedback_comments_are_never_logged(
    app_for: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    entry = {**OVERRIDDEN, "card": CANARY, "overrideReason": {"reason": {"code": CANARY}, "userComment": CANARY}}
    response = app_for(log_level="debug").test_client().post(f"{PATIENT_VIEW}/feedback", json={"feedback": [entry]})
    assert response.status_code == 204
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line["outcomes"] == {"overridden": 1}
    assert CANARY not in json.dumps(line)


def test_r_52_a_bug_gives_500_without_internals(
    app_for: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        def caller(self, authorization: str | None, path: str) -> Any:
            raise RuntimeError(f"{CANARY} {authorization}")

    response = ask(app_for(authenticator=Broken()).test_client(), hook_call(), Authorization=CANARY)
    assert response.status_code == 500
    assert response.get_json()["resourceType"] == "OperationOutcome"
    assert "Traceback" not in response.text and CANARY not in response.text
    out = capsys.readouterr()
    line = json.loads(out.out.splitlines()[-1])
    assert (line["level"], line["error_type"]) == ("error", "RuntimeError")
    assert line["where"].startswith("cds_service.")
    assert CANARY not in out.out + out.err


def test_a_field_that_nobody_listed_cannot_slip_into_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    make_logger("info").info("request", status=200, patient=CANARY, body={"name": CANARY})
    assert CANARY not in capsys.readouterr().out


def test_a_quiet_level_logs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    make_logger("error").info("request", status=200)
    assert capsys.readouterr().out == ""
