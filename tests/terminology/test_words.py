"""Names in words: exact and unambiguous, or nothing (decisions 18, 63, 66)."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from cds_service.terminology import load_concepts

RULES = Path(__file__).parents[2] / "rules"
CONCEPTS = load_concepts(RULES)
WHOLE_LYMPHOMA = ("cll_sll", "fl", "lbcl", "mcl", "mzl")


@pytest.mark.parametrize(
    ("text", "drug"),
    [
        ("rituximab", "rituximab"),
        ("RITUXIMAB", "rituximab"),
        ("rituximab-abbs", "rituximab"),
        ("Rituxan Hycela", "rituximab"),
        ("daratumumab and hyaluronidase", "daratumumab"),
        ("Darzalex Faspro", "daratumumab"),
        ("vincristine sulfate", "vincristine"),
        ("Doxorubicin HCl", "doxorubicin"),
        ("imatinib mesylate", "imatinib"),
        ("Marqibo", "vincristine_liposomal"),
        ("liposomal vincristine", "vincristine_liposomal"),
        ("doxorubicin hydrochloride liposome", "doxorubicin_liposomal"),
        ("pegylated liposomal doxorubicin", "doxorubicin_liposomal"),
        ("mycophenolate mofetil", "mycophenolate_mofetil"),
        ("axi-cel", "axicabtagene_ciloleucel"),
        ("axi cel", "axicabtagene_ciloleucel"),
        ("CTL019", "tisagenlecleucel"),
        ("acalabrutinib 100 MG Oral Tablet [Calquence]", "acalabrutinib"),
    ],
)
def test_exact_names(text: str, drug: str) -> None:
    found = CONCEPTS.drug_text(text)
    assert found is not None and found.ingredients == (drug,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rituximab 500 mg in 50 mL injection",
        "rituximab or placebo",
        "rituxima",
        "len",
        "Rev",
        "CTX",
        "GO",
        "ctl019",
        "hydrochloride",
        "R-CHOP",
        "chemotherapy",
        "anti-CD20 antibody",
    ],
)
def test_what_names_no_drug(text: str) -> None:
    assert CONCEPTS.drug_text(text) is None


def test_every_unambiguous_alias_names_its_drug() -> None:
    with (RULES / "terminology" / "aliases.csv").open(encoding="utf-8", newline="") as handle:
        aliases = [row for row in csv.DictReader(handle) if row["kind"] == "drug"]
    for row in aliases:
        found = CONCEPTS.drug_text(row["alias"])
        expected = None if row["ambiguous"] else (row["concept"],)
        assert (found.ingredients if found is not None else None) == expected, row


@pytest.mark.parametrize(
    ("text", "concept", "families"),
    [
        ("DLBCL", "dlbcl_nos", ("lbcl",)),
        ("diffuse large B-cell lymphoma", "dlbcl_nos", ("lbcl",)),
        ("Diffuse Large B Cell Lymphoma", "dlbcl_nos", ("lbcl",)),
        ("CLL/SLL", "cll_sll", ("cll_sll",)),
        ("multiple myeloma", "multiple_myeloma", ("multiple_myeloma",)),
        ("Hodgkin lymphoma", "hodgkin_lymphoma", ()),
        ("T-ALL", "t_all_lbl", ()),
        ("DLBCL, GCB type", "", ("lbcl",)),
        ("non-Hodgkin lymphoma", "", WHOLE_LYMPHOMA),
        ("lymphoma", "", WHOLE_LYMPHOMA),
        ("follicular lymphoma grade 3", "", ("fl", "lbcl")),
        ("acute lymphoblastic leukemia", "", ("b_all",)),
        ("ALL", "", ()),
        ("MM", "", ()),
        ("dlbcl", "", ()),
        ("history of DLBCL", "", ()),
        ("rule out lymphoma", "", ()),
        ("family history of multiple myeloma", "", ()),
        ("no evidence of lymphoma", "", ()),
        ("hypertension", "", ()),
        ("lymphedema", "", ()),
    ],
)
def test_what_a_diagnosis_text_can_mean(text: str, concept: str, families: tuple[str, ...]) -> None:
    found = CONCEPTS.diagnosis_text(text)
    assert (found.concept, found.families) == (concept, families)
