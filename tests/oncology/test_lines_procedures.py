"""Claims put a drug where a procedure belongs: its code, or what was used, names the drug that was given (E7)."""

from __future__ import annotations

from typing import Any

import pytest
from test_unread import exposed, local, picture, problems, procedure

from cds_service.oncology.model import ClinicalPicture

HCPCS, CPT = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "http://www.ama-assn.org/go/cpt"


def coded(code: str, system: str = HCPCS) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def regimens(found: ClinicalPicture) -> list[str]:
    return [line.regimen for line in found.families["multiple_myeloma"].history.lines]


def test_a_drug_code_on_a_procedure_is_a_dose_of_that_drug() -> None:
    doses = [procedure(id=f"j{n}", code=coded("J9041"), performedDateTime=f"2022-0{n}-01") for n in (2, 3, 4)]
    found = picture(*doses)
    assert exposed(found) == "met"
    assert regimens(found) == ["Vd"]
    assert problems(found) == []


def test_what_was_used_names_the_drug_of_an_administration() -> None:
    found = picture(procedure(code=coded("96413", CPT), usedCode=[coded("J9041"), {"coding": [local("saline")]}]))
    assert exposed(found) == "met"


@pytest.mark.parametrize("status", ["not-done", "entered-in-error", "preparation"])
def test_a_drug_code_on_a_procedure_that_was_not_done_is_no_dose(status: str) -> None:
    assert exposed(picture(procedure(code=coded("J9041"), status=status))) != "met"


@pytest.mark.parametrize(
    "act",
    [
        {"code": coded("Q2056")},
        {"code": coded("38228", CPT), "usedCode": [coded("Q2056")]},
        {"code": {"coding": [*coded("38228", CPT)["coding"], *coded("Q2056")["coding"]]}},
    ],
)
def test_a_cell_product_is_named_by_its_own_code(act: dict[str, Any]) -> None:
    assert regimens(picture(procedure(**act))) == ["Ciltacabtagene autoleucel"]


def test_supportive_drugs_on_procedures_open_nothing() -> None:
    assert regimens(picture(procedure(code=coded("J1442")))) == []


@pytest.mark.parametrize("code", ["appendectomy", "J9041"])
def test_an_act_that_was_not_done_is_set_aside_only_where_it_would_have_been_treatment(code: str) -> None:
    what = coded(code) if code == "J9041" else {"coding": [local(code)]}
    given = [procedure(id=f"j{n}", code=coded("J9041"), performedDateTime=f"2022-0{n}-01") for n in (2, 3, 4)]
    found = picture(*given, procedure(id="other", code=what, status="not-done"))
    aside = [s.reference for s in found.families["multiple_myeloma"].history.set_aside]
    assert aside == (["Procedure/other"] if code == "J9041" else [])
