"""A record that begins late: what came before a day is cut off, and nothing says so."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cache
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from line_kit import AS_OF, ROOT, RULES, derive, done, dose, history, knowledge, record_of, resources, status
from test_lines_properties import START, cases
from test_lines_reference import CASES

from cds_service.labels import Rulebook, assess
from cds_service.labels.loader import load_ruleset
from cds_service.oncology import describe

Chart = list[dict[str, Any]]
STAYS = frozenset({"Patient", "Condition"})
DATES = ("effectiveDateTime", "performedDateTime", "whenHandedOver", "authoredOn", "occurrenceDateTime", "created")
PERIODS = ("effectivePeriod", "performedPeriod", "occurrencePeriod")


@cache
def rulebooks() -> tuple[Rulebook, ...]:
    return tuple(Rulebook(load_ruleset(RULES, jurisdiction)) for jurisdiction in ("us", "eu"))


@cache
def charts() -> dict[str, Chart]:
    """The sample patients, and the worked line cases where the reference stands beside the repository."""
    found = {}
    for path in sorted((ROOT / "fhir_samples").glob("*.json")):
        bundle = json.loads(path.read_text(encoding="utf-8"))
        found[path.stem] = [entry["resource"] for entry in bundle["entry"]]
    worked = yaml.safe_load(CASES.read_text(encoding="utf-8"))["cases"] if CASES.is_file() else []
    return found | {case["id"]: resources(case) for case in worked}


def last_day(resource: dict[str, Any]) -> str:
    """The last day a resource speaks of, later than any day when it has no end or no date."""
    found = [str(resource[name]) for name in DATES if name in resource]
    found += [str(resource[name].get("end", "9999")) for name in PERIODS if name in resource]
    return max(found, default="9999")


def since(chart: Chart, day: str) -> Chart:
    """The chart without what ended before that day, or before the month or year that a partial date shares with it.

    Patient and diagnoses stay.
    """
    known = sorted((last_day(r) for r in chart if r["resourceType"] not in STAYS), key=len, reverse=True)
    for partial in known:
        if len(partial) < len("2020-01-01") and day.startswith(partial):
            day = partial + "-01-01"[len(partial) - len("2020") :]
    return [r for r in chart if r["resourceType"] in STAYS or last_day(r) >= day[: len(last_day(r))]]


def met(chart: Chart) -> set[str]:
    """The indications of both jurisdictions that are met."""
    picture = describe(record_of(chart), AS_OF, knowledge())
    return {r.indication.id for book in rulebooks() for r in assess(picture, book).indications if r.status == "met"}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_cutting_history_off_meets_no_label_that_the_whole_record_does_not(data: st.DataObject) -> None:
    """For the sample patients and the worked line cases, whatever the day.

    The limits of the promise: the list of conditions is whole, and what goes lies before what stays. Without the
    indolent lymphoma or the CLL a large B-cell lymphoma arose from, it reads as one that arose from nothing; a failure
    of "2020" that stays while the remission of January 2020 goes reads as one that no remission followed. Both records
    say so, and no service could tell.
    """
    name = data.draw(st.sampled_from(sorted(charts())))
    whole = charts()[name]
    day = data.draw(st.sampled_from(sorted({last_day(r) for r in whole})))
    assert met(since(whole, day)) <= met(whole)


def between_lines(case: dict[str, Any], day: str) -> str:
    """That day, or the start of the line or uncounted course it falls into."""
    found = derive(case).derivation
    for course in sorted((*found.candidates, *found.lines), key=lambda line: line.start.first, reverse=True):
        end = course.end.last if course.end else AS_OF
        if course.start.first.isoformat() < day <= end.isoformat():
            day = course.start.first.isoformat()
    return day


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases(), st.integers(0, 1900))
def test_cutting_a_made_up_history_off_between_two_lines_meets_no_label_either(case: dict[str, Any], days: int) -> None:
    """Inside a line it may: without its first doses the line begins later, and with it every window counted from there
    (L4). What joined it at the end may then be a line of its own, or the other way round.
    """
    whole = resources(case)
    day = between_lines(case, (START + timedelta(days=days)).isoformat())
    assert met(since(whole, day)) <= met(whole)


def facts(case: dict[str, Any], family: str) -> dict[str, str]:
    found = describe(record_of(resources(case)), AS_OF, knowledge()).families[family].facts
    return {name: fact.status for name, fact in found.items()}


def test_one_dose_of_a_regimen_for_later_lines_does_not_prove_that_nothing_came_before() -> None:
    last_dose = dose("2025-07-28", "daratumumab", "carfilzomib", "dexamethasone")
    found = facts(history("MM", last_dose, status("2025-08-04", "PD"), dx="2021-02-15"), "multiple_myeloma")
    names = ("prior_lines_ge_1", "prior_lines_ge_2", "exposed_imid", "refractory_to_lenalidomide")
    assert {found[name] for name in names} == {"unknown"}
    assert found["exposed_cd38"] == "met"


def test_bridging_years_after_the_diagnosis_does_not_prove_that_nothing_came_before() -> None:
    collected = (done("2026-10-12", "leukapheresis"), dose("2026-10-26", "polatuzumab vedotin", "rituximab"))
    found = facts(history("LBCL", *collected, dx="2022-12-26"), "lbcl")
    assert (found["prior_lines_ge_1"], found["prior_lines_ge_2"]) == ("unknown", "unknown")
    early = facts(history("LBCL", *collected, dx="2026-09-21"), "lbcl")
    assert early["prior_lines_ge_1"] == "not_met"
