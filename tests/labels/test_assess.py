"""A clinical picture against the labels: statuses, reasons, evidence, and what happens when the evaluators differ."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from cds_service.errors import EngineError
from cds_service.labels import Assessment, IndicationResult, Rulebook, assess
from cds_service.labels import judge as judging
from cds_service.labels.engine import FamilyEngine
from cds_service.oncology.model import ClinicalPicture, Diagnosis, Fact
from tests.labels import patients as p

RULEBOOK = Rulebook(p.EVERYTHING)
IDS = [one.id for one in p.EVERYTHING.indications]


def judged(picture: ClinicalPicture, rulebook: Rulebook = RULEBOOK) -> Assessment:
    return assess(picture, rulebook)


def result(name: str, *diagnoses: Diagnosis, **changed: Any) -> IndicationResult:
    """The result of one indication; without ``families`` the usual course of large B-cell lymphoma."""
    families = changed.pop("families", {"lbcl": p.course()})
    found = judged(p.picture(*(diagnoses or (p.diagnosis(),)), families=families, **changed))
    return next(one for one in found.indications if one.indication.id == name)


def because(one: IndicationResult, name: str) -> str:
    found = one.criterion(name)
    assert found is not None
    return found.because


def test_every_indication_is_there_sorted_by_id() -> None:
    found = judged(p.picture(p.diagnosis(), families={"lbcl": p.course()}))
    assert [one.indication.id for one in found.indications] == sorted(IDS)
    assert found.disagreements == ()


def test_an_early_relapse_meets_the_second_line_entry() -> None:
    met = result("us/example/lbcl-2l")
    assert (met.status, met.family, met.diagnosis_concept) == ("met", "lbcl", "dlbcl_nos")
    assert [one.status for one in met.criteria] == ["met"] * 5


def test_reasons_say_what_the_record_holds_and_what_the_label_asks() -> None:
    third = result("us/example/lbcl-3l")
    assert because(third, "age") == "64 years; label: 18 or older"
    lines = third.criterion("prior_lines")
    assert lines is not None
    assert lines.because == "1 systemic line of therapy (R-CHOP from 2025-10-13); label: 2 or more"
    assert (lines.status, lines.grade, lines.evidence) == ("not_met", "inferred", ("MedicationAdministration/m1",))


def test_an_unknown_names_what_would_settle_it_and_has_no_grade() -> None:
    unknown = result("us/example/lbcl-2l-unfit").criterion("transplant_ineligible")
    assert unknown is not None
    assert (unknown.status, unknown.grade, unknown.evidence) == ("unknown", None, ())
    assert "would settle it" in unknown.because


def test_every_met_and_not_met_of_a_disease_on_record_has_evidence() -> None:
    found = judged(p.picture(p.diagnosis(), families={"lbcl": p.course()}))
    for one in found.indications:
        for criterion in one.criteria:
            rests_on_absence = criterion.id == "diagnosis" and one.family != "lbcl"
            if criterion.status in ("met", "not_met") and not rests_on_absence:
                assert criterion.evidence, (one.indication.id, criterion.id)
                assert criterion.grade in ("recorded", "inferred")


def test_missing_lines_are_explained_by_the_fact() -> None:
    why = "1 systemic line of therapy; more may be missing: the diagnosis is not dated"
    course = p.course(lines_complete=False)
    told = replace(course, facts={"prior_lines_ge_2": Fact(status="unknown", because=why)})
    third = result("us/example/lbcl-3l", families={"lbcl": told})
    assert third.status == "unknown"
    assert because(third, "prior_lines") == f"{why}; label: 2 or more"


def test_a_review_says_why_a_clinician_is_asked() -> None:
    third = result("us/example/lbcl-3l", families={"lbcl": p.course(rr_responding=True, lines_min=2, lines_max=2)})
    assert third.status == "review"
    assert "answers to the latest treatment" in because(third, "relapsed_or_refractory")


def test_a_day_in_the_review_band_says_which_days_are_left_to_a_clinician() -> None:
    second = result("us/example/lbcl-2l", families={"lbcl": p.course(first_line_days_min=350, first_line_days_max=350)})
    assert second.status == "review"
    assert "day 335 to 395" in because(second, "first_line_failure")


@pytest.mark.parametrize(
    ("age", "told", "status"),
    [
        ((17, 18), "17 to 18 years, the day of birth would settle it; label: 18 or older", "unknown"),
        (None, "no usable birth date; label: 18 or older", "unknown"),
        ((17, 17), "17 years; label: 18 or older", "not_met"),
    ],
)
def test_age_in_words(age: tuple[int, int] | None, told: str, status: str) -> None:
    known = {"age_known": age is not None, "age_min": (age or (-1, -1))[0], "age_max": (age or (-1, -1))[1]}
    second = result("us/example/lbcl-2l", age=age, families={"lbcl": p.course(**known)})
    assert because(second, "age") == told
    assert second.status == status


def test_a_chart_without_a_blood_cancer_is_not_met_everywhere_and_never_enters_the_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FamilyEngine, "evaluate", lambda *_: pytest.fail("the engine was asked"))
    found = judged(p.picture(age=(70, 70)))
    assert {one.status for one in found.indications} == {"not_met"}
    assert (
        because(found.indications[0], "diagnosis") == "no diagnosis of B-cell acute lymphoblastic leukaemia on record"
    )
    ages = {one.indication.id: one.criterion("age") for one in found.indications}
    assert {name: one.status for name, one in ages.items() if one} == {
        name: "not_met" if name == "us/example/all" else "met" for name in IDS
    }
    assert all(one.evidence == ("Patient/p1",) for one in ages.values() if one)


def test_a_cut_list_of_conditions_leaves_the_diagnosis_open() -> None:
    found = judged(p.picture(incomplete=frozenset({"Condition"})))
    assert {one.criterion("diagnosis").status for one in found.indications} == {"unknown"}  # type: ignore[union-attr]
    assert "came in part" in because(found.indications[0], "diagnosis")
    assert not any(one.diagnosis_speaks for one in found.indications)


def test_a_cut_list_of_other_resources_does_not() -> None:
    found = judged(p.picture(incomplete=frozenset({"Observation"})))
    assert {one.criterion("diagnosis").status for one in found.indications} == {"not_met"}  # type: ignore[union-attr]


@pytest.mark.parametrize("state", ["resolved", "refuted", "entered_in_error", "history"])
def test_what_the_patient_no_longer_has_or_never_had_does_not_count(state: str) -> None:
    gone = result("us/example/lbcl-2l", p.diagnosis(state=state), families={})
    assert gone.criterion("diagnosis").status == "not_met"  # type: ignore[union-attr]


def test_grade_3b_is_judged_by_the_follicular_entry_on_the_course_of_its_own_family() -> None:
    grade_3b = p.diagnosis("follicular_lymphoma_grade_3b", "lbcl")
    two_lines = {"lbcl": p.course(lines_min=2, lines_max=2)}
    follicular = result("us/example/fl-3l", grade_3b, families=two_lines)
    assert (follicular.status, follicular.family) == ("review", "lbcl")
    assert follicular.criterion("prior_lines").status == "met"  # type: ignore[union-attr]


def test_a_transformed_follicular_lymphoma_is_no_follicular_lymphoma_any_more() -> None:
    before = p.diagnosis("follicular_lymphoma", "fl")
    now = p.diagnosis("dlbcl_nos", "lbcl", origin="follicular_lymphoma")
    two_lines = {"lbcl": p.course(lines_min=2, lines_max=2)}
    follicular = result("us/example/fl-3l", before, now, families=two_lines)
    assert follicular.status == "not_met"
    assert "has transformed" in because(follicular, "diagnosis")
    assert result("us/example/lbcl-3l", before, now, families=two_lines).status == "met"


def test_a_follicular_lymphoma_that_may_have_transformed_is_unknown_and_silent() -> None:
    undated = p.diagnosis("follicular_lymphoma", "fl", may_have_transformed=True)
    two_lines = {family: p.course(family, lines_min=2, lines_max=2) for family in ("lbcl", "fl")}
    follicular = result("us/example/fl-3l", undated, p.diagnosis(), families=two_lines)
    assert (follicular.status, follicular.diagnosis_speaks) == ("unknown", False)
    assert "no date says which came first" in because(follicular, "diagnosis")
    assert result("us/example/lbcl-3l", undated, p.diagnosis(), families=two_lines).status == "met"


def test_smouldering_myeloma_is_not_met_and_names_what_was_found() -> None:
    smouldering = p.diagnosis("smoldering_myeloma", "multiple_myeloma", role="exclusion")
    myeloma = result("us/example/mm", smouldering, families={"multiple_myeloma": p.course("multiple_myeloma")})
    assert myeloma.criterion("diagnosis").status == "not_met"  # type: ignore[union-attr]
    assert because(myeloma, "diagnosis") == "smoldering myeloma: not a disease the label names"


LEUKAEMIA = {
    "lines_min": 2,
    "lines_max": 2,
    "age_min": 20,
    "age_max": 20,
    "relapses_min": 2,
    "relapses_max": 2,
    "ball_refractory": "none",
}


def leukaemia(course: dict[str, Any] | None = None, **changed: Any) -> IndicationResult:
    usual = {"role": "ambiguous", "speaks_when_ambiguous": True, **changed}
    unstated = p.diagnosis("all_unspecified_lineage", "b_all", **usual)
    families = {"b_all": p.course("b_all", **{**LEUKAEMIA, **(course or {})})}
    return result("us/example/all", unstated, age=(20, 20), families=families)


def test_leukaemia_of_unstated_lineage_speaks_when_all_else_is_met() -> None:
    open_question = leukaemia()
    assert (open_question.status, open_question.diagnosis_speaks) == ("unknown", True)
    assert "lineage" in because(open_question, "diagnosis")


def test_it_is_silent_when_anything_else_is_not_met_unknown_or_left_to_a_clinician() -> None:
    assert not leukaemia({"rr": "not_met"}).diagnosis_speaks
    assert not leukaemia({"rr": "unknown"}).diagnosis_speaks
    assert not leukaemia({"rr_responding": True}).diagnosis_speaks


def test_it_is_silent_when_the_code_is_provisional_or_of_a_concept_that_does_not_speak() -> None:
    assert not leukaemia(certainty="provisional").diagnosis_speaks
    assert not leukaemia(speaks_when_ambiguous=False).diagnosis_speaks


@pytest.mark.parametrize("certainty", ["text", "indirect"])
def test_a_label_disease_that_stands_only_as_text_or_reason_speaks(certainty: str) -> None:
    only_text = p.diagnosis(certainty=certainty)
    course = p.course()
    second = result("us/example/lbcl-2l", only_text, families={}, hypothetical={"lbcl": course})
    assert (second.status, second.diagnosis_speaks, second.family) == ("unknown", True, "lbcl")
    assert "stands only as" in because(second, "diagnosis")


def test_an_unspecific_lymphoma_is_unknown_for_the_families_it_can_mean_and_silent() -> None:
    unspecific = p.diagnosis("nhl_unspecified", None, role="ambiguous", may_be=("lbcl", "fl"))
    hypothetical = {"lbcl": p.course(lines_min=2, lines_max=2)}
    third = result("us/example/lbcl-3l", unspecific, families={}, hypothetical=hypothetical)
    assert third.criterion("diagnosis").status == "unknown"  # type: ignore[union-attr]
    assert third.criterion("prior_lines").status == "met"  # type: ignore[union-attr]
    assert not third.diagnosis_speaks
    myeloma = result("us/example/mm", unspecific, families={}, hypothetical=hypothetical)
    assert myeloma.criterion("diagnosis").status == "not_met"  # type: ignore[union-attr]


def test_a_named_disease_without_a_course_is_never_met() -> None:
    second = result("us/example/lbcl-2l", families={})
    assert second.status == "unknown"
    assert second.criterion("diagnosis").status == "met"  # type: ignore[union-attr]


def test_order_of_diagnoses_changes_no_status() -> None:
    several = [
        p.diagnosis(),
        p.diagnosis("richter_transformation", role="ambiguous"),
        p.diagnosis("follicular_lymphoma", "fl"),
        p.diagnosis("nhl_unspecified", None, role="ambiguous", may_be=("lbcl", "fl")),
    ]
    families = {"lbcl": p.course(), "fl": p.course("fl")}
    one = judged(p.picture(*several, families=families))
    other = judged(p.picture(*reversed(several), families=families))
    assert [r.status for r in one.indications] == [r.status for r in other.indications]


def sabotage(monkeypatch: pytest.MonkeyPatch, kind: str, status: str) -> None:
    """The plain evaluator answers ``status`` wherever a table tests ``kind``."""
    right = judging.evaluate

    def wrong(table: Any, course: Any, diagnoses: Any) -> Any:
        if kind in table.key:
            return status, 0, -1
        return right(table, course, diagnoses)

    monkeypatch.setattr(judging, "evaluate", wrong)


def test_where_the_evaluators_differ_the_status_is_unknown_and_the_alarm_is_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sabotage(monkeypatch, "prior_lines", "met")
    found = judged(p.picture(p.diagnosis(), families={"lbcl": p.course()}))
    by_id = {one.indication.id: one for one in found.indications}
    assert found.disagreements == ("us/example/lbcl-3l",)
    third = by_id["us/example/lbcl-3l"]
    assert (third.status, third.diagnosis_speaks) == ("unknown", True)
    assert third.criterion("prior_lines").status == "unknown"  # type: ignore[union-attr]
    assert "could not be determined" in because(third, "prior_lines")
    assert third.criterion("age").status == "met"  # type: ignore[union-attr]
    assert by_id["us/example/lbcl-2l"].status == "met"


def test_a_plain_evaluator_that_wrongly_says_met_cannot_make_an_indication_met(monkeypatch: pytest.MonkeyPatch) -> None:
    sabotage(monkeypatch, "first_line", "met")
    late = p.course(first_line_days_min=900, first_line_days_max=900)
    found = judged(p.picture(p.diagnosis(), families={"lbcl": late}))
    assert "us/example/lbcl-2l" in found.disagreements
    assert "met" not in {one.status for one in found.indications if one.indication.id == "us/example/lbcl-2l"}


def test_a_failing_engine_makes_every_indication_of_the_family_unknown_and_speak(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any) -> Any:
        raise EngineError("the inference engine failed")

    monkeypatch.setattr(FamilyEngine, "evaluate", fail)
    found = judged(p.picture(p.diagnosis(), families={"lbcl": p.course()}))
    ours = [one for one in found.indications if one.family == "lbcl"]
    assert {one.status for one in ours} == {"unknown"}
    assert all(one.diagnosis_speaks for one in ours)
    assert set(found.disagreements) == {one.indication.id for one in ours}
    assert {one.status for one in found.indications if one.family != "lbcl"} == {"not_met"}


def test_signals_outside_their_vocabulary_make_unknown_never_met() -> None:
    broken = p.course(rr="relapsed (see note)")
    found = judged(p.picture(p.diagnosis(), families={"lbcl": broken}))
    assert {one.status for one in found.indications if one.family == "lbcl"} == {"unknown"}


def test_a_signal_the_course_does_not_give_is_unknown() -> None:
    course = p.course()
    fewer = {name: value for name, value in course.signals.items() if not name.startswith("lines")}
    third = result("us/example/lbcl-3l", families={"lbcl": replace(course, signals=fewer)})
    assert third.criterion("prior_lines").status == "unknown"  # type: ignore[union-attr]


OLD = p.indication("us/example/fl-3l", "fl", p.ADULT, p.FL, p.criterion("prior_lines", min=3), until=date(2024, 5, 14))
NEW = p.indication("us/example/fl-3l", "fl", p.ADULT, p.FL, p.TWO_LINES, since=date(2024, 5, 15))
LATER = p.indication("us/example/mm", "multiple_myeloma", p.ADULT, p.MYELOMA, p.CURRENT, since=date(2026, 11, 22))


@pytest.mark.parametrize(
    ("as_of", "statuses"),
    [
        ("2019-12-31", {}),
        ("2024-05-14", {"us/example/fl-3l": "not_met"}),
        ("2024-05-15", {"us/example/fl-3l": "met"}),
        ("2026-11-21", {"us/example/fl-3l": "met"}),
        ("2026-11-22", {"us/example/fl-3l": "met", "us/example/mm": "not_met"}),
    ],
)
def test_the_label_of_the_day_decides(as_of: str, statuses: dict[str, str]) -> None:
    rulebook = Rulebook(p.ruleset(OLD, NEW, LATER))
    patient = p.picture(
        p.diagnosis("follicular_lymphoma", "fl"),
        families={"fl": p.course("fl", lines_min=2, lines_max=2)},
        as_of=as_of,
    )
    assert {one.indication.id: one.status for one in assess(patient, rulebook).indications} == statuses


@pytest.mark.parametrize(
    ("as_of", "past_review", "stale"),
    [
        ("2027-02-28", False, False),
        ("2027-03-01", True, False),
        ("2027-11-30", True, False),
        ("2027-12-01", True, True),
    ],
)
def test_a_rule_past_its_dates_says_so(as_of: str, past_review: bool, stale: bool) -> None:
    for diagnoses in ((), (p.diagnosis(),)):
        found = judged(p.picture(*diagnoses, families={"lbcl": p.course()} if diagnoses else {}, as_of=as_of))
        assert {(one.past_review, one.stale) for one in found.indications} == {(past_review, stale)}


def test_an_indication_that_asks_for_no_diagnosis_does_not_load() -> None:
    with pytest.raises(EngineError, match="no diagnosis"):
        Rulebook(p.ruleset(p.indication("us/example/anyone", "lbcl", p.ADULT)))
