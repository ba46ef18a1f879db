"""Draft orders read beside the patient's disease: therapy for it or for another, lymphotoxic drugs (decision 43)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flag_kit import picture
from line_kit import RULES, coded, history, knowledge, ordered, record_of, resources

from cds_service.oncology.model import ClinicalPicture
from cds_service.oncology.orders import DraftTherapy, draft_therapy

Json = dict[str, Any]


@pytest.fixture(scope="module")
def lymphoma() -> ClinicalPicture:
    return picture()


def drafts(*drugs: str, **more: Any) -> list[Json]:
    """A draft order of each drug."""
    chart = resources(history("LBCL", *(ordered("2026-11-21", drug, st="draft") for drug in drugs)))
    patient, orders = chart[0], [r for r in chart if r["resourceType"] == "MedicationRequest"]
    return [patient, *({**order, **more} for order in orders)]


def read(seen: ClinicalPicture | None, chart: list[Json]) -> DraftTherapy:
    return draft_therapy(record_of(chart).medications, seen, knowledge())


@pytest.mark.parametrize("drug", ["rituximab", "gemcitabine", "lenalidomide", "ibrutinib", "epcoritamab"])
def test_an_anticancer_drug_is_a_systemic_therapy(lymphoma: ClinicalPicture, drug: str) -> None:
    assert read(lymphoma, drafts(drug)).systemic


@pytest.mark.parametrize("drug", ["prednisone", "acyclovir", "filgrastim", "unheard-of drug"])
def test_steroids_supportive_and_unreadable_drugs_are_none(lymphoma: ClinicalPicture, drug: str) -> None:
    assert read(lymphoma, drafts(drug)) == DraftTherapy()


@pytest.mark.parametrize(
    "drug",
    [
        "bendamustine",
        "cyclophosphamide",
        "methotrexate",
        "bortezomib",
        "alemtuzumab",
        "daratumumab",
        "cladribine",
        "nivolumab",
    ],
)
def test_lymphotoxic_drugs_of_the_table_are_named(lymphoma: ClinicalPicture, drug: str) -> None:
    assert read(lymphoma, drafts(drug)).lymphotoxic == (drug,)


@pytest.mark.parametrize("drug", ["rituximab", "polatuzumab vedotin", "lenalidomide", "ibrutinib"])
def test_other_therapies_are_not_called_lymphotoxic(lymphoma: ClinicalPicture, drug: str) -> None:
    found = read(lymphoma, drafts(drug))
    assert found.systemic
    assert found.lymphotoxic == ()


def test_a_coded_reason_names_the_disease(lymphoma: ClinicalPicture) -> None:
    breast = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "C50.911"}]}
    assert not read(lymphoma, drafts("methotrexate", reasonCode=[breast])).systemic
    assert read(lymphoma, drafts("methotrexate", reasonCode=[coded("diagnoses", "dlbcl_nos")])).systemic
    assert read(lymphoma, drafts("methotrexate", reasonCode=[breast, coded("diagnoses", "dlbcl_nos")])).systemic
    assert not read(lymphoma, drafts("methotrexate", reasonCode=[coded("diagnoses", "multiple_myeloma")])).systemic
    assert read(None, drafts("methotrexate", reasonCode=[coded("diagnoses", "multiple_myeloma")])).systemic


def test_a_reason_in_words_or_that_leads_nowhere_hides_nothing(lymphoma: ClinicalPicture) -> None:
    assert read(lymphoma, drafts("methotrexate", reasonCode=[{"text": "arthritis"}])).systemic
    assert read(lymphoma, drafts("methotrexate", reasonReference=[{"reference": "Condition/elsewhere"}])).systemic
    own = lymphoma.diagnoses[0].evidence[0]
    assert read(lymphoma, drafts("methotrexate", reasonReference=[{"reference": own}])).systemic


def test_an_order_not_to_give_a_drug_is_no_order(lymphoma: ClinicalPicture) -> None:
    assert read(lymphoma, drafts("bendamustine", doNotPerform=True)) == DraftTherapy()


def test_a_car_t_product_is_told_apart(lymphoma: ClinicalPicture) -> None:
    found = read(lymphoma, drafts("axicabtagene ciloleucel"))
    assert (found.systemic, found.lymphotoxic, found.cell_therapy) == (False, (), True)


def test_several_orders_are_read_together_in_any_order(lymphoma: ClinicalPicture) -> None:
    chart = drafts("rituximab", "bendamustine", "prednisone", "cyclophosphamide")
    turned = [chart[0], *reversed(chart[1:])]
    assert read(lymphoma, chart) == read(lymphoma, json.loads(json.dumps(turned)))
    assert read(lymphoma, chart).lymphotoxic == ("bendamustine", "cyclophosphamide")


def test_lymphotoxic_orders_and_the_washout_flag_name_the_same_drugs() -> None:
    known = knowledge()
    assert known.flag_rules is not None
    assert known.order_rules is not None
    washout = next(rule for rule in known.flag_rules.flags if rule.id == "washout")
    supportive = known.concepts.drugs_of_class("supportive")
    assert frozenset().union(*(given.drugs for given in washout.drugs)) - supportive == known.order_rules.lymphotoxic
    assert (RULES / "orders.yaml").is_file()
