"""The signals of one family (``signals.SIGNALS``), and for each the sentence, grade and evidence that explain it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cds_service.oncology.course import Course
from cds_service.oncology.disease_state import DiseaseState
from cds_service.oncology.facts_counts import line_range, lines_statement
from cds_service.oncology.facts_last_line import last_progress
from cds_service.oncology.first_line import PARTIAL, REFRACTORY, RELAPSE, YES, FirstLine
from cds_service.oncology.leukaemia import count_relapses, refractory_status, relapses_statement
from cds_service.oncology.model import INFERRED, MET, NOT_MET, RECORDED, UNKNOWN, Fact
from cds_service.oncology.refractory_drugs import Verdict
from cds_service.oncology.signals import NO_DAYS, SIGNALS, Signal

EXPOSED = ("imid", "pi", "cd38", "btki", "bcl2i")
NO_FAILURE = -1


def find_signals(
    course: Course,
    facts: Mapping[str, Fact],
    *,
    first: FirstLine,
    state: DiseaseState,
    lenalidomide: Verdict,
    ineligible: Fact,
    age: tuple[int, int] | None,
) -> Mapping[str, Signal]:
    """Every name of SIGNALS."""
    lines, relapses = line_range(course), count_relapses(course)
    progress, days = last_progress(course)
    found: dict[str, Signal] = {
        "age_known": age is not None,
        "age_min": age[0] if age else -1,
        "age_max": age[1] if age else -1,
        "lines_min": lines.least,
        "lines_max": lines.most,
        "lines_complete": course.gaps.complete,
        **_state_signals(course, first, state),
        **_first_line_signals(first),
        **{f"exposed_{name}": facts[f"exposed_{name}"].status for name in EXPOSED},
        "len_refractory": lenalidomide.fact.status,
        "len_review": lenalidomide.review,
        "progressed_last": progress,
        "progressed_last_days_min": days[0] if days else NO_DAYS,
        "progressed_last_days_max": days[1] if days else NO_DAYS,
        "relapses_min": relapses.least,
        "relapses_max": relapses.most,
        "ball_refractory": refractory_status(course)[0],
        "after_allo": facts["rr_after_allo"].status,
        "transplant_ineligible": ineligible.status,
    }
    return MappingProxyType({name: found[name] for name in SIGNALS})


def find_statements(
    course: Course,
    facts: Mapping[str, Fact],
    *,
    first: FirstLine,
    lenalidomide: Verdict,
    ineligible: Fact,
    age: Fact,
) -> Mapping[str, Fact]:
    """The sentence behind each signal, under the name of the signal without ``_min``, ``_days`` and the like."""
    told = Fact(
        status=UNKNOWN if first.outcome == UNKNOWN else MET,
        grade=None if first.outcome == UNKNOWN else INFERRED,
        because=_with_more_lines(course, first),
        evidence=first.evidence,
    )
    return MappingProxyType(
        {
            "age": age,
            "lines": lines_statement(course),
            "rr": _state_statement(course, facts["relapsed_or_refractory"], first),
            "first_line": told,
            **{f"exposed_{name}": facts[f"exposed_{name}"] for name in EXPOSED},
            "len_refractory": lenalidomide.fact,
            "progressed_last": facts["progressed_on_last_line"],
            "relapses": relapses_statement(course),
            "ball_refractory": refractory_status(course)[1],
            "after_allo": facts["rr_after_allo"],
            "transplant_ineligible": ineligible,
        }
    )


def _state_statement(course: Course, fact: Fact, first: FirstLine) -> Fact:
    """The fact; where the first line failed without a failure event, that no remission stands."""
    if fact.status != UNKNOWN or first.outcome != REFRACTORY or course.failures or course.gaps.status_lists:
        return fact
    return Fact(status=UNKNOWN, because="no complete remission on record since")


def age_statement(age: tuple[int, int] | None, because: str, reference: str) -> Fact:
    """The age as a statement."""
    if age is None:
        return Fact(status=UNKNOWN, because=because)
    return Fact(status=MET, grade=RECORDED, because=because, evidence=(reference,))


def _state_signals(course: Course, first: FirstLine, state: DiseaseState) -> dict[str, Signal]:
    """The fact, save where a response without any failure would hide a first line that failed (decisions 3, 53).

    X10 calls a response without failure not_met; decision 3 asks for review of a partial response after the first line,
    and a first line without response failed although no failure event stands.
    """
    rr, grade, responding = state.fact.status, state.fact.grade or "none", state.responding
    remission = any(event.kind == "CR" for event in course.status)
    if rr == NOT_MET and not course.failures and not remission and course.family == "lbcl" and course.lines:
        if first.outcome == PARTIAL and len(course.lines) == 1:
            rr, grade = UNKNOWN, "none"
        if first.outcome == REFRACTORY:
            rr, grade, responding = UNKNOWN, "none", True
    return {
        "rr": rr,
        "rr_grade": grade if rr == MET else "none",
        "rr_responding": responding,
        "rr_stale": state.stale,
    }


def _first_line_signals(first: FirstLine) -> dict[str, Signal]:
    """Days are at least 0: a failure before the last dose is a failure within the year."""
    outcome, days = first.outcome, (NO_FAILURE, NO_FAILURE)
    if outcome in (REFRACTORY, RELAPSE) and first.days is not None:
        days = (max(0, first.days[0]), max(0, first.days[1]))
    if outcome == RELAPSE and first.change and not (first.best is not None and first.best.kind == "CR"):
        days = (0, days[1])
    return {
        "first_line": outcome,
        "first_line_chemoimmunotherapy": first.chemoimmunotherapy,
        "first_line_days_min": days[0],
        "first_line_days_max": days[1],
        "first_line_in_part": first.in_part if first.chemoimmunotherapy == YES else False,
    }


def _with_more_lines(course: Course, first: FirstLine) -> str:
    """Second-line entries stay met after later lines, and say so (decision 7)."""
    more = len(course.lines) - 1
    if first.outcome not in (REFRACTORY, RELAPSE) or more < 1:
        return first.because
    noun = "line was" if more == 1 else "lines were"
    return f"{first.because}; {more} more {noun} given after the first"
