"""Missing prefetch fetched from the client's FHIR server: FHA-01 to FHA-05, PRE-01 to PRE-10, R-41, R-42, R-53."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cds_service.app import Application
from tests.security.kit import LOOPBACK, Json, Reply, Stub
from tests.service.conftest import KEYS, ask, hook_call, prefetch_of, resources, searchset

CANARY = "canary-access-token-7f3a"
SAMPLE = "dlbcl-third-line"


class FhirServer:
    """Answers reads and searches by type from a list of resources, as pages of ``size`` when set."""

    def __init__(self, found: list[Json], size: int = 0) -> None:
        self.found = found
        self.size = size
        self.special: dict[str, Reply] = {}
        self.origin = ""

    def __call__(self, target: str) -> Reply:
        parts = urlsplit(target)
        path = parts.path.removeprefix("/r4/")
        if path in self.special:
            return self.special[path]
        kind, _, one = path.partition("/")
        if one:
            match = [r for r in self.found if (r["resourceType"], r["id"]) == (kind, one)]
            return reply(match[0]) if match else Reply(status=404)
        of_kind = [r for r in self.found if r["resourceType"] == kind]
        if not self.size:
            return reply(searchset(of_kind))
        page = int(parse_qs(parts.query).get("page", ["0"])[0])
        bundle = searchset(of_kind[page * self.size : (page + 1) * self.size])
        bundle["total"] = len(of_kind)
        if (page + 1) * self.size < len(of_kind):
            bundle["link"] = [{"relation": "next", "url": f"{self.origin}/r4/{kind}?page={page + 1}"}]
        return reply(bundle)


def reply(resource: Json, **more: Any) -> Reply:
    return Reply(json.dumps(resource).encode(), headers={"Content-Type": "application/fhir+json"}, **more)


@pytest.fixture
def fhir(stub: Callable[..., Stub]) -> Callable[..., tuple[FhirServer, Stub]]:
    def make(found: list[Json], size: int = 0) -> tuple[FhirServer, Stub]:
        server = FhirServer(found, size)
        running = stub(server)
        server.origin = running.origin
        return server, running

    return make


@pytest.fixture
def fetching(app_for: Callable[..., Application]) -> Callable[..., Application]:
    def make(origin: str, **settings: Any) -> Application:
        chosen = {"fhir_fetch": True, "fhir_origins": (origin,), "fhir_private_networks": LOOPBACK, **settings}
        return app_for(**chosen)

    return make


def without_prefetch(origin: str, *, name: str = SAMPLE, keep: tuple[str, ...] = (), **authorization: Any) -> Json:
    call = hook_call(name)
    call["prefetch"] = {key: value for key, value in call["prefetch"].items() if key in keep}
    call["fhirServer"] = f"{origin}/r4"
    call["fhirAuthorization"] = {
        "access_token": CANARY,
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "user/Condition.read",
        "subject": "cart-cds",
        **authorization,
    }
    return call


def card_of(app: Application, call: Json) -> Json:
    response = ask(app.test_client(), call)
    assert response.status_code == 200, response.text
    (card,) = response.get_json()["cards"]
    return dict(card)


EVERY_KEY = ("patient", *KEYS.values())


@pytest.mark.parametrize(
    "keep",
    [(), EVERY_KEY, ("patient",), ("patient", "conditions"), EVERY_KEY[:5], EVERY_KEY[5:], EVERY_KEY[::2]],
)
def test_pre_04_the_same_card_from_prefetch_from_the_server_and_from_any_split(
    fhir: Callable[..., tuple[FhirServer, Stub]], fetching: Callable[..., Application], keep: tuple[str, ...]
) -> None:
    found = resources(SAMPLE)
    _, running = fhir(found)
    app = fetching(running.origin)
    wanted = card_of(app, {**hook_call(SAMPLE), "prefetch": prefetch_of(found)})
    assert card_of(app, without_prefetch(running.origin, keep=keep)) == wanted
    asked = {urlsplit(target).path.removeprefix("/r4/").partition("/")[0] for target in running.targets}
    sent = {kind for kind, key in [("Patient", "patient"), *KEYS.items()] if key in keep}
    assert asked == {"Patient", *KEYS} - sent


def test_fha_02_fha_05_every_call_has_the_token_and_asks_for_fhir_json(
    fhir: Callable[..., tuple[FhirServer, Stub]], fetching: Callable[..., Application]
) -> None:
    _, running = fhir(resources(SAMPLE))
    app = fetching(running.origin)
    card_of(app, without_prefetch(running.origin))
    assert len(running.seen) == len(EVERY_KEY)
    for target, headers in running.seen:
        assert headers["authorization"] == f"Bearer {CANARY}"
        assert headers["accept"] == "application/fhir+json"
        assert target.startswith("/r4/")
    queries = {t.query.partition("?")[2].replace("{{context.patientId}}", SAMPLE) for t in app.cart_cds.templates}
    assert {target.partition("?")[2] for target in running.targets} == queries


def test_pages_are_followed(fhir: Callable[..., tuple[FhirServer, Stub]], fetching: Callable[..., Application]) -> None:
    found = resources(SAMPLE)
    whole, paged = fhir(found)[1], fhir(found, size=3)[1]
    wanted = card_of(fetching(whole.origin), without_prefetch(whole.origin))
    assert card_of(fetching(paged.origin), without_prefetch(paged.origin)) == wanted
    assert any("page=2" in target for target in paged.targets)


def test_pre_09_the_pages_after_a_prefetched_one_are_followed(
    fhir: Callable[..., tuple[FhirServer, Stub]], fetching: Callable[..., Application]
) -> None:
    found = resources(SAMPLE)
    _, running = fhir(found, size=3)
    app = fetching(running.origin)
    call = without_prefetch(running.origin, keep=EVERY_KEY)
    wanted = card_of(app, call)
    given = call["prefetch"]["medicationAdministrations"]
    given["entry"] = given["entry"][:3]
    given["link"] = [{"relation": "next", "url": f"{running.origin}/r4/MedicationAdministration?page=1"}]
    assert card_of(app, call) == wanted
    given["link"][0]["url"] = "https://evil.example.org/r4/MedicationAdministration?page=1"
    assert "cannot determine" in card_of(app, call)["summary"] or card_of(app, call) != wanted
    assert all("evil" not in target for target in running.targets)


@pytest.mark.parametrize(
    "following",
    [
        "https://evil.example.org/r4/MedicationAdministration?page=1",
        "http://169.254.169.254/latest/meta-data",
        "{origin}/admin?page=1",
        "{origin}/r4/../admin?page=1",
        "{origin}@evil.example.org/r4/x",
        "//evil.example.org/r4/x",
        "file:///etc/passwd",
        "{origin}/r4/MedicationAdministration?patient=" + SAMPLE + "&_count=1000",
    ],
)
def test_a_next_link_that_leads_away_or_round_leaves_its_list_incomplete_and_no_other(
    fhir: Callable[..., tuple[FhirServer, Stub]],
    fetching: Callable[..., Application],
    stub: Callable[..., Stub],
    following: str,
) -> None:
    server, running = fhir(resources(SAMPLE))
    bundle = searchset([])
    bundle["link"] = [{"relation": "next", "url": following.replace("{origin}", running.origin)}]
    server.special["MedicationAdministration"] = reply(bundle)
    card = card_of(fetching(running.origin), without_prefetch(running.origin))
    assert card["extension"]["org.cart-cds.assessment"]["coverage"]["truncated"] is True
    assert "missing or cut off: MedicationAdministration." in card["detail"]
    assert "cannot determine" in card["summary"]
    assert sum(target.startswith("/r4/MedicationAdministration") for target in running.targets) == 1
    assert not any("admin?" in target for target in running.targets)


@pytest.mark.parametrize(
    "broken",
    [
        Reply(status=401),
        Reply(status=403),
        Reply(status=404),
        Reply(status=500),
        Reply(status=302, headers={"Location": "/r4/Condition"}),
        Reply(b"<html>"),
        Reply(b""),
        Reply(b"[" * 200_000),
        reply({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}),
        reply(
            {
                "resourceType": "Bundle",
                "type": "searchset",
                "entry": [{"resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "fatal"}]}}],
            }
        ),
    ],
)
def test_a_failed_list_is_unknown_never_absent(
    fhir: Callable[..., tuple[FhirServer, Stub]], fetching: Callable[..., Application], broken: Reply
) -> None:
    server, running = fhir(resources(SAMPLE))
    server.special["MedicationAdministration"] = broken
    app = fetching(running.origin)
    card = card_of(app, without_prefetch(running.origin))
    assert "cannot determine" in card["summary"]
    assert "MedicationAdministration" in json.dumps(card) or "administrations" in card["detail"]
    for required in ("Patient/" + SAMPLE, "Condition"):
        server.special = {required: broken}
        assert ask(app.test_client(), without_prefetch(running.origin)).status_code == 412


def test_a_slow_server_is_not_waited_for_beyond_the_deadline(
    fhir: Callable[..., tuple[FhirServer, Stub]], fetching: Callable[..., Application]
) -> None:
    server, running = fhir(resources(SAMPLE))
    answered = threading.Event()
    server.special["MedicationAdministration"] = reply(searchset([]), hold=answered)
    app = fetching(running.origin, fhir_seconds=0.8)
    card = card_of(app, without_prefetch(running.origin))
    assert running.busy == 1
    answered.set()
    assert "cannot determine" in card["summary"]


def test_queries_run_at_the_same_time(
    fhir: Callable[..., tuple[FhirServer, Stub]], fetching: Callable[..., Application]
) -> None:
    found = resources(SAMPLE)
    server, running = fhir(found)
    for kind in KEYS:
        server.special[kind] = reply(searchset([r for r in found if r["resourceType"] == kind]), wait=0.25)
    app = fetching(running.origin)
    card_of(app, without_prefetch(running.origin))
    assert running.most > 1


def test_answers_over_the_size_limit_are_not_taken(
    fhir: Callable[..., tuple[FhirServer, Stub]], fetching: Callable[..., Application]
) -> None:
    server, running = fhir(resources(SAMPLE))
    server.special["MedicationAdministration"] = Reply(b" " * 3_000_000)
    card = card_of(fetching(running.origin, max_body_mb=1.0), without_prefetch(running.origin))
    assert "cannot determine" in card["summary"]


@pytest.mark.parametrize(
    "authorization",
    [
        {"patient": "somebody-else"},
        {"token_type": "mac"},
        {"expires_in": 0},
        {"expires_in": -5},
        {"expires_in": "soon"},
        {"access_token": ""},
        {"access_token": "two words"},
        {"access_token": "line\r\nbreak: x"},
        {"access_token": 7},
        {"access_token": None},
    ],
)
def test_a_token_that_may_not_be_used_is_not_used(
    fhir: Callable[..., tuple[FhirServer, Stub]], fetching: Callable[..., Application], authorization: Json
) -> None:
    _, running = fhir(resources(SAMPLE))
    ask(fetching(running.origin).test_client(), without_prefetch(running.origin, **authorization))
    assert all("authorization" not in headers for _, headers in running.seen)


def test_without_a_token_production_calls_nobody(
    fhir: Callable[..., tuple[FhirServer, Stub]], fetching: Callable[..., Application]
) -> None:
    _, running = fhir(resources(SAMPLE))
    call = without_prefetch(running.origin)
    del call["fhirAuthorization"]
    assert card_of(fetching(running.origin), call)
    running.seen.clear()
    production = fetching(running.origin, sandbox=False, auth_off_confirmed="yes")
    assert ask(production.test_client(), call).status_code == 412
    assert ask(production.test_client(), without_prefetch(running.origin)).status_code == 412
    assert running.seen == []


def test_r_42_nothing_is_called_by_default(
    fhir: Callable[..., tuple[FhirServer, Stub]], app_for: Callable[..., Application]
) -> None:
    _, running = fhir(resources(SAMPLE))
    app = app_for(fhir_origins=(running.origin,), fhir_private_networks=LOOPBACK)
    assert ask(app.test_client(), without_prefetch(running.origin)).status_code == 412
    assert running.seen == []


def test_servers_that_are_not_listed_or_stand_inside_are_not_called(
    fhir: Callable[..., tuple[FhirServer, Stub]], fetching: Callable[..., Application]
) -> None:
    _, running = fhir(resources(SAMPLE))
    elsewhere = fetching("https://fhir.example.org")
    unlisted_network = fetching(running.origin, fhir_private_networks=())
    for app in (elsewhere, unlisted_network):
        assert ask(app.test_client(), without_prefetch(running.origin)).status_code == 412
    listed = fetching(running.origin)
    for server in (
        running.origin + "@evil.example.org/r4",
        f"http://localhost:{running.port}/r4",
        f"http://2130706433:{running.port}/r4",
        f"http://[::ffff:127.0.0.1]:{running.port}/r4",
        running.origin + "/r4?x=1",
        running.origin + "/r4#x",
        "",
        "nonsense",
    ):
        call = {**without_prefetch(running.origin), "fhirServer": server}
        assert ask(listed.test_client(), call).status_code == 412
    assert running.seen == []


def test_a_clients_own_origins_replace_the_list(
    fhir: Callable[..., tuple[FhirServer, Stub]], guarded: Callable[..., Application]
) -> None:
    from tests.security.kit import EC, ISSUER, bearer, claims, public, token
    from tests.service.conftest import PATIENT_VIEW

    _, running = fhir(resources(SAMPLE))
    general = {"sandbox": True, "fhir_fetch": True, "fhir_private_networks": LOOPBACK}
    for own, listed, status in (
        ([running.origin], (), 200),
        ([], (running.origin,), 412),
        (["https://fhir.example.org"], (running.origin,), 412),
    ):
        app = guarded([{"iss": ISSUER, "jwks": public(EC), "fhirOrigins": own}], fhir_origins=listed, **general)
        header = bearer(token(claims(PATIENT_VIEW)))
        assert ask(app.test_client(), without_prefetch(running.origin), **header).status_code == status


def test_pre_03_what_the_client_could_not_fetch_is_not_asked_again(
    fhir: Callable[..., tuple[FhirServer, Stub]], fetching: Callable[..., Application]
) -> None:
    _, running = fhir(resources(SAMPLE))
    call = without_prefetch(running.origin, keep=EVERY_KEY)
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    call["prefetch"]["medicationAdministrations"] = failed
    call["prefetch"]["procedures"] = None
    assert "cannot determine" in card_of(fetching(running.origin), call)["summary"]
    assert running.seen == []


def test_medications_that_orders_refer_to_are_fetched_one_by_one(
    fhir: Callable[..., tuple[FhirServer, Stub]], fetching: Callable[..., Application]
) -> None:
    found = resources(SAMPLE)
    drugs: list[Json] = []
    for resource in found:
        concept = resource.pop("medicationCodeableConcept", None)
        if concept is not None:
            name = "drug-" + concept["coding"][0]["code"]
            if name not in {drug["id"] for drug in drugs}:
                drugs.append({"resourceType": "Medication", "id": name, "code": concept})
            resource["medicationReference"] = {"reference": f"Medication/{name}"}
    assert drugs
    _, running = fhir(found + drugs)
    app = fetching(running.origin)
    call = {**without_prefetch(running.origin), "prefetch": prefetch_of(found)}
    card = card_of(app, call)
    assert "Suggest CAR-T referral review" in card["summary"]
    assert sorted(running.targets) == sorted(f"/r4/Medication/{drug['id']}" for drug in drugs)
    running.seen.clear()
    call["fhirServer"] = "https://fhir.example.org/r4"
    assert "cannot determine" in card_of(app, call)["summary"]


def test_a_chart_without_blood_cancer_costs_no_reads_of_medications(
    fhir: Callable[..., tuple[FhirServer, Stub]], fetching: Callable[..., Application]
) -> None:
    found = [r for r in resources(SAMPLE) if r["resourceType"] == "Patient"]
    reference = {"reference": "Medication/m1"}
    order = {"resourceType": "MedicationRequest", "id": "r1", "status": "active", "medicationReference": reference}
    _, running = fhir(found)
    call = {**without_prefetch(running.origin), "prefetch": prefetch_of([*found, order])}
    assert ask(fetching(running.origin).test_client(), call).get_json() == {"cards": []}
    assert running.seen == []


@pytest.mark.parametrize("patient", ["..", ".", "a"])
def test_a_patient_id_cannot_climb_out_of_the_base(
    fhir: Callable[..., tuple[FhirServer, Stub]], fetching: Callable[..., Application], patient: str
) -> None:
    _, running = fhir(resources(SAMPLE))
    call = without_prefetch(running.origin)
    call["context"]["patientId"] = patient
    assert ask(fetching(running.origin).test_client(), call).status_code in (400, 412)
    assert all(target.startswith("/r4/") for target in running.targets)
