"""Relapsed or refractory now? One reading of X10 and decisions 5, 6, 53, 60 for the fact and its signals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cds_service.fhir.dates import Interval
from cds_service.oncology.course import RESPONSES, Course, Spoken, evidence_of
from cds_service.oncology.first_line import status_words
from cds_service.oncology.model import INFERRED, MET, NOT_MET, RECORDED, UNKNOWN, Fact
from cds_service.oncology.spans import is_after, latest, said
from cds_service.oncology.steps import DerivedLine, StatusEvent

STABLE_IS_CONTROL = frozenset({"fl", "mzl", "mcl", "cll_sll", "multiple_myeloma"})
"""Families in which stable disease after a failure is disease that answers (decision 53)."""
MONTHS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class DiseaseState:
    """``fact`` is relapsed_or_refractory; ``responding`` (53) and ``stale`` (60) turn its criterion into review."""

    fact: Fact
    responding: bool = False
    stale: bool = False


def read_state(course: Course) -> DiseaseState:
    """The present state of the disease."""
    if course.untreated:
        because = "no treatment on record and none missing: neither relapsed nor refractory"
        fact = Fact(status=NOT_MET, grade=INFERRED, because=because, evidence=course.diagnosis_evidence())
        return DiseaseState(fact=fact)
    if not course.failures:
        return DiseaseState(fact=_never_failed(course))
    return _failed(course)


def newest_evidence(course: Course) -> Interval | None:
    """The newest date of therapy or status that the course rests on, never after the assessment date."""
    dates = [event.when for event in course.status]
    for line in course.derivation.lines:
        dates += [d for d in (line.start, line.last_dose, line.completion, line.end) if d is not None]
        dates += [event.when for event in line.events]
    return latest(d for d in dates if d.first <= course.as_of and d.last != date.max)


def months_before(day: date, months: int) -> date:
    """The same calendar day so many months earlier, the last of the month where there is no such day."""
    years, month = divmod(day.year * MONTHS + day.month - 1 - months, MONTHS)
    for last in (day.day, 30, 29, 28):
        try:
            return date(years, month + 1, last)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")  # pragma: no cover


def _never_failed(course: Course) -> Fact:
    kinds = (*RESPONSES, "MR") if course.family == "multiple_myeloma" else RESPONSES
    responses = [event for event in course.status if event.kind in kinds]
    if not responses:
        return Fact(status=UNKNOWN, because=_looked_for(course))
    last = responses[-1]
    following = _line_after(course, last)
    if following is not None:
        return Fact(status=UNKNOWN, because=_change(last, following))
    if course.gaps.status_lists:
        return Fact(status=UNKNOWN, because=_cut(course, f"{status_words(last)}, no failure found"))
    unexplained = [e for e in course.status if e.failure and is_after(e.when, last.when) is not False]
    if unexplained:
        seen = status_words(unexplained[-1])
        because = f"{seen}, but no treatment before it is on record; its drugs and dates would settle it"
        return Fact(status=UNKNOWN, because=because)
    because = f"{status_words(last)} and no relapse or progression on record"
    return Fact(status=NOT_MET, grade=RECORDED, because=because, evidence=evidence_of(last))


def _failed(course: Course) -> DiseaseState:
    last = course.failures[-1]
    remission = [e for e in course.status if e.kind == "CR"]
    since = [e for e in remission if all(is_after(e.when, f.when) is True for f in course.failures)]
    if since:
        return DiseaseState(fact=_remission(course, since[-1]))
    if any(is_after(e.when, f.when) is None for e in remission for f in course.failures if _could_be_last(f, course)):
        unsure = next(e for e in reversed(remission) if any(is_after(e.when, f.when) is None for f in course.failures))
        because = (
            f"{status_words(last)} and {status_words(unsure)}: which came last is not clear; full dates would settle it"
        )
        return DiseaseState(fact=Fact(status=UNKNOWN, because=because))
    same_day = [e for e in remission if e.when == last.when]
    if same_day:
        because = (
            f"{status_words(last)} and {status_words(same_day[0])} are recorded for one day; which holds is not clear"
        )
        return DiseaseState(fact=Fact(status=UNKNOWN, because=because))
    if course.gaps.status_lists:
        return DiseaseState(fact=Fact(status=UNKNOWN, because=_cut(course, f"{status_words(last)} on record")))
    return _active(course, last)


def _could_be_last(failure: StatusEvent, course: Course) -> bool:
    return failure.when.last >= max(f.when.first for f in course.failures)


def _remission(course: Course, remission: StatusEvent) -> Fact:
    following = _line_after(course, remission)
    if following is not None:
        return Fact(status=UNKNOWN, because=_change(remission, following))
    if course.gaps.status_lists:
        return Fact(status=UNKNOWN, because=_cut(course, f"{status_words(remission)} on record"))
    because = f"{status_words(remission)} is the latest status: in remission"
    return Fact(status=NOT_MET, grade=RECORDED, because=because, evidence=evidence_of(remission))


def _active(course: Course, last: StatusEvent) -> DiseaseState:
    answers = course.after(last.when, _answering(course.family))
    certain = [s.event for s in answers if s.certain]
    status_after = [e for e in course.status if is_after(e.when, last.when) is True]
    responding = bool(certain) and status_after[-1].kind in _answering(course.family)
    following = _line_after(course, last)
    if following is not None and not _spoken_after(course, following):
        told = f"{status_words(last)}, then a further line from {said(following.start)} with no status recorded since"
        fact = Fact(status=MET, grade=INFERRED, because=told, evidence=evidence_of(last))
        return DiseaseState(fact=fact, responding=responding, stale=_stale(course))
    told = f"{status_words(last)} and no complete remission since"
    if responding:
        told += f"; latest status {status_words(status_after[-1])}"
    fact = Fact(status=MET, grade=RECORDED, because=told, evidence=evidence_of(last))
    return DiseaseState(fact=fact, responding=responding)


def _answering(family: str) -> tuple[str, ...]:
    kinds = ("PR", "VGPR", "MR", "IMPROVED")
    return (*kinds, "SD") if family in STABLE_IS_CONTROL else kinds


def _line_after(course: Course, event: StatusEvent) -> DerivedLine | None:
    """The first line that starts on or after the event's day, surely or possibly."""
    later = (line for line in course.derivation.lines if is_after(event.when, line.start) is not True)
    return next(later, None)


def _spoken_after(course: Course, line: DerivedLine) -> list[Spoken]:
    seen = course.after(line.start, [*RESPONSES, "MR", "SD", "PD", "REL", "IF"])
    return [s for s in seen if s.certain]


def _stale(course: Course) -> bool:
    newest = newest_evidence(course)
    return newest is not None and newest.last < months_before(course.as_of, course.numbers.windows.stale_months)


def _change(last: StatusEvent, following: DerivedLine) -> str:
    return (
        f"{status_words(last)}, then a further line from {said(following.start)} with no failure recorded; "
        "a dated disease status since then would settle it"
    )


def _cut(course: Course, told: str) -> str:
    return (
        f"{told}, but the list {course.gaps.status_lists[0]} is missing or was cut off; the full list would settle it"
    )


def _looked_for(course: Course) -> str:
    if course.gaps.status_lists:
        return _cut(course, "no disease status found")
    since = course.lines[-1].start if course.lines else None
    stable = [e for e in course.status if e.kind in ("SD", "MR")]
    if stable:
        return f"{status_words(stable[-1])} is neither response nor failure; a later disease status would settle it"
    when = f" since {said(since)}" if since else ""
    return f"no response, relapse or progression recorded{when}; a dated disease status would settle it"
