"""Hook requests: GEN-01, REQ-01 to REQ-08, ERR-01 to ERR-03, and the order of contract section 3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.cdshooks.models import OperationOutcome
from cds_service.cdshooks.seams import ClosedDoor
from tests.service.conftest import ORDER_SELECT, ORDER_SIGN, PATIENT_VIEW, ask, cards, draft, hook_call, orders


def refused(response: Any, status: int, *words: str) -> None:
    """The response is this error, as an OperationOutcome that says these words."""
    assert response.status_code == status, response.text
    assert response.mimetype == "application/json"
    outcome = OperationOutcome.model_validate(response.get_json())
    for word in words:
        assert word in outcome.issue[0].diagnostics


def post(client: FlaskClient, body: bytes | str, path: str = PATIENT_VIEW, kind: str = "application/json") -> Any:
    return client.post(path, data=body, content_type=kind)


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "application/fhir+json"])
def test_gen_01_json_is_taken_with_and_without_charset(client: FlaskClient, kind: str) -> None:
    assert post(client, json.dumps(hook_call("no-blood-cancer")), kind=kind).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-ndjson", ""])
def test_another_media_type_is_415(client: FlaskClient, kind: str) -> None:
    refused(post(client, json.dumps(hook_call("no-blood-cancer")), kind=kind), 415)


def test_gen_01_non_ascii_text_survives(client: FlaskClient) -> None:
    call = hook_call("no-blood-cancer")
    call["prefetch"]["patient"]["name"] = [{"family": "Żółć-Ñandú 東京"}]
    body = json.dumps(call, ensure_ascii=False).encode()
    assert post(client, body).status_code == 200


@pytest.mark.parametrize("member", ["hook", "hookInstance", "context"])
@pytest.mark.parametrize("value", [None, "", 5, [], True, "absent"])
def test_req_01_02_03_required_members(client: FlaskClient, member: str, value: Any) -> None:
    call = hook_call("no-blood-cancer")
    call[member] = value
    if value == "absent":
        del call[member]
    refused(ask(client, call), 400, member)


@pytest.mark.parametrize("hook", ["order-sign", "Patient-View", "patient-view "])
def test_req_01_the_hook_of_another_service_is_400(client: FlaskClient, hook: str) -> None:
    refused(ask(client, {**hook_call("no-blood-cancer"), "hook": hook}), 400, "hook")


@pytest.mark.parametrize(
    "instance",
    [
        "d1577c69-dfbe-11ee-ba6d-3e05e953b2ea",
        "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "D1577C69-DFBE-44AD-BA6D-3E05E953B2EA",
        "00000000-0000-0000-0000-000000000000",
    ],
)
def test_req_02_a_uuid_of_any_version_is_taken(client: FlaskClient, instance: str) -> None:
    assert ask(client, {**hook_call("no-blood-cancer"), "hookInstance": instance}).status_code == 200


@pytest.mark.parametrize("instance", ["abc", "d1577c69dfbe44adba6d3e05e953b2ea", "d1577c69-dfbe-44ad-ba6d-3e05e953b2e"])
def test_req_02_anything_else_is_400(client: FlaskClient, instance: str) -> None:
    refused(ask(client, {**hook_call("no-blood-cancer"), "hookInstance": instance}), 400, "hookInstance")


@pytest.mark.parametrize("member", ["userId", "patientId"])
@pytest.mark.parametrize("value", ["absent", "", 7, None, {"a": 1}, "a b", "../etc"])
def test_req_03_req_07_context_members(client: FlaskClient, member: str, value: Any) -> None:
    call = hook_call("no-blood-cancer")
    call["context"][member] = value
    if value == "absent":
        del call["context"][member]
    refused(ask(client, call), 400, f"context.{member}")


@pytest.mark.parametrize(
    ("path", "hook", "member"),
    [
        (ORDER_SELECT, "order-select", "selections"),
        (ORDER_SELECT, "order-select", "draftOrders"),
        (ORDER_SIGN, "order-sign", "draftOrders"),
    ],
)
def test_req_03_members_the_order_hooks_demand(client: FlaskClient, path: str, hook: str, member: str) -> None:
    call = hook_call(
        "dlbcl-third-line", hook, selections=["MedicationRequest/draft-1"], draftOrders=orders(draft("12574"))
    )
    assert ask(client, call, path).status_code == 200
    del call["context"][member]
    refused(ask(client, call, path), 400, f"context.{member}")


@pytest.mark.parametrize("selection", [5.9e16, None, {"reference": "MedicationRequest/draft-1"}])
def test_req_03_a_selection_that_is_no_reference_is_refused_not_left_out(client: FlaskClient, selection: Any) -> None:
    chosen = ["MedicationRequest/draft-1", selection]
    call = hook_call("dlbcl-third-line", "order-select", selections=chosen, draftOrders=orders(draft("12574")))
    refused(ask(client, call, ORDER_SELECT), 400, "context.selections")


@pytest.mark.parametrize(
    "user", ["Practitioner/1", "PractitionerRole/a-b.c", "https://ehr.example.org/r4/Practitioner/1"]
)
def test_req_07_clinicians_get_cards(client: FlaskClient, user: str) -> None:
    assert cards(client, hook_call(userId=user))


@pytest.mark.parametrize("user", ["Patient/dlbcl-third-line", "RelatedPerson/mother"])
@pytest.mark.parametrize("with_data", [True, False])
def test_r_02_patients_and_relatives_never_see_a_card(client: FlaskClient, user: str, with_data: bool) -> None:
    call = hook_call(userId=user)
    if not with_data:
        del call["prefetch"]
    assert cards(client, call) == []


@pytest.mark.parametrize("user", ["Device/1", "practitioner/1", "Practitioner", "Practitioner/", "1"])
def test_req_07_other_users_are_400(client: FlaskClient, user: str) -> None:
    refused(ask(client, hook_call(userId=user)), 400, "context.userId")


def test_req_07_patient_id_with_its_type_is_taken(client: FlaskClient) -> None:
    assert cards(client, hook_call(patientId="Patient/dlbcl-third-line"))


def test_req_04_a_token_without_a_server_is_ignored(client: FlaskClient) -> None:
    call = hook_call()
    call["fhirAuthorization"] = {
        "access_token": "t",
        "token_type": "Bearer",
        "expires_in": 60,
        "scope": "x",
        "subject": "y",
    }
    assert cards(client, call)


def test_req_08_ext_02_unknown_members_and_odd_shapes_change_nothing(client: FlaskClient) -> None:
    plain = ask(client, hook_call()).data
    call = hook_call()
    call["extension"] = {"com.epic.cdshooks.request.bpa-trigger-action": "60", "x": "just a string"}
    call["somethingNew"] = [1, {"a": None}]
    call["context"]["extension"] = {"y": [1]}
    call["context"]["encounterId"] = ""
    call["prefetch"]["patient"]["extension"] = [{"url": "http://x", "valueMystery": {"deep": [1]}}]
    call["prefetch"]["patient"]["contact"] = "not a list"
    assert ask(client, call).data == plain


def test_req_08_draft_orders_as_seen_in_the_wild(client: FlaskClient) -> None:
    odd = draft("12574", "gemcitabine", patient="dlbcl-third-line", category={"text": "Outpatient"}, reasonCode=[])
    bare = {"resourceType": "MedicationRequest", "id": "bare", "subject": {"reference": "Patient/dlbcl-third-line"}}
    empty = draft("1", number=3, patient="dlbcl-third-line") | {"medicationCodeableConcept": {"coding": [{}]}}
    call = hook_call(
        "dlbcl-third-line",
        "order-select",
        selections=["MedicationRequest/draft-1"],
        draftOrders=orders(odd, bare, empty),
    )
    assert cards(client, call, ORDER_SELECT)


BROKEN = [
    b"",
    b"   ",
    b"{",
    b"nonsense",
    b"{'hook': 'patient-view'}",
    b'{"hook": "patient-view",}',
    b'{"hook": NaN}',
    b'{"hook": "\xff\xfe"}',
    b'{"hook": "\\ud800"}',
    b"\x00\x01",
    b"[]",
    b"[{}]",
    b'"patient-view"',
    b"null",
    b"5",
    b"{}",
    b'{"hook": "patient-view", "hookInstance": 1e999, "context": {}}',
]


@pytest.mark.parametrize("body", BROKEN)
def test_err_01_what_is_no_request_is_400(client: FlaskClient, body: bytes) -> None:
    refused(post(client, body), 400)


@pytest.mark.parametrize("opening", [b'{"a":', b"["])
def test_err_01_r_45_deep_nesting_is_refused_not_a_crash(client: FlaskClient, opening: bytes) -> None:
    response = post(client, b'{"prefetch":' + opening * 100_000)
    assert response.status_code in (400, 422)
    OperationOutcome.model_validate(response.get_json())


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PLACES = ["hook", "context", "prefetch", "fhirServer", "fhirAuthorization", "extension"]


@given(place=st.sampled_from(PLACES), value=ANYTHING)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_err_01_any_value_anywhere_is_answered_in_order(client: FlaskClient, place: str, value: Any) -> None:
    response = ask(client, {**hook_call("no-blood-cancer"), place: value})
    assert response.status_code in (200, 400, 412, 422)


@given(key=st.sampled_from(["patient", "conditions", "observations", "medicationRequests", "other"]), value=ANYTHING)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_err_01_any_value_in_prefetch_is_answered_in_order(client: FlaskClient, key: str, value: Any) -> None:
    call = hook_call("no-blood-cancer")
    call["prefetch"][key] = value
    assert ask(client, call).status_code in (200, 412, 422)


def test_err_03_methods_and_routes(client: FlaskClient) -> None:
    refused(client.get(PATIENT_VIEW), 405)
    refused(client.put(PATIENT_VIEW), 405)
    refused(client.delete("/cds-services"), 405)
    refused(client.post("/cds-services/unknown"), 404)
    refused(client.post("/cds-services/feedback"), 404)
    refused(client.get("/nowhere"), 404)
    assert "POST" in client.get(PATIENT_VIEW).headers["Allow"]


@pytest.mark.parametrize("path", [PATIENT_VIEW, PATIENT_VIEW + "/", "/cds-services//cart-referral-patient-view"])
def test_both_slash_forms_are_answered_without_redirect(client: FlaskClient, path: str) -> None:
    assert ask(client, hook_call("no-blood-cancer"), path).status_code == 200


def test_head_answers_like_get_without_a_body(client: FlaskClient) -> None:
    response = client.head("/cds-services")
    assert response.status_code == 200 and not response.data


def test_413_by_announced_length_and_by_count(app_for: Callable[..., Any]) -> None:
    small = app_for(max_body_mb=0.001).test_client()
    refused(post(small, b"x" * 2000), 413)
    chunked = small.post(
        PATIENT_VIEW,
        input_stream=__import__("io").BytesIO(b"x" * 2000),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )
    refused(chunked, 413)


def test_the_first_that_applies_answers(app_for: Callable[..., Any]) -> None:
    """404, 405, 413, 415, then 401, then 400, then a patient's silence, then 412, then 422."""
    closed = app_for(max_body_mb=0.01, authenticator=ClosedDoor()).test_client()
    refused(closed.post("/cds-services/none", data=b"x" * 20_000), 404)
    refused(post(closed, b"x" * 20_000), 413)
    refused(post(closed, b"x", kind="text/plain"), 415)
    refused(post(closed, b"x"), 401)
    open_ = app_for().test_client()
    call = hook_call(userId="Patient/other")
    call["prefetch"] = {}
    refused(ask(open_, {**call, "hookInstance": "x"}), 400)
    assert cards(open_, call) == []
    call["context"]["userId"] = "Practitioner/1"
    call["prefetch"] = {"patient": {"resourceType": "Patient", "id": "somebody-else"}}
    refused(ask(open_, call), 412)


