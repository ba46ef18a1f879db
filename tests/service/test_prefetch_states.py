"""What each state of a prefetch key means: PRE-01 to PRE-05, PRE-09 to PRE-14, SAF-01, SAF-02, R-31, R-34."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.cdshooks.prefetch import Template, fill, read_prefetch
from cds_service.fhir.decode import decode_hook
from tests.service.conftest import Json, ask, cards, hook_call, searchset
from tests.service.test_requests import refused

OUTCOME: Json = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "processing", "diagnostics": "no"}],
}
WARNING: Json = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "not-found"}]}
ADMINISTRATIONS = "medicationAdministrations"


def incomplete(card: Json) -> list[str]:
    """Problems the card's assessment names."""
    assessment = card["extension"]["org.cart-cds.assessment"]
    return [issue["problem"] for issue in assessment.get("dataIssues", [])]


def unknown_count(card: Json) -> int:
    assessment = card["extension"]["org.cart-cds.assessment"]
    return sum(c["status"] == "unknown" for i in assessment["indications"] for c in i["criteria"])


def silent_or_unsure(found: list[Json]) -> bool:
    """No card says that criteria are met."""
    return all("cannot determine" in card["summary"] for card in found)


@pytest.mark.parametrize("key", ["patient", "conditions"])
def test_pre_05_saf_02_without_patient_or_conditions_412(client: FlaskClient, key: str) -> None:
    call = hook_call()
    del call["prefetch"][key]
    refused(ask(client, call), 412)


def test_pre_05_without_prefetch_412(client: FlaskClient) -> None:
    call = hook_call()
    del call["prefetch"]
    refused(ask(client, call), 412, "Patient", "Condition")
    refused(ask(client, {**call, "prefetch": {}}), 412)
    refused(ask(client, {**call, "prefetch": None}), 412)


@pytest.mark.parametrize("key", ["patient", "conditions"])
@pytest.mark.parametrize("value", [OUTCOME, WARNING, "not a resource", 5, [5]])
def test_pre_03_a_failed_patient_or_condition_query_is_412(client: FlaskClient, key: str, value: Any) -> None:
    call = hook_call()
    call["prefetch"][key] = value
    refused(ask(client, call), 412)


def test_pre_02_a_null_patient_is_412_and_a_null_list_is_empty(client: FlaskClient) -> None:
    call = hook_call()
    call["prefetch"]["patient"] = None
    refused(ask(client, call), 412, "Patient")
    call = hook_call()
    call["prefetch"]["conditions"] = None
    assert cards(client, call) == []


def test_pre_02_null_means_that_the_client_looked(client: FlaskClient) -> None:
    call = hook_call()
    call["prefetch"]["procedures"] = None
    empty = hook_call()
    empty["prefetch"]["procedures"] = searchset([])
    assert ask(client, call).data == ask(client, empty).data


