"""Partial dates are intervals, and comparisons know three answers (lines-of-therapy.md D2, D3)."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.fhir.dates import Interval, parse_date

DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))
PRECISION = st.sampled_from((4, 7, 10))


def interval(text: str) -> Interval:
    found = parse_date(text)
    assert found is not None, text
    return found


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024", date(2024, 1, 1), date(2024, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2023-02", date(2023, 2, 1), date(2023, 2, 28)),
        ("2024-03-05", date(2024, 3, 5), date(2024, 3, 5)),
        ("2024-03-05T23:30:00-08:00", date(2024, 3, 5), date(2024, 3, 5)),
        ("2024-03-05T00:30:00+14:00", date(2024, 3, 5), date(2024, 3, 5)),
    ],
)
def test_a_date_is_the_days_it_may_mean_as_written(text: str, first: date, last: date) -> None:
    assert (interval(text).first, interval(text).last) == (first, last)


@pytest.mark.parametrize("text", ["", "soon", "2024-13", "2024-02-30", "24-01-01", "2024-1-1", "0000", "2" * 300])
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_date(text) is None


@given(DAYS, DAYS, PRECISION, PRECISION)
@settings(max_examples=50)
def test_before_is_certain_only_when_it_holds_for_every_day(one: date, other: date, fine: int, coarse: int) -> None:
    left, right = interval(one.isoformat()[:fine]), interval(other.isoformat()[:coarse])
    answers = {a < b for a in (left.first, left.last) for b in (right.first, right.last)}
    assert left.before(right) is (answers.pop() if len(answers) == 1 else None)


@given(DAYS, PRECISION)
@settings(max_examples=50)
def test_a_day_lies_in_its_month_and_year(one: date, precision: int) -> None:
    found = interval(one.isoformat()[:precision])
    assert found.first <= one <= found.last
    assert found.text == one.isoformat()[:precision]
    assert found.exact is (precision == 10)


@given(st.text(max_size=80))
@settings(max_examples=50)
def test_no_text_breaks_the_date_reader(text: str) -> None:
    found = parse_date(text)
    assert found is None or found.first <= found.last
