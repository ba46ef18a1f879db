"""The assessment as JSON: members, order, nothing dropped; and the part of it that a card carries."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

from cds_service.fhir.dates import Interval
from cds_service.fhir.model import Coverage, DataIssue
from cds_service.labels import Rulebook, as_json, assess
from cds_service.oncology.model import FACT_NAMES, Fact, Flag, History, Line, LineCount, SetAside
from tests.labels import patients as p

RULEBOOK = Rulebook(p.EVERYTHING)
ONSET = Interval(date(2024, 1, 1), date(2024, 1, 31), "2024-01")
LINE = Line(
    number=1,
    family="lbcl",
    regimen="R-CHOP",
    agents=("rituximab", "cyclophosphamide"),
    start="2024-01-10",
    end=None,
    because="opened by rituximab",
    evidence=("MedicationAdministration/m1",),
)


def full_picture(**changed: Any) -> Any:
    history = History(
        count=LineCount(n=1, min=1, max=2),
        lines=(LINE,),
        set_aside=(SetAside(reference="MedicationRequest/r2", why="ordered, never given"),),
    )
    facts = {"prior_lines_ge_1": Fact(status="met", grade="inferred", because="one line", evidence=("Condition/c",))}
    lbcl = replace(p.course(), history=history, facts=facts)
    usual = {
        "families": {"lbcl": lbcl, "fl": p.course("fl")},
        "flags": (Flag(id="hiv", status="unknown", because="no test found"),),
        "issues": (
            DataIssue(reference="Condition/z", problem="no code"),
            DataIssue(reference="Condition/a", problem="no code"),
        ),
    }
    picture = p.picture(
        p.diagnosis(onset=ONSET),
        p.diagnosis("follicular_lymphoma", "fl", state="resolved"),
        **{**usual, **changed},
    )
    return replace(picture, coverage=Coverage(resources={"Observation": 3, "Condition": 2}, earliest="2023-11-02"))


def report(family: str | None = None) -> dict[str, Any]:
    return as_json(assess(full_picture(), RULEBOOK, service_version="1.2.3"), family)


def test_members_stand_in_the_order_of_the_contract() -> None:
    assert list(report()) == [
        "schema",
        "serviceVersion",
        "ruleset",
        "asOf",
        "patient",
        "family",
        "diagnoses",
        "linesOfTherapy",
        "facts",
        "indications",
        "flags",
        "dataIssues",
        "coverage",
        "otherFamilies",
    ]
    assert list(report()["indications"][0]) == ["id", "product", "brand", "status", "criteria"]
    assert list(report()["indications"][0]["criteria"][0]) == ["id", "status", "grade", "because", "evidence"]


def test_the_full_assessment_keeps_null_and_empty_members() -> None:
    found = report()
    assert found["linesOfTherapy"]["count"] == {"n": 1, "min": 1, "max": 2, "sinceTransformation": None}
    assert found["linesOfTherapy"]["recorded"] is None
    assert found["linesOfTherapy"]["lines"][0]["end"] is None
    assert found["linesOfTherapy"]["setAside"] == [{"reference": "MedicationRequest/r2", "why": "ordered, never given"}]
    assert found["coverage"] == {
        "resources": {"Condition": 2, "Observation": 3},
        "earliest": "2023-11-02",
        "latest": None,
        "truncated": False,
    }


def test_dates_keep_the_precision_of_the_record() -> None:
    assert {one["concept"]: one["onset"] for one in report()["diagnoses"]} == {
        "dlbcl_nos": "2024-01",
        "follicular_lymphoma": None,
    }


def test_every_fact_is_there_whatever_is_known() -> None:
    assert list(report()["facts"]) == list(FACT_NAMES)
    nothing = as_json(assess(p.picture(), RULEBOOK))
    assert list(nothing["facts"]) == list(FACT_NAMES)
    assert {one["status"] for one in nothing["facts"].values()} == {"unknown"}
    assert (nothing["family"], nothing["otherFamilies"], nothing["linesOfTherapy"]["lines"]) == (None, [], [])


def test_other_families_follow_the_leading_one() -> None:
    found = report()
    assert found["family"] == "lbcl"
    assert [one["family"] for one in found["otherFamilies"]] == ["fl"]
    assert list(found["otherFamilies"][0]) == ["family", "linesOfTherapy", "facts"]


def test_data_issues_are_sorted() -> None:
    assert [one["reference"] for one in report()["dataIssues"]] == ["Condition/a", "Condition/z"]


def test_an_unknown_age_is_null() -> None:
    found = as_json(assess(p.picture(age=None), RULEBOOK))
    assert found["patient"] == {"reference": "Patient/p1", "ageYears": None, "deceased": False}


def test_the_same_picture_gives_the_same_bytes() -> None:
    assert json.dumps(report()) == json.dumps(report())


def empty_members(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [one for part in value.values() for one in empty_members(part)]
    if isinstance(value, list):
        return [one for part in value for one in empty_members(part)] or ([value] if not value else [])
    return [value] if value is None or value == "" else []


def test_a_card_carries_its_own_family_and_nothing_empty() -> None:
    card = report("lbcl")
    assert empty_members(card) == []
    assert card["family"] == "lbcl"
    assert "otherFamilies" not in card
    assert [one["concept"] for one in card["diagnoses"]] == ["dlbcl_nos"]
    assert [one["id"] for one in card["indications"]] == [
        "us/example/lbcl-2l",
        "us/example/lbcl-2l-unfit",
        "us/example/lbcl-3l",
    ]
    assert card["coverage"]["truncated"] is False
    assert card["patient"]["deceased"] is False


def test_a_card_leaves_out_indications_whose_diagnosis_is_not_met() -> None:
    assert "indications" not in as_json(assess(full_picture(), RULEBOOK), "multiple_myeloma")
