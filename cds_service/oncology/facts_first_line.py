"""Facts about the first line: ``early_1l_failure`` (X2) and ``primary_refractory`` (X4)."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.oncology.course import Course, evidence_of, unique
from cds_service.oncology.first_line import (
    NO,
    NONE,
    PARTIAL,
    REFRACTORY,
    RELAPSE,
    YES,
    FirstLine,
    read_first_line,
    status_words,
)
from cds_service.oncology.model import INFERRED, MET, NOT_MET, UNKNOWN, Fact
from cds_service.oncology.spans import days_between, said, said_days


def first_line_facts(course: Course, first: FirstLine | None = None) -> Iterator[tuple[str, Fact]]:
    """Both facts of the first line."""
    read = first or read_first_line(course)
    yield "early_1l_failure", early_failure(course, read)
    yield "primary_refractory", primary_refractory(course, read)


def early_failure(course: Course, first: FirstLine) -> Fact:
    """Refractory to, or relapse within twelve months after, first-line chemoimmunotherapy (X2)."""
    if course.untreated:
        return _untreated(course)
    if course.family != "lbcl":
        return Fact(status=UNKNOWN, because="defined for the first line of large B-cell lymphoma only")
    if course.lines and first.chemoimmunotherapy != YES:
        agents = ", ".join(course.numbers.label_of(a) for a in course.lines[0].agents)
        proof = "is not on record as" if first.chemoimmunotherapy == NO else "is not proven to be"
        because = f"the first line ({agents}) {proof} chemoimmunotherapy, which the twelve months count from"
        return Fact(status=UNKNOWN, because=because)
    limit = course.numbers.windows.twelve_months  # D7: days, inclusive
    days = first.days if first.outcome == RELAPSE else None
    if first.outcome == REFRACTORY or (days is not None and days[1] <= limit):
        return Fact(status=MET, grade=INFERRED, because=first.because, evidence=first.evidence)
    if first.outcome == NONE:
        return Fact(status=NOT_MET, grade=INFERRED, because=first.because, evidence=first.evidence)
    if days is not None and days[0] > limit:
        return _late(course, first)
    if days is not None:
        because = f"{first.because}; the limit is {limit} days, a full date would settle it"
        return Fact(status=UNKNOWN, because=because)
    return Fact(status=UNKNOWN, because=first.because)


def _late(course: Course, first: FirstLine) -> Fact:
    remission = first.best is not None and first.best.kind == "CR"
    if first.change and not remission:
        because = (
            f"{first.because}; another line was started before that with no status recorded, "
            "a disease status between the two lines would settle it"
        )
        return Fact(status=UNKNOWN, because=because)
    if course.gaps.status_lists:
        because = f"{first.because}; the list {course.gaps.status_lists[0]} is missing or was cut off"
        return Fact(status=UNKNOWN, because=because)
    return Fact(status=NOT_MET, grade=INFERRED, because=first.because, evidence=first.evidence)


def primary_refractory(course: Course, first: FirstLine) -> Fact:
    """Refractory to the first line (X4); defined for large B-cell lymphoma and B-ALL."""
    if course.untreated:
        return _untreated(course)
    if course.family == "b_all":
        return _induction(course)
    if course.family != "lbcl":
        return Fact(status=UNKNOWN, because="defined for large B-cell lymphoma and B-ALL only")
    if first.outcome == REFRACTORY:
        return Fact(status=MET, grade=INFERRED, because=first.because, evidence=first.evidence)
    best = first.best
    if first.outcome in (NONE, RELAPSE) and best is not None and best.kind == "CR":
        because = f"{status_words(best)} was reached in the first line"
        return Fact(status=NOT_MET, grade=INFERRED, because=because, evidence=first.evidence or evidence_of(best))
    if best is not None and best.kind in ("PR", "VGPR") and not course.gaps.status_lists:
        return _partial(course, first)
    return Fact(status=UNKNOWN, because=f"the best response to the first line is not recorded; {first.because}")


def _partial(course: Course, first: FirstLine) -> Fact:
    """Partial response counts with progression inside twelve months of the start, or with a second line (X4)."""
    line, best = course.lines[0], first.best
    failures = [f for f in course.failures_after(line.start) if f.certain]
    limit = course.numbers.windows.twelve_months
    for failure in failures:
        days = days_between(line.start, failure.event.when)
        if days[1] <= limit:
            because = f"{first.because}; progression {said_days(days)} after the start of the first line"
            evidence = unique((*first.evidence, *evidence_of(failure.event)))
            return Fact(status=MET, grade=INFERRED, because=because, evidence=evidence)
    following = course.next_start(0)
    if following is not None and not failures and first.outcome == PARTIAL:
        because = f"{status_words(best)} as best response, then a second line from {said(following)}" if best else ""
        evidence = unique((*first.evidence, *course.lines[1].evidence[:1]))
        return Fact(status=MET, grade=INFERRED, because=because, evidence=evidence)
    because = f"{first.because}; a biopsy, or progression within {limit} days of the start, would settle it"
    return Fact(status=UNKNOWN, because=because)


def _induction(course: Course) -> Fact:
    """Induction failure recorded and no remission in the first line (X4)."""
    if not course.lines or course.gaps.earlier:
        why = course.gaps.earlier or "no induction is on record"
        return Fact(status=UNKNOWN, because=f"{why}; the first induction and its result would settle it")
    seen = course.during(0)
    remissions = [s for s in seen if s.event.kind == "CR"]
    failures = [s for s in seen if s.event.failure]
    certain = [s.event for s in remissions if s.certain]
    if certain:
        because = f"{status_words(certain[0])} was reached in the first line"
        return Fact(status=NOT_MET, grade=INFERRED, because=because, evidence=evidence_of(certain[0]))
    failed = [s.event for s in failures if s.certain and s.event.kind in ("IF", "PD")]
    if failed and not remissions and not course.gaps.status_lists:
        because = f"{status_words(failed[0])} and no remission in the first line"
        return Fact(status=MET, grade=INFERRED, because=because, evidence=evidence_of(failed[0]))
    because = "no remission status after induction; a dated marrow result or disease status would settle it"
    return Fact(status=UNKNOWN, because=because)


def _untreated(course: Course) -> Fact:
    return untreated_fact(course)


def untreated_fact(course: Course) -> Fact:
    """Decision 16: newly diagnosed, never treated, the record complete."""
    because = "no treatment on record and none missing: nothing to fail"
    return Fact(status=NOT_MET, grade=INFERRED, because=because, evidence=course.diagnosis_evidence())