@pytest.mark.parametrize(
    "value", ["absent", OUTCOME, {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": OUTCOME}]}]
)
def test_pre_01_pre_03_saf_02_without_the_drug_list_the_card_says_cannot_determine(
    client: FlaskClient, value: Any
) -> None:
    call = hook_call()
    call["prefetch"][ADMINISTRATIONS] = value
    if value == "absent":
        del call["prefetch"][ADMINISTRATIONS]
    found = cards(client, call)
    assert found, "failure must not look like nothing to say"
    assert silent_or_unsure(found)


def test_pre_09_r_34_a_cut_off_list_is_never_read_as_complete(client: FlaskClient) -> None:
    call = hook_call()
    bundle = call["prefetch"][ADMINISTRATIONS]
    bundle["entry"] = bundle["entry"][:5]
    bundle["link"] = [{"relation": "next", "url": "https://ehr.example.org/r4?page=2"}]
    found = cards(client, call)
    assert found and silent_or_unsure(found)
    assert found[0]["extension"]["org.cart-cds.assessment"]["coverage"]["truncated"] is True


NEXT: Json = {"link": [{"relation": "next", "url": "https://ehr.example.org/r4?page=2"}]}
INCLUDED: Json = {"resource": {"resourceType": "Medication", "id": "m1"}, "search": {"mode": "include"}}


@pytest.mark.parametrize("key", ["medicationStatements", "medicationStatements-user"])
@pytest.mark.parametrize("page", [NEXT, {"total": 7}, {"entry": [INCLUDED], **NEXT}])
def test_pre_09_a_page_without_a_match_leaves_only_the_list_of_its_key_open(
    client: FlaskClient, key: str, page: Json
) -> None:
    call = hook_call()
    del call["prefetch"]["medicationStatements"]
    call["prefetch"][key] = {"resourceType": "Bundle", "type": "searchset", **page}
    (found,) = cards(client, call)
    assert found["summary"] == cards(client, hook_call())[0]["summary"]
    assert "missing or cut off: MedicationStatement." in found["detail"]
    assert found["extension"]["org.cart-cds.assessment"]["coverage"]["truncated"] is True
    assert "the list of MedicationStatement resources was cut off; more exists" in incomplete(found)


def test_pre_09_a_page_without_a_match_under_a_key_that_names_no_type_leaves_every_list_open(
    client: FlaskClient,
) -> None:
    call = hook_call()
    call["prefetch"]["more"] = {"resourceType": "Bundle", "type": "searchset", **NEXT}
    (found,) = cards(client, call)
    assert "cannot determine" in found["summary"]


def test_pre_09_a_first_page_without_a_match_is_whole_when_its_next_page_came_too(client: FlaskClient) -> None:
    call = hook_call()
    second = call["prefetch"][ADMINISTRATIONS]
    second["link"] = [{"relation": "self", "url": NEXT["link"][0]["url"]}]
    del second["total"]
    call["prefetch"][ADMINISTRATIONS] = {"resourceType": "Bundle", "type": "searchset", **NEXT}
    call["prefetch"]["medicationAdministrations-2"] = second
    (found,) = cards(client, call)
    assert found["detail"] == cards(client, hook_call())[0]["detail"]


@pytest.mark.parametrize(
    "empty",
    [
        {"resourceType": "Bundle", "type": "searchset", "total": 0},
        {"resourceType": "Bundle", "type": "searchset", "entry": []},
        {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": 0,
            "entry": [{"resource": WARNING, "search": {"mode": "outcome"}}],
        },
        {"resourceType": "Bundle"},
    ],
)
def test_pre_10_pre_13_an_empty_search_is_empty(client: FlaskClient, empty: Json) -> None:
    call = hook_call()
    call["prefetch"]["conditions"] = empty
    assert cards(client, call) == []


def test_pre_14_matches_beside_an_error_are_used_and_marked_incomplete(client: FlaskClient) -> None:
    call = hook_call()
    call["prefetch"]["conditions"]["entry"].append({"resource": OUTCOME, "search": {"mode": "outcome"}})
    found = cards(client, call)
    assert found
    assert found[0]["extension"]["org.cart-cds.assessment"]["coverage"]["truncated"] is True


def test_decision_47_what_comes_is_read_by_type_under_any_key(client: FlaskClient) -> None:
    call = hook_call()
    call["prefetch"] = {f"{key}-user": value for key, value in call["prefetch"].items()}
    assert cards(client, call) == cards(client, hook_call())
    everything = hook_call()
    entries = [
        e
        for v in everything["prefetch"].values()
        for e in (v.get("entry", []) if v["resourceType"] == "Bundle" else [{"resource": v}])
    ]
    everything["prefetch"] = {"all": {"resourceType": "Bundle", "type": "collection", "entry": entries}}
    assert cards(client, everything)


def test_saf_01_a_mixed_record_is_422(client: FlaskClient) -> None:
    call = hook_call()
    call["prefetch"]["conditions"]["entry"][0]["resource"]["subject"] = {"reference": "Patient/other"}
    refused(ask(client, call), 422, "another patient")


def test_saf_01_the_context_names_another_patient_422(client: FlaskClient) -> None:
    refused(ask(client, hook_call(patientId="somebody-else")), 422, "context.patientId")


def test_saf_01_a_patient_without_id_cannot_be_checked_422(client: FlaskClient) -> None:
    call = hook_call("no-blood-cancer")
    del call["prefetch"]["patient"]["id"]
    refused(ask(client, call), 422)


def test_saf_01_references_in_every_form_name_the_same_patient(client: FlaskClient) -> None:
    call = hook_call()
    forms = ["https://ehr.example.org/r4/Patient/{}", "Patient/{}/_history/3", "Patient/{}"]
    for number, entry in enumerate(call["prefetch"][ADMINISTRATIONS]["entry"]):
        entry["resource"]["subject"]["reference"] = forms[number % 3].format("dlbcl-third-line")
    assert cards(client, call) == cards(client, hook_call())


def states(**prefetch: Any) -> Any:
    import json

    templates = (
        Template(key="patient", type="Patient", query="Patient/{{context.patientId}}"),
        Template(key="conditions", type="Condition", query="Condition?patient={{context.patientId}}"),
        Template(key="observations", type="Observation", query="Observation?patient={{context.patientId}}"),
    )
    hook = decode_hook(json.dumps({"hook": "x", "prefetch": prefetch}).encode()).hook
    assert hook is not None
    return read_prefetch(hook, templates)


def test_a_type_that_came_under_one_key_and_failed_under_another_is_incomplete_not_refused() -> None:
    found = states(
        patient={"resourceType": "Patient", "id": "p"},
        conditions=searchset([{"resourceType": "Condition", "id": "c"}]),
        conditionsOfEncounter=OUTCOME,
        observations=None,
    )
    assert not found.missing and not found.failed
    assert found.incomplete == {"Condition"}


def test_missing_is_asked_for_and_failed_is_not_asked_again() -> None:
    found = states(patient={"resourceType": "Patient", "id": "p"}, conditions=OUTCOME)
    assert [t.key for t in found.missing] == ["observations"]
    assert [t.key for t in found.failed] == ["conditions"]


def test_tokens_are_filled() -> None:
    assert fill("Condition?patient={{context.patientId}}", {"patientId": "p1"}) == "Condition?patient=p1"