def test_401_gives_no_reason(app_for: Callable[..., Any]) -> None:
    response = ask(app_for(authenticator=ClosedDoor()).test_client(), hook_call())
    refused(response, 401)
    assert response.get_json()["issue"][0]["diagnostics"] == "authentication failed"
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_as_of_is_honoured_in_the_sandbox_only(client: FlaskClient, app_for: Callable[..., Any]) -> None:
    early = ask(client, hook_call(), day="2025-03-01")
    assert early.get_json()["cards"] == []
    refused(ask(client, hook_call(), day="yesterday"), 400, "asOf")
    serious = app_for(sandbox=False, auth_off_confirmed="yes").test_client()
    assert ask(serious, hook_call(), day="1999-01-01").get_json() == ask(serious, hook_call(), day="x").get_json()


@pytest.mark.parametrize("path", [PATIENT_VIEW, PATIENT_VIEW + "/feedback", "/api/assessment"])
def test_size_comes_before_the_media_type(app_for: Callable[..., Any], path: str) -> None:
    small = app_for(max_body_mb=0.001).test_client()
    refused(post(small, b"x" * 2000, path, kind="text/plain"), 413)
    refused(post(small, b"x", path, kind="text/plain"), 415)


@pytest.mark.parametrize("path", [PATIENT_VIEW, PATIENT_VIEW + "/feedback", "/api/assessment"])
def test_a_compressed_body_is_415_and_says_what_to_send(client: FlaskClient, path: str) -> None:
    """Not 400 "not JSON": the sender has to learn that it is the coding."""
    response = client.post(
        path, data=b"\x1f\x8b", content_type="application/json", headers={"Content-Encoding": "gzip"}
    )
    refused(response, 415, "Content-Encoding")
    assert response.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("day", ["2026-W01-1", "20261121", "2026-2-3", "2026-02-30", "٢٠٢٦-11-21", "2026-11-21T00:00"])
