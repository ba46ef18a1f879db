"""The first line of large B-cell lymphoma: twelve months, best response, what is missing (X2, X4, decisions 2 to 4)."""

from __future__ import annotations

import pytest
from course_kit import R_CHOP, R_GDP, course, days_after, line, recorded_state, replace, status, transplant, when

from cds_service.oncology.facts import find_facts
from cds_service.oncology.first_line import read_first_line
from cds_service.oncology.steps import PROBABLE, TreatmentEvent

END = "2024-05-03"
FIRST = line(1, R_CHOP, "2024-01-19", END)


def fact(found, name="early_1l_failure"):
    return find_facts(found)[name]


@pytest.mark.parametrize(
    ("day", "expected"), [(1, "met"), (334, "met"), (365, "met"), (366, "not_met"), (396, "not_met")]
)
def test_relapse_after_complete_remission_counts_up_to_day_365(day, expected):
    events = (status("CR", "2024-06-10"), status("REL", days_after("2024-05-03", day)))
    if day < 60:
        events = (status("CR", "2024-04-10"), events[1])
    found = course((FIRST,), events)
    assert fact(found).status == expected
    assert read_first_line(found).days == (day, day)
    assert fact(found).evidence


def test_stable_disease_as_best_response_is_refractory():
    found = course((FIRST,), (status("SD", "2024-06-10"),))
    assert fact(found).status == "met"
    assert fact(found, "primary_refractory").status == "met"


def test_stable_disease_91_days_after_the_end_is_no_response_assessment():
    found = course((FIRST,), (status("SD", days_after(END, 91)),))
    assert fact(found).status == "unknown"
    found = course((FIRST,), (status("SD", days_after(END, 90)),))
    assert fact(found).status == "met"


def test_interim_stable_disease_after_one_cycle_says_nothing_about_the_end_of_the_line():
    found = course((FIRST,), (status("SD", "2024-02-01"),))
    assert fact(found).status == "unknown"


def test_stable_disease_after_four_cycles_counts_although_a_fifth_followed():
    found = course((FIRST,), (status("SD", "2024-04-01"),))
    assert fact(found).status == "met"


def test_progression_during_the_first_line_is_refractory():
    found = course((FIRST,), (status("PD", "2024-03-20"),))
    assert fact(found).status == "met"
    assert read_first_line(found).outcome == "refractory"


def test_remission_kept_is_no_failure():
    found = course((FIRST,), (status("CR", "2024-06-10"),))
    assert fact(found).status == "not_met"
    assert fact(found, "primary_refractory").status == "not_met"


def test_partial_response_with_nothing_after_it_is_unknown_and_partial():
    found = course((FIRST,), (status("PR", "2024-06-10"),))
    assert fact(found).status == "unknown"
    assert read_first_line(found).outcome == "partial"


def test_no_status_names_the_window_that_was_searched():
    found = fact(course((FIRST,)))
    assert found.status == "unknown"
    assert "between 2024-05-03 and 2024-08-01" in found.because
    assert "would settle it" in found.because


def test_response_of_unknown_depth_leaves_the_first_line_open():
    assert fact(course((FIRST,), (status("IMPROVED", "2024-06-10"),))).status == "unknown"


def test_a_relapse_known_by_its_year_only_straddles_the_limit():
    found = course((FIRST,), (status("CR", "2024-06-10"), status("REL", "2025")))
    assert fact(found).status == "unknown"
    days = read_first_line(found).days
    assert days[0] <= 365 < days[1]


def test_a_change_of_treatment_without_status_is_a_hint_never_proof():
    second = line(2, R_GDP, "2024-08-01", "2024-09-20", cycles=3)
    found = course((FIRST, second), (status("REL", "2026-01-05"),))
    assert fact(found).status == "unknown"


def test_a_second_line_after_remission_without_a_recorded_failure_is_unknown():
    second = line(2, R_GDP, "2024-08-01", "2024-09-20", cycles=3)
    assert fact(course((FIRST, second), (status("CR", "2024-06-10"),))).status == "unknown"


def test_a_first_line_without_antibody_is_unknown_with_that_reason():
    chop = line(1, R_CHOP[1:], "2024-01-19", END)
    found = fact(course((chop,), (status("CR", "2024-06-10"), status("REL", "2024-10-02"))))
    assert found.status == "unknown"
    assert "chemoimmunotherapy" in found.because


