"""What must never change an answer, or only in one direction (issue: order, duplicates, orders never given, cuts)."""

from __future__ import annotations

import copy
from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from line_kit import AS_OF, CONCEPTS, derive, done, dose, history, ordered, resources, status, supplied, taken

DRUGS = {
    "LBCL": ["rituximab", "cyclophosphamide", "doxorubicin", "gemcitabine", "oxaliplatin", "etoposide", "methotrexate"],
    "FL": ["rituximab", "bendamustine", "obinutuzumab", "lenalidomide"],
    "MZL": ["rituximab", "zanubrutinib", "ibrutinib"],
    "MCL": ["rituximab", "cytarabine", "ibrutinib", "zanubrutinib", "venetoclax"],
    "CLL": ["ibrutinib", "acalabrutinib", "venetoclax", "obinutuzumab"],
    "B-ALL": ["vincristine", "daunorubicin", "pegaspargase", "blinatumomab", "inotuzumab ozogamicin", "ponatinib"],
    "MM": ["bortezomib", "lenalidomide", "daratumumab", "dexamethasone", "melphalan", "pomalidomide"],
}
ORAL = {"lenalidomide", "ibrutinib", "acalabrutinib", "zanubrutinib", "venetoclax", "ponatinib", "pomalidomide"}
PROFILE = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
START = date(2020, 1, 13)


@st.composite
def days(draw: st.DrawFn) -> str:
    day = START + timedelta(days=draw(st.integers(0, 1500)))
    return day.isoformat()[: draw(st.sampled_from([10, 10, 10, 10, 7, 4]))]


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    disease = draw(st.sampled_from(sorted(DRUGS)))
    events = []
    for _ in range(draw(st.integers(1, 9))):
        day = draw(days())
        exact = len(day) == 10
        names = draw(st.lists(st.sampled_from(DRUGS[disease]), min_size=1, max_size=3, unique=True))
        kind = draw(st.sampled_from(["MA", "MA", "MA", "MS", "MD", "OB", "OB", "PR"]))
        if kind == "MA":
            repeats = draw(st.integers(1, 4)) if exact else 1
            grade = draw(st.sampled_from(["completed", "completed", "completed", "stopped", "on-hold", "not-done"]))
            why = {"why": "not-tolerated"} if grade == "stopped" else {}
            events.append(dose(day, *names, n=repeats, q=draw(st.sampled_from([7, 21, 28, 60])), st=grade, **why))
        elif kind == "MS":
            length = draw(st.integers(1, 400))
            to = (date.fromisoformat(day) + timedelta(days=length)).isoformat() if exact else None
            events.append(taken(day, to, *names, st="completed"))
        elif kind == "MD" and exact:
            events.append(supplied(day, *[n for n in names if n in ORAL], n=draw(st.integers(1, 4))))
        elif kind == "OB":
            events.append(status(day, draw(st.sampled_from(["CR", "PR", "SD", "PD", "REL"]))))
        else:
            what = draw(st.sampled_from(["auto-hsct", "car-t", "leukapheresis", "stem-cell-collection", "rt"]))
            events.append(done(day, what))
    return history(disease, *events)


def answer(case: dict[str, Any], chart: list[dict[str, Any]] | None = None) -> Any:
    found = derive(case, chart).derivation
    return (
        found.count,
        [(x.regimen, x.start, x.end, x.agents, x.evidence, x.because) for x in found.lines],
        found.set_aside,
    )


@PROFILE
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_resources_changes_nothing(case: dict[str, Any], shuffle: Any) -> None:
    chart = resources(case)
    mixed = list(chart)
    shuffle.shuffle(mixed)
    assert answer(case, mixed) == answer(case, chart)


@PROFILE
@given(cases())
def test_every_resource_twice_changes_nothing(case: dict[str, Any]) -> None:
    chart = resources(case)
    assert answer(case, chart + copy.deepcopy(chart)) == answer(case, chart)


@PROFILE
@given(cases(), st.randoms(use_true_random=False))
def test_other_resource_ids_change_no_line(case: dict[str, Any], shuffle: Any) -> None:
    chart = resources(case)
    renamed = copy.deepcopy(chart)
    numbers = list(range(len(renamed)))
    shuffle.shuffle(numbers)
    for resource, number in zip(renamed, numbers, strict=True):
        if resource["resourceType"] not in ("Patient", "Condition"):
            resource["id"] = f"x{number:04d}"
    before, after = derive(case, chart), derive(case, renamed)
    assert after.count == before.count
    assert after.lines == before.lines


@PROFILE
@given(cases(), st.data())
def test_an_order_never_given_changes_nothing(case: dict[str, Any], data: st.DataObject) -> None:
    names = [n for n in DRUGS[case["dz"]] if n not in ORAL]
    never = data.draw(st.sampled_from(["draft", "cancelled", "entered-in-error"]))
    more = ordered(data.draw(days()), data.draw(st.sampled_from(names)), st=never)
    before, after = derive(case), derive({**case, "events": [*case["events"], more]})
    assert after.count == before.count
    assert after.lines == before.lines


@PROFILE
@given(cases())
def test_n_lies_in_its_range_and_lines_do_not_overlap(case: dict[str, Any]) -> None:
    found = derive(case).derivation
    count = found.count
    assert 0 <= count.min <= count.n <= count.max
    assert count.n == len(found.lines)
    assert [line.number for line in found.lines] == list(range(1, len(found.lines) + 1))
    for line, following in zip(found.lines, found.lines[1:], strict=False):
        assert line.start.first <= following.start.first
        if line.end is not None and line.end.exact and following.start.exact and line.start.exact:
            assert line.end.first <= following.start.first


@PROFILE
@given(cases(), st.integers(0, 1500))
def test_cutting_off_the_future_never_adds_lines_that_start_later(case: dict[str, Any], day: int) -> None:
    cut = START + timedelta(days=day)
    found = derive({**case, "as_of": cut.isoformat()}).derivation
    assert all(line.start.first <= cut for line in found.lines)
    assert found.count.n <= found.count.max


@PROFILE
@given(cases())
def test_every_line_says_why_and_rests_on_evidence(case: dict[str, Any]) -> None:
    found = derive(case).derivation
    known = {f"{r['resourceType']}/{r['id']}" for r in resources(case)}
    for line in (*found.lines, *found.candidates):
        assert line.because
        assert line.opened_by in line.because
        assert line.evidence
        assert set(line.evidence) <= known
    assert all(boundary.question for boundary in found.boundaries)
    assert CONCEPTS[case["dz"]][1] == found.family
    assert all(line.start.first <= AS_OF for line in found.lines)
