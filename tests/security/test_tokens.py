"""Who may call: SEC-01 to SEC-11, R-40. Every bad token is a bare 401."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import RSAKey

from cds_service.app import Application
from cds_service.errors import SettingsError
from tests.counting import calls
from tests.security.kit import (
    BASE,
    EC,
    FEEDBACK,
    ISSUER,
    OTHER,
    OTHERS,
    RSA,
    SMALL,
    STRANGER,
    bearer,
    claims,
    public,
    token,
    write_clients,
)
from tests.service.conftest import ORDER_SIGN, PATIENT_VIEW, Json, ask, hook_call


def now() -> int:
    """The current second: asked when a token is made, for a test may run minutes after the file was read."""
    return int(time.time())


OVERRIDE: Json = {"card": "c1", "outcome": "overridden", "outcomeTimestamp": "2026-11-21T10:05:31Z"}


def encoded(value: Any) -> str:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def unsigned(header: Any, said: Any = None) -> str:
    return f"{encoded(header)}.{encoded(claims() if said is None else said)}.{encoded(b'signature')}"


def repeated(member: str, *, header: bool = False) -> str:
    """A token with a good signature whose header or claims hold one more member, written first and to the letter."""
    parts = [json.dumps({"alg": "ES384", "typ": "JWT", "kid": EC.kid}), json.dumps(claims())]
    place = 0 if header else 1
    parts[place] = "{" + member + ", " + parts[place][1:]
    signed = ".".join(encoded(part.encode()) for part in parts)
    signature = jws.JWSRegistry(algorithms=["ES384"]).get_alg("ES384").sign(signed.encode(), EC)
    return f"{signed}.{encoded(signature)}"


def by_secret(secret: bytes, alg: str = "HS256") -> str:
    """Signed with a symmetric algorithm, the public key as its secret."""
    signed = f"{encoded({'alg': alg, 'typ': 'JWT', 'kid': EC.kid})}.{encoded(claims())}"
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def altered(good: str, part: int) -> str:
    parts = good.split(".")
    parts[part] = parts[part][:10] + ("A" if parts[part][10] != "A" else "B") + parts[part][11:]
    return ".".join(parts)


BAD: dict[str, Callable[[], str]] = {
    "no token at all after the scheme": lambda: "Bearer ",
    "another scheme": lambda: "Basic " + token(),
    "only the token": token,
    "a token and more": lambda: f"Bearer {token()} more",
    "two tokens joined as duplicate headers are": lambda: f"Bearer {token()},Bearer {token()}",
    "two parts": lambda: "Bearer " + ".".join(token().split(".")[:2]),
    "four parts": lambda: f"Bearer {token()}.x",
    "five parts like an encrypted token": lambda: "Bearer a.b.c.d.e",
    "many dots": lambda: "Bearer " + "." * 4000,
    "an oversize token": lambda: f"Bearer {token(claims(note='x' * 9000))}",
    "a header that is not base64": lambda: "Bearer !!!.e30.e30",
    "a header of an impossible length": lambda: "Bearer aaaaa." + ".".join(token().split(".")[1:]),
    "a header that is not JSON": lambda: f"Bearer {encoded(b'nope')}.{encoded(claims())}.AAAA",
    "a header that is a list": lambda: "Bearer " + unsigned(["ES384"]),
    "a header that is not UTF-8": lambda: f"Bearer {encoded(bytes([255, 254]))}.{encoded(claims())}.AAAA",
    "a header nested too deeply": lambda: f"Bearer {encoded(b'[' * 3000)}.{encoded(claims())}.AAAA",
    "letters beyond ASCII": lambda: "Bearer tökèn.e30.e30",
    "claims that are a list": lambda: "Bearer " + unsigned({"alg": "ES384", "typ": "JWT", "kid": EC.kid}, [1]),
    "no signature": lambda: "Bearer " + ".".join([*token().split(".")[:2], ""]),
    "an altered signature": lambda: "Bearer " + altered(token(), 2),
    "altered claims": lambda: "Bearer " + altered(token(), 1),
    "algorithm none": lambda: "Bearer " + unsigned({"alg": "none", "typ": "JWT", "kid": EC.kid}),
    "algorithm NONE with an empty signature": lambda: (
        "Bearer " + ".".join([encoded({"alg": "NONE", "typ": "JWT", "kid": EC.kid}), encoded(claims()), ""])
    ),
    "HS256 with the public key as PEM": lambda: "Bearer " + by_secret(EC.as_pem(private=False)),
    "HS256 with the public key as JWK": lambda: "Bearer " + by_secret(json.dumps(EC.as_dict(private=False)).encode()),
    "HS384 with the RSA key as PEM": lambda: "Bearer " + by_secret(RSA.as_pem(private=False), "HS384"),
    "an algorithm the client was not given": lambda: "Bearer " + token(key=RSA, alg="RS256"),
    "ES256 by a known key where only ES384 is allowed": lambda: "Bearer " + token(key=SMALL, alg="ES256"),
    "ES384 said, signed by RSA": lambda: "Bearer " + unsigned({"alg": "ES384", "typ": "JWT", "kid": RSA.kid}),
    "RS384 with the name of the EC key": lambda: "Bearer " + token(key=RSA, kid=EC.kid),
    "an algorithm that is a number": lambda: "Bearer " + unsigned({"alg": 384, "typ": "JWT", "kid": EC.kid}),
    "no algorithm": lambda: "Bearer " + unsigned({"typ": "JWT", "kid": EC.kid}),
    "a stranger's key under a known name": lambda: "Bearer " + token(key=STRANGER),
    "a stranger's key brought along": lambda: "Bearer " + token(key=STRANGER, jwk=STRANGER.as_dict(private=False)),
    "a stranger's key at a foreign jku": lambda: "Bearer " + token(key=STRANGER, jku="https://evil.example.org/jwks"),
    "an unknown kid": lambda: "Bearer " + token(kid="nobody"),
    "a kid that is a path": lambda: "Bearer " + token(kid="../../dev/null"),
    "a kid that is SQL": lambda: "Bearer " + token(kid="' OR 1=1 --"),
    "a kid that is a number": lambda: "Bearer " + unsigned({"alg": "ES384", "typ": "JWT", "kid": 7}),
    "no kid": lambda: "Bearer " + token(kid=None),
    "an empty kid": lambda: "Bearer " + token(kid=""),
    "no typ": lambda: "Bearer " + token(typ=None),
    "another typ": lambda: "Bearer " + token(typ="at+jwt"),
    "a critical extension": lambda: "Bearer " + unsigned({"alg": "ES384", "typ": "JWT", "kid": EC.kid, "crit": ["x"]}),
    "two algorithms": lambda: "Bearer " + repeated('"alg": "none"', header=True),
    "two kids": lambda: "Bearer " + repeated('"kid": "nobody"', header=True),
    "two issuers": lambda: "Bearer " + repeated('"iss": "https://evil.example.org"'),
    "two audiences": lambda: "Bearer " + repeated('"aud": "https://cds.example.com"'),
    "two ends": lambda: "Bearer " + repeated('"exp": 9999999999'),
    "two values inside an extension": lambda: "Bearer " + repeated('"x": {"y": 1, "y": 2}'),
    "no issuer": lambda: "Bearer " + token(claims(iss=None)),
    "an unknown issuer": lambda: "Bearer " + token(claims(iss="https://evil.example.org")),
    "an issuer with a slash too many": lambda: "Bearer " + token(claims(iss=ISSUER + "/")),
    "an issuer that is a list": lambda: "Bearer " + token(claims(iss=[ISSUER])),
    "another issuer's good key": lambda: "Bearer " + token(key=OTHERS),
    "a good key for another issuer": lambda: "Bearer " + token(claims(iss=OTHER, tenant="north")),
    "no audience": lambda: "Bearer " + token(claims(aud=None)),
    "the audience of another service": lambda: "Bearer " + token(claims(ORDER_SIGN + "/feedback")),
    "the service instead of its feedback": lambda: "Bearer " + token(claims(PATIENT_VIEW)),
    "the audience of another host": lambda: "Bearer " + token(claims(aud="https://cds.example.com" + FEEDBACK)),
    "only the base URL": lambda: "Bearer " + token(claims(aud=BASE)),
    "an audience that goes on": lambda: "Bearer " + token(claims(aud=BASE + FEEDBACK + "/more")),
    "an audience with a slash before its host": lambda: (
        "Bearer " + token(claims(aud=BASE.replace("//", "///") + FEEDBACK))
    ),
    "an audience in another case": lambda: "Bearer " + token(claims(aud=(BASE + FEEDBACK).upper())),
    "an empty list of audiences": lambda: "Bearer " + token(claims(aud=[])),
    "an audience that is an object": lambda: "Bearer " + token(claims(aud={"url": BASE + FEEDBACK})),
    "an extra audience of another client": lambda: "Bearer " + token(claims(aud="typed-by-hand")),
    "no end": lambda: "Bearer " + token(claims(exp=None)),
    "an end two minutes ago": lambda: "Bearer " + token(claims(iat=now() - 400, exp=now() - 120)),
    "an end that is text": lambda: "Bearer " + token(claims(exp=str(now() + 300))),
    "an end that is true": lambda: "Bearer " + token(claims(exp=True)),
    "an end beyond numbers": lambda: "Bearer " + token(claims(exp=10**400)),
    "no beginning": lambda: "Bearer " + token(claims(iat=None)),
    "issued in two minutes": lambda: "Bearer " + token(claims(iat=now() + 120, exp=now() + 400)),
    "issued after its end": lambda: "Bearer " + token(claims(iat=now() + 20, exp=now() + 10)),
    "a life of two hours": lambda: "Bearer " + token(claims(iat=now(), exp=now() + 7200)),
    "a life of years": lambda: "Bearer " + token(claims(iat=0, exp=now() + 300)),
    "not valid before two minutes from now": lambda: "Bearer " + token(claims(nbf=now() + 120)),
    "a beginning that is text": lambda: "Bearer " + token(claims(nbf="now")),
    "no jti": lambda: "Bearer " + token(claims(jti=None)),
    "an empty jti": lambda: "Bearer " + token(claims(jti="")),
    "a jti that is a number": lambda: "Bearer " + token(claims(jti=5)),
    "an endless jti": lambda: "Bearer " + token(claims(jti="j" * 2000)),
    "a tenant that is not text": lambda: "Bearer " + token(claims(tenant=["north"])),
    "a tenant with a line break": lambda: "Bearer " + token(claims(tenant="north\nsouth")),
    "a tenant not on the list": lambda: "Bearer " + token(claims(iss=OTHER, tenant="south"), OTHERS),
    "no tenant where there is a list": lambda: "Bearer " + token(claims(iss=OTHER), OTHERS),
}


@pytest.fixture(scope="module")
def client(app_for: Callable[..., Application], tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    folder = tmp_path_factory.mktemp("tokens")
    app = app_for(
        sandbox=False,
        auth="jwt",
        public_url=BASE,
        clients=write_clients(folder),
        database_url=f"sqlite:///{folder / 'used.db'}",
    )
    yield app.test_client()


def send(client: FlaskClient, authorization: str | None) -> Any:
    headers = {} if authorization is None else {"Authorization": authorization}
    return client.post(FEEDBACK, json={"feedback": [OVERRIDE]}, headers=headers)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_is_a_bare_401(client: FlaskClient, name: str) -> None:
    response = send(client, BAD[name]())
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    issue = {"severity": "error", "code": "login", "diagnostics": "authentication failed"}
    assert response.get_json() == {"resourceType": "OperationOutcome", "issue": [issue]}


def test_the_matrix_is_as_large_as_promised() -> None:
    assert len(BAD) >= 40


def test_no_header_is_401(client: FlaskClient) -> None:
    assert send(client, None).status_code == 401


def test_no_bad_token_is_much_more_work_than_a_good_one(client: FlaskClient) -> None:
    def work(authorization: str) -> int:
        return calls(lambda: send(client, authorization))

    work("Bearer " + token())
    good = work("Bearer " + token())
    for name, make in BAD.items():
        assert work(make()) < 3 * good, name


GOOD: dict[str, Callable[[], str]] = {
    "ES384": lambda: "Bearer " + token(),
    "RS384": lambda: "Bearer " + token(key=RSA),
    "the scheme in lower case": lambda: "bearer " + token(),
    "a list of audiences": lambda: "Bearer " + token(claims(aud=["x", BASE + FEEDBACK])),
    "a slash at the end of the audience": lambda: "Bearer " + token(claims(aud=BASE + FEEDBACK + "/")),
    "one member more": lambda: "Bearer " + repeated('"x": {"y": 1}'),
    "typ in lower case": lambda: "Bearer " + token(typ="jwt"),
    "Epic's sub and nbf": lambda: "Bearer " + token(claims(sub="app", nbf=now() - 300, exp=now() + 600), RSA),
    "Epic's jku while keys are given": lambda: "Bearer " + token(key=RSA, jku="https://ehr.example.org/jwks"),
    "a clock twenty seconds ahead": lambda: "Bearer " + token(claims(iat=now() + 20, exp=now() + 320)),
    "an end ten seconds ago": lambda: "Bearer " + token(claims(iat=now() - 300, exp=now() - 10)),
    "a life of one hour": lambda: "Bearer " + token(claims(iat=now(), exp=now() + 3600)),
    "a jti that is no UUID": lambda: "Bearer " + token(claims(jti=f"n° {time.time_ns()}")),
    "times with fractions": lambda: "Bearer " + token(claims(iat=time.time(), exp=time.time() + 60.5)),
    "an extra audience and a tenant": lambda: (
        "Bearer " + token(claims(iss=OTHER, aud="typed-by-hand", tenant="north"), OTHERS)
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_token_is_let_in_once(client: FlaskClient, name: str) -> None:
    header = GOOD[name]()
    assert send(client, header).status_code == 204
    assert send(client, header).status_code == 401


@pytest.mark.parametrize("path", [PATIENT_VIEW.replace("/cds-services/", "/cds-services//"), PATIENT_VIEW + "/"])
def test_an_address_typed_with_a_slash_at_its_end_is_authenticated(client: FlaskClient, path: str) -> None:
    """A client that appends "/" and the id of the service to what was typed names in ``aud`` what it called."""
    assert ask(client, hook_call(), path, **bearer(token(claims(path)))).status_code == 200
    feedback = f"{path}/feedback"
    answer = client.post(feedback, json={"feedback": [OVERRIDE]}, headers=bearer(token(claims(feedback))))
    assert answer.status_code == 204


def test_one_jti_of_two_issuers_is_two_tokens(client: FlaskClient) -> None:
    jti = f"shared-{time.time_ns()}"
    assert send(client, "Bearer " + token(claims(jti=jti))).status_code == 204
    other = claims(iss=OTHER, tenant="north", jti=jti)
    assert send(client, "Bearer " + token(other, OTHERS)).status_code == 204


def test_a_hook_call_with_a_token_gets_its_card(client: FlaskClient) -> None:
    response = ask(client, hook_call(), **bearer(token(claims(PATIENT_VIEW))))
    assert response.status_code == 200
    assert response.get_json()["cards"]


def test_the_checks_come_in_the_order_of_the_contract(client: FlaskClient) -> None:
    assert client.post(FEEDBACK, data="x", content_type="text/plain").status_code == 415
    assert client.post(FEEDBACK, data="not json", content_type="application/json").status_code == 401
    assert client.get("/cds-services").status_code == 200
    assert client.options(FEEDBACK).status_code == 204


def test_dis_13_discovery_asks_for_a_token_when_switched_on(guarded: Callable[..., Application]) -> None:
    client = guarded(discovery_auth=True).test_client()
    assert client.get("/cds-services").status_code == 401
    assert client.get("/cds-services", headers=bearer(token(claims("/cds-services")))).status_code == 200


def test_the_audience_never_comes_from_the_host_header(client: FlaskClient) -> None:
    headers = {**bearer(token(claims(aud="https://evil.example.org" + FEEDBACK))), "Host": "evil.example.org"}
    assert client.post(FEEDBACK, json={"feedback": [OVERRIDE]}, headers=headers).status_code == 401


def test_a_shorter_list_of_algorithms_is_kept_to(guarded: Callable[..., Application]) -> None:
    client = guarded([{"iss": ISSUER, "jwks": public(EC, RSA), "algorithms": ["ES384"]}]).test_client()
    assert send(client, "Bearer " + token(key=RSA)).status_code == 401
    assert send(client, "Bearer " + token()).status_code == 204


def test_other_algorithms_work_where_a_site_lists_them(guarded: Callable[..., Application]) -> None:
    algorithms = ["ES256", "RS256", "PS256"]
    client = guarded([{"iss": ISSUER, "jwks": public(SMALL, RSA), "algorithms": algorithms}]).test_client()
    for key, algorithm in ((SMALL, "ES256"), (RSA, "RS256"), (RSA, "PS256")):
        assert send(client, "Bearer " + token(key=key, alg=algorithm)).status_code == 204


def test_a_key_that_names_its_algorithm_is_used_for_no_other(guarded: Callable[..., Application]) -> None:
    bound = {**RSA.as_dict(private=False), "alg": "RS256"}
    client = guarded([{"iss": ISSUER, "jwks": {"keys": [bound]}, "algorithms": ["RS256", "RS384"]}]).test_client()
    assert send(client, "Bearer " + token(key=RSA)).status_code == 401
    assert send(client, "Bearer " + token(key=RSA, alg="RS256")).status_code == 204


SYMMETRIC = {"kty": "oct", "kid": "s", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}


def short_key() -> Json:
    with pytest.warns(SecurityWarning):
        return RSAKey.generate_key(1024, {"kid": "short"}).as_dict(private=False)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (short_key, "shorter than 2048"),
        (lambda: SYMMETRIC, "symmetric"),
        (lambda: {**EC.as_dict(private=False), "kid": ""}, "kid"),
        (lambda: {**EC.as_dict(private=False), "x": "AAAA"}, "cannot be read"),
        (lambda: "key", "not an object"),
        (lambda: {**EC.as_dict(private=False), "use": "enc"}, "no key for signatures"),
    ],
)
@pytest.mark.filterwarnings("ignore:Key size should:joserfc.errors.SecurityWarning")
def test_a_key_that_cannot_be_trusted_stops_the_start_and_is_not_shown(
    guarded: Callable[..., Application], key: Callable[[], Any], words: str
) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        guarded([{"iss": ISSUER, "jwks": {"keys": [key()]}}])
    assert EC.as_dict(private=False)["y"] not in str(caught.value)
    assert SYMMETRIC["k"] not in str(caught.value)


@pytest.mark.parametrize(
    "entry",
    [
        {"jku": "http://ehr.example.org/jwks"},
        {"jwks": public(EC), "fhirOrigins": ["http://fhir.example.org"]},
        {"jwks": public(EC), "fhirOrigins": ["https://fhir.example.org/path"]},
        {"jwks": public(EC), "fhirOrigins": ["*"]},
        {"jwks": public(EC), "tenants": []},
        {"jku": "https://user:pw@ehr.example.org/jwks"},
        {"jku": "file:///etc/passwd"},
    ],
)
def test_what_a_client_may_not_be_given_in_production(guarded: Callable[..., Application], entry: Json) -> None:
    with pytest.raises(SettingsError, match="CART_CDS_CLIENTS: client 0"):
        guarded([{"iss": ISSUER, **entry}])
