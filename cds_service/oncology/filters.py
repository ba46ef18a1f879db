"""What is not disease treatment of its own: rules F1 to F7."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from cds_service.oncology.exposures import INTRATHECAL
from cds_service.oncology.method import LineRules
from cds_service.oncology.model import SetAside
from cds_service.oncology.steps import Exposure, TreatmentEvent

TRANSPLANTS = ("auto_hsct", "allo_hsct", "hsct")
COLLECTIONS = ("stem_cell_collection", "leukapheresis")


@dataclass(slots=True, kw_only=True)
class Filtered:
    """``drugs`` go through the walk; the others belong to a procedure or only help to name a line.

    ``conditioning`` holds, by reference of the transplant, the doses before it; ``systemic`` is what facts see (X8).
    """

    drugs: list[Exposure] = field(default_factory=list)
    steroids: list[Exposure] = field(default_factory=list)
    conditioning: dict[str, list[Exposure]] = field(default_factory=lambda: defaultdict(list))
    mobilisation: list[Exposure] = field(default_factory=list)
    systemic: list[Exposure] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)


def filter_exposures(exposures: Iterable[Exposure], events: Sequence[TreatmentEvent], rules: LineRules) -> Filtered:
    """Sort exposures (in date order) into treatment and what belongs to a procedure."""
    found = Filtered()
    drugs: list[Exposure] = []
    steroids, never_alone = rules.steroids, rules.parameters.never_alone
    for exposure in exposures:
        if exposure.route == INTRATHECAL:
            _aside(found, exposure, "intrathecal, not systemic (F3)", rules)
        elif not steroids.isdisjoint(exposure.ingredients):
            found.steroids.append(exposure)
        elif not never_alone.isdisjoint(exposure.ingredients):
            _aside(found, exposure, "never a line of its own (F4)", rules)
        else:
            drugs.append(exposure)
    transplants = [e for e in events if e.kind in TRANSPLANTS]
    collections = [e.when.first for e in events if e.kind in COLLECTIONS]
    mobilising = _mobilisation(drugs, collections, rules)
    if not transplants and not mobilising:
        found.systemic, found.drugs = list(drugs), drugs
        return found
    for exposure in drugs:
        after = _prophylaxis_after_allo(exposure, transplants, rules)
        transplant = None if after else _conditions(exposure, transplants, rules)
        if after:
            _aside(found, exposure, "within 28 days after allogeneic transplant: prevention of GVHD (F7)", rules)
            continue
        found.systemic.append(exposure)
        if transplant is not None:
            found.conditioning[transplant.reference].append(exposure)
        elif exposure.reference in mobilising:
            found.mobilisation.append(exposure)
        else:
            found.drugs.append(exposure)
    return found


def _aside(found: Filtered, exposure: Exposure, why: str, rules: LineRules) -> None:
    if rules.anticancer(exposure.ingredients[0]):
        label = rules.labels(exposure.ingredients)
        found.set_aside.append(SetAside(reference=exposure.reference, why=f"{label}: {why}"))


def _conditions(exposure: Exposure, transplants: list[TreatmentEvent], rules: LineRules) -> TreatmentEvent | None:
    """F5: the transplant that chemotherapy of the fourteen days up to it conditions for."""
    if not transplants or exposure.start.first == date.min:
        return None
    if not all(rules.in_class(i, "cytotoxic") for i in exposure.ingredients):
        return None
    for transplant in transplants:
        days = (transplant.when.first - exposure.start.first).days
        if 0 <= days <= rules.windows.conditioning and (transplant.when.last - exposure.start.last).days >= 0:
            return transplant
    return None


def _prophylaxis_after_allo(exposure: Exposure, transplants: list[TreatmentEvent], rules: LineRules) -> bool:
    """F7. A transplant that does not say whose cells it used is read as allogeneic here."""
    if not all(i in rules.parameters.after_allo_drugs for i in exposure.ingredients):
        return False
    return any(
        0 <= (exposure.start.first - t.when.last).days <= rules.windows.after_allo
        for t in transplants
        if t.kind != "auto_hsct" and t.when.last != date.max
    )


def _mobilisation(drugs: list[Exposure], collections: list[date], rules: LineRules) -> frozenset[str]:
    """F5: a single mobilising drug, given without any other, with stem-cell collection within thirty days."""
    wanted = rules.parameters.mobilisation_drugs
    if not collections or not drugs:
        return frozenset()
    by_day: dict[date, set[str]] = defaultdict(set)
    for exposure in drugs:
        by_day[exposure.start.first].update(exposure.ingredients)
    collected = sorted(collections)
    found = set()
    for exposure in drugs:
        day = exposure.start.first
        if len(by_day[day]) != 1 or not by_day[day] <= wanted or not exposure.start.exact:
            continue
        position = bisect_left(collected, day)
        if position < len(collected) and (collected[position] - day).days <= rules.windows.mobilisation:
            found.add(exposure.reference)
    return frozenset(found)


def steroid_course(steroids: list[Exposure], days: int) -> list[list[Exposure]]:
    """F2: steroid treatment, planned or given for the disease, that reaches ``days``; gaps of a cycle end a course."""
    courses: list[list[Exposure]] = []
    for exposure in steroids:
        if not (exposure.attributed or exposure.plans):
            continue
        if courses and (exposure.start.first - _end(courses[-1])).days <= days:
            courses[-1].append(exposure)
        else:
            courses.append([exposure])
    return [c for c in courses if (_end(c) - c[0].start.first).days + 1 >= days]


def _end(course: list[Exposure]) -> date:
    return max((e.end or e.start).last for e in course)
