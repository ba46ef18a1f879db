"""Relapsed or refractory now, and the last line (X3, X10, decisions 5, 6, 16, 53, 60)."""

from __future__ import annotations

from datetime import date

import pytest
from course_kit import R_CHOP, R_GDP, VRD, course, days_after, line, recorded_state, replace, status, transplant, when

from cds_service.oncology.disease_state import months_before, read_state
from cds_service.oncology.facts import find_facts

FIRST = line(1, R_CHOP, "2024-01-19", "2024-05-03")
SECOND = line(2, R_GDP, "2025-06-01", "2025-07-13", cycles=3)
REMISSION, RELAPSE = status("CR", "2024-06-10"), status("REL", "2025-05-20")


def state(*events, lines=(FIRST,), **more):
    return read_state(course(lines, events, **more))


def test_a_relapse_with_no_remission_since_is_relapsed():
    found = state(REMISSION, RELAPSE)
    assert (found.fact.status, found.fact.grade) == ("met", "recorded")


def test_remission_after_the_last_failure_is_not():
    found = state(REMISSION, RELAPSE, status("CR", "2025-08-20"), lines=(FIRST, SECOND))
    assert found.fact.status == "not_met"


def test_a_failure_then_a_new_line_with_no_status_is_inferred_and_the_gap_is_named():
    found = state(REMISSION, RELAPSE, lines=(FIRST, SECOND))
    assert (found.fact.status, found.fact.grade, found.stale) == ("met", "inferred", False)
    assert "no status recorded since" in found.fact.because


def test_inferred_disease_older_than_24_months_is_stale():
    second = line(2, R_GDP, "2024-08-01", "2024-11-20", cycles=3)
    assert state(REMISSION, status("REL", "2024-07-20"), lines=(FIRST, second)).stale
    second = line(2, R_GDP, "2024-08-01", "2024-11-21", cycles=3)
    assert not state(REMISSION, status("REL", "2024-07-20"), lines=(FIRST, second)).stale


@pytest.mark.parametrize("kind", ["PR", "IMPROVED"])
def test_a_response_after_the_last_failure_is_responding(kind):
    found = state(REMISSION, RELAPSE, status(kind, "2025-08-20"), lines=(FIRST, SECOND))
    assert found.responding
    assert found.fact.status == "met"


def test_stable_disease_answers_in_follicular_but_not_in_large_cell_lymphoma():
    events = (REMISSION, RELAPSE, status("SD", "2025-08-20"))
    assert not state(*events, lines=(FIRST, SECOND)).responding
    assert state(*events, lines=(FIRST, SECOND), family="fl").responding


def test_a_response_then_progression_is_not_responding():
    events = (REMISSION, RELAPSE, status("PR", "2025-08-20"), status("PD", "2026-01-10"))
    assert not state(*events, lines=(FIRST, SECOND)).responding


def test_failure_and_remission_of_one_year_cannot_be_put_in_order():
    assert state(status("REL", "2025"), status("CR", "2025-06-01")).fact.status == "unknown"
    assert state(status("REL", "2025-06-01"), status("CR", "2025-06-01")).fact.status == "unknown"


def test_a_state_of_the_condition_holds_on_the_day_it_was_recorded():
    assert state(REMISSION, recorded_state("REL", "2026-01-05")).fact.status == "met"
    assert state(RELAPSE, recorded_state("CR", "2026-01-05")).fact.status == "not_met"
    assert state(REMISSION, recorded_state("REL", "2024-01-10")).fact.status == "not_met"


def test_response_and_no_failure_is_not_relapsed():
    assert state(status("PR", "2024-06-10")).fact.status == "not_met"


def test_response_then_a_new_line_without_any_failure_is_unknown():
    assert state(REMISSION, lines=(FIRST, SECOND)).fact.status == "unknown"


def test_progression_of_untreated_disease_is_no_relapse():
    assert state(status("PD", "2024-05-01"), lines=(), family="fl").fact.status == "unknown"
    assert state(status("PD", "2024-01-10"), lines=(FIRST,), family="fl").fact.status == "unknown"


