"""Are the example patients of an indication enough? (requirement R-33, both sides of every boundary)"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cds_service.labels.cases import expand_signals
from cds_service.labels.check_findings import WARNING, Finding, finding
from cds_service.labels.yaml_lines import Document, Place

_ASKED = {"not_met": "near miss", "unknown": "case in which the record does not say"}


def case_findings(document: Document, place: Place, one: Mapping[str, Any]) -> Iterator[Finding]:
    """A met case; for each criterion a not_met and an unknown one; both sides of every number in the criteria."""
    cases = one["cases"]
    if not any(case["status"] == "met" for case in cases):
        yield finding(document, (*place, "cases"), WARNING, "no case is met", "add a patient who meets every criterion")
    signals = [expand_signals(one["example"], case.get("but"))[0] for case in cases]
    for number, criterion in enumerate(one["criteria"]):
        here: Place = (*place, "criteria", number)
        shown = {case.get("criteria", {}).get(criterion["id"]) for case in cases}
        for status, what in _ASKED.items():
            if status not in shown and not (status == "not_met" and _never_refuses(criterion)):
                problem = f"no case shows '{criterion['id']}' as {status}"
                yield finding(document, here, WARNING, problem, f"add a {what}")
        for signal, values in _boundaries(criterion):
            exact = {one[f"{signal}_min"] for one in signals if one[f"{signal}_min"] == one[f"{signal}_max"]}
            for value in values:
                if value not in exact:
                    problem = f"no case stands at {signal.replace('_', ' ')} {value}, a boundary of '{criterion['id']}'"
                    yield finding(document, here, WARNING, problem, "add a case on each side of the boundary")


def _never_refuses(criterion: Mapping[str, Any]) -> bool:
    """A disease that the label leaves to a clinician and does not exclude."""
    return bool(criterion["kind"] == "absent_diagnosis" and "of" not in criterion)


def _boundaries(criterion: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The signal a number of the criterion is compared with, and the values on both sides."""
    kind = criterion["kind"]
    if kind == "age":
        if "min_years" in criterion:
            yield "age", (criterion["min_years"] - 1, criterion["min_years"])
        if "max_years" in criterion:
            yield "age", (criterion["max_years"], criterion["max_years"] + 1)
    elif kind == "prior_lines":
        yield "lines", (criterion["min"] - 1, criterion["min"])
    elif kind == "refractory_or_second_relapse":
        yield "relapses", (criterion["min_relapses"] - 1, criterion["min_relapses"])
    elif kind == "progressed_on_last_therapy":
        yield "progressed_last_days", (criterion["within_days"], criterion["within_days"] + 1)
    elif kind == "first_line_failure" and "within_days" in criterion:
        first, last = criterion["review_from_day"], criterion["review_to_day"]
        within = criterion["within_days"]
        yield "first_line_days", (first - 1, first, within, within + 1, last, last + 1)
