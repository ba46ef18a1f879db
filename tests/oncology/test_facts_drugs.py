"""Refractory to lenalidomide and to three classes; B-ALL relapses and refractory disease (X5, X6, decisions 59, 61)."""

from __future__ import annotations

import pytest
from course_kit import VRD, course, days_after, dose, line, replace, status

from cds_service.oncology.facts import find_facts
from cds_service.oncology.leukaemia import count_relapses, refractory_status
from cds_service.oncology.refractory_drugs import lenalidomide
from cds_service.oncology.steps import PROBABLE, Part

MYELOMA = "multiple_myeloma"
INDUCTION = ("vincristine", "daunorubicin", "pegaspargase")


def maintained(end="2024-05-06", **more):
    """VRd, then lenalidomide maintenance to ``end``."""
    first = line(1, VRD, "2021-03-01", "2021-05-10", cycles=4)
    given = Part(exposure=dose("lenalidomide", "2021-10-10", end, **more), role="maintenance", rule="L8")
    return replace(first, parts=(*first.parts, given), last_dose=given.exposure.end, end=given.exposure.end)


def myeloma(*events, lines=None, **more):
    return course(lines or (maintained(),), events, family=MYELOMA, onset="2021-02-15", **more)


PARTIAL = status("PR", "2021-09-30")


@pytest.mark.parametrize(("day", "expected"), [(-7, "met"), (60, "met"), (61, "not_met")])
def test_the_sixtieth_day_after_lenalidomide_counts(day, expected):
    found = lenalidomide(myeloma(PARTIAL, status("PD", days_after("2024-05-06", day))))
    assert found.fact.status == expected
    assert found.fact.evidence


def test_progression_61_days_after_the_last_dose_without_any_response_is_not_refractory_either():
    assert lenalidomide(myeloma(status("PD", days_after("2024-05-06", 61)))).fact.status == "not_met"


@pytest.mark.parametrize(("day", "review"), [(60, False), (61, True), (90, True), (91, False)])
def test_an_estimated_stop_leaves_day_61_to_90_to_a_clinician(day, review):
    lines = (maintained(estimated_end=True),)
    found = lenalidomide(myeloma(PARTIAL, status("PD", days_after("2024-05-06", day)), lines=lines))
    assert found.review is review


def test_years_only_straddle_the_window():
    given = line(1, VRD, "2019", "2021", cycles=1, drugs=())
    parts = tuple(Part(exposure=dose(d, "2019", "2021"), role="core", rule="L1") for d in VRD)
    found = course((replace(given, parts=parts),), (status("PD", "2021-11-08"),), family=MYELOMA, onset="2019")
    assert find_facts(found)["refractory_to_lenalidomide"].status == "unknown"


def test_response_and_no_failure_is_not_refractory():
    assert lenalidomide(myeloma(PARTIAL)).fact.status == "not_met"


def test_no_status_at_all_is_unknown():
    assert lenalidomide(myeloma()).fact.status == "unknown"


def test_never_given_is_not_refractory():
    given = line(1, ("bortezomib", "cyclophosphamide"), "2021-03-01", "2021-05-10")
    assert lenalidomide(myeloma(PARTIAL, lines=(given,))).fact.status == "not_met"
    assert lenalidomide(myeloma(PARTIAL, lines=(given,), gaps=("a gap",))).fact.status == "unknown"


def test_lenalidomide_known_from_an_order_only_is_not_proven():
    given = line(1, VRD, "2021-03-01", "2021-05-10", cycles=4, grade=PROBABLE)
    assert lenalidomide(myeloma(status("PD", "2021-05-01"), lines=(given,))).fact.status == "unknown"


def test_a_further_line_with_no_failure_recorded_is_a_hint_never_proof():
    second = line(2, ("daratumumab", "carfilzomib"), "2024-06-01", "2025-06-01", cycles=12)
    found = myeloma(PARTIAL, status("CR", "2025-01-01"), lines=(maintained(), second))
    assert lenalidomide(found).fact.status == "unknown"


def test_stable_disease_as_best_response_is_refractory():
    given = line(1, VRD, "2021-03-01", "2021-05-10", cycles=4)
    assert lenalidomide(myeloma(status("SD", "2021-05-20"), lines=(given,))).fact.status == "met"


