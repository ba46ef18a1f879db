"""Age in completed calendar years, as a range where a date is partial (labels-us 2.6, decision 19)."""

from __future__ import annotations

from datetime import date

from cds_service.fhir.dates import Interval
from cds_service.fhir.model import PatientEntry

LEAP_DAY = (2, 29)


def age_at(patient: PatientEntry, as_of: date) -> tuple[tuple[int, int] | None, str]:
    """((least, most) completed years, sentence); None when the age cannot be said.

    Of a deceased patient the age on the day of death; when that day is not recorded, at most the age on ``as_of``.
    """
    birth = patient.birth
    if birth is None:
        return None, "no usable date of birth is recorded"
    until, when = _until(patient, as_of)
    if birth.first > until.last:
        return None, f"the date of birth {birth.text} lies after {when}"
    least = max(completed_years(birth.last, until.first), 0) if birth.last <= until.first else 0
    most = completed_years(birth.first, until.last)
    said = f"{least}" if least == most else f"{least} to {most}"
    return (least, most), f"born {birth.text}: {said} completed years on {when}"


def completed_years(birth: date, day: date) -> int:
    """Completed calendar years from ``birth`` to ``day``; negative before the birth."""
    return day.year - birth.year - (day < birthday_in(birth, day.year))


def birthday_in(birth: date, year: int) -> date:
    """The birthday in a year; of the 29 February in common years the 1 March (decision 19)."""
    if (birth.month, birth.day) == LEAP_DAY and not _leap(year):
        return date(year, 3, 1)
    return birth.replace(year=year)


def birthday_of(birth: Interval | None, years: int) -> Interval | None:
    """The day on which someone turns that age, a range where the date of birth is partial; None when not known."""
    if birth is None or birth.first == date.min or birth.last == date.max:
        return None
    if birth.last.year + years > date.max.year:
        return None
    first = birthday_in(birth.first, birth.first.year + years)
    last = birthday_in(birth.last, birth.last.year + years)
    return Interval(first, last, first.isoformat() if first == last else "")


def _until(patient: PatientEntry, as_of: date) -> tuple[Interval, str]:
    """The day or days on which the age counts, and their name in a sentence."""
    today = Interval(as_of, as_of, as_of.isoformat())
    died = patient.deceased_on
    if died is not None and died.first <= as_of:
        last = min(died.last, as_of)
        return Interval(died.first, last, died.text), f"the day of death, {died.text}"
    if patient.deceased and died is None and patient.birth is not None:
        first = min(patient.birth.first, as_of)
        return Interval(first, as_of, ""), f"a day of death that is not recorded, {as_of.isoformat()} at the latest"
    return today, as_of.isoformat()


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
