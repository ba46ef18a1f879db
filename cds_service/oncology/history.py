"""Lines of therapy as the outside sees them: from a derivation to ``History`` and ``Line``."""

from __future__ import annotations

from datetime import date

from cds_service.fhir.dates import Interval
from cds_service.oncology.course import RESPONSES, Course, best_of
from cds_service.oncology.model import History, Line, LineCount
from cds_service.oncology.spans import is_after, later_by
from cds_service.oncology.steps import Derivation, DerivedLine, StatusEvent

BEST_RESPONSES = {
    "CR": "complete_response",
    "VGPR": "very_good_partial_response",
    "PR": "partial_response",
    "IMPROVED": "response_of_unknown_depth",
    "MR": "minimal_response",
    "SD": "stable_disease",
    "PD": "progressive_disease",
    "REL": "progressive_disease",
    "IF": "no_remission_after_induction",
}


def find_history(course: Course) -> History:
    """The history of the course's family, set-aside items included."""
    derived = course.derivation
    return History(
        count=_count(course, derived),
        lines=tuple(_line(course, number, line) for number, line in enumerate(derived.lines)),
        set_aside=tuple(sorted(set(derived.set_aside), key=lambda s: (s.reference, s.why))),
        recorded=derived.recorded,
        complete=course.gaps.complete,
        gaps=course.gaps.reasons,
    )


def written(when: Interval | None) -> str | None:
    """A date in the record's own precision; None when it is not known."""
    if when is None or when.first == date.min or when.last == date.max:
        return when.text or None if when is not None else None
    if when.text:
        return when.text
    return when.first.isoformat() if when.exact else when.last.isoformat()


def _count(course: Course, derived: Derivation) -> LineCount:
    count = derived.count
    if course.transformed is None:
        return count
    return LineCount(
        n=count.n,
        min=count.min,
        max=count.max,
        since_transformation=len(course.lines),
        questions=count.questions,
    )


def _line(course: Course, place: int, line: DerivedLine) -> Line:
    best = _best(course, place, line)
    return Line(
        number=line.number,
        family=line.family,
        regimen=line.regimen,
        agents=line.agents,
        start=written(line.start),
        end=written(line.end),
        includes=line.includes,
        best_response=BEST_RESPONSES[best.kind] if best else None,
        modified=line.modified,
        flags=line.flags,
        because=line.because,
        evidence=line.evidence,
        classes=line.classes,
        regimen_unverified=line.regimen_unverified,
    )


def _best(course: Course, place: int, line: DerivedLine) -> StatusEvent | None:
    """The best status of the line; a failure counts as response only inside the window of X2."""
    lines = course.derivation.lines
    following = lines[place + 1].start if place + 1 < len(lines) else None
    end = line.completion or line.last_dose or line.end
    limit = later_by(end, course.numbers.windows.response_after_completion) if end else None
    seen = []
    for event in course.status:
        own = is_after(event.when, line.start) is True
        if not own or (following is not None and is_after(event.when, following) is not False):
            continue
        if event.kind in (*RESPONSES, "MR") or limit is None or is_after(event.when, limit) is False:
            seen.append(event)
    return best_of(seen)
