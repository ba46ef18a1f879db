"""B-ALL: relapses, refractory disease, first remission (X5; decisions 11, 21, 61)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from cds_service.fhir.dates import Interval
from cds_service.oncology.course import Course, evidence_of, unique
from cds_service.oncology.coverage import frontline
from cds_service.oncology.disease_state import MONTHS, months_before
from cds_service.oncology.facts_first_line import untreated_fact
from cds_service.oncology.first_line import status_words
from cds_service.oncology.model import INFERRED, MET, NOT_MET, UNKNOWN, Fact
from cds_service.oncology.spans import is_after, said
from cds_service.oncology.steps import FAILURES, DerivedLine, StatusEvent

ESTABLISHED, ONE_COURSE, NONE = "established", "one_course", "none"
FAILED = ("IF", "PD", "SD")
ONLY_HERE = "counted in B-ALL only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relapses:
    """How many relapses the record allows, and the events that are relapses for certain."""

    least: int
    most: int
    events: tuple[StatusEvent, ...]


def leukaemia_facts(course: Course) -> Iterator[tuple[str, Fact]]:
    """``relapses_ge_2`` and ``first_remission_le_12mo``."""
    if course.family != "b_all":
        yield "relapses_ge_2", Fact(status=UNKNOWN, because=ONLY_HERE)
        yield "first_remission_le_12mo", Fact(status=UNKNOWN, because=ONLY_HERE)
        return
    yield "relapses_ge_2", _two_relapses(course)
    yield "first_remission_le_12mo", _short_remission(course)


def count_relapses(course: Course) -> Relapses:
    """A relapse is new only if a remission or a new line lies between it and the last one (X5).

    A change of treatment without a status may hide one more. MRD never makes a relapse.
    """
    least = most = 0
    counted: list[StatusEvent] = []
    last: StatusEvent | None = None
    for event in course.failures:
        if not _is_relapse(course, event):
            continue
        apart = True if last is None else _apart(course, last, event)
        least, most = least + (apart is True), most + (apart is not False)
        if apart is True:
            counted.append(event)
        last = event
    return Relapses(least=least, most=most + _silent_changes(course), events=tuple(counted))


def refractory_status(course: Course) -> tuple[str, Fact]:
    """Decision 61: established, one_course, none or unknown, with the sentence that decided it."""
    if course.family != "b_all":
        return UNKNOWN, Fact(status=UNKNOWN, because=ONLY_HERE)
    if course.untreated:
        return NONE, untreated_fact(course)
    if course.gaps.status_lists:
        because = f"the list {course.gaps.status_lists[0]} is missing or was cut off; the full list would settle it"
        return UNKNOWN, Fact(status=UNKNOWN, because=because)
    remissions = [e for e in course.status if e.kind == "CR"]
    if remissions and not _dated_apart(remissions[-1], course.failures):
        because = f"{status_words(remissions[-1])} and the failures cannot be put in order; full dates would settle it"
        return UNKNOWN, Fact(status=UNKNOWN, because=because)
    return _after_remission(course, remissions[-1]) if remissions else _never_in_remission(course)


def _never_in_remission(course: Course) -> tuple[str, Fact]:
    failed = [e for e in course.failures if e.kind in FAILED or e.kind == "REL"]
    primary = [e for e in failed if e.kind != "REL"]
    courses = _courses(course, primary)
    if len(courses) > 1:
        because = f"{status_words(primary[0])} and again {status_words(primary[-1])}, no remission on record"
        return ESTABLISHED, Fact(status=MET, grade=INFERRED, because=because, evidence=evidence_of(*primary))
    if primary and len(failed) == len(primary):
        because = f"{status_words(primary[0])} after one course of induction, no remission on record"
        return ONE_COURSE, Fact(status=MET, grade=INFERRED, because=because, evidence=evidence_of(*primary))
    because = "no remission status after induction; a dated marrow result or disease status would settle it"
    return UNKNOWN, Fact(status=UNKNOWN, because=because)


def _after_remission(course: Course, remission: StatusEvent) -> tuple[str, Fact]:
    since = [e for e in course.failures if is_after(e.when, remission.when) is True]
    if not since:
        following = _line_after(course, remission.when)
        if following is not None:
            because = f"{status_words(remission)}, then treatment from {said(following.start)} with no status since"
            return UNKNOWN, Fact(status=UNKNOWN, because=f"{because}; a dated disease status would settle it")
        because = f"{status_words(remission)} and no failure since"
        return NONE, Fact(status=NOT_MET, grade=INFERRED, because=because, evidence=evidence_of(remission))
    relapse = since[0]
    again = _line_after(course, relapse.when)
    if again is None:
        because = f"{status_words(relapse)} after {status_words(remission)}, no re-induction on record"
        evidence = evidence_of(relapse, remission)
        return NONE, Fact(status=NOT_MET, grade=INFERRED, because=because, evidence=evidence)
    failed = [e for e in course.status if e.kind in FAILED and is_after(e.when, again.start) is True]
    if failed:
        because = f"{status_words(relapse)}, re-induction from {said(again.start)}, then {status_words(failed[-1])}"
        evidence = unique((*evidence_of(relapse, failed[-1]), *again.evidence[:1]))
        return ESTABLISHED, Fact(status=MET, grade=INFERRED, because=because, evidence=evidence)
    told = f"no result recorded after re-induction from {said(again.start)}"
    because = f"{told}; a dated marrow result or disease status would settle it"
    return UNKNOWN, Fact(status=UNKNOWN, because=because)


def _courses(course: Course, failed: list[StatusEvent]) -> list[StatusEvent]:
    """Failed courses: failures with a dose given between one and the next."""
    found: list[StatusEvent] = []
    for event in failed:
        if not found:
            if any(is_after(event.when, line.start) is True for line in course.lines):
                found.append(event)
        elif any(
            is_after(given.start, found[-1].when) is not False and is_after(event.when, given.start) is True
            for given in course.derivation.exposures
        ):
            found.append(event)
    return found


def _two_relapses(course: Course) -> Fact:
    if course.untreated:
        return untreated_fact(course)
    found = count_relapses(course)
    told = _counted(found)
    if found.least >= 2:
        return Fact(status=MET, grade=INFERRED, because=told, evidence=evidence_of(*found.events))
    if course.gaps.status_lists:
        return Fact(status=UNKNOWN, because=f"{told}; the list {course.gaps.status_lists[0]} is missing or was cut off")
    if found.most < 2 and course.gaps.complete:
        evidence = evidence_of(*found.events) or evidence_of(*course.status[-1:]) or course.openers()
        if not course.status:
            return Fact(status=UNKNOWN, because="no disease status on record; a dated one would settle it")
        return Fact(status=NOT_MET, grade=INFERRED, because=told, evidence=evidence)
    if found.most < 2:
        return Fact(status=UNKNOWN, because=f"{told}; earlier ones may be missing: {course.gaps.why}")
    because = (
        f"{told}, but treatment changed without a status or dates are partial; dated disease status would settle it"
    )
    return Fact(status=UNKNOWN, because=because)


def relapses_statement(course: Course) -> Fact:
    """The number of relapses as one sentence."""
    found = count_relapses(course)
    evidence = evidence_of(*found.events) or evidence_of(*course.status[-1:])
    return Fact(status=MET if evidence else UNKNOWN, grade=INFERRED, because=_counted(found), evidence=evidence)


def _counted(found: Relapses) -> str:
    noun = "relapse" if found.least == 1 else "relapses"
    when = f" ({', '.join(said(e.when) for e in found.events)})" if found.events else ""
    return f"{found.least or 'no'} {noun} on record{when}"


def _short_remission(course: Course) -> Fact:
    """First relapse within twelve calendar months of the first remission (X5)."""
    if course.untreated:
        return untreated_fact(course)
    if course.gaps.earlier:
        return Fact(status=UNKNOWN, because=f"an earlier remission may be missing: {course.gaps.earlier}")
    remission = next((e for e in course.status if e.kind == "CR"), None)
    if remission is None:
        return Fact(status=UNKNOWN, because="no first remission is dated; its date would settle it")
    relapse = next((e for e in course.failures if is_after(e.when, remission.when) is not False), None)
    if relapse is None and not course.gaps.status_lists and _line_after(course, remission.when) is None:
        because = f"first {status_words(remission)} and no relapse on record"
        return Fact(status=NOT_MET, grade=INFERRED, because=because, evidence=evidence_of(remission))
    if relapse is None:
        because = f"first {status_words(remission)}; no relapse found, but a status may be missing"
        return Fact(status=UNKNOWN, because=f"{because}; a dated disease status would settle it")
    because = f"first {status_words(remission)}, first {status_words(relapse)}"
    evidence = evidence_of(remission, relapse)
    within = _within_year(remission.when, relapse.when)
    if within is None or is_after(relapse.when, remission.when) is None:
        return Fact(status=UNKNOWN, because=f"{because}; full dates would settle it")
    return Fact(status=MET if within else NOT_MET, grade=INFERRED, because=because, evidence=evidence)


def _within_year(remission: Interval, relapse: Interval) -> bool | None:
    """Whether the second lies at most twelve calendar months after the first."""
    if relapse.last == date.max or months_before(relapse.last, MONTHS) <= remission.first:
        return True if relapse.last != date.max else None
    return False if months_before(relapse.first, MONTHS) > remission.last else None


def _is_relapse(course: Course, event: StatusEvent) -> bool:
    """REL, or progression after a remission; before any remission progression is refractory disease (decision 11)."""
    if event.kind == "REL":
        return True
    return event.kind == "PD" and any(e.kind == "CR" and is_after(event.when, e.when) is True for e in course.status)


def _apart(course: Course, last: StatusEvent, event: StatusEvent) -> bool | None:
    between = [e.when for e in course.status if e.kind == "CR"] + [line.start for line in course.derivation.lines]
    answers = [_between(last.when, when, event.when) for when in between]
    if True in answers:
        return True
    return None if None in answers else False


def _between(first: Interval, when: Interval, second: Interval) -> bool | None:
    """A line may start on the very day of the first event; it must lie before the second."""
    begun = True if when.first >= first.last else is_after(when, first)
    ended = is_after(second, when)
    if begun is True and ended is True:
        return True
    return None if begun is not False and ended is not False else False


def _silent_changes(course: Course) -> int:
    """New lines that may hide a relapse: none is recorded before them, nor a remission in which they were planned."""
    silent = 0
    for before, line in pairwise(course.derivation.lines):
        seen = {e.kind for e in course.status if _in_between(e, before.start, line.start)}
        planned = "CR" in seen and frontline(line)
        silent += not planned and not seen & set(FAILURES)
    return silent


def _in_between(event: StatusEvent, start: Interval, following: Interval) -> bool:
    return is_after(event.when, start) is not False and is_after(event.when, following) is not True


def _line_after(course: Course, when: Interval) -> DerivedLine | None:
    return next((line for line in course.derivation.lines if is_after(when, line.start) is not True), None)


def _dated_apart(remission: StatusEvent, failures: tuple[StatusEvent, ...]) -> bool:
    return all(is_after(remission.when, f.when) is True or is_after(f.when, remission.when) is True for f in failures)