def test_radiotherapy_that_would_move_the_end_and_change_the_answer_makes_it_unknown():
    radiotherapy = TreatmentEvent(
        reference="Procedure/rt", evidence=("Procedure/rt",), kind="radiotherapy", when=when("2024-07-01")
    )
    events = (status("CR", "2024-06-10"), status("REL", days_after(END, 380)))
    assert fact(course((FIRST,), events)).status == "not_met"
    assert fact(course((FIRST,), events, local=(radiotherapy,))).status == "unknown"


def test_the_start_anchor_is_reported_too():
    found = fact(course((FIRST,), (status("CR", "2024-06-10"), status("REL", "2024-10-02"))))
    assert "152 days after the end of the first line" in found.because
    assert "257 days after its start" in found.because


def test_an_end_seen_in_part_is_told():
    assert not read_first_line(course((FIRST,), (status("CR", "2024-06-10"),))).in_part
    two = line(1, R_CHOP, "2024-01-19", "2024-02-09", cycles=2)
    assert read_first_line(course((two,), (status("CR", "2024-03-10"),))).in_part
    probable = replace(FIRST, completion_certain=False, grade=PROBABLE)
    assert read_first_line(course((probable,), (status("CR", "2024-06-10"),))).in_part


def test_a_first_line_long_after_the_diagnosis_may_not_be_the_first():
    events = (status("CR", "2024-06-10"), status("REL", "2024-10-02"))
    assert fact(course((FIRST,), events, onset="2023-08-01")).status == "met"
    late = fact(course((FIRST,), events, onset="2023-07-01"))
    assert late.status == "unknown"
    assert "180 days" in late.because


def test_a_salvage_regimen_first_hides_an_earlier_line():
    salvage = line(1, R_GDP, "2024-01-19", END, regimen_role="salvage / bridging")
    assert fact(course((salvage,), (status("CR", "2024-06-10"), status("REL", "2024-10-02")))).status == "unknown"


def test_relapse_known_from_the_condition_lies_after_the_remission_before_it():
    found = course((FIRST,), (status("CR", "2024-06-10"), recorded_state("REL", "2025-04-01")))
    assert fact(found).status == "met"
    found = course((FIRST,), (status("CR", "2024-06-10"), recorded_state("REL", "2025-08-01")))
    assert fact(found).status == "unknown"


def test_partial_response_then_progression_within_a_year_of_the_start_is_primary_refractory():
    found = course((FIRST,), (status("PR", "2024-06-10"), status("PD", "2024-12-01")))
    assert fact(found, "primary_refractory").status == "met"
    late = course((FIRST,), (status("PR", "2024-06-10"), status("PD", "2025-02-01")))
    assert fact(late, "primary_refractory").status == "unknown"


def test_a_missing_list_of_observations_leaves_the_response_open():
    found = course((FIRST,), (status("CR", "2024-06-10"),), missing=("Observation",))
    assert fact(found).status == "unknown"
    assert "Observation" in fact(found).because


def test_autologous_transplant_moves_the_end_of_the_first_line():
    moved = replace(FIRST, completion=when("2024-06-20"), events=(transplant("auto_hsct", "2024-06-20"),))
    events = (status("CR", "2024-08-10"), status("REL", days_after("2024-06-20", 365)))
    assert fact(course((moved,), events)).status == "met"


def test_outside_large_b_cell_lymphoma_the_fact_is_not_defined():
    assert fact(course((FIRST,), (status("REL", "2024-10-02"),), family="fl")).status == "unknown"


def test_a_relapse_without_a_recorded_remission_says_nothing_about_the_best_response():
    found = course((FIRST,), (status("REL", "2024-07-01"),))
    assert fact(found).status == "met"
    assert fact(found, "primary_refractory").status == "unknown"
    assert fact(found, "refractory_last_line").status == "unknown"


def test_a_statement_that_nobody_closed_does_not_make_a_relapse_years_later_an_early_one():
    open_line = line(1, R_CHOP, "2021-01-13", None)
    found = course((open_line,), (status("CR", "2021-07-09"), status("REL", "2026-09-14")), onset="2021-01-01")
    assert fact(found).status == "unknown"
    second = line(2, R_GDP, "2026-10-01", "2026-11-01", cycles=2)
    clipped = replace(open_line, end=when("2026-09-30"), last_dose=when("2026-09-30"))
    found = course((clipped, second), (status("CR", "2021-07-09"), status("REL", "2026-09-14")), onset="2021-01-01")
    assert fact(found).status == "unknown"


def test_progression_within_a_year_of_the_start_of_treatment_that_goes_on_is_early():
    open_line = line(1, R_CHOP, "2026-06-13", None)
    found = course((open_line,), (status("PD", "2026-10-09"),), onset="2026-06-01")
    assert fact(found).status == "met"
