"""Diagnoses that no coded condition states: pathology results, reasons of orders, words."""

from __future__ import annotations

import pytest
from diagnosis_kit import condition, diagnoses, medication, only, pathology, problems

from cds_service.oncology.diagnosis_statements import SOUNDS


def test_a_final_pathology_result_is_an_inferred_diagnosis() -> None:
    found = only(pathology("9680/3"))
    assert (found.concept, found.certainty, found.evidence) == ("dlbcl_nos", "inferred", ("Observation/o1",))


@pytest.mark.parametrize(
    "entry",
    [
        pathology("9680/3", status="preliminary"),
        pathology("9680/3", status="entered-in-error"),
        pathology("9680/3", question="97509-4"),
        pathology("9680/3", text="suspected lymphoma"),
        pathology("8000/3"),
    ],
)
def test_other_observations_give_no_diagnosis(entry: dict[str, object]) -> None:
    assert diagnoses(entry) == {}


def test_pathology_gives_the_lineage_that_the_code_does_not() -> None:
    found = only(condition("all", onset="2024-01-01"), pathology("9836/3"))
    assert (found.concept, found.certainty) == ("b_all", "inferred")
    assert found.onset is not None and found.onset.text == "2024-01-01"


def test_a_coded_reason_alone_is_an_indirect_diagnosis() -> None:
    found = only(medication())
    assert (found.concept, found.certainty, found.evidence) == (
        "multiple_myeloma",
        "indirect",
        ("MedicationRequest/m1",),
    )


def test_a_coded_reason_adds_nothing_to_a_condition() -> None:
    assert only(condition("myeloma"), medication()).evidence == ("Condition/c1",)


def test_a_reason_of_a_retracted_order_says_nothing() -> None:
    assert diagnoses(medication(status="entered-in-error")) == {}


def test_a_diagnosis_in_words_only() -> None:
    found = only(condition(text="DLBCL"))
    assert (found.concept, found.certainty, found.may_be) == ("dlbcl_nos", "text", ("lbcl",))
    assert problems(condition(text="DLBCL")) == ["text names a lymphoma, leukaemia or myeloma; no code"]


@pytest.mark.parametrize(
    ("text", "may_be"),
    [
        ("lymphoma", ("cll_sll", "fl", "lbcl", "mcl", "mzl")),
        ("DLBCL, GCB type", ("lbcl",)),
        ("ALL-type leukemia", ("b_all", "cll_sll")),
    ],
)
def test_inexact_words_name_no_disease_but_families(text: str, may_be: tuple[str, ...]) -> None:
    found = only(condition(text=text))
    assert (found.concept, found.certainty, found.role) == ("haematological_text", "text", "ambiguous")
    assert found.may_be == may_be and not found.speaks_when_ambiguous


def test_words_beside_a_coded_diagnosis_of_their_family_are_that_diagnosis() -> None:
    found = only(condition("dlbcl", id="a"), condition(id="b", text="lymphoma of the stomach"))
    assert (found.concept, found.certainty) == ("dlbcl_nos", "confirmed")


def test_words_of_an_unconfirmed_entry_do_not_speak() -> None:
    assert only(condition(text="DLBCL", verification="provisional")).certainty == "provisional"


@pytest.mark.parametrize("text", ["history of DLBCL", "No evidence of lymphoma", "MCL", "MM", "ALL"])
def test_denied_past_and_ambiguous_words_are_silent(text: str) -> None:
    assert diagnoses(condition(text=text)) == {}


@pytest.mark.parametrize(
    "text",
    [
        "Linfoma difuso de células grandes B",
        "Chronische lymphatische Leukämie",
        "diffuus grootcellig B-cellymfoom",
        "Lymphome diffus à grandes cellules B",
        "Mieloma multiple",
        "Mantelzelllymphom, Erstdiagnose 01/2024",
    ],
)
def test_a_diagnosis_in_another_language_is_told_and_not_read(text: str) -> None:
    assert diagnoses(condition(text=text)) == {}
    assert problems(condition(text=text)) == [SOUNDS]


@pytest.mark.parametrize("text", ["family history of Leukämie", "leukocytosis", "myelomeningocele", "leukopenia"])
def test_words_that_only_resemble_a_blood_cancer_are_passed_over(text: str) -> None:
    assert problems(condition(text=text)) == []


def test_a_diagnosis_that_stands_only_as_the_body_site_is_told() -> None:
    entry = condition()
    entry["code"] = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "NI"}]}
    entry["bodySite"] = [{"coding": [{"display": "Leucemia Acuta Linfoblastica - LAL"}]}]
    assert problems(entry) == [SOUNDS]
