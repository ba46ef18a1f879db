"""Is the first line under way (decision 36)? Then patient-view has nothing new to say."""

from __future__ import annotations

from cds_service.oncology.course import Course
from cds_service.oncology.spans import days_between, on_day


def first_line_under_way(course: Course) -> bool:
    """One line at most, its last dose surely within 60 days or still going on, and no failure on record."""
    derived = course.derivation
    if any(event.failure for event in course.status) or len(derived.lines) > 1 or derived.count.max > 1:
        return False
    lines = derived.lines or derived.candidates
    if len(lines) != 1:
        return False
    line = lines[0]
    last = line.last_dose or line.end
    if line.end is None or last is None:
        return True
    return days_between(last, on_day(course.as_of))[1] <= course.numbers.windows.first_line_under_way
