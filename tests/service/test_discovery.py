"""Discovery and prefetch templates: DIS-01 to DIS-12, PRE-05 to PRE-08, PRE-16, V3-05, V3-06."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from flask.testing import FlaskClient

from cds_service.cdshooks.models import DiscoveryAnswer
from cds_service.pipeline import Pipeline
from tests.service.conftest import Json, ask, hook_call

ALLOWED_TOKENS = {"context.patientId", "context.userId", "context.encounterId"}


def services(client: FlaskClient) -> list[Json]:
    found: list[Json] = client.get("/cds-services").get_json()["services"]
    return found


@pytest.mark.parametrize("path", ["/cds-services", "/cds-services/", "//cds-services", "/cds-services//"])
def test_dis_01_discovery_answers_in_every_form_of_the_path_without_redirect(client: FlaskClient, path: str) -> None:
    response = client.get("/", environ_overrides={"PATH_INFO": path})
    assert response.status_code == 200
    assert response.mimetype == "application/json"


def test_dis_02_every_service_has_hook_description_id_and_fits_the_schema(client: FlaskClient) -> None:
    DiscoveryAnswer.model_validate(client.get("/cds-services").get_json())


def test_dis_03_no_services_is_an_empty_list(app_for: Callable[..., Any]) -> None:
    response = app_for(hooks=()).test_client().get("/cds-services")
    assert response.status_code == 200
    assert response.get_json() == {"services": []}


def test_dis_06_dis_07_dis_08_ids_are_plain_unique_and_callable(client: FlaskClient) -> None:
    ids = [service["id"] for service in services(client)]
    assert ids == ["cart-referral-patient-view", "cart-referral-order-select", "cart-referral-order-sign"]
    assert all(re.fullmatch(r"[a-z-]+", one) and one != "feedback" for one in ids)
    call = hook_call("no-blood-cancer")
    assert ask(client, call, f"/cds-services/{ids[0]}").status_code == 200


def test_dis_09_two_calls_are_equal(client: FlaskClient) -> None:
    assert client.get("/cds-services").data == client.get("/cds-services").data


def test_dis_10_pre_08_templates_are_reads_or_searches_every_client_can_run(client: FlaskClient) -> None:
    for service in services(client):
        for query in service["prefetch"].values():
            kind, question, parameters = query.partition("?")
            if not question:
                assert re.fullmatch(r"[A-Z][A-Za-z]+/\{\{context\.patientId\}\}", kind)
                continue
            assert re.fullmatch(r"[A-Z][A-Za-z]+", kind)
            for name, value in parse_qsl(parameters, strict_parsing=True):
                assert name in {"patient", "code", "status", "_count"}, name
                assert value
            assert "_maxresults" not in query and "today()" not in query


def test_pre_06_templates_hold_only_tokens_of_the_hook(client: FlaskClient) -> None:
    for service in services(client):
        for query in service["prefetch"].values():
            assert set(re.findall(r"\{\{(.*?)\}\}", query)) <= ALLOWED_TOKENS


def test_pre_16_at_most_ten_templates_one_a_resource_type(client: FlaskClient) -> None:
    for service in services(client):
        kinds = [re.split(r"[/?]", query)[0] for query in service["prefetch"].values()]
        assert len(kinds) == len(set(kinds)) <= 10


def test_decision_47_diagnoses_and_drugs_are_not_filtered_by_code(client: FlaskClient) -> None:
    prefetch = services(client)[0]["prefetch"]
    by_kind = {re.split(r"[/?]", query)[0]: query for query in prefetch.values()}
    assert by_kind["Patient"] == "Patient/{{context.patientId}}"
    for kind in (
        "Condition",
        "Procedure",
        "MedicationRequest",
        "MedicationAdministration",
        "MedicationStatement",
        "MedicationDispense",
    ):
        assert by_kind[kind] == f"{kind}?patient={{{{context.patientId}}}}&_count=1000"
    assert "&code=" in by_kind["Observation"]
    assert "&status=active,draft" in by_kind["ServiceRequest"]


def test_r_54_every_template_names_what_needs_it(client: FlaskClient) -> None:
    templates = client.application.cart_cds.templates  # type: ignore[attr-defined]
    assert all(template.needed_for for template in templates)


def test_the_observation_query_stays_short_enough_for_a_get(client: FlaskClient) -> None:
    assert all(len(query) < 1800 for query in services(client)[0]["prefetch"].values())


def test_r_01_every_description_carries_the_intended_use(client: FlaskClient, pipeline: Pipeline) -> None:
    assert all(pipeline.wording.intended_use in service["description"] for service in services(client))


def test_optional_hooks_are_listed_and_answered_only_when_switched_on(
    client: FlaskClient, app_for: Callable[..., Any]
) -> None:
    path = "/cds-services/cart-referral-encounter-start"
    call = hook_call("no-blood-cancer", "encounter-start", encounterId="e1")
    assert ask(client, call, path).status_code == 404
    on = app_for(hooks=("patient-view", "encounter-start", "problem-list-item-create")).test_client()
    assert [s["hook"] for s in services(on)] == ["patient-view", "problem-list-item-create", "encounter-start"]
    assert ask(on, call, path).status_code == 200
    assert (
        ask(on, hook_call("no-blood-cancer", "order-sign"), "/cds-services/cart-referral-order-sign").status_code == 404
    )


def test_dis_13_discovery_is_open_by_default_and_can_be_closed(app_for: Callable[..., Any]) -> None:
    from cds_service.cdshooks.seams import ClosedDoor

    assert app_for(authenticator=ClosedDoor()).test_client().get("/cds-services").status_code == 200
    closed = app_for(authenticator=ClosedDoor(), discovery_auth=True).test_client().get("/cds-services")
    assert closed.status_code == 401
