"""Days between recorded dates: three answers, and how they are said."""

from __future__ import annotations

import pytest
from course_kit import recorded_state, when
from hypothesis import given
from hypothesis import strategies as st

from cds_service.fhir.dates import ANY_DAY
from cds_service.oncology.spans import days_between, earliest, is_after, later_by, said, said_after

DATES = st.dates().map(lambda d: d.isoformat()).flatmap(lambda d: st.sampled_from([d, d[:7], d[:4]])).map(when)


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        ("2024-03-02", "2024-03-01", True),
        ("2024-03-01", "2024-03-01", False),
        ("2024-03", "2024-03-15", None),
        ("2024-04", "2024-03", True),
        ("2023", "2024-01-01", False),
    ],
)
def test_later_for_certain_not_later_or_open(one, other, answer):
    assert is_after(when(one), when(other)) is answer


@given(DATES, DATES)
def test_the_range_of_days_holds_every_pair_of_days(one, other):
    least, most = days_between(one, other)
    assert least <= (other.first - one.first).days <= most
    assert (is_after(other, one) is True) == (least > 0)
    assert (is_after(other, one) is False) == (most <= 0)


def test_an_open_date_stays_open_and_overflows_nothing():
    assert later_by(ANY_DAY, 90) == ANY_DAY
    assert is_after(ANY_DAY, when("2024")) is None
    assert said(ANY_DAY) == "an unknown date"
    assert said(recorded_state("REL", "2024-05-01").when) == "by 2024-05-01"


def test_the_first_of_two_partial_dates():
    first = earliest([when("2024"), when("2024-05-01")])
    assert first is not None
    assert (first.first.isoformat(), first.last.isoformat()) == ("2024-01-01", "2024-05-01")


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ((231, 231), "231 days after the last dose"),
        ((1, 1), "1 day after the last dose"),
        ((0, 0), "on the day of the last dose"),
        ((-3, -3), "3 days before the last dose"),
        ((20, 310), "between 20 and 310 days after the last dose"),
    ],
)
def test_days_are_said_in_words(days, words):
    assert said_after(days, "the last dose") == words
