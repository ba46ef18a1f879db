"""Line method rule by rule: each case is a sentence a haematologist would say, named with the rules it shows."""

from __future__ import annotations

from typing import Any

import pytest
from line_kit import derive, dose, history

R_CHOP = ("rituximab", "cyclophosphamide", "doxorubicin", "vincristine", "prednisone")
R_ICE = ("rituximab", "ifosfamide", "carboplatin", "etoposide")
BR = ("bendamustine", "rituximab")
VRD = ("bortezomib", "lenalidomide", "dexamethasone")
INDUCTION = ("vincristine", "daunorubicin", "prednisone", "pegaspargase")

Expected = tuple[int, int, int]
"""n, least and most lines."""
Spans = list[tuple[str | None, str | None]]
"""Start and end of each line."""
Case = tuple[str, dict[str, Any], Expected, Spans, set[str]]
"""The sentence, the history, how many lines, when they ran, rules that took part."""


def lbcl(*events: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Large B-cell lymphoma after six cycles of R-CHOP, and what came then."""
    return history("LBCL", dose("2020-01-13", *R_CHOP, n=6), *events, **more)


def each(cases: list[Case]) -> pytest.MarkDecorator:
    """One test for each case, called by its sentence."""
    names = ("case", "count", "lines", "rules")
    return pytest.mark.parametrize(names, [c[1:] for c in cases], ids=[c[0] for c in cases])


def outcome(case: dict[str, Any], rules: set[str]) -> tuple[Spans, Expected, set[str]]:
    """The lines found, how many, and which of ``rules`` took part."""
    answer = derive(case)
    return [(start, end) for _, start, end in answer.lines], answer.count, rules & answer.rules
