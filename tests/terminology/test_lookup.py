"""Codes as real feeds send them: spellings of systems and codes, wrong systems, and what must never match."""

from __future__ import annotations

from pathlib import Path

import pytest

from cds_service.fhir.model import Coding, Concept
from cds_service.terminology import load_concepts

RULES = Path(__file__).parents[2] / "rules"
CONCEPTS = load_concepts(RULES)
ICD10CM, ICD10 = "http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-10"
SNOMED, LOINC, RXNORM = "http://snomed.info/sct", "http://loinc.org", "http://www.nlm.nih.gov/research/umls/rxnorm"
ICDO, CPT = "http://terminology.hl7.org/CodeSystem/icd-o-3", "http://www.ama-assn.org/go/cpt"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"


def disease(system: str, code: str) -> str:
    found = CONCEPTS.lookup(system, code)
    return found.diagnosis.concept if found is not None and found.diagnosis is not None else ""


def coded(*codings: tuple[str, str]) -> Concept:
    return Concept(tuple(Coding(system, code) for system, code in codings))


@pytest.mark.parametrize(
    ("system", "code"),
    [
        (ICD10CM, "C83.30"),
        (ICD10CM, "C8330"),
        (ICD10CM, " c83.30 "),
        ("urn:oid:2.16.840.1.113883.6.90", "C83.30"),
        ("2.16.840.1.113883.6.90", "C83.30"),
        ("https://hl7.org/fhir/sid/icd-10-cm", "C83.30"),
        (ICD10CM + "/", "C83.30"),
        (ICD10CM + "|2026", "C83.30"),
        (ICD10, "C83.30"),
        (ICD10, "C83.3"),
        ("http://fhir.de/CodeSystem/bfarm/icd-10-gm", "C83.3"),
        ("http://fhir.de/CodeSystem/dimdi/icd-10-gm", "C83.3"),
        ("http://hl7.org/fhir/sid/icd-10-am", "C83.3"),
        ("https://icd.who.int/browse10/2019/en", "C83.30"),
        (SNOMED, "109969005"),
        ("http://snomed.info/sct/731000124108", "109969005"),
        ("http: //snomed.info/sct", "109969005"),
        (ICDO, "9680/3"),
        (ICDO, "M9680/3"),
        (ICDO, "M-9680/3"),
        (ICDO, "96803"),
        ("urn:oid:2.16.840.1.113883.6.43.1", "9680/3"),
    ],
)
def test_dlbcl_in_every_spelling(system: str, code: str) -> None:
    assert disease(system, code) == "dlbcl_nos"


def test_a_code_under_the_who_uri_is_read_by_its_shape_and_reported() -> None:
    found = CONCEPTS.lookup(ICD10, "C90.02")
    assert found is not None and found.diagnosis is not None
    assert found.diagnosis.disease_status == "in_relapse"
    assert CONCEPTS.misplaced(ICD10, "C90.02") and not CONCEPTS.misplaced(ICD10, "C90.0")
    assert not CONCEPTS.misplaced(ICD10CM, "C90.02") and not CONCEPTS.misplaced(ICD10CM, "Q00.0")


@pytest.mark.parametrize("edition", ["http://fhir.de/CodeSystem/bfarm/icd-10-gm", "http://hl7.org/fhir/sid/icd-10-am"])
@pytest.mark.parametrize("code", ["C83.1", "C91.10"])
def test_a_code_of_a_national_edition_stands_where_it_belongs(edition: str, code: str) -> None:
    assert CONCEPTS.lookup(edition, code) is not None
    assert not CONCEPTS.misplaced(edition, code)


@pytest.mark.parametrize("edition", ["bfarm", "dimdi"])
def test_the_german_edition_of_atc_names_the_same_drugs(edition: str) -> None:
    found = CONCEPTS.lookup(f"http://fhir.de/CodeSystem/{edition}/atc", "L01EL01")
    assert found is not None and found.drug is not None
    assert found.drug.ingredients == ("ibrutinib",)