def test_nothing_given_and_nothing_missing_is_neither_relapsed_nor_refractory():
    found = course((), (), onset="2026-10-20")
    facts = find_facts(found)
    assert {f.status for f in facts.values()} - {"unknown"} == {"not_met"}
    for name in (
        "prior_lines_ge_1",
        "relapsed_or_refractory",
        "early_1l_failure",
        "refractory_last_line",
        "rr_after_allo",
    ):
        assert facts[name].status == "not_met", name
        assert facts[name].evidence


def test_nothing_on_record_91_days_after_the_diagnosis_is_no_untreated_patient():
    assert find_facts(course((), (), onset=days_after("2026-11-21", -90)))["prior_lines_ge_1"].status == "not_met"
    assert find_facts(course((), (), onset=days_after("2026-11-21", -91)))["prior_lines_ge_1"].status == "unknown"


def test_follicular_lymphoma_may_wait_untreated_for_years():
    assert find_facts(course((), (), family="fl", onset="2018-01-01"))["prior_lines_ge_1"].status == "not_met"


def test_a_missing_list_of_observations_leaves_the_state_open():
    assert state(REMISSION, RELAPSE, missing=("Observation",)).fact.status == "unknown"


def test_months_before_keeps_to_the_calendar():
    assert months_before(date(2026, 2, 28), 24) == date(2024, 2, 28)
    assert months_before(date(2024, 2, 29), 12) == date(2023, 2, 28)
    assert months_before(date(2026, 12, 31), 1) == date(2026, 11, 30)


# The last line


def last(*events, lines=(FIRST,), **more):
    facts = find_facts(course(lines, events, **more))
    return facts["refractory_last_line"].status, facts["progressed_on_last_line"].status


def test_progression_as_best_response_of_the_last_line():
    assert last(REMISSION, RELAPSE, status("PD", "2025-08-01"), lines=(FIRST, SECOND)) == ("met", "met")


def test_relapse_long_after_a_response_is_not_refractory():
    assert last(REMISSION, RELAPSE) == ("not_met", "met")


@pytest.mark.parametrize(("day", "expected"), [(365, "met"), (366, "not_met")])
def test_relapse_within_a_year_of_autologous_transplant_is_refractory(day, expected):
    moved = replace(SECOND, events=(transplant("auto_hsct", "2025-09-01"),), completion=when("2025-09-01"))
    events = (REMISSION, RELAPSE, status("CR", "2025-10-01"), status("REL", days_after("2025-09-01", day)))
    assert last(*events, lines=(FIRST, moved))[0] == expected


@pytest.mark.parametrize(("day", "expected"), [(183, "met"), (184, "not_met")])
def test_follicular_failure_within_six_months_of_the_last_dose(day, expected):
    events = (status("PR", "2024-06-10"), status("PD", days_after("2024-05-03", day)))
    assert last(*events, family="fl")[0] == expected


@pytest.mark.parametrize(("day", "expected"), [(60, "met"), (61, "not_met")])
def test_myeloma_failure_within_sixty_days_of_the_last_dose(day, expected):
    given = line(1, VRD, "2024-01-19", "2024-05-03")
    events = (status("PR", "2024-04-10"), status("PD", days_after("2024-05-03", day)))
    assert last(*events, lines=(given,), family="multiple_myeloma")[0] == expected


def test_no_status_after_the_last_line_is_unknown_and_says_what_would_settle_it():
    facts = find_facts(course((FIRST, SECOND), (REMISSION, RELAPSE)))
    assert facts["progressed_on_last_line"].status == "unknown"
    assert "2025-06-01" in facts["progressed_on_last_line"].because


def test_a_status_on_the_day_the_line_starts_belongs_to_what_came_before():
    second = line(2, R_GDP, "2025-05-20", "2025-07-13", cycles=3)
    assert last(REMISSION, RELAPSE, lines=(FIRST, second)) == ("unknown", "unknown")


def test_a_missing_list_of_drugs_leaves_the_last_line_open():
    assert last(REMISSION, RELAPSE, missing=("MedicationStatement",)) == ("unknown", "unknown")


def test_stable_disease_after_the_last_line_is_refractory_whenever_it_was_seen():
    assert last(REMISSION, RELAPSE, status("SD", "2025-11-01"), lines=(FIRST, SECOND))[0] == "met"


def test_progression_long_after_the_last_line_without_a_recorded_response_is_unknown():
    assert last(REMISSION, RELAPSE, status("PD", "2026-01-01"), lines=(FIRST, SECOND))[0] == "unknown"
