"""Completed years on the calendar, ranges for partial dates, 29 February, death (decision 19, labels-us 2.6, R-24)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.fhir.dates import parse_date
from cds_service.fhir.model import PatientEntry
from cds_service.oncology.age import age_at, birthday_of


def patient(birth: str, *, deceased: bool = False, died: str = "") -> PatientEntry:
    return PatientEntry(
        reference="Patient/p1",
        ids=frozenset({"p1"}),
        birth=parse_date(birth) if birth else None,
        deceased=deceased or bool(died),
        deceased_on=parse_date(died) if died else None,
    )


@pytest.mark.parametrize(
    ("sentence", "birth", "as_of", "expected"),
    [
        ("25 years and 364 days: turns 26 tomorrow", "2000-11-22", "2026-11-21", (25, 25)),
        ("26th birthday today", "2000-11-21", "2026-11-21", (26, 26)),
        ("18th birthday today", "2008-11-21", "2026-11-21", (18, 18)),
        ("18th birthday tomorrow", "2008-11-22", "2026-11-21", (17, 17)),
        ("born on 29 February, 28 February of a common year", "2008-02-29", "2026-02-28", (17, 17)),
        ("born on 29 February, 1 March of a common year", "2008-02-29", "2026-03-01", (18, 18)),
        ("born on 29 February, 29 February of a leap year", "2008-02-29", "2028-02-29", (20, 20)),
        ("born on 29 February, 28 February of a leap year", "2008-02-29", "2028-02-28", (19, 19)),
        ("year only", "2000", "2026-11-21", (25, 26)),
        ("year only on the last day of the year", "2000", "2026-12-31", (26, 26)),
        ("month only, in the month of birth", "2008-11", "2026-11-21", (17, 18)),
        ("month only, after the month of birth", "2008-10", "2026-11-21", (18, 18)),
        ("born today", "2026-11-21", "2026-11-21", (0, 0)),
        ("born this year, day not known", "2026", "2026-11-21", (0, 0)),
    ],
)
def test_age_in_completed_years(sentence: str, birth: str, as_of: str, expected: tuple[int, int]) -> None:
    found, because = age_at(patient(birth), date.fromisoformat(as_of))
    assert found == expected, sentence
    assert birth in because and as_of in because


def test_no_birth_date_and_a_future_one_are_unknown() -> None:
    assert age_at(patient(""), date(2026, 11, 21))[0] is None
    age, because = age_at(patient("2027-01-01"), date(2026, 11, 21))
    assert age is None and "lies after" in because


def test_a_deceased_patient_has_the_age_of_the_day_of_death() -> None:
    assert age_at(patient("1960-05-17", died="2020-05-16"), date(2026, 11, 21))[0] == (59, 59)
    assert age_at(patient("1960-05-17", died="2020"), date(2026, 11, 21))[0] == (59, 60)


def test_a_death_after_the_assessment_date_does_not_matter() -> None:
    assert age_at(patient("1960-05-17", died="2024-06-01"), date(2020, 11, 21))[0] == (60, 60)


def test_a_death_without_a_day_leaves_only_the_upper_bound() -> None:
    assert age_at(patient("1960-05-17", deceased=True), date(2026, 11, 21))[0] == (0, 66)


def test_the_day_of_the_26th_birthday() -> None:
    def turns(birth: str) -> tuple[str, str] | None:
        day = birthday_of(parse_date(birth), 26)
        return (day.first.isoformat(), day.last.isoformat()) if day else None

    assert turns("2001-01-01") == ("2027-01-01", "2027-01-01")
    assert turns("2001-01") == ("2027-01-01", "2027-01-31")
    assert turns("2001") == ("2027-01-01", "2027-12-31")
    assert turns("2000-02-29") == ("2026-03-01", "2026-03-01")
    assert birthday_of(None, 26) is None


@settings(max_examples=50, deadline=None)
@given(st.dates(date(1920, 1, 1), date(2025, 12, 31)), st.integers(0, 30000))
def test_age_never_falls_and_rises_by_one_on_the_birthday(born: date, days: int) -> None:
    day = min(born + timedelta(days=days), date(2100, 1, 1))
    today, _ = age_at(patient(born.isoformat()), day)
    tomorrow, _ = age_at(patient(born.isoformat()), day + timedelta(days=1))
    assert today is not None and tomorrow is not None
    assert tomorrow[0] - today[0] in (0, 1)
    whole_year, _ = age_at(patient(str(born.year)), day)
    assert whole_year is not None and whole_year[0] <= today[0] <= whole_year[1]