def test_as_of_has_one_form(client: FlaskClient, day: str) -> None:
    refused(ask(client, hook_call(), day=day), 400, "asOf")


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("name", ["dlbcl-third-line", "myeloma-triple-class", "dlbcl-flags", "b-all-adult-relapse"])
def test_the_ends_of_the_calendar_are_answered(client: FlaskClient, name: str, day: str) -> None:
    assert ask(client, hook_call(name), day=day).status_code == 200


@pytest.mark.parametrize(
    "text", ["9" * 300, "2020-01-01" + "0" * 300, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
def test_no_date_however_odd_is_a_crash(client: FlaskClient, text: str) -> None:
    call = hook_call()
    call["prefetch"]["patient"]["birthDate"] = text
    for value in call["prefetch"].values():
        for entry in value.get("entry", []):
            for key in entry["resource"]:
                if "Date" in key:
                    entry["resource"][key] = text
    assert ask(client, call).status_code == 200


@pytest.mark.parametrize("value", ['"\\ud800"', "NaN", "-Infinity", "1e400", "1" * 400])
def test_err_01_values_no_parser_should_see_change_nothing_where_nobody_reads_them(
    client: FlaskClient, value: str
) -> None:
    plain = json.dumps(hook_call())
    answer = post(client, f'{plain[:-1]}, "somethingNew": {value}}}', f"{PATIENT_VIEW}?asOf=2026-11-21")
    assert answer.status_code == 200
    assert answer.get_json()["cards"][0]["summary"] == cards(client, hook_call())[0]["summary"]


@pytest.mark.parametrize("entry", [5, "none", [5], [{"resource": 5}]])
def test_conditions_that_cannot_be_read_are_412_not_silence(client: FlaskClient, entry: Any) -> None:
    call = hook_call()
    call["prefetch"]["conditions"] = {"resourceType": "Bundle", "type": "searchset", "entry": entry}
    refused(ask(client, call), 412, "Condition")
