"""Each kind of criterion at its boundaries: what the record must say for met, not_met, review and unknown."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.errors import EngineError
from cds_service.labels.criteria import LISTED, tables_of
from cds_service.labels.packs import Criterion
from cds_service.labels.plain import evaluate, worst
from tests.labels import patients as p

MET, NOT_MET, UNKNOWN, REVIEW = "met", "not_met", "unknown", "review"


def judged(criterion: Criterion, *diagnoses: dict[str, str], whole: bool = True, **changed: Any) -> str:
    course = {**p.signals(**changed), LISTED: whole}
    return worst([evaluate(table, course, diagnoses)[0] for table in tables_of(criterion)])


def fact(concept: str, certainty: str = "confirmed", role: str = "indication") -> dict[str, str]:
    return {"concept": concept, "certainty": certainty, "role": role}


@pytest.mark.parametrize(
    ("sentence", "age", "status"),
    [
        ("turns 18 tomorrow", (17, 17), NOT_MET),
        ("18 today", (18, 18), MET),
        ("17 or 18, only the year of birth is known", (17, 18), UNKNOWN),
        ("18 or 19", (18, 19), MET),
        ("no birth date", None, UNKNOWN),
    ],
)
def test_adults_begin_at_18(sentence: str, age: tuple[int, int] | None, status: str) -> None:
    known = {"age_known": age is not None, "age_min": (age or (-1, -1))[0], "age_max": (age or (-1, -1))[1]}
    assert judged(p.ADULT, **known) == status, sentence


@pytest.mark.parametrize(
    ("sentence", "age", "status"),
    [
        ("turns 26 tomorrow", (25, 25), MET),
        ("26 today", (26, 26), NOT_MET),
        ("25 or 26", (25, 26), UNKNOWN),
        ("an infant: the label sets no lower limit", (0, 0), MET),
    ],
)
def test_up_to_25_years_runs_to_the_day_before_the_26th_birthday(
    sentence: str, age: tuple[int, int], status: str
) -> None:
    assert judged(p.UP_TO_25, age_known=True, age_min=age[0], age_max=age[1]) == status, sentence


@pytest.mark.parametrize(
    ("sentence", "facts", "whole", "status"),
    [
        ("a named disease", [fact("dlbcl_nos")], True, MET),
        ("named by pathology", [fact("dlbcl_nos", "inferred")], True, MET),
        ("provisional only", [fact("dlbcl_nos", "provisional")], True, UNKNOWN),
        ("stands only as the reason of a treatment", [fact("dlbcl_nos", "indirect")], True, UNKNOWN),
        ("stands only as text", [fact("dlbcl_nos", "text")], True, UNKNOWN),
        ("left to a clinician", [fact("richter_transformation", role="ambiguous")], True, REVIEW),
        ("left to a clinician, and provisional", [fact("richter_transformation", "provisional")], True, UNKNOWN),
        ("too unspecific", [fact("large_b_cell_lymphoma")], True, UNKNOWN),
        ("an ambiguous code of the family", [fact("other", role="ambiguous")], True, UNKNOWN),
        ("another, confirmed disease of the family", [fact("other")], True, NOT_MET),
        ("another disease of the family, only suspected", [fact("other", "provisional")], True, UNKNOWN),
        ("only an exclusion", [fact("other", role="exclusion")], True, NOT_MET),
        ("a suspected exclusion", [fact("other", "provisional", "exclusion")], True, NOT_MET),
        ("transformed into something else", [fact("dlbcl_nos", "superseded")], True, NOT_MET),
        ("nothing of the family", [], True, NOT_MET),
        ("nothing of the family, the list was cut off", [], False, UNKNOWN),
        ("only an exclusion, the list was cut off", [fact("other", role="exclusion")], False, UNKNOWN),
        ("another disease of the family, the list was cut off", [fact("other")], False, NOT_MET),
        ("a named disease, the list was cut off", [fact("dlbcl_nos")], False, MET),
        (
            "an exclusion does not undo a named disease",
            [fact("other", role="exclusion"), fact("dlbcl_nos")],
            True,
            MET,
        ),
        ("named beside left to a clinician", [fact("richter_transformation"), fact("dlbcl_nos")], True, MET),
        (
            "left to a clinician beside unspecific",
            [fact("large_b_cell_lymphoma"), fact("richter_transformation")],
            True,
            REVIEW,
        ),
        ("unspecific beside another disease", [fact("other"), fact("large_b_cell_lymphoma")], True, UNKNOWN),
    ],
)
def test_diagnosis(sentence: str, facts: list[dict[str, str]], whole: bool, status: str) -> None:
    assert judged(p.LBCL, *facts, whole=whole) == status, sentence


@pytest.mark.parametrize(
    ("sentence", "facts", "whole", "status"),
    [
        ("none on record", [fact("dlbcl_nos")], True, MET),
        ("none on record, the list was cut off", [fact("dlbcl_nos")], False, UNKNOWN),
        ("on record", [fact("primary_cns_lymphoma", role="exclusion")], True, NOT_MET),
        ("suspected", [fact("primary_cns_lymphoma", "provisional", "exclusion")], True, UNKNOWN),
        ("primary or secondary not stated", [fact("cns_lymphoma_unspecified", role="ambiguous")], True, UNKNOWN),
    ],
)
def test_primary_cns_lymphoma_excludes(sentence: str, facts: list[dict[str, str]], whole: bool, status: str) -> None:
    assert judged(p.NO_CNS, *facts, whole=whole) == status, sentence


@pytest.mark.parametrize(
    ("sentence", "facts", "status"),
    [
        ("none on record", [fact("dlbcl_nos")], MET),
        ("beside the named disease", [fact("dlbcl_nos"), fact("primary_cns_lymphoma", role="exclusion")], REVIEW),
        ("suspected", [fact("dlbcl_nos"), fact("primary_cns_lymphoma", "provisional", "exclusion")], UNKNOWN),
        ("not stated", [fact("dlbcl_nos"), fact("cns_lymphoma_unspecified", role="ambiguous")], UNKNOWN),
    ],
)
def test_primary_cns_lymphoma_beside_another_is_left_to_a_clinician_where_the_label_does_not_exclude_it(
    sentence: str, facts: list[dict[str, str]], status: str
) -> None:
    assert judged(p.CNS_TO_A_CLINICIAN, *facts) == status, sentence


@pytest.mark.parametrize(
    ("sentence", "changed", "status"),
    [
        ("relapsed", {}, MET),
        ("in remission", {"rr": NOT_MET, "rr_grade": "none"}, NOT_MET),
        ("no status recorded", {"rr": UNKNOWN, "rr_grade": "none"}, UNKNOWN),
        ("responding to the latest treatment", {"rr_responding": True}, REVIEW),
        ("inferred, evidence older than 24 months", {"rr_grade": "inferred", "rr_stale": True}, REVIEW),
        ("inferred, evidence fresh", {"rr_grade": "inferred"}, MET),
        ("recorded, though old", {"rr_stale": True}, MET),
        ("in remission, whatever else", {"rr": NOT_MET, "rr_responding": True, "rr_stale": True}, NOT_MET),
        ("unknown stays unknown while responding", {"rr": UNKNOWN, "rr_responding": True}, UNKNOWN),
    ],
)
def test_relapsed_or_refractory_means_current_disease(sentence: str, changed: dict[str, Any], status: str) -> None:
    assert judged(p.CURRENT, **changed) == status, sentence


@pytest.mark.parametrize(
    ("sentence", "changed", "status"),
    [
        ("as the first line says", {}, MET),
        ("day 396", {"first_line_days_min": 396, "first_line_days_max": 396}, NOT_MET),
        ("complete remission after the failure", {"rr": NOT_MET, "rr_grade": "none"}, NOT_MET),
        ("responding now", {"rr_responding": True}, REVIEW),
        ("inferred and stale", {"rr_grade": "inferred", "rr_stale": True}, REVIEW),
        ("first line without an answer, responding", {"first_line": UNKNOWN, "rr_responding": True}, UNKNOWN),
        ("stable disease, no failure event", {"rr": UNKNOWN, "rr_grade": "none", "first_line": "refractory"}, MET),
        ("partial response, nothing after it", {"rr": UNKNOWN, "first_line": "partial"}, REVIEW),
    ],
)
def test_second_line_entries_take_current_disease_from_the_first_line(
    sentence: str, changed: dict[str, Any], status: str
) -> None:
    assert judged(p.CURRENT_AFTER_FIRST_LINE, **changed) == status, sentence


@pytest.mark.parametrize(
    ("days", "in_part", "status"),
    [
        ((0, 0), False, MET),
        ((334, 334), False, MET),
        ((335, 335), False, REVIEW),
        ((365, 365), False, REVIEW),
        ((395, 395), False, REVIEW),
        ((396, 396), False, NOT_MET),
        ((396, 396), True, UNKNOWN),
        ((334, 335), False, UNKNOWN),
        ((335, 395), False, REVIEW),
        ((395, 396), False, UNKNOWN),
        ((200, 560), False, UNKNOWN),
        ((-1, -1), False, UNKNOWN),
        ((100, 100), True, MET),
    ],
)
def test_twelve_month_clock(days: tuple[int, int], in_part: bool, status: str) -> None:
    changed = {"first_line_days_min": days[0], "first_line_days_max": days[1], "first_line_in_part": in_part}
    assert judged(p.EARLY_FAILURE, **changed) == status


def test_a_relapse_at_any_time_fails_a_first_line_without_a_clock() -> None:
    assert judged(p.ANY_FAILURE, first_line_days_min=2000, first_line_days_max=2000) == MET


@pytest.mark.parametrize("criterion", [p.EARLY_FAILURE, p.ANY_FAILURE])
@pytest.mark.parametrize(
    ("sentence", "changed", "status"),
    [
        ("refractory", {"first_line": "refractory"}, MET),
        ("partial response", {"first_line": "partial"}, REVIEW),
        ("no failure", {"first_line": "none"}, NOT_MET),
        ("no failure, but the line was seen in part", {"first_line": "none", "first_line_in_part": True}, UNKNOWN),
        ("no response recorded", {"first_line": UNKNOWN}, UNKNOWN),
        ("not chemoimmunotherapy", {"first_line_chemoimmunotherapy": "no"}, REVIEW),
        ("unknown whether chemoimmunotherapy", {"first_line_chemoimmunotherapy": UNKNOWN}, UNKNOWN),
        ("no failure of another first line", {"first_line": "none", "first_line_chemoimmunotherapy": "no"}, NOT_MET),
        (
            "nothing recorded of another first line",
            {"first_line": UNKNOWN, "first_line_chemoimmunotherapy": "no"},
            UNKNOWN,
        ),
    ],
)
def test_first_line_failure(criterion: Criterion, sentence: str, changed: dict[str, Any], status: str) -> None:
    assert judged(criterion, **changed) == status, sentence


@pytest.mark.parametrize(
    ("least", "most", "complete", "status"),
    [
        (2, 2, True, MET),
        (2, 2, False, MET),
        (1, 1, True, NOT_MET),
        (1, 1, False, UNKNOWN),
        (1, 2, True, UNKNOWN),
        (0, 0, True, NOT_MET),
        (0, 0, False, UNKNOWN),
    ],
)
def test_prior_lines(least: int, most: int, complete: bool, status: str) -> None:
    assert judged(p.TWO_LINES, lines_min=least, lines_max=most, lines_complete=complete) == status


@pytest.mark.parametrize("status", [MET, NOT_MET, UNKNOWN])
@pytest.mark.parametrize("drug_class", ["imid", "pi", "cd38", "btki", "bcl2i"])
def test_exposure_is_what_the_signal_says(drug_class: str, status: str) -> None:
    assert judged(p.exposed(drug_class), **{f"exposed_{drug_class}": status}) == status


@pytest.mark.parametrize("status", [MET, NOT_MET, UNKNOWN])
def test_transplant_ineligibility_is_what_the_signal_says(status: str) -> None:
    assert judged(p.UNFIT, transplant_ineligible=status) == status


@pytest.mark.parametrize(
    ("fact_status", "doubt", "status"),
    [
        (MET, False, MET),
        (NOT_MET, False, NOT_MET),
        (UNKNOWN, False, UNKNOWN),
        (NOT_MET, True, REVIEW),
        (UNKNOWN, True, REVIEW),
    ],
)
def test_refractory_to_lenalidomide(fact_status: str, doubt: bool, status: str) -> None:
    assert judged(p.LENALIDOMIDE, len_refractory=fact_status, len_review=doubt) == status


@pytest.mark.parametrize(
    ("word", "days", "status"),
    [
        ("failure", (-20, -20), MET),
        ("failure", (60, 60), MET),
        ("failure", (61, 61), REVIEW),
        ("failure", (59, 62), UNKNOWN),
        ("failure", (-9999, -9999), UNKNOWN),
        ("none", (-9999, -9999), NOT_MET),
        ("unknown", (-9999, -9999), UNKNOWN),
    ],
)
def test_progression_on_the_last_therapy(word: str, days: tuple[int, int], status: str) -> None:
    changed = {"progressed_last": word, "progressed_last_days_min": days[0], "progressed_last_days_max": days[1]}
    assert judged(p.LAST_THERAPY, **changed) == status


@pytest.mark.parametrize(
    ("sentence", "refractory", "relapses", "after_allo", "complete", "us", "eu"),
    [
        ("two failed courses", "established", (0, 0), NOT_MET, True, MET, MET),
        ("second relapse", "none", (2, 2), NOT_MET, True, MET, MET),
        ("first relapse", "none", (1, 1), NOT_MET, True, NOT_MET, NOT_MET),
        ("first or second relapse", "none", (1, 2), NOT_MET, True, UNKNOWN, UNKNOWN),
        ("first relapse after an allogeneic transplant", "none", (1, 1), MET, True, REVIEW, MET),
        ("one failed course", "one_course", (0, 0), NOT_MET, True, REVIEW, REVIEW),
        ("first relapse, transplant not clear", "none", (1, 1), UNKNOWN, True, UNKNOWN, UNKNOWN),
        ("never relapsed", "none", (0, 0), UNKNOWN, True, NOT_MET, NOT_MET),
        ("first relapse, history may be missing", "none", (1, 1), NOT_MET, False, UNKNOWN, UNKNOWN),
        ("nothing recorded after induction", "unknown", (0, 0), NOT_MET, True, UNKNOWN, UNKNOWN),
    ],
)
def test_refractory_or_second_relapse(
    sentence: str, refractory: str, relapses: tuple[int, int], after_allo: str, complete: bool, us: str, eu: str
) -> None:
    changed = {
        "ball_refractory": refractory,
        "relapses_min": relapses[0],
        "relapses_max": relapses[1],
        "after_allo": after_allo,
        "lines_complete": complete,
    }
    assert judged(p.SECOND_RELAPSE_US, **changed) == us, sentence
    assert judged(p.SECOND_RELAPSE_EU, **changed) == eu, sentence


def test_a_kind_that_nothing_can_judge_is_an_error_and_never_skipped() -> None:
    with pytest.raises(EngineError, match="horoscope"):
        tables_of(p.criterion("horoscope"))


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ([MET, MET], MET),
        ([MET, REVIEW], REVIEW),
        ([REVIEW, UNKNOWN], UNKNOWN),
        ([UNKNOWN, NOT_MET, REVIEW], NOT_MET),
    ],
)
def test_the_worst_criterion_decides_the_indication(statuses: list[str], status: str) -> None:
    assert worst(statuses) == status
