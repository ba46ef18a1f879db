"""Dates as FHIR writes them: a day, a month, a year; always an interval of days.

Comparisons are three-valued (lines-of-therapy.md D2): certain only when true or false for every day of both
intervals. Calendar dates are taken as written in the resource's own offset and never moved to UTC (D3).
"""

from __future__ import annotations

import calendar
import re
from datetime import date
from functools import lru_cache

import msgspec

_SHAPE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?:$|[T ].*$)", re.ASCII | re.DOTALL)
MAX_TEXT = 64


class Interval(msgspec.Struct, frozen=True, gc=False):
    """The days a recorded date may mean, both ends included; ``date.min`` / ``date.max`` where an end is open."""

    first: date
    last: date
    text: str
    """The date as recorded, cut to year, month or day ("2024", "2024-03", "2024-03-05"); "" when it was not written."""

    @property
    def exact(self) -> bool:
        """True when one day is meant."""
        return self.first == self.last

    def before(self, other: Interval) -> bool | None:
        """Whether this lies before ``other``: None when it does for some of the days meant and not for others (D2)."""
        if self.last < other.first:
            return True
        return False if self.first >= other.last else None


ANY_DAY = Interval(date.min, date.max, "")


@lru_cache(maxsize=16384)
def parse_date(text: str) -> Interval | None:
    """The interval of a FHIR date, dateTime or instant; None when the text is no such date."""
    if len(text) > MAX_TEXT:
        return None
    found = _SHAPE.match(text.strip())
    if found is None:
        return None
    year, month, day = found.groups()
    try:
        if day:
            one = date(int(year), int(month), int(day))
            return Interval(one, one, f"{year}-{month}-{day}")
        if month:
            last = calendar.monthrange(int(year), int(month))[1]
            return Interval(
                date(int(year), int(month), 1),
                date(int(year), int(month), last),
                f"{year}-{month}",
            )
        return Interval(date(int(year), 1, 1), date(int(year), 12, 31), year)
    except ValueError:
        return None


def latest_bound(known: Interval) -> Interval:
    """Some day up to the end of ``known``: what a date of recording says about an event (D1)."""
    return Interval(date.min, known.last, known.text)
