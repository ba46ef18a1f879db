"""Keys by URL: SEC-09, R-40. A real key server that counts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest
from joserfc.jwk import ECKey

from cds_service.app import Application
from cds_service.outbound.transport import guarded_client
from cds_service.security.key_sources import AGAIN_SECONDS, FRESH_SECONDS, STALE_SECONDS, FetchedKeys, KeysUnreachable
from tests.security.kit import EC, FEEDBACK, ISSUER, LOOPBACK, STRANGER, Reply, Stub, bearer, claims, public, token

NEXT = ECKey.generate_key("P-384", {"kid": "next"})
OVERRIDE = {"card": "c1", "outcome": "overridden", "outcomeTimestamp": "2026-11-21T10:05:31Z"}


def jwks(*keys: Any) -> Reply:
    return Reply(json.dumps(public(*keys)).encode())


def status(app: Application, text: str) -> int:
    return app.test_client().post(FEEDBACK, json={"feedback": [OVERRIDE]}, headers=bearer(text)).status_code


@pytest.fixture
def served(guarded: Callable[..., Application]) -> Callable[..., Application]:
    """An application of the sandbox whose client has its keys at a URL on loopback, which is listed."""

    def make(jku: str, **more: Any) -> Application:
        chosen = {"sandbox": True, "fhir_private_networks": LOOPBACK, **more}
        return guarded([{"iss": ISSUER, "jku": jku}], **chosen)

    return make


def test_keys_are_fetched_once_and_kept(stub: Callable[..., Stub], served: Callable[..., Application]) -> None:
    server = stub(lambda target: jwks(EC))
    app = served(server.origin + "/jwks")
    assert [status(app, token()) for _ in range(5)] == [204] * 5
    assert [status(app, token(jku=server.origin + "/jwks")) for _ in range(2)] == [204] * 2
    assert server.targets == ["/jwks"]
    assert "authorization" not in server.seen[0][1]


def test_a_new_key_is_looked_up_at_once_and_the_old_one_goes(
    stub: Callable[..., Stub], served: Callable[..., Application]
) -> None:
    keys = [EC]
    server = stub(lambda target: jwks(*keys))
    app = served(server.origin + "/jwks")
    assert status(app, token()) == 204
    keys[:] = [NEXT]
    assert status(app, token(key=NEXT)) == 204
    assert status(app, token()) == 401
    assert len(server.seen) == 2


def test_made_up_key_ids_do_not_turn_us_against_the_key_server(
    stub: Callable[..., Stub], served: Callable[..., Application]
) -> None:
    server = stub(lambda target: jwks(EC))
    app = served(server.origin + "/jwks")
    assert {status(app, token(key=STRANGER, kid=f"made-up-{n}")) for n in range(30)} == {401}
    assert len(server.seen) == 2
    assert status(app, token()) == 204


def test_a_foreign_jku_is_never_called(stub: Callable[..., Stub], served: Callable[..., Application]) -> None:
    ours, evil = stub(lambda target: jwks(EC)), stub(lambda target: jwks(STRANGER))
    app = served(ours.origin + "/jwks")
    for url in (evil.origin + "/jwks", ours.origin + "/jwks/", ours.origin + "/jwks?x", ours.origin + "/JWKS"):
        assert status(app, token(key=STRANGER, jku=url)) == 401
        assert status(app, token(jku=url)) == 401
    assert evil.seen == []


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=302, headers={"Location": "/real"}),
        Reply(status=500),
        Reply(b"not json"),
        Reply(b"[]"),
        Reply(b'{"keys": []}'),
        Reply(b'{"keys": [{"kty": "oct", "kid": "ec/+=1", "k": "c2VjcmV0"}]}'),
        Reply(b" " * 300_000 + b'{"keys": []}'),
        Reply(b"[" * 100_000),
    ],
)
def test_a_key_server_that_gives_no_keys_is_a_bare_401_told_in_the_log_and_not_asked_again_at_once(
    stub: Callable[..., Stub],
    served: Callable[..., Application],
    reply: Reply,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = stub(lambda target: reply if target == "/jwks" else jwks(EC))
    app = served(server.origin + "/jwks")
    ask = app.test_client().post
    refused = [
        ask(FEEDBACK, json={"feedback": [OVERRIDE]}, headers=bearer(text))
        for text in (token(), token(claims(iss="https://nobody.example.org")))
    ]
    assert [response.status_code for response in refused] == [401, 401]
    assert refused[0].text == refused[1].text
    assert status(app, token()) == 401
    assert server.targets == ["/jwks"]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = [line["issuer"] for line in lines if line["event"] == "the keys of a client cannot be fetched"]
    assert told == [ISSUER, ISSUER]


def test_a_key_url_that_leads_inside_is_not_called(
    stub: Callable[..., Stub], served: Callable[..., Application]
) -> None:
    server = stub(lambda target: jwks(EC))
    app = served(server.origin + "/jwks", fhir_private_networks=())
    assert status(app, token()) == 401
    assert server.seen == []


def test_keys_that_are_no_signature_keys_are_passed_over(
    stub: Callable[..., Stub], served: Callable[..., Application]
) -> None:
    odd = [7, {"kty": "oct", "kid": "a", "k": "AA"}, {"kty": "EC"}, {**NEXT.as_dict(private=False), "use": "enc"}]
    body = json.dumps({"keys": [*odd, EC.as_dict(private=False)]}).encode()
    app = served(stub(lambda target: Reply(body)).origin + "/jwks")
    assert status(app, token()) == 204
    assert status(app, token(key=NEXT)) == 401


def test_keys_outlive_a_failing_key_server_for_a_day(stub: Callable[..., Stub]) -> None:
    replies = [jwks(EC)]
    server = stub(lambda target: replies[0])
    now = [0.0]
    client = guarded_client((ip_network(LOOPBACK[0]),))
    keys = FetchedKeys(server.origin + "/jwks", lambda: client, lambda: now[0])
    kid = str(EC.kid)
    assert keys.find(kid, None)
    replies[0] = Reply(status=500)
    now[0] = FRESH_SECONDS + 1
    assert keys.find(kid, None)
    assert keys.find(kid, None)
    assert len(server.seen) == 2
    now[0] += AGAIN_SECONDS
    assert keys.find(kid, None)
    assert len(server.seen) == 3
    now[0] = STALE_SECONDS + 1
    with pytest.raises(KeysUnreachable):
        keys.find(kid, None)
    replies[0] = jwks(EC)
    now[0] += AGAIN_SECONDS
    assert keys.find(kid, None)


def test_a_slow_key_server_does_not_hold_up_a_call_for_long(
    stub: Callable[..., Stub], served: Callable[..., Application], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cds_service.security.key_sources.FETCH_SECONDS", 0.3)
    answered = threading.Event()
    server = stub(lambda target: Reply(b"{}", hold=answered))
    app = served(server.origin + "/jwks")
    assert status(app, token(claims())) == 401
    assert server.busy == 1
    answered.set()
