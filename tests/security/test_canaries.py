"""Tokens and free text never leave the request they came in: FHA-03, SEC-10, R-51 to R-53, hazards H35 and H36."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cds_service.app import Application
from cds_service.cdshooks.fetching import Reach, _Authorized
from cds_service.cdshooks.seams import NOBODY, FetchRequest
from cds_service.fhirclient.search import Server
from cds_service.settings import Settings
from tests.security.kit import EC, FEEDBACK, ISSUER, LOOPBACK, Reply, Stub, bearer, claims, public, token
from tests.service.conftest import PATIENT_VIEW, ask, hook_call

CANARY = "canary-4471-access-token"
COMMENT = "canary-4471 free text about Mrs Example"


def test_tokens_do_not_show_in_a_repr() -> None:
    request = FetchRequest(
        fhir_server="https://a.example", token=CANARY, queries={"p": "Patient/canary-4471"}, seconds=1.0, caller=NOBODY
    )
    way = Reach(server="https://a.example", token=CANARY, deadline=1.0, caller=NOBODY)
    server = Server(None, None, CANARY, 1.0, 1)  # type: ignore[arg-type]
    found = _Authorized(fhirAuthorization={"access_token": CANARY})
    settings = Settings(sandbox=True, auth="off", feedback_key=CANARY * 2)
    for shown in (request, way, server, found, settings, way.request(queries={"p": "Patient/canary-4471"})):
        assert "canary" not in repr(shown)
        assert "canary" not in str(shown)
    assert "canary" not in settings.model_dump_json()


@pytest.mark.parametrize("status", [200, 401, 500])
def test_nothing_secret_is_logged_answered_or_stored(
    guarded: Callable[..., Application],
    stub: Callable[..., Stub],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    status: int,
) -> None:
    caplog.set_level(logging.DEBUG)
    running = stub(lambda target: Reply(json.dumps({"error": CANARY}).encode(), status))
    app = guarded(
        [{"iss": ISSUER, "jwks": public(EC)}],
        sandbox=True,
        feedback=True,
        fhir_fetch=True,
        fhir_origins=(running.origin,),
        fhir_private_networks=LOOPBACK,
        log_level="debug",
    )
    client = app.test_client()
    tokens: list[str] = []
    answers: list[Any] = []

    def header(path: str, **changes: Any) -> dict[str, str]:
        tokens.append(token(claims(path, **changes)))
        return bearer(tokens[-1])

    call = hook_call()
    del call["prefetch"]["medicationAdministrations"]
    call["fhirServer"] = running.origin + "/r4"
    call["fhirAuthorization"] = {"access_token": CANARY, "token_type": "Bearer", "expires_in": 300, "scope": CANARY}
    answers.append(ask(client, call, **header(PATIENT_VIEW)))
    answers.append(ask(client, call, **header(PATIENT_VIEW, exp=1)))
    answers.append(ask(client, {**call, "prefetch": {}}, **header(PATIENT_VIEW)))
    answers.append(ask(client, {**call, "fhirServer": f"https://{CANARY}.example.org"}, **header(PATIENT_VIEW)))
    said = {"card": "c", "outcome": "overridden", "outcomeTimestamp": "2026-11-21T10:00:00Z"}
    for entry in ({**said, "overrideReason": {"userComment": COMMENT}}, {**said, "outcome": COMMENT}):
        answers.append(client.post(FEEDBACK, json={"feedback": [entry]}, headers=header(FEEDBACK)))
    assert [answer.status_code for answer in answers] == [200, 401, 412, 200, 204, 400]
    assert len(running.seen) > 1
    app.cart_cds.store._database.dispose()  # type: ignore[attr-defined]
    out, err = capfd.readouterr()
    everything = [out, err, caplog.text, client.get("/metrics").text, *(answer.text for answer in answers)]
    everything += [path.read_bytes().decode("latin-1") for path in tmp_path.glob("*.db*")]
    assert len(out.splitlines()) >= len(answers)
    for text in everything:
        assert "canary" not in text.lower()
        for secret in tokens:
            assert not any(part in text for part in secret.split(".")[1:])


def test_what_may_be_logged_of_a_caller_is_logged(
    guarded: Callable[..., Application], capfd: pytest.CaptureFixture[str]
) -> None:
    client = guarded().test_client()
    ask(client, hook_call(), **bearer(token(claims(PATIENT_VIEW, tenant="north"))))
    line = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert (line["issuer"], line["tenant"]) == (ISSUER, "north")
