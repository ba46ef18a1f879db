"""A transformation that no full date fixes: what may lie on either side of it is told, never decided (D2, X9)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from line_kit import dose, history, knowledge, record_of, resources, status, taken

from cds_service.oncology import describe

AS_OF = date(2026, 11, 21)
BR = ("bendamustine", "rituximab")
R_CHOP = ("rituximab", "cyclophosphamide", "doxorubicin", "vincristine", "prednisone")
R_GDP = ("rituximab", "gemcitabine", "dexamethasone", "cisplatin")
FOLLICULAR = (dose("2016-03-07", *BR, n=6, q=28), status("2016-09-12", "CR", focus="origin"))
EARLY = (dose("2024-03-04", *R_CHOP, n=6), status("2024-07-29", "CR"), status("2025-01-03", "REL"))
SALVAGE = (dose("2025-01-20", *R_GDP, n=3), status("2025-04-07", "PD"))


def facts_of(
    *events: dict[str, Any], turned: str | None, origin: str | None = "2016-02-08", recorded: str | None = None
) -> dict[str, Any]:
    """Facts of the large B-cell lymphoma that stands beside follicular lymphoma."""
    chart = resources(history("LBCL", *events, dx=origin, tx=turned))  # type: ignore[arg-type]
    if recorded:
        next(r for r in chart if r["id"] == "index")["recordedDate"] = recorded
    return dict(describe(record_of(chart), AS_OF, knowledge()).families["lbcl"].facts)


def test_a_line_of_the_year_of_transformation_may_lie_before_it() -> None:
    two = facts_of(*FOLLICULAR, *EARLY, *SALVAGE, turned="2024")["prior_lines_ge_2"]
    assert two.status == "unknown"
    assert "1 to 2 since the transformation of 2024" in two.because
    assert "full dates of the transformation and of the treatment would settle" in two.because


def test_with_a_full_date_both_lines_lie_after_it() -> None:
    assert facts_of(*FOLLICULAR, *EARLY, *SALVAGE, turned="2024-02-12")["prior_lines_ge_2"].status == "met"


def test_a_line_begun_within_thirty_days_of_every_day_of_the_month_is_of_the_transformation() -> None:
    assert facts_of(*EARLY, *SALVAGE, turned="2024-03")["prior_lines_ge_2"].status == "met"
    assert facts_of(*EARLY, *SALVAGE, turned="2024-04")["prior_lines_ge_2"].status == "unknown"


def test_a_line_known_by_its_year_may_lie_before_a_dated_transformation() -> None:
    by_year = (taken("2024", "2024", *R_CHOP), status("2024-12-30", "CR"), status("2025-01-03", "REL"), *SALVAGE)
    assert facts_of(*by_year, turned="2024-06-10")["prior_lines_ge_2"].status == "unknown"
    assert facts_of(*by_year, turned="2023-12-04")["prior_lines_ge_2"].status == "met"


@pytest.mark.parametrize(("origin", "recorded"), [("2016-02-08", "2024-02-20"), (None, None)])
def test_a_transformation_without_an_onset_may_have_come_after_any_line_before_its_recording(
    origin: str | None, recorded: str | None
) -> None:
    found = facts_of(*FOLLICULAR, *EARLY, turned=None, origin=origin, recorded=recorded)
    assert found["prior_lines_ge_2"].status == "unknown"


def test_treatment_after_the_day_of_recording_is_of_the_transformation() -> None:
    found = facts_of(*FOLLICULAR, *EARLY, turned=None, recorded="2024-02-20")
    assert found["prior_lines_ge_1"].status == "met"


def test_the_twelve_months_are_not_counted_from_a_line_that_may_lie_before_the_transformation() -> None:
    early = facts_of(*FOLLICULAR, *EARLY, turned="2024")["early_1l_failure"]
    assert early.status == "unknown"
    assert "may have begun before the transformation (2024)" in early.because
    assert facts_of(*FOLLICULAR, *EARLY, turned="2024-02-12")["early_1l_failure"].status == "met"
