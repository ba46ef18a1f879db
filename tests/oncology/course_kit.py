"""Courses of disease built by hand, so that facts are tested without reading a record."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path

from msgspec.structs import replace

from cds_service.fhir.dates import Interval, parse_date
from cds_service.fhir.model import Coverage
from cds_service.oncology.course import Course, read_course
from cds_service.oncology.coverage import find_gaps
from cds_service.oncology.knowledge import Knowledge, load_knowledge
from cds_service.oncology.model import Diagnosis, LineCount
from cds_service.oncology.numbers import course_numbers
from cds_service.oncology.steps import (
    GIVEN,
    PROBABLE,
    Boundary,
    Derivation,
    DerivedLine,
    Exposure,
    Part,
    StatusEvent,
    TreatmentEvent,
)

RULES = Path(__file__).parents[2] / "rules"
AS_OF = date(2026, 11, 21)
R_CHOP = ("rituximab", "cyclophosphamide", "doxorubicin", "vincristine", "prednisone")
R_GDP = ("rituximab", "gemcitabine", "dexamethasone", "cisplatin")
VRD = ("bortezomib", "lenalidomide", "dexamethasone")


@cache
def knowledge() -> Knowledge:
    """The shipped rules, read once."""
    return load_knowledge(RULES)


def when(text: str) -> Interval:
    """The interval of a FHIR date."""
    found = parse_date(text)
    assert found is not None
    return found


def days_after(text: str, days: int) -> str:
    """The date so many days later."""
    return (date.fromisoformat(text) + timedelta(days=days)).isoformat()


def status(kind: str, on: str) -> StatusEvent:
    """A disease status."""
    return StatusEvent(
        reference=f"Observation/{kind}-{on}", evidence=(f"Observation/{kind}-{on}",), kind=kind, when=when(on)
    )


def recorded_state(kind: str, until: str) -> StatusEvent:
    """A state of a Condition: some day up to its recording."""
    day = date.fromisoformat(until)
    reference = f"Condition/{kind}-{until}"
    return StatusEvent(
        reference=reference, evidence=(reference,), kind=kind, when=Interval(date.min, day, until), source="condition"
    )


def dose(drug: str, on: str, to: str | None = None, **more: object) -> Exposure:
    """A drug given."""
    values: dict[str, object] = {
        "reference": f"MedicationAdministration/{drug}-{on}",
        "evidence": (f"MedicationAdministration/{drug}-{on}",),
        "kind": "MedicationAdministration",
        "grade": GIVEN,
        "ingredients": (drug,),
        "start": when(on),
        "end": when(to or on),
        "period": to is not None,
    }
    return Exposure(**(values | more))  # type: ignore[arg-type]


def line(
    number: int, agents: tuple[str, ...], start: str, end: str | None, cycles: int = 6, **more: object
) -> DerivedLine:
    """A line of so many cycles from the first to the last dose; open when ``end`` is None."""
    drugs = more.pop("drugs", agents)
    grade = more.get("grade", GIVEN)
    parts = []
    for drug in drugs:  # type: ignore[attr-defined]
        for day in _cycle_days(start, end, cycles):
            parts.append(Part(exposure=dose(drug, day, grade=grade), role="core", rule="L1"))
        if end is None:
            parts.append(Part(exposure=dose(drug, start, end=None, ongoing=True, grade=grade), role="core", rule="L1"))
    last = when(end) if end else None
    values: dict[str, object] = {
        "number": number,
        "family": "lbcl",
        "parts": tuple(parts),
        "events": (),
        "start": when(start),
        "end": last,
        "completion": last,
        "completion_certain": True,
        "last_dose": last,
        "opened_by": "L1" if number == 1 else "L13",
        "regimen": "R-CHOP" if agents == R_CHOP else " + ".join(agents),
        "agents": agents,
        "classes": (),
        "regimen_role": "frontline" if number == 1 else "salvage / bridging",
        "cycles": cycles,
        "evidence": tuple(dict.fromkeys(r for p in parts for r in p.exposure.evidence)),
    }
    return DerivedLine(**(values | more))  # type: ignore[arg-type]


def _cycle_days(start: str, end: str | None, cycles: int) -> list[str]:
    if len(start) < 10 or end is None or len(end) < 10:
        return [start]
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    step = (last - first).days // max(1, cycles - 1)
    days = [first + timedelta(days=step * n) for n in range(cycles - 1)]
    return sorted({d.isoformat() for d in (first, *days, last)})


def diagnosis(concept: str, family: str | None, onset: str | None, **more: object) -> Diagnosis:
    """A confirmed, active diagnosis."""
    values: dict[str, object] = {
        "concept": concept,
        "label": concept.replace("_", " "),
        "family": family,
        "role": "indication",
        "state": "active",
        "certainty": "confirmed",
        "onset": when(onset) if onset else None,
        "evidence": (f"Condition/{concept}",),
    }
    return Diagnosis(**(values | more))  # type: ignore[arg-type]


def course(
    lines: tuple[DerivedLine, ...] = (),
    events: tuple[StatusEvent, ...] = (),
    family: str = "lbcl",
    onset: str | None = "2024-01-01",
    *,
    diagnoses: tuple[Diagnosis, ...] = (),
    candidates: tuple[DerivedLine, ...] = (),
    exposures: tuple[Exposure, ...] = (),
    local: tuple[TreatmentEvent, ...] = (),
    procedures: tuple[TreatmentEvent, ...] = (),
    boundaries: tuple[Boundary, ...] = (),
    count: LineCount | None = None,
    recorded: int | None = None,
    gaps: tuple[str, ...] = (),
    missing: tuple[str, ...] = (),
    as_of: date = AS_OF,
) -> Course:
    """A course; the count follows from the lines when none is given."""
    own = tuple(replace(item, family=family) for item in lines)
    least = sum(item.grade == GIVEN for item in own) - sum(b.is_new for b in boundaries)
    most = len(own) + sum(not b.is_new for b in boundaries) + len(candidates)
    doses = tuple(p.exposure for item in (*own, *candidates) for p in item.parts) + exposures
    derived = Derivation(
        family=family,
        lines=own,
        candidates=candidates,
        exposures=tuple(sorted(doses, key=lambda e: (e.start.first, e.reference))),
        local=local,
        status=events,
        boundaries=boundaries,
        count=count or LineCount(n=len(own), min=max(0, least), max=most),
        recorded=recorded,
        set_aside=(),
        gaps=gaps,
    )
    known = diagnoses or (diagnosis(f"{family}_disease", family, onset),)
    numbers = course_numbers(knowledge(), family)
    received = Coverage(incomplete=frozenset(missing), truncated=bool(missing))
    return read_course(
        derived,
        procedures + tuple(e for item in own for e in item.events),
        known,
        gaps=find_gaps(derived, known, received, numbers, as_of),
        numbers=numbers,
        as_of=as_of,
    )


def transplant(kind: str, on: str, grade: str = GIVEN) -> TreatmentEvent:
    """A transplant or infusion."""
    return TreatmentEvent(
        reference=f"Procedure/{kind}", evidence=(f"Procedure/{kind}",), kind=kind, when=when(on), grade=grade
    )


__all__ = ["AS_OF", "GIVEN", "PROBABLE", "R_CHOP", "R_GDP", "VRD", "Boundary", "LineCount", "replace"]
