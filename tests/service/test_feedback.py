"""Feedback: FBK-01 to FBK-11, R-21."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.cdshooks.errors import Refusal
from cds_service.cdshooks.feedback import read_feedback
from cds_service.cdshooks.seams import Caller, ClosedDoor, FeedbackEntry, NoStore
from tests.service.conftest import PATIENT_VIEW, Json
from tests.service.test_requests import refused

PATH = PATIENT_VIEW + "/feedback"
ACCEPTED: Json = {
    "card": "4e0a3a1e-3283-4575-ab82-028d55fe2719",
    "outcome": "accepted",
    "acceptedSuggestions": [{"id": "e56e1945-20b3-4393-8503-a1a20fd73152"}],
    "outcomeTimestamp": "2026-11-21T10:05:31Z",
}
OVERRIDDEN: Json = {
    "card": "4e0a3a1e-3283-4575-ab82-028d55fe2719",
    "outcome": "overridden",
    "overrideReason": {
        "reason": {
            "code": "patient-refuses",
            "system": "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes",
        },
        "userComment": "declined after talking it over",
    },
    "outcomeTimestamp": "2026-11-21T10:05:31.123+01:00",
}


class Kept(NoStore):
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.entries: list[FeedbackEntry] = []

    def keep(self, service: str, entries: Sequence[FeedbackEntry], caller: Caller) -> None:
        self.entries += entries


class Full(NoStore):
    """A database that cannot be written."""

    def keep(self, service: str, entries: Sequence[FeedbackEntry], caller: Caller) -> None:
        raise Refusal(503, "feedback cannot be stored now; send it again later")


def send(client: FlaskClient, *entries: Any) -> Any:
    return client.post(PATH, json={"feedback": list(entries)})


@pytest.mark.parametrize("path", [PATH, PATH + "/"])
def test_fbk_01_taken_with_204(client: FlaskClient, path: str) -> None:
    response = client.post(path, json={"feedback": [ACCEPTED]})
    assert response.status_code == 204
    assert not response.data


def test_fbk_02_fbk_04_fbk_07_batches_of_independent_entries_also_repeated(app_for: Callable[..., Any]) -> None:
    store = Kept()
    client = app_for(store=store).test_client()
    assert send(client, ACCEPTED, OVERRIDDEN, ACCEPTED).status_code == 204
    assert [entry.outcome for entry in store.entries] == ["accepted", "overridden", "accepted"]
    assert store.entries[1].reason_code == "patient-refuses"
    assert store.entries[1].timestamp == "2026-11-21T09:05:31.123000Z"
    assert store.entries[0] == store.entries[2]


@pytest.mark.parametrize(
    "change",
    [
        {"card": None},
        {"card": ""},
        {"card": 5},
        {"outcome": None},
        {"outcome": "ignored"},
        {"outcomeTimestamp": None},
        {"outcomeTimestamp": "yesterday"},
        {"outcomeTimestamp": 1700000000},
        {"outcomeTimestamp": "2026-11-21"},
        {"outcomeTimestamp": "2026-11-21T10:05:31"},
        {"acceptedSuggestions": None},
        {"acceptedSuggestions": []},
        {"acceptedSuggestions": [{}]},
        {"acceptedSuggestions": ["id"]},
    ],
)
def test_fbk_03_a_broken_entry_is_400_and_named(client: FlaskClient, change: Json) -> None:
    refused(send(client, OVERRIDDEN, {**ACCEPTED, **change}), 400, "feedback[1]")


@pytest.mark.parametrize("body", [{}, {"feedback": {}}, {"feedback": []}, {"feedback": None}, {"feedback": [1]}, []])
def test_fbk_03_a_broken_envelope_is_400(client: FlaskClient, body: Any) -> None:
    refused(client.post(PATH, json=body), 400)


@pytest.mark.parametrize("data", [b"", b"{", b"nonsense", b'{"feedback": "\xff"}', b"[" * 100_000])
def test_fbk_03_what_is_no_json_is_refused(client: FlaskClient, data: bytes) -> None:
    response = client.post(PATH, data=data, content_type="application/json")
    assert response.status_code in (400, 422)


def test_fbk_05_reasons_in_every_form_of_the_standard() -> None:
    for reason in (
        None,
        {},
        {"userComment": "alone"},
        {"reason": {"code": "x"}},
        {"reason": {"code": "x", "system": "urn:y", "display": "z"}},
    ):
        entry = {**OVERRIDDEN, "overrideReason": reason}
        assert read_feedback(_body(entry))[0].outcome == "overridden"


def test_fbk_09_epics_form_is_taken(app_for: Callable[..., Any]) -> None:
    store = Kept()
    client = app_for(store=store).test_client()
    plural = {"card": "not-a-uuid", "outcome": "overridden", "outcomeTimestamp": "2026-11-21T10:05:31Z"}
    reason = {"reason": {"code": "1234", "system": "urn:oid:1.2.840.114350"}}
    extension = {
        "com.epic.cdshooks.feedback.overrideReason.code": "77",
        "com.epic.cdshooks.feedback.overrideReason.system": "urn:oid:1.2.3",
    }
    for more in (
        {"overrideReasons": reason},
        {"overrideReasons": [reason]},
        {"overrideReasons": reason["reason"]},
        {"extension": extension},
        {"overrideReasons": {"extension": extension}},
        {"overrideReasons": {"unheard": 1}, "extension": {"x": "a string"}},
        {"overrideReasons": "odd", "extension": "odd"},
    ):
        assert send(client, {**plural, **more}).status_code == 204, more
    assert [entry.reason_code for entry in store.entries] == ["1234", "1234", "1234", "77", "77", "", ""]


def test_fbk_10_same_authentication_as_the_service(app_for: Callable[..., Any]) -> None:
    refused(send(app_for(authenticator=ClosedDoor()).test_client(), ACCEPTED), 401)


def test_fbk_11_the_comment_never_shows_in_a_repr() -> None:
    assert "talking it over" not in repr(read_feedback(_body(OVERRIDDEN)))


def test_feedback_of_an_unknown_service_is_404(client: FlaskClient) -> None:
    refused(client.post("/cds-services/other/feedback", json={"feedback": [ACCEPTED]}), 404)


def test_a_store_that_fails_says_so_and_the_client_may_try_again(app_for: Callable[..., Any]) -> None:
    response = send(app_for(store=Full()).test_client(), ACCEPTED)
    refused(response, 503, "again")
    assert response.headers["Retry-After"]


def test_too_many_entries_are_422(client: FlaskClient) -> None:
    refused(send(client, *[ACCEPTED] * 1001), 422)


def _body(entry: Json) -> bytes:
    import json

    return json.dumps({"feedback": [entry]}).encode()


@pytest.mark.parametrize("entry", [5, None, "x", [], {}])
def test_fbk_03_the_broken_entry_is_named_by_its_number(client: FlaskClient, entry: Any) -> None:
    response = client.post(f"{PATIENT_VIEW}/feedback", json={"feedback": [ACCEPTED, entry]})
    assert response.status_code == 400
    assert "feedback[1]" in response.get_json()["issue"][0]["diagnostics"]
