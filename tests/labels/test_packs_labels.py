"""The shipped label packs against the label reference: criteria, lines, ages, diseases, by date."""

from __future__ import annotations

from datetime import date

import pytest
from pack_kit import READ_ON, criteria_of, wording

from cds_service.labels.packs import Indication, Ruleset


def test_every_indication_asks_for_current_relapsed_or_refractory_disease(us: Ruleset, eu: Ruleset) -> None:
    for indication in us.indications + eu.indications:
        assert {"age", "diagnosis", "relapsed_or_refractory"} <= set(criteria_of(indication)), indication.id


def test_us_labels_ask_for_what_the_reference_says(us: Ruleset) -> None:
    base = {"age", "diagnosis", "relapsed_or_refractory"}
    third = base | {"prior_lines"}
    no_cns = {"not_primary_cns"}
    wanted = {
        "us/kymriah/all-ped-ya": base | {"refractory_or_second_relapse"},
        "us/kymriah/lbcl-3l": third | no_cns,
        "us/kymriah/fl-3l": third,
        "us/yescarta/lbcl-2l-early": base | {"first_line_failure"} | no_cns,
        "us/yescarta/lbcl-3l": third | no_cns,
        "us/yescarta/fl-3l": third,
        "us/tecartus/mcl-rr": base,
        "us/tecartus/ball-adult": base,
        "us/breyanzi/lbcl-2l-early-relapse": base | {"first_line_failure"} | no_cns,
        "us/breyanzi/lbcl-2l-transplant-ineligible": base | {"first_line_failure", "transplant_ineligible"} | no_cns,
        "us/breyanzi/lbcl-3l": third | no_cns,
        "us/breyanzi/cll-sll-3l": third | {"exposed_btki", "exposed_bcl2i"},
        "us/breyanzi/fl-3l": third,
        "us/breyanzi/mcl-3l": third | {"exposed_btki"},
        "us/breyanzi/mzl-3l": third,
        "us/abecma/mm-3l": third | {"exposed_imid", "exposed_pi", "exposed_cd38"},
        "us/carvykti/mm-2l-len-refractory": third | {"exposed_imid", "exposed_pi", "refractory_to_lenalidomide"},
        "us/aucatzyl/ball-adult": base,
    }
    assert {indication.id: set(criteria_of(indication)) for indication in us.in_force(READ_ON)} == wanted


def test_eu_labels_ask_for_what_the_reference_says(eu: Ruleset) -> None:
    base = {"age", "diagnosis", "relapsed_or_refractory"}
    third = base | {"prior_lines"}
    second = base | {"first_line_failure"}
    no_cns = {"not_primary_cns"}
    last = {"progressed_on_last_therapy"}
    wanted = {
        "eu/kymriah/b-all": base | {"refractory_or_second_relapse"},
        "eu/kymriah/dlbcl": third | no_cns,
        "eu/kymriah/fl": third,
        "eu/yescarta/lbcl-2l": second | no_cns,
        "eu/yescarta/lbcl-3l": third | no_cns,
        "eu/yescarta/fl": third,
        "eu/tecartus/mcl": third | {"exposed_btki"},
        "eu/tecartus/b-all": base,
        "eu/breyanzi/lbcl-2l": second | no_cns,
        "eu/breyanzi/lbcl-3l": third | no_cns,
        "eu/breyanzi/fl": third,
        "eu/breyanzi/mcl": third | {"exposed_btki"},
        "eu/abecma/mm": third | {"exposed_imid", "exposed_pi", "exposed_cd38"} | last,
        "eu/carvykti/mm": third | {"exposed_imid", "exposed_pi", "refractory_to_lenalidomide"} | last,
        "eu/aucatzyl/b-all": base,
    }
    assert {indication.id: set(criteria_of(indication)) for indication in eu.in_force(READ_ON)} == wanted


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("us/kymriah/lbcl-3l", 2),
        ("us/breyanzi/cll-sll-3l", 2),
        ("us/abecma/mm-3l", 2),
        ("us/carvykti/mm-2l-len-refractory", 1),
        ("eu/yescarta/fl", 3),
        ("eu/kymriah/fl", 2),
        ("eu/tecartus/mcl", 2),
        ("eu/abecma/mm", 2),
        ("eu/carvykti/mm", 1),
    ],
)
def test_the_number_of_lines_a_label_asks_for(name: str, lines: int, us: Ruleset, eu: Ruleset) -> None:
    assert criteria_of(wording(us if name.startswith("us") else eu, name))["prior_lines"] == {"min": lines}


