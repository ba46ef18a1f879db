"""CART_CDS_VALIDATE=evidence: problems of the resources a result cites, and of no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.cdshooks import evidence
from tests.service.conftest import AS_OF, Json, ask, cards, hook_call, sample


@pytest.fixture(scope="module")
def checking(app_for: Callable[..., Any]) -> FlaskClient:
    client: FlaskClient = app_for(CART_CDS_VALIDATE="evidence").test_client()
    return client


def told(card: Json) -> list[Json]:
    issues = card["extension"]["org.cart-cds.assessment"].get("dataIssues", [])
    return [issue for issue in issues if "not valid FHIR" in issue["problem"]]


def with_broken(kind: str, *, cited: bool) -> Json:
    """A call in which one resource of a type has an unknown member; ``cited``: one that the card cites."""
    call = hook_call()
    resources = [
        e["resource"]
        for v in call["prefetch"].values()
        for e in v.get("entry", [])
        if e["resource"]["resourceType"] == kind
    ]
    if cited:
        resources[0]["secretOfThePatient"] = 7
    else:
        extra = {"resourceType": kind, "id": "unrelated", "subject": {"reference": "Patient/dlbcl-third-line"}}
        extra["code"] = {"coding": [{"system": "http://snomed.info/sct", "code": "38341003"}]}
        call["prefetch"]["conditions"]["entry"].append({"resource": {**extra, "secretOfThePatient": 7}})
    return call


def test_a_problem_of_a_cited_resource_is_told_and_changes_no_result(
    client: FlaskClient, checking: FlaskClient
) -> None:
    call = with_broken("Condition", cited=True)
    (card,) = cards(checking, call)
    (issue,) = told(card)
    assert issue["reference"].startswith("Condition/")
    assert "R4B" in issue["problem"] and " 7" not in issue["problem"]
    (plain,) = cards(client, call)
    assert (card["summary"], card["detail"]) == (plain["summary"], plain["detail"])
    assert not told(plain)


def test_a_resource_that_no_result_cites_is_not_looked_at(checking: FlaskClient) -> None:
    (card,) = cards(checking, with_broken("Condition", cited=False))
    assert not told(card)


def test_a_chart_without_a_blood_cancer_is_never_validated(
    checking: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> Any:
        raise AssertionError("validated")

    monkeypatch.setattr(evidence, "best_fit", never)
    assert cards(checking, hook_call("no-blood-cancer")) == []


def test_so_many_and_no_more_are_validated(checking: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def count(kind: str, _: Json) -> tuple[str, tuple[str, ...]]:
        seen.append(kind)
        return "R4B", tuple(f"problem {n}" for n in range(9))

    monkeypatch.setattr(evidence, "MAX_RESOURCES", 3)
    monkeypatch.setattr(evidence, "best_fit", count)
    (card,) = cards(checking, hook_call())
    assert len(seen) == 3
    assert len(told(card)) == 3 * (evidence.MAX_PROBLEMS + 1)


@pytest.mark.parametrize("form", ["bundle", "lines", "list", "parameters", "urls"])
def test_every_container_of_the_assessment_is_looked_through(checking: FlaskClient, form: str) -> None:
    bundle = sample("dlbcl-third-line")
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] == "Condition":
            entry["resource"]["secretOfThePatient"] = 7
    found = [entry["resource"] for entry in bundle["entry"]]
    kind = "application/json"
    body = json.dumps(bundle)
    if form == "lines":
        kind, body = "application/x-ndjson", "\n".join(json.dumps(resource) for resource in found)
    elif form == "list":
        body = json.dumps(found)
    elif form == "parameters":
        parts = [{"name": "r", "part": [{"name": "s", "resource": resource}]} for resource in found]
        body = json.dumps({"resourceType": "Parameters", "parameter": parts})
    elif form == "urls":
        for number, entry in enumerate(bundle["entry"]):
            if entry["resource"]["resourceType"] != "Patient":
                del entry["resource"]["id"]
                entry["fullUrl"] = f"urn:uuid:00000000-0000-0000-0000-{number:012}"
        body = json.dumps(bundle)
    answer = checking.post(f"/api/assessment?asOf={AS_OF}", data=body, content_type=kind)
    assert answer.status_code == 200, answer.text
    assert [i for i in answer.get_json()["dataIssues"] if "not valid FHIR" in i["problem"]]


def test_json_that_had_to_be_mended_is_validated_too(checking: FlaskClient) -> None:
    call = json.dumps(with_broken("Condition", cited=True))[:-1] + ', "odd": NaN}'
    answer = checking.post(
        f"/cds-services/cart-referral-patient-view?asOf={AS_OF}", data=call, content_type="application/json"
    )
    assert told(answer.get_json()["cards"][0])
    assert ask(checking, hook_call()).status_code == 200
