"""Days moved without falling off the calendar: records hold 9999-12-31 for "no end" and year 1 for "unknown"."""

from __future__ import annotations

from datetime import date


def shifted(day: date, days: int) -> date:
    """``day`` moved by ``days``, the first or last day of the calendar at most."""
    return date.fromordinal(min(max(day.toordinal() + days, 1), date.max.toordinal()))