@pytest.mark.parametrize(
    ("name", "age"),
    [
        ("us/kymriah/all-ped-ya", {"max_years": 25, "note_within_days": 89}),
        ("eu/kymriah/b-all", {"max_years": 25, "note_within_days": 91}),
        ("us/tecartus/ball-adult", {"min_years": 18}),
        ("eu/tecartus/b-all", {"min_years": 26, "note_within_days": 91}),
        ("us/aucatzyl/ball-adult", {"min_years": 18}),
        ("eu/aucatzyl/b-all", {"min_years": 26, "note_within_days": 91}),
    ],
)
def test_the_ages_of_the_leukaemia_labels(name: str, age: dict[str, int], us: Ruleset, eu: Ruleset) -> None:
    assert criteria_of(wording(us if name.startswith("us") else eu, name))["age"] == age


MATRIX = {
    # columns: us/kymriah/lbcl-3l, us/yescarta/lbcl-2l-early, us/yescarta/lbcl-3l, us/breyanzi/lbcl-3l (labels-us 9b)
    "dlbcl_nos": ("met", "met", "met", "met"),
    "transformed_follicular_lymphoma": ("met", "met", "met", "met"),
    "transformed_indolent_lymphoma": ("review", "met", "review", "met"),
    "richter_transformation": ("review", "review", "review", "review"),
    "primary_mediastinal_lbcl": (None, "met", "met", "met"),
    "high_grade_b_cell_lymphoma": ("met", "met", "met", "met"),
    "high_grade_b_cell_lymphoma_double_hit": ("met", "met", "met", "met"),
    "follicular_lymphoma_grade_3b": ("review", "review", "review", "met"),
    "follicular_lymphoma_grade_3_unspecified": ("unknown", "unknown", "unknown", "unknown"),
    "t_cell_histiocyte_rich_lbcl": ("review", "met", "review", "review"),
    "dlbcl_other_named_subtype": ("review", "met", "review", "review"),
    "primary_cns_lymphoma": (None, "review", "review", None),
    "burkitt_lymphoma": (None, None, None, None),
    "plasmablastic_lymphoma": (None, None, None, None),
    "primary_effusion_lymphoma": (None, None, None, None),
    "follicular_lymphoma": (None, None, None, None),
}
COLUMNS = ("us/kymriah/lbcl-3l", "us/yescarta/lbcl-2l-early", "us/yescarta/lbcl-3l", "us/breyanzi/lbcl-3l")
EU_MATRIX = {
    # columns: eu/kymriah/dlbcl, eu/yescarta/lbcl-2l, eu/yescarta/lbcl-3l, eu/breyanzi/lbcl-2l, eu/breyanzi/lbcl-3l
    "dlbcl_nos": ("met",) * 5,
    "transformed_follicular_lymphoma": ("met",) * 5,
    "transformed_indolent_lymphoma": ("met",) * 5,
    "high_grade_b_cell_lymphoma": ("review", "met", "review", "met", "review"),
    "primary_mediastinal_lbcl": (None, None, "met", "met", "met"),
    "follicular_lymphoma_grade_3b": ("review", None, None, "met", "met"),
    "t_cell_histiocyte_rich_lbcl": ("review",) * 5,
    "richter_transformation": ("review",) * 5,
    "primary_cns_lymphoma": (None,) * 5,
    "burkitt_lymphoma": (None,) * 5,
}
EU_COLUMNS = (
    "eu/kymriah/dlbcl",
    "eu/yescarta/lbcl-2l",
    "eu/yescarta/lbcl-3l",
    "eu/breyanzi/lbcl-2l",
    "eu/breyanzi/lbcl-3l",
)


