"""What we send: GEN-03, GEN-04, RES, CRD, SRC, SUG, ACT, LNK, SYS, SAF-07, R-13, R-58, security headers."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.cdshooks.models import CardsAnswer
from tests.service.conftest import INSTANCE, PATIENT_VIEW, SAMPLES, Json, ask, cards, hook_call, resources

NAMES = sorted(path.stem for path in SAMPLES.glob("*.json"))
LOUD = "dlbcl-third-line"


def empties(value: Any, place: str = "") -> Iterator[str]:
    """Places of null and empty members."""
    if value is None or (isinstance(value, str | list | dict) and not value):
        yield place
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from empties(item, f"{place}.{name}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from empties(item, f"{place}[{number}]")


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_is_answered_to_the_letter(client: FlaskClient, name: str) -> None:
    """RES-01, RES-02, CRD-01 to CRD-08, GEN-03, GEN-04 on every sample patient."""
    response = ask(client, hook_call(name))
    assert response.status_code == 200
    assert response.content_type == "application/json"
    answer = response.get_json()
    CardsAnswer.model_validate(answer)
    assert [place for place in empties(answer) if place != ".cards"] == []
    assert "systemActions" not in answer
    for card in answer["cards"]:
        check_card(card, resources(name))


def check_card(card: Json, found: list[Json]) -> None:
    patient = next(r for r in found if r["resourceType"] == "Patient")["id"]
    assert "\n" not in card["summary"] and len(card["summary"]) <= 139
    assert not re.search(r"<[A-Za-z]|!\[", card["detail"])
    assert re.fullmatch(r"[A-Za-z0-9]{1,100}", card["source"]["topic"]["code"])
    assert card["source"]["url"].startswith("https://cds.example.org/rules/us/")
    assert len(card["source"]["label"]) <= 60
    assert card["source"]["label"].startswith("TEST ONLY")
    assert uuid.UUID(card["uuid"])
    assert len(card["suggestions"]) == 1
    resource = card["suggestions"][0]["actions"][0]["resource"]
    assert (resource["resourceType"], resource["status"], resource["intent"]) == ("ServiceRequest", "draft", "proposal")
    assert resource["subject"]["reference"] == f"Patient/{patient}"
    assert all(patient not in link["url"] for link in card["links"])


def test_res_03_no_advice_is_an_empty_list(client: FlaskClient) -> None:
    response = ask(client, hook_call("no-blood-cancer"))
    assert response.status_code == 200
    assert response.data == b'{"cards":[]}'


def test_saf_07_r_13_the_same_call_gives_the_same_bytes(client: FlaskClient) -> None:
    assert ask(client, hook_call(LOUD)).data == ask(client, hook_call(LOUD)).data


def test_contract_2_6_the_order_of_resources_changes_nothing(client: FlaskClient) -> None:
    call = hook_call(LOUD)
    call["prefetch"] = dict(reversed(call["prefetch"].items()))
    for value in call["prefetch"].values():
        value.get("entry", []).reverse()
    assert ask(client, call).data == ask(client, hook_call(LOUD)).data


def test_crd_02_uuids_follow_the_hook_instance(client: FlaskClient) -> None:
    first = cards(client, hook_call(LOUD))[0]
    name = "cart-referral-patient-view/lbcl"
    assert first["uuid"] == str(uuid.uuid5(uuid.UUID(INSTANCE), name))
    assert first["suggestions"][0]["uuid"] == str(uuid.uuid5(uuid.UUID(INSTANCE), f"{name}/suggestion"))
    other = {**hook_call(LOUD), "hookInstance": "d1577c69-dfbe-11ee-ba6d-3e05e953b2ea"}
    assert cards(client, other)[0]["uuid"] != first["uuid"]


def test_src_04_the_topic_is_the_same_for_other_patients_of_the_disease(client: FlaskClient) -> None:
    topics = {cards(client, hook_call(name))[0]["source"]["topic"]["code"] for name in (LOUD, "dlbcl-early-relapse")}
    assert topics == {"cartUsLbcl"}


def test_the_extension_can_be_switched_off(app_for: Callable[..., Any]) -> None:
    found = cards(app_for(card_extension=False).test_client(), hook_call(LOUD))
    assert found and "extension" not in found[0]


def test_the_extension_is_cut_down_to_the_family_of_the_card(client: FlaskClient) -> None:
    assessment = cards(client, hook_call(LOUD))[0]["extension"]["org.cart-cds.assessment"]
    assert assessment["family"] == "lbcl"
    assert "otherFamilies" not in assessment
    for indication in assessment["indications"]:
        diagnosis = [c["status"] for c in indication["criteria"] if c["id"] == "diagnosis"]
        assert diagnosis != ["not_met"]


def test_the_deceased_and_the_referred_stay_silent(client: FlaskClient) -> None:
    assert cards(client, hook_call("deceased")) == []
    assert cards(client, hook_call("dlbcl-already-referred")) == []


def test_unknown_cards_can_be_switched_off(client: FlaskClient, app_for: Callable[..., Any]) -> None:
    call = hook_call(LOUD)
    del call["prefetch"]["observations"]
    assert "cannot determine" in cards(client, call)[0]["summary"]
    assert cards(app_for(unknown_cards=False).test_client(), call) == []


def test_outside_the_sandbox_no_card_says_test(app_for: Callable[..., Any]) -> None:
    app = app_for(sandbox=False, auth_off_confirmed="yes")
    response = app.test_client().post(PATIENT_VIEW, json=hook_call(LOUD))
    assert response.status_code == 200
    assert "TEST ONLY" not in response.text


def test_a_site_in_europe_answers_with_eu_rules(app_for: Callable[..., Any]) -> None:
    found = cards(app_for(jurisdiction="eu").test_client(), hook_call(LOUD))
    assert found[0]["source"]["topic"]["code"] == "cartEuLbcl"
    assert found[0]["source"]["url"] == "https://cds.example.org/rules/eu/lbcl"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/cds-services"),
        ("POST", PATIENT_VIEW),
        ("GET", "/nowhere"),
        ("GET", PATIENT_VIEW),
        ("GET", "/healthz"),
        ("GET", "/rules/us/lbcl"),
        ("OPTIONS", PATIENT_VIEW),
        ("GET", "/metrics"),
    ],
)
def test_r_58_every_response_carries_version_and_security_headers(client: FlaskClient, method: str, path: str) -> None:
    headers = client.open(path, method=method).headers
    ruleset = client.application.cart_cds.pipeline.rulesets["us"].version  # type: ignore[attr-defined]
    assert headers["X-Cart-Cds-Version"] == f"0.1.0/{ruleset}"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Strict-Transport-Security"]
    assert re.fullmatch(r"[0-9a-f]{32}", headers["X-Request-Id"])
    assert "Server" not in headers or "/" not in headers["Server"]


@pytest.mark.parametrize("host", ["evil.example.org", "bad host\u00a0name", "[::1", "a:b:c"])
def test_nothing_is_taken_from_the_host_header(client: FlaskClient, host: str) -> None:
    plain = ask(client, hook_call(LOUD)).data
    answered = client.post(
        f"{PATIENT_VIEW}?asOf=2026-11-21",
        data=json.dumps(hook_call(LOUD)),
        content_type="application/json",
        environ_overrides={"HTTP_HOST": host},
    )
    assert answered.data == plain
    assert "evil" not in client.get("/rules/us/lbcl", environ_overrides={"HTTP_HOST": host}).text
