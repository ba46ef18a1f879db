"""Days between recorded dates, three-valued (D2): certain only when true or false for every day of both intervals."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from cds_service.fhir.dates import Interval


def days_between(start: Interval, end: Interval) -> tuple[int, int]:
    """Fewest and most days from ``start`` to ``end``; negative when ``end`` comes first."""
    return (end.first - start.last).days, (end.last - start.first).days


def is_after(one: Interval, other: Interval) -> bool | None:
    """Whether ``one`` lies on a later day than ``other``; None when the dates leave it open."""
    if one.first > other.last:
        return True
    return False if one.last <= other.first else None


def same_days(one: Interval, other: Interval) -> bool:
    """True when both mean the same days."""
    return one is other or (one.first == other.first and one.last == other.last)


def on_day(day: date) -> Interval:
    """The interval of one day."""
    return Interval(day, day, day.isoformat())


def later_by(when: Interval, days: int) -> Interval:
    """``when`` moved by ``days``; the result is written only when it is one day. Open ends stay open."""
    first = when.first if when.first == date.min else when.first + timedelta(days=days)
    last = when.last if when.last == date.max else when.last + timedelta(days=days)
    return Interval(first, last, first.isoformat() if first == last else "")


def earliest(dates: Iterable[Interval]) -> Interval | None:
    """The interval of the first of several events, whatever their true order; None of none."""
    known = list(dates)
    if not known:
        return None
    if len(known) == 1:
        return known[0]
    first, last = min(d.first for d in known), min(d.last for d in known)
    same = next((d for d in known if (d.first, d.last) == (first, last)), None)
    return same or Interval(first, last, "")


def latest(dates: Iterable[Interval]) -> Interval | None:
    """The date with the latest last day; the more exact one of two that end alike. None of none."""
    known = list(dates)
    if not known:
        return None
    last = max([d.last for d in known])
    return max([d for d in known if d.last == last], key=lambda d: (d.first, d.text))


def said(when: Interval | None) -> str:
    """A date for a sentence, in the precision of the record."""
    if when is None:
        return "an unknown date"
    if when.first == date.min:
        return f"by {when.text or when.last.isoformat()}" if when.last != date.max else "an unknown date"
    if when.exact:
        return when.first.isoformat()
    return when.text or f"{when.first.isoformat()} to {when.last.isoformat()}"


def said_days(days: tuple[int, int]) -> str:
    """A number of days for a sentence: "120 days", "between 20 and 310 days"."""
    least, most = days
    if least == most:
        return f"{least} day" if abs(least) == 1 else f"{least} days"
    return f"between {least} and {most} days"


def said_after(days: tuple[int, int], what: str) -> str:
    """Days from ``what`` for a sentence: "231 days after the last dose", "3 days before …", "on the day of …"."""
    if days == (0, 0):
        return f"on the day of {what}"
    if days[1] < 0:
        return f"{said_days((-days[1], -days[0]))} before {what}"
    return f"{said_days(days)} after {what}"