def test_the_longest_prefix_wins_and_an_exact_row_beats_it() -> None:
    assert disease(ICD10CM, "C83.390") == "primary_cns_lymphoma"
    assert disease(ICD10CM, "C83.39") == "dlbcl_nos"
    assert disease(ICD10CM, "C81.ZZ") == "hodgkin_lymphoma"


@pytest.mark.parametrize(
    ("system", "code"),
    [
        ("urn:oid:2.16.840.1.113883.6.238", "2106-3"),
        ("", "C83.30"),
        ("http://example.org/local", "C83.30"),
        (RXNORM, "C83.30"),
        (SNOMED, "9680/3"),
        (ICDO, "C77.9"),
        (ICDO, "9680/6"),
        (ICD10CM, ""),
        (ICD10, "D50.9"),
        (ICD10CM, "C" * 5000),
    ],
)
def test_what_means_nothing(system: str, code: str) -> None:
    assert CONCEPTS.lookup(system, code) is None


def test_one_string_in_two_systems_is_two_codes() -> None:
    """R-26: 2106-3 is a pregnancy test in LOINC and a race in another system."""
    found = CONCEPTS.lookup(LOINC, "2106-3")
    assert found is not None and found.observation is not None and found.observation.concept == "pregnancy_test"
    assert CONCEPTS.lookup("urn:oid:2.16.840.1.113883.6.238", "2106-3") is None


def test_cpt_codes_under_the_hcpcs_uri_are_found() -> None:
    assert CONCEPTS.lookup(HCPCS, "38241") == CONCEPTS.lookup(CPT, "38241") is not None


def test_a_code_that_says_more_replaces_the_vague_one_beside_it_and_keeps_its_state() -> None:
    (meaning,) = CONCEPTS.diagnosis(coded((ICD10CM, "C91.02"), (SNOMED, "277571004")))
    assert (meaning.concept, meaning.disease_status) == ("b_all", "in_relapse")


def test_codings_of_different_diseases_are_both_given() -> None:
    found = CONCEPTS.diagnosis(coded((ICD10CM, "C83.30"), (ICD10CM, "C81.90")))
    assert [m.concept for m in found] == ["dlbcl_nos", "hodgkin_lymphoma"]


def test_order_of_codings_says_nothing() -> None:
    one, other = (ICD10CM, "C85.10"), (SNOMED, "109989006")
    assert CONCEPTS.diagnosis(coded(one, other)) == CONCEPTS.diagnosis(coded(other, one))


def test_liposomal_form_beside_its_ingredient_is_the_form() -> None:
    doxil = coded((RXNORM, "3639"), (RXNORM, "1790115"))
    found = CONCEPTS.drug(doxil)
    assert found is not None and found.ingredients == ("doxorubicin_liposomal",)
    assert not CONCEPTS.drug_conflict(doxil)


def test_codings_of_two_drugs_are_a_conflict() -> None:
    mixed = coded((RXNORM, "121191"), (RXNORM, "3639"))
    assert CONCEPTS.drug(mixed) is None and CONCEPTS.drug_conflict(mixed)


def test_biosimilar_brand_and_hyaluronidase_are_one_ingredient() -> None:
    codes = ("121191", "1927886", "1927884")
    found = CONCEPTS.drug(coded(*((RXNORM, code) for code in codes)))
    assert found is not None and found.ingredients == ("rituximab",) and found.complete


def test_a_brand_for_another_disease_says_so() -> None:
    found = CONCEPTS.drug(coded((RXNORM, "2390950")))
    assert found is not None and (found.ingredients, found.use) == (("ofatumumab",), "non_oncology_brand")


def test_a_procedure_that_names_its_product_goes_before_one_that_does_not() -> None:
    found = CONCEPTS.procedure(coded((SNOMED, "nothing"), (HCPCS, "Q2041")))
    assert found is not None and found.product == "axicabtagene_ciloleucel"


def test_a_question_is_not_an_answer() -> None:
    asked = coded((LOINC, "97509-4"))
    question = CONCEPTS.observation_question(asked)
    assert question is not None and question.concept == "disease_status"
    assert CONCEPTS.observation_value(asked) is None
