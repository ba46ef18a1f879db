"""The order hooks in the sandbox: what is ordered, when a card speaks, and that the wire says what the page shows."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.oncology.model import FAMILIES
from cds_service.pipeline import Pipeline
from cds_service.sandbox.drafts import OWN, REFERRAL, SUPPORTIVE, DraftShelf
from tests.sandbox.conftest import AS_OF, SAMPLES, bundle_of, client_of, question, text_of

MCL = "mantle-cell-with-btk"
WITH_REFERRAL = f"bendamustine+{REFERRAL}"
OWN_REQUEST = (SAMPLES / "hooks" / "order-select.json").read_text(encoding="utf-8")


def view(client: FlaskClient, record: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = client.post("/sandbox/view", json=question(record, **more)).get_json()
    return found


@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_an_order_for_the_disease_brings_the_card_and_the_sentence_about_cells(client: FlaskClient, hook: str) -> None:
    told = view(client, text_of(MCL), hook=hook, order="bendamustine")
    assert "cds-card" in told["card"] and "Ordered: bendamustine" in told["card"]
    assert f'data-service="cart-referral-{hook}"' in told["card"]
    assert "Ordered:" not in view(client, text_of(MCL))["card"]


@pytest.mark.parametrize(
    ("order", "why"), [(SUPPORTIVE, "No systemic therapy is being ordered"), (WITH_REFERRAL, "already among the draft")]
)
def test_an_order_that_is_no_reason_to_speak_is_answered_with_silence(
    client: FlaskClient, order: str, why: str
) -> None:
    told = view(client, text_of(MCL), hook="order-select", order=order)
    assert "cds-card" not in told["card"]
    assert why in told["card"] and why in told["headline"]


def test_during_the_first_line_only_an_order_brings_a_card(client: FlaskClient) -> None:
    day = "2020-12-01"
    record = text_of(MCL)
    assert "first line is under way" in view(client, record, asOf=day)["headline"]
    told = view(client, record, asOf=day, hook="order-sign", order="bendamustine")
    assert "A card appears" in told["headline"], "decision 36: a new drug is the moment to ask"
    asked = question(record, hook="order-sign", order="bendamustine")
    spans = client.post("/sandbox/cards", json=asked).get_json()["spans"]
    assert [span["kind"] for span in spans if span["from"] <= day <= span["to"]] == ["unknown"]


def test_every_disease_has_an_order_that_its_hook_speaks_about(pipeline: Pipeline) -> None:
    shelf = DraftShelf(pipeline)
    for family in FAMILIES:
        drafts = shelf.chosen("", [family], [], "p1")
        assert drafts.word in pipeline.knowledge.concepts.drugs
        assert pipeline.drafts.read(drafts.record, None).systemic_order, family
        offered = [offer.word for offer in shelf.offers([family], own=False)]
        assert len(offered) > 5 and len(offered) == len(set(offered)), family


def test_every_order_that_is_offered_can_be_made_and_read(pipeline: Pipeline) -> None:
    shelf = DraftShelf(pipeline)
    for offer in shelf.offers([], own=False):
        drafts = shelf.chosen(offer.word, [], [], "p1")
        assert drafts.word == offer.word
        read = pipeline.drafts.read(drafts.record, None)
        assert read.systemic_order == (offer.word != SUPPORTIVE), offer.word
        assert read.referral_drafted == offer.word.endswith(REFERRAL), offer.word


def test_the_address_alone_chooses_hook_and_order(client: FlaskClient) -> None:
    page = client.get(f"/patients/{MCL}?hook=order-sign&order=acyclovir").text
    assert re.search(r'value="order-sign"[^>]* checked', page)
    assert re.search(r'<option value="acyclovir" selected>', page)
    assert "No systemic therapy is being ordered" in page
    assert "A card appears" in client.get(f"/patients/{MCL}?hook=nonsense&order=nonsense").text


def test_the_records_own_draft_comes_first(client: FlaskClient) -> None:
    told = view(client, OWN_REQUEST, hook="order-select")
    assert told["order_word"] == OWN
    assert "Ordered: bendamustine" in told["card"]
    bundle = bundle_of(MCL)
    bundle["entry"].append({"resource": json.loads(OWN_REQUEST)["context"]["draftOrders"]["entry"][0]["resource"]})
    assert "Ordered: bendamustine" in view(client, json.dumps(bundle), hook="order-sign")["card"]


def test_a_draft_order_of_another_patient_is_told(client: FlaskClient) -> None:
    request = json.loads(OWN_REQUEST)
    draft = request["context"]["draftOrders"]["entry"][0]["resource"]
    draft["subject"]["reference"] = "Patient/somebody-else"
    told = view(client, json.dumps(request), hook="order-select")
    assert "draft orders cannot be read" in told["error"]["text"]


@pytest.mark.parametrize(
    ("hook", "order"),
    [
        ("patient-view", ""),
        ("order-select", "bendamustine"),
        ("order-sign", "acyclovir"),
        ("order-select", WITH_REFERRAL),
    ],
)
def test_the_request_of_the_page_gets_the_answer_of_the_page(client: FlaskClient, hook: str, order: str) -> None:
    record = text_of(MCL)
    made = client.post("/sandbox/request", json={"record": record, "hook": hook, "order": order}).get_json()
    assert made["request"]["hook"] == hook
    answer = client.post(f"/cds-services/{made['service']}?asOf={AS_OF}", json=made["request"]).get_json()
    shown = view(client, record, hook=hook, order=order)["card"]
    assert [card["summary"] in shown for card in answer["cards"]] == ([True] if "cds-card" in shown else [])


def test_a_request_of_ones_own_is_sent_as_it_came(client: FlaskClient) -> None:
    asked = {"record": OWN_REQUEST, "hook": "order-select", "order": OWN}
    made = client.post("/sandbox/request", json=asked).get_json()
    assert made["request"] == json.loads(OWN_REQUEST)
    other = client.post("/sandbox/request", json={**asked, "hook": "order-sign"}).get_json()["request"]
    assert other["hook"] == "order-sign"
    assert other["context"]["draftOrders"]["entry"] == json.loads(OWN_REQUEST)["context"]["draftOrders"]["entry"]
    assert other["prefetch"]["patient"]["id"] == MCL


def test_only_hooks_that_the_service_offers_can_be_chosen(pipeline: Pipeline) -> None:
    client = client_of(pipeline, hooks=("patient-view",))
    page = client.get(f"/patients/{MCL}?hook=order-select").text
    assert 'value="order-select"' not in page
    assert 'data-service="cart-referral-patient-view"' in page


def test_the_page_says_when_hooks_are_answered_under_other_labels(client: FlaskClient) -> None:
    said = "answered with the US labels"
    assert said in view(client, text_of(MCL), jurisdiction="eu")["card"]
    assert said not in view(client, text_of(MCL))["card"]
