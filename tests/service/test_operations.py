"""Operations: /healthz, /readyz, /metrics, /about, /openapi.json, rule pages; R-57, decision 45."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from flask.testing import FlaskClient

from cds_service.cdshooks.metrics import Metrics
from cds_service.cdshooks.models import Health, Readiness
from cds_service.cdshooks.operations import readiness
from cds_service.pipeline import Pipeline
from tests.service.conftest import PATIENT_VIEW, Json, ask, hook_call, orders
from tests.service.test_feedback import ACCEPTED
from tests.service.test_requests import refused

TODAY = date(2026, 11, 21)


class Loaded:
    """A pipeline with changed rulesets, for readiness only."""

    def __init__(self, rulesets: Json) -> None:
        self.rulesets = rulesets


def test_r_57_alive_and_ready_differ(client: FlaskClient) -> None:
    alive, ready = client.get("/healthz"), client.get("/readyz")
    assert alive.status_code == ready.status_code == 200
    Health.model_validate(alive.get_json())
    Readiness.model_validate(ready.get_json())


def test_decision_45_ready_while_rules_are_fresh(pipeline: Pipeline) -> None:
    status, body = readiness(pipeline, Metrics(), TODAY)
    assert (status, body["status"]) == (200, "ok")
    assert set(body["rulesets"]) == {"us", "eu"}


def test_decision_45_a_stale_rule_is_degraded_and_still_200(pipeline: Pipeline) -> None:
    us = pipeline.rulesets["us"]
    first = us.in_force(TODAY)[0]
    stale = dataclasses.replace(first, product=dataclasses.replace(first.product, expires=date(2026, 11, 20)))
    changed: Any = Loaded({"us": dataclasses.replace(us, indications=(stale,))})
    status, body = readiness(changed, Metrics(), TODAY)
    assert (status, body["status"]) == (200, "degraded")
    assert first.id in body["reasons"][0]
    Readiness.model_validate(body)


def test_decision_45_no_rules_is_503(pipeline: Pipeline) -> None:
    empty: Any = Loaded({"us": dataclasses.replace(pipeline.rulesets["us"], indications=())})
    status, body = readiness(empty, Metrics(), TODAY)
    assert (status, body["status"]) == (503, "not ready")
    Readiness.model_validate(body)


def test_evaluators_that_differ_are_degraded(pipeline: Pipeline) -> None:
    metrics = Metrics()
    metrics.disagreements.inc(2)
    status, body = readiness(pipeline, metrics, TODAY)
    assert (status, body["status"]) == (200, "degraded")
    assert "2" in body["reasons"][-1]


def test_metrics_count_requests_cards_silence_and_feedback(app_for: Callable[..., Any]) -> None:
    client = app_for().test_client()
    ask(client, hook_call("dlbcl-third-line"))
    ask(client, hook_call("no-blood-cancer"))
    cut_off = hook_call("no-blood-cancer")
    cut_off["prefetch"]["conditions"]["link"] = [{"relation": "next", "url": "https://x"}]
    ask(client, cut_off)
    client.post(f"{PATIENT_VIEW}/feedback", json={"feedback": [ACCEPTED]})
    client.get("/some/patient/name")
    text = client.get("/metrics").text
    service = "cart-referral-patient-view"
    assert f'cart_cds_requests_total{{method="POST",route="{PATIENT_VIEW}",status="200"}} 3.0' in text
    assert f'cart_cds_cards_total{{indicator="info",service="{service}"}} 1.0' in text
    assert f'cart_cds_silent_total{{service="{service}",why="no_diagnosis"}} 1.0' in text
    assert f'cart_cds_silent_total{{service="{service}",why="no_diagnosis_list_cut_off"}} 1.0' in text
    assert f'cart_cds_feedback_total{{outcome="accepted",service="{service}"}} 1.0' in text
    assert 'route="unmatched"' in text and "patient/name" not in text


def test_metrics_and_readiness_survive_the_loss_of_their_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, client: FlaskClient
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "taken-by-a-cleaner"))
    assert client.get("/metrics").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_about_names_version_rules_and_intended_use(client: FlaskClient, pipeline: Pipeline) -> None:
    about = client.get("/about").get_json()
    assert about["intendedUse"] == pipeline.wording.intended_use
    listed = {i["id"] for ruleset in about["rulesets"] for i in ruleset["indications"]}
    assert len(listed) == 33


def test_openapi_describes_every_route(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    assert document["openapi"].startswith("3.1")
    described = {
        (re.sub(r"\{", "<", path).replace("}", ">"), method.upper())
        for path, item in document["paths"].items()
        for method in item
    }
    served = {
        (rule.rule, method)
        for rule in client.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule in ("/", "/openapi.json")
        or not (rule.endpoint.startswith("sandbox.") or "." in rule.rule.rpartition("/")[2])
    }
    assert described == served


def test_openapi_examples_are_valid_and_answered_as_they_say(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    posts = 0
    for path, item in document["paths"].items():
        names = {p["name"]: p["example"] for o in item.values() for p in o.get("parameters", []) if "example" in p}
        address = path.format(**names)
        if "get" in item:
            assert client.get(address).status_code == 200, address
            continue
        described = item["post"]
        for kind, content in described["requestBody"]["content"].items():
            schema(document, content["schema"]).validate(content["example"])
            example = content["example"]
            body = example if isinstance(example, str) else json.dumps(example)
            answer = client.post(address, data=body, content_type=kind)
            assert answer.status_code in (200, 204), answer.text
            promised = described["responses"][str(answer.status_code)].get("content", {}).get("application/json", {})
            if "example" in promised:
                assert answer.get_json() == promised["example"]
            posts += 1
    assert posts >= 13


def schema(document: Json, found: Json) -> Any:
    return jsonschema.Draft202012Validator({**found, "components": document["components"]})


def test_openapi_and_parser_agree_on_requests(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    path = document["paths"][PATIENT_VIEW]["post"]
    body = path["requestBody"]["content"]["application/json"]["schema"]
    good = hook_call("no-blood-cancer")
    assert schema(document, body).is_valid(good)
    for change in ({"hook": "order-sign"}, {"hookInstance": "abc"}, {"context": {}}, {"context": 5}, {"hook": 1}):
        bad = {**good, **change}
        assert not schema(document, body).is_valid(bad), change
        assert ask(client, bad).status_code == 400
    signing = document["paths"]["/cds-services/cart-referral-order-sign"]["post"]
    body = signing["requestBody"]["content"]["application/json"]["schema"]
    assert schema(document, body).is_valid(hook_call("no-blood-cancer", "order-sign", draftOrders=orders()))
    assert not schema(document, body).is_valid(hook_call("no-blood-cancer", "order-sign"))


def test_openapi_and_parser_agree_on_feedback(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    path = f"{PATIENT_VIEW}/feedback"
    body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    overridden = {"card": "c", "outcome": "overridden", "outcomeTimestamp": "2026-11-21T10:00:00Z"}
    without = {name: value for name, value in ACCEPTED.items() if name != "acceptedSuggestions"}
    for entry, fine in (
        (ACCEPTED, True),
        (overridden, True),
        (without, False),
        ({**overridden, "outcome": "x"}, False),
    ):
        post = {"feedback": [entry]}
        assert schema(document, body).is_valid(post) is fine
        assert client.post(path, json=post).status_code == (204 if fine else 400)


def test_openapi_and_answers_agree(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    answers = document["paths"][PATIENT_VIEW]["post"]["responses"]
    for response in (ask(client, hook_call()), ask(client, {}), client.post(PATIENT_VIEW, data="x")):
        described = answers[str(response.status_code)]["content"]["application/json"]["schema"]
        schema(document, described).validate(response.get_json())


@pytest.mark.parametrize("jurisdiction", ["us", "eu"])
def test_every_rule_has_a_page(client: FlaskClient, pipeline: Pipeline, jurisdiction: str) -> None:
    rules = pipeline.rulesets[jurisdiction].in_force(TODAY)
    for rule in rules:
        page = client.get(f"/rules/{rule.id}")
        assert page.status_code == 200
        assert page.mimetype == "text/html"
        assert rule.product.brand in page.text
        assert " ".join(pipeline.wording.intended_use.split()) in " ".join(page.text.split())
    for family in {rule.family for rule in rules}:
        page = client.get(f"/rules/{jurisdiction}/{family}")
        assert all(rule.product.brand in page.text for rule in rules if rule.family == family)


@pytest.mark.parametrize("path", ["/rules/us/none", "/rules/uk/lbcl", "/rules/us/yescarta/none", "/rules/us/<script>"])
def test_a_rule_that_does_not_exist_is_404(client: FlaskClient, path: str) -> None:
    refused(client.get(path), 404)


def test_pages_hold_no_script_and_no_foreign_asset(client: FlaskClient) -> None:
    text = client.get("/rules/us/lbcl").text
    assert "<script" not in text and "style=" not in text
    assets = re.findall(r'(?:src|<link[^>]*href)="([^"]*)"', text)
    assert assets and all(re.match(r"data:|/rules/|https://cds\.example\.org/rules/", asset) for asset in assets)
    assert client.get("/rules/style.css").mimetype == "text/css"


def test_the_sandbox_routes_are_gone_outside_the_sandbox(app_for: Callable[..., Any]) -> None:
    client = app_for(sandbox=False, auth_off_confirmed="yes").test_client()
    refused(client.post("/api/assessment", json={"resourceType": "Patient", "id": "p"}), 404)
    refused(client.get("/"), 404)
    assert "/api/assessment" not in client.get("/openapi.json").get_json()["paths"]
