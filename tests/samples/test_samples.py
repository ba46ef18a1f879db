"""Every sample patient tells the story its line in patients.yaml promises."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from cds_service.cards import CardOptions, HookView
from cds_service.cli.validate import validate_content
from cds_service.fhir import read_record
from cds_service.fhir.decode import decode_record
from cds_service.labels import nothing_to_judge
from cds_service.pipeline import Pipeline
from cds_service.rule_files import read_yaml

FOLDER = Path(__file__).resolve().parents[2] / "fhir_samples"
TOLD = read_yaml(FOLDER / "patients.yaml", "patients.yaml").content
AS_OF = date.fromisoformat(TOLD["as_of"])
PATIENTS = {p["id"]: p for p in TOLD["patients"]}
HOOK_INSTANCE = "0f0e0d0c-0b0a-4908-8706-050403020100"
FAMILIES = {"lbcl", "fl", "mzl", "mcl", "cll_sll", "b_all", "multiple_myeloma"}


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline()


def body(name: str) -> bytes:
    return (FOLDER / f"{name}.json").read_bytes()


def test_each_patient_has_a_bundle_and_each_bundle_a_story() -> None:
    assert {p.stem for p in FOLDER.glob("*.json")} == set(PATIENTS)


def test_the_samples_cover_every_disease_and_every_outcome() -> None:
    assert {p["family"] for p in PATIENTS.values()} >= FAMILIES
    assert {p["outcome"] for p in PATIENTS.values()} == {"match", "review", "unknown", "near miss", "silent"}
    assert len(PATIENTS) >= 24


@pytest.mark.parametrize("name", sorted(PATIENTS))
def test_the_bundle_is_valid_and_tagged_as_test_data(name: str) -> None:
    content = orjson.loads(body(name))
    problems = [(r.reference, r.problems) for r in validate_content(content, "R4B") if r.problems]
    assert problems == []
    for entry in content["entry"]:
        assert entry["resource"]["meta"]["tag"][0]["code"] == "HTEST"


@pytest.mark.parametrize("jurisdiction", ["us", "eu"])
@pytest.mark.parametrize("name", sorted(PATIENTS))
def test_the_assessment_keeps_the_promise_of_the_story(pipeline: Pipeline, name: str, jurisdiction: str) -> None:
    promised: dict[str, Any] = PATIENTS[name]["expect"]
    decoded = decode_record(body(name))
    assessment = pipeline.assessment(read_record(decoded.resources, decoded.issues), AS_OF, jurisdiction)
    found = {i.indication.id: i.status for i in assessment.indications}
    wanted = promised.get(jurisdiction, {})
    assert {k: found[k] for k in wanted} == wanted
    if PATIENTS[name]["outcome"] in ("silent", "near miss", "unknown", "review") and name not in (
        "deceased",
        "dlbcl-already-referred",
    ):
        assert "met" not in found.values()
    hook = HookView(hook="patient-view", hook_instance=HOOK_INSTANCE, service_id="cart-referral-patient-view")
    cards = pipeline.cards(assessment, hook, CardOptions(base_url="https://cds.example.org"))
    if jurisdiction in promised["cards"]:
        assert len(cards) == promised["cards"][jurisdiction], [c.summary for c in cards]


def test_a_chart_that_is_spared_the_rules_would_have_met_none_of_them(pipeline: Pipeline) -> None:
    spared = 0
    for name in PATIENTS:
        decoded = decode_record(body(name))
        record = read_record(decoded.resources, decoded.issues)
        if not nothing_to_judge(pipeline.picture(record, AS_OF)):
            continue
        spared += 1
        assessment = pipeline.assessment(record, AS_OF, "us")
        assert {one.status for one in assessment.indications} == {"not_met"}, name
        hook = HookView(hook="patient-view", hook_instance=HOOK_INSTANCE, service_id="s", user_type="Practitioner")
        assert not pipeline.composition(assessment, hook, CardOptions(base_url="http://localhost")).cards, name
    assert spared


def test_a_list_of_conditions_that_came_in_part_is_never_spared_the_rules(pipeline: Pipeline) -> None:
    decoded = decode_record(orjson.dumps({"resourceType": "Patient", "id": "p", "birthDate": "1980-01-01"}))
    for missing, spared in (("Condition", False), ("*", False), ("Observation", True)):
        record = read_record(decoded.resources, decoded.issues, {missing})
        assert nothing_to_judge(pipeline.picture(record, AS_OF)) is spared
