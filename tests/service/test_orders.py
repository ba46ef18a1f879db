"""order-select and order-sign: decision 43, issue "Hooks"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.service.conftest import ORDER_SELECT, ORDER_SIGN, Json, ask, cards, draft, hook_call, orders
from tests.service.test_requests import refused

LOUD = "dlbcl-third-line"
GEMCITABINE, BENDAMUSTINE, ACICLOVIR, PREDNISONE = "12574", "134547", "281", "8640"


def selecting(*drafts: Json, selected: list[str] | None = None, name: str = LOUD) -> Json:
    chosen = selected if selected is not None else [f"MedicationRequest/{d['id']}" for d in drafts]
    return hook_call(name, "order-select", selections=chosen, draftOrders=orders(*drafts))


def signing(*drafts: Json, name: str = LOUD) -> Json:
    return hook_call(name, "order-sign", draftOrders=orders(*drafts))


def test_a_selected_systemic_therapy_is_the_moment_to_speak(client: FlaskClient) -> None:
    found = cards(client, selecting(draft(GEMCITABINE, patient=LOUD)), ORDER_SELECT)
    assert [card["indicator"] for card in found] == ["info"]


def test_only_selected_orders_count_at_order_select(client: FlaskClient) -> None:
    drafts = draft(GEMCITABINE, patient=LOUD), draft(PREDNISONE, number=2, patient=LOUD)
    assert cards(client, selecting(*drafts, selected=["MedicationRequest/draft-2"]), ORDER_SELECT) == []
    assert cards(client, selecting(*drafts, selected=[]), ORDER_SELECT) == []
    assert cards(client, selecting(*drafts, selected=["MedicationRequest/draft-1"]), ORDER_SELECT)


def test_any_draft_counts_at_order_sign(client: FlaskClient) -> None:
    assert cards(
        client, signing(draft(PREDNISONE, patient=LOUD), draft(GEMCITABINE, number=2, patient=LOUD)), ORDER_SIGN
    )


@pytest.mark.parametrize("code", [PREDNISONE, "not-a-code"])
def test_supportive_drugs_and_unreadable_orders_are_silent(client: FlaskClient, code: str) -> None:
    assert cards(client, signing(draft(code, patient=LOUD)), ORDER_SIGN) == []


def test_no_drafts_at_all_are_silent(client: FlaskClient) -> None:
    assert cards(client, signing(), ORDER_SIGN) == []


def test_an_order_for_another_disease_is_silent(client: FlaskClient) -> None:
    breast = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "C50.911"}]}
    assert cards(client, signing(draft(GEMCITABINE, patient=LOUD, reasonCode=[breast])), ORDER_SIGN) == []


def test_an_order_without_code_is_read_by_the_exact_name(client: FlaskClient) -> None:
    named = draft("x", patient=LOUD) | {"medicationCodeableConcept": {"text": "bendamustine"}}
    assert cards(client, signing(named), ORDER_SIGN)
    displayed = {k: v for k, v in named.items() if k != "medicationCodeableConcept"}
    displayed["medicationReference"] = {"reference": "Medication/far", "display": "bendamustine"}
    assert cards(client, signing(displayed), ORDER_SIGN)


def test_an_order_that_points_at_a_medication_among_the_drafts(client: FlaskClient) -> None:
    order = draft("x", patient=LOUD)
    order["medicationReference"] = {"reference": "Medication/m1"}
    medication = {"resourceType": "Medication", "id": "m1", "code": order.pop("medicationCodeableConcept")}
    medication["code"]["coding"][0]["code"] = GEMCITABINE
    assert cards(client, signing(order, medication), ORDER_SIGN)


def test_warning_only_for_a_lymphotoxic_order_and_only_where_the_site_asked(
    client: FlaskClient, app_for: Callable[..., Any]
) -> None:
    call = signing(draft(BENDAMUSTINE, patient=LOUD))
    quiet = cards(client, call, ORDER_SIGN)[0]
    assert quiet["indicator"] == "info"
    assert "endamustine" in quiet["detail"]
    loud = app_for(order_warning=True).test_client()
    assert cards(loud, call, ORDER_SIGN)[0]["indicator"] == "warning"


def referral(system: str, code: str) -> Json:
    """A draft referral with this code."""
    return {
        "resourceType": "ServiceRequest",
        "id": "ref",
        "status": "draft",
        "intent": "proposal",
        "subject": {"reference": f"Patient/{LOUD}"},
        "code": {"coding": [{"system": system, "code": code}]},
    }


def test_a_referral_among_the_drafts_silences(client: FlaskClient) -> None:
    order = draft(GEMCITABINE, patient=LOUD)
    own = referral("urn:cart-cds:order", "car-t-referral-review")
    assert cards(client, signing(order, own), ORDER_SIGN) == []
    assert cards(client, signing(order, referral("urn:site", "CART")), ORDER_SIGN)


def test_a_site_has_its_own_referral_code() -> None:
    settings = Settings(sandbox=True, auth="off", public_url="https://x.example.org", referral_codes=("urn:site|CART",))
    client = create_app(settings).test_client()
    order = draft(GEMCITABINE, patient=LOUD)
    assert cards(client, signing(order, referral("urn:site", "CART")), ORDER_SIGN) == []
    shown = cards(client, signing(order), ORDER_SIGN)[0]
    codings = shown["suggestions"][0]["actions"][0]["resource"]["code"]["coding"]
    assert {"urn:site", "urn:cart-cds:order"} <= {coding["system"] for coding in codings}


def test_a_draft_of_another_patient_is_422(client: FlaskClient) -> None:
    refused(ask(client, signing(draft(GEMCITABINE, patient="other")), ORDER_SIGN), 422, "draftOrders")


def test_a_draft_never_counts_as_therapy_given(client: FlaskClient) -> None:
    with_draft = cards(client, signing(draft(GEMCITABINE, patient=LOUD)), ORDER_SIGN)[0]
    lines = with_draft["extension"]["org.cart-cds.assessment"]["linesOfTherapy"]
    assert lines["count"]["n"] == 2


def test_a_patient_without_label_disease_is_silent_at_every_hook(client: FlaskClient) -> None:
    call = signing(draft(BENDAMUSTINE, patient="no-blood-cancer"), name="no-blood-cancer")
    assert cards(client, call, ORDER_SIGN) == []


def test_the_service_for_a_new_problem_reads_it(app_for: Callable[..., Any]) -> None:
    client = app_for(hooks=("problem-list-item-create",)).test_client()
    path = "/cds-services/cart-referral-problem-list-item-create"
    call = hook_call(LOUD, "problem-list-item-create")
    condition = call["prefetch"]["conditions"]["entry"].pop(0)
    call["context"]["conditions"] = {"resourceType": "Bundle", "entry": [condition]}
    assert cards(client, call, path)
    for value in (None, [], 5, {}, [{"resourceType": "Condition", "id": "c"}]):
        call["context"]["conditions"] = value
        refused(ask(client, call, path), 400, "context.conditions")


@pytest.mark.parametrize("system", ["urn:site", " urn:site/", "URN:SITE"])
def test_a_referral_code_is_known_however_its_system_is_spelled(system: str) -> None:
    settings = Settings(sandbox=True, auth="off", public_url="https://x.example.org", referral_codes=("urn:site|CART",))
    client = create_app(settings).test_client()
    assert cards(client, signing(draft(GEMCITABINE, patient=LOUD), referral(system, "CART")), ORDER_SIGN) == []


@pytest.mark.parametrize("value", [None, [], "x", 5, {}, [draft(GEMCITABINE)], {"resourceType": "MedicationRequest"}])
@pytest.mark.parametrize(("path", "hook"), [(ORDER_SELECT, "order-select"), (ORDER_SIGN, "order-sign")])
def test_req_03_draft_orders_are_a_bundle_and_nothing_else(
    client: FlaskClient, path: str, hook: str, value: Any
) -> None:
    """Read as "no drafts" they would silence the card."""
    call = hook_call(LOUD, hook, selections=["MedicationRequest/draft-1"], draftOrders=value)
    refused(ask(client, call, path), 400, "context.draftOrders")