def test_three_classes_refractory():
    second = line(2, ("daratumumab", "carfilzomib"), "2024-06-03", "2025-08-01", cycles=16)
    events = (PARTIAL, status("PD", "2024-05-13"), status("PD", "2025-08-04"))
    facts = find_facts(myeloma(*events, lines=(maintained(), second)))
    assert facts["triple_class_refractory"].status == "met"
    assert find_facts(myeloma(*events[:2]))["triple_class_refractory"].status == "not_met"


def test_refractory_to_lenalidomide_is_a_question_of_myeloma():
    found = course(
        (line(1, ("rituximab", "lenalidomide"), "2024-01-19", "2024-05-03"),),
        (status("PD", "2024-04-01"),),
        family="fl",
    )
    assert find_facts(found)["refractory_to_lenalidomide"].status == "unknown"


# B-ALL


FIRST = line(1, INDUCTION, "2022-03-07", "2023-03-02", cycles=10)
SALVAGE = line(2, ("fludarabine", "cytarabine", "idarubicin"), "2024-02-19", "2024-02-22", cycles=4)


def leukaemia(*events, lines=(FIRST,), **more):
    return course(lines, events, family="b_all", onset="2022-02-21", **more)


REMISSION, RELAPSE = status("CR", "2022-04-08"), status("REL", "2024-02-05")


def test_two_relapses_with_a_remission_between():
    found = leukaemia(
        REMISSION, RELAPSE, status("CR", "2024-04-08"), status("REL", "2026-07-06"), lines=(FIRST, SALVAGE)
    )
    assert find_facts(found)["relapses_ge_2"].status == "met"
    assert refractory_status(found)[0] == "none"


def test_a_relapse_recorded_twice_is_one():
    found = leukaemia(REMISSION, RELAPSE, status("REL", "2024-02-09"))
    assert (count_relapses(found).least, count_relapses(found).most) == (1, 1)
    assert find_facts(found)["relapses_ge_2"].status == "not_met"


def test_a_new_line_between_makes_the_second_relapse_new():
    found = leukaemia(REMISSION, RELAPSE, status("REL", "2024-09-01"), lines=(FIRST, SALVAGE))
    assert count_relapses(found).least == 2


def test_treatment_changed_without_a_status_may_hide_a_relapse():
    found = leukaemia(REMISSION, lines=(FIRST, SALVAGE))
    assert (count_relapses(found).least, count_relapses(found).most) == (0, 1)


@pytest.mark.parametrize(("day", "expected"), [("2023-04-08", "met"), ("2023-04-09", "not_met")])
def test_first_remission_of_twelve_calendar_months(day, expected):
    assert find_facts(leukaemia(REMISSION, status("REL", day)))["first_remission_le_12mo"].status == expected


def test_without_a_remission_date_its_length_is_unknown():
    assert find_facts(leukaemia(RELAPSE))["first_remission_le_12mo"].status == "unknown"


def test_one_failed_induction_is_one_course_and_two_are_established():
    failed = status("IF", "2022-04-08")
    short = line(1, INDUCTION, "2022-03-07", "2022-03-28", cycles=4)
    second = line(2, ("inotuzumab_ozogamicin",), "2022-04-18", "2022-05-18", cycles=4)
    assert refractory_status(leukaemia(failed, lines=(short,)))[0] == "one_course"
    assert refractory_status(leukaemia(failed, status("PD", "2022-06-01"), lines=(short, second)))[0] == "established"
    assert refractory_status(leukaemia(failed, status("CR", "2022-06-01"), lines=(short, second)))[0] == "none"
    assert find_facts(leukaemia(failed, lines=(short,)))["primary_refractory"].status == "met"


def test_failed_reinduction_after_relapse_is_established_and_an_unseen_one_unknown():
    assert (
        refractory_status(leukaemia(REMISSION, RELAPSE, status("IF", "2024-03-20"), lines=(FIRST, SALVAGE)))[0]
        == "established"
    )
    assert refractory_status(leukaemia(REMISSION, RELAPSE, lines=(FIRST, SALVAGE)))[0] == "unknown"


def test_induction_without_any_status_is_unknown():
    assert refractory_status(leukaemia())[0] == "unknown"
    assert find_facts(leukaemia())["primary_refractory"].status == "unknown"