def _listed(indication: Indication, concept: str) -> str | None:
    lists = criteria_of(indication)["diagnosis"]
    found = [name for name in ("met", "review", "unknown") if concept in lists.get(name, ())]  # type: ignore[operator]
    assert len(found) < 2
    return found[0] if found else None


@pytest.mark.parametrize("concept", MATRIX)
def test_the_us_decision_matrix_of_large_b_cell_lymphomas(concept: str, us: Ruleset) -> None:
    assert tuple(_listed(wording(us, name), concept) for name in COLUMNS) == MATRIX[concept]


@pytest.mark.parametrize("concept", EU_MATRIX)
def test_the_eu_readings_of_large_b_cell_lymphomas(concept: str, eu: Ruleset) -> None:
    assert tuple(_listed(wording(eu, name), concept) for name in EU_COLUMNS) == EU_MATRIX[concept]


def test_the_three_breyanzi_entries_name_the_same_lymphomas(us: Ruleset) -> None:
    names = ("lbcl-2l-early-relapse", "lbcl-2l-transplant-ineligible", "lbcl-3l")
    lists = [criteria_of(wording(us, f"us/breyanzi/{name}"))["diagnosis"] for name in names]
    assert lists[0] == lists[1] == lists[2]


def test_the_answer_is_that_of_the_label_of_the_day(us: Ruleset, eu: Ruleset) -> None:
    def lines(ruleset: Ruleset, name: str, day: str) -> object:
        return criteria_of(wording(ruleset, name, date.fromisoformat(day)))["prior_lines"]["min"]

    assert lines(us, "us/abecma/mm-3l", "2024-04-03") == 4
    assert lines(us, "us/abecma/mm-3l", "2024-04-04") == 2
    assert lines(us, "us/carvykti/mm-2l-len-refractory", "2024-04-04") == 4
    assert lines(us, "us/carvykti/mm-2l-len-refractory", "2024-04-05") == 1
    assert lines(eu, "eu/abecma/mm", "2024-03-20") == 3
    assert lines(eu, "eu/abecma/mm", "2024-03-21") == 2
    assert "not_primary_cns" in criteria_of(wording(us, "us/yescarta/lbcl-3l", date(2026, 2, 5)))
    cns = criteria_of(wording(us, "us/yescarta/lbcl-3l", date(2026, 2, 6)))["not_primary_cns"]
    assert "of" not in cns and cns["review_for"] == ("primary_cns_lymphoma",)
    assert wording(us, "us/breyanzi/fl-3l", date(2026, 1, 31)).approval == "accelerated"
    assert wording(us, "us/breyanzi/fl-3l", date(2026, 2, 1)).approval == "regular"
    assert "us/breyanzi/mzl-3l" not in {indication.id for indication in us.in_force(date(2025, 12, 3))}
    assert "eu/aucatzyl/b-all" not in {indication.id for indication in eu.in_force(date(2025, 7, 16))}


def test_accelerated_and_conditional_approvals_are_those_of_the_reference(us: Ruleset, eu: Ruleset) -> None:
    assert {i.id for i in us.in_force(READ_ON) if i.approval == "accelerated"} == {
        "us/kymriah/fl-3l",
        "us/yescarta/fl-3l",
        "us/tecartus/mcl-rr",
        "us/breyanzi/cll-sll-3l",
    }
    assert {i.id for i in eu.in_force(READ_ON) if i.approval == "conditional"} == {
        "eu/tecartus/mcl",
        "eu/tecartus/b-all",
        "eu/aucatzyl/b-all",
    }
