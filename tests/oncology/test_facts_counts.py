"""Counts, exposure, coverage, transplants (Counts, X0, X7, X8, X9, decisions 15, 54)."""

from __future__ import annotations

import pytest
from course_kit import (
    PROBABLE,
    R_CHOP,
    R_GDP,
    VRD,
    Boundary,
    LineCount,
    course,
    days_after,
    diagnosis,
    dose,
    line,
    status,
    transplant,
)

from cds_service.oncology.facts import find_facts
from cds_service.oncology.facts_counts import line_range

FIRST = line(1, R_CHOP, "2024-01-19", "2024-05-03")
SECOND = line(2, R_GDP, "2025-06-01", "2025-07-13", cycles=3)


def statuses(found, *names):
    facts = find_facts(found)
    return tuple(facts[name].status for name in names)


def test_two_certain_lines_are_at_least_two_and_not_three():
    found = course((FIRST, SECOND))
    assert statuses(found, "prior_lines_ge_1", "prior_lines_ge_2", "prior_lines_ge_3") == ("met", "met", "not_met")


def test_a_line_known_from_orders_only_is_perhaps():
    found = course((line(1, R_CHOP, "2024-01-19", "2024-05-03", grade=PROBABLE),))
    assert statuses(found, "prior_lines_ge_1", "prior_lines_ge_2") == ("unknown", "not_met")
    assert "would settle it" in find_facts(found)["prior_lines_ge_1"].because


def test_an_ambiguous_boundary_asks_its_question():
    boundary = Boundary(rule="L16", line=2, is_new=True, question="Was the treatment resumed after relapse?")
    count = LineCount(n=2, min=1, max=2, questions=(boundary.question,))
    found = course((FIRST, SECOND), boundaries=(boundary,), count=count)
    assert statuses(found, "prior_lines_ge_2") == ("unknown",)
    assert boundary.question in find_facts(found)["prior_lines_ge_2"].because


def test_a_recorded_count_above_the_derived_one_makes_absence_unknown():
    count = LineCount(n=1, min=1, max=2)
    found = course((FIRST,), family="fl", count=count, recorded=2, gaps=("treatment may be missing from this record",))
    names = ("prior_lines_ge_1", "prior_lines_ge_2", "prior_lines_ge_3", "exposed_btki", "prior_car_t")
    assert statuses(found, *names) == ("met", "unknown", "unknown", "unknown", "unknown")


def transformed(lines, **more):
    known = (
        diagnosis("follicular_lymphoma", "fl", "2018-04-09"),
        diagnosis("transformed_follicular_lymphoma", "lbcl", "2025-03-10", origin="follicular_lymphoma"),
    )
    return course(lines, diagnoses=known, onset=None, **more)


def test_one_line_before_and_one_since_the_transformation_straddle_two():
    before = line(1, ("rituximab", "cyclophosphamide", "vincristine"), "2018-05-07", "2018-10-01")
    since = line(2, R_CHOP, "2025-03-24", "2025-07-07", regimen_role="frontline")
    found = transformed((before, since))
    assert statuses(found, "prior_lines_ge_1", "prior_lines_ge_2", "prior_lines_ge_3") == ("met", "unknown", "not_met")
    assert (line_range(found).least, line_range(found).most, line_range(found).since) == (1, 2, 1)


def test_two_lines_since_the_transformation_are_two_in_both_counts():
    before = line(1, ("rituximab", "bendamustine"), "2018-05-07", "2018-10-01")
    lines = (before, line(2, R_CHOP, "2025-03-24", "2025-07-07"), line(3, R_GDP, "2026-01-04", "2026-02-20", cycles=3))
    assert statuses(transformed(lines), "prior_lines_ge_2", "prior_lines_ge_3") == ("met", "unknown")


def test_the_first_line_since_transformation_is_the_one_the_twelve_months_count_from():
    before = line(1, ("rituximab", "bendamustine"), "2018-05-07", "2018-10-01")
    since = line(2, R_CHOP, "2025-03-24", "2025-07-07", regimen_role="frontline")
    events = (
        status("CR", "2019-01-01"),
        status("REL", "2025-03-03"),
        status("CR", "2025-08-18"),
        status("REL", "2026-04-06"),
    )
    assert statuses(transformed((before, since), events=events), "early_1l_failure") == ("met",)


# Exposure


def test_a_class_given_once_is_exposure_also_from_bridging():
    found = course((FIRST,), exposures=(dose("lenalidomide", "2025-02-01"),))
    assert statuses(found, "exposed_imid", "exposed_pi") == ("met", "not_met")


def test_probable_exposure_is_neither_yes_nor_no_and_names_its_source():
    found = course((FIRST,), exposures=(dose("acalabrutinib", "2025-02-01", grade=PROBABLE),))
    fact = find_facts(found)["exposed_btki"]
    assert fact.status == "unknown"
    assert "MedicationAdministration/acalabrutinib-2025-02-01" in fact.because


def test_a_study_drug_may_be_any_class():
    found = course((FIRST,), exposures=(dose("investigational", "2025-02-01"),))
    assert statuses(found, "exposed_btki", "exposed_anti_cd20") == ("unknown", "met")


def test_three_classes_together():
    given = line(1, VRD, "2024-01-19", "2024-05-03", cycles=4)
    found = course((given,), family="multiple_myeloma")
    assert statuses(found, "double_class_exposed", "triple_class_exposed") == ("met", "not_met")
    found = course((given,), family="multiple_myeloma", exposures=(dose("daratumumab", "2025-01-01", grade=PROBABLE),))
    assert statuses(found, "triple_class_exposed") == ("unknown",)


# Coverage


@pytest.mark.parametrize(("day", "expected"), [(180, "not_met"), (181, "unknown")])
def test_large_cell_lymphoma_first_treated_more_than_180_days_after_diagnosis_has_a_gap(day, expected):
    found = course((FIRST,), onset=days_after("2024-01-19", -day))
    assert statuses(found, "prior_lines_ge_2") == (expected,)


def test_a_relapse_before_any_treatment_is_a_gap_unless_radiotherapy_explains_it():
    early = status("REL", "2024-01-10")
    assert statuses(course((FIRST,), (early,), family="fl"), "prior_lines_ge_2") == ("unknown",)
    radiotherapy = (transplant("radiotherapy", "2024-01-05"),)
    assert statuses(course((FIRST,), (early,), family="fl", local=radiotherapy), "prior_lines_ge_2") == ("not_met",)


def test_a_diagnosis_without_a_date_is_a_gap():
    assert statuses(course((FIRST,), onset=None), "prior_lines_ge_1", "prior_lines_ge_2") == ("met", "unknown")


@pytest.mark.parametrize("name", ["MedicationAdministration", "MedicationRequest", "Procedure"])
def test_a_missing_list_makes_absence_unknown_and_is_named(name):
    found = course((FIRST,), missing=(name,))
    fact = find_facts(found)["exposed_btki"]
    assert fact.status == "unknown"
    assert name in fact.because
    assert statuses(found, "prior_lines_ge_1", "exposed_anti_cd20") == ("met", "met")


# Transplant and cells


def test_transplant_and_car_t_are_recorded_facts():
    events = (transplant("auto_hsct", "2024-09-01"), transplant("car_t", "2025-01-01"))
    found = course((FIRST,), procedures=events)
    names = ("prior_auto_hsct", "prior_allo_hsct", "prior_car_t", "prior_cd19_therapy")
    assert statuses(found, *names) == ("met", "not_met", "met", "unknown")


def test_a_transplant_of_unstated_donor_leaves_both_kinds_open():
    found = course((FIRST,), procedures=(transplant("hsct", "2024-09-01"),))
    assert statuses(found, "prior_auto_hsct", "prior_allo_hsct", "rr_after_allo") == ("unknown", "unknown", "unknown")


def test_failure_after_allogeneic_transplant():
    allo = (transplant("allo_hsct", "2024-09-01"),)
    assert statuses(course((FIRST,), (status("CR", "2024-10-01"),), procedures=allo), "rr_after_allo") == ("not_met",)
    assert statuses(course((FIRST,), (status("REL", "2024-12-01"),), procedures=allo), "rr_after_allo") == ("met",)
    assert statuses(course((FIRST,), (status("REL", "2024-08-01"),), procedures=allo), "rr_after_allo") == ("unknown",)
