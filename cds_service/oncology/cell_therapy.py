"""CAR-T infusions and what belongs to them: bridging and lymphodepletion (L2, L3)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

from cds_service.oncology.method import LineRules
from cds_service.oncology.model import SetAside
from cds_service.oncology.steps import GIVEN, Exposure, Part, TreatmentEvent

COLLECTIONS = ("car_t_leukapheresis", "leukapheresis")


@dataclass(slots=True, kw_only=True)
class CarTCourse:
    """One CAR-T line: infusions of one product, bridging, lymphodepletion. ``presumed``: no collection on record."""

    infusions: list[TreatmentEvent]
    parts: list[Part] = field(default_factory=list)
    local: list[TreatmentEvent] = field(default_factory=list)
    presumed: bool = False

    @property
    def product(self) -> str:
        """The product named by any of the infusions, "" when none names it."""
        return max(e.product for e in self.infusions)

    @property
    def infused(self) -> TreatmentEvent:
        """The first infusion."""
        return self.infusions[0]


@dataclass(slots=True, kw_only=True)
class CellTherapy:
    """The courses in date order, the drugs left for the walk, and what waits for an infusion.

    ``doubtful_from``: days after which a new line may be bridging that never came to an infusion (min - 1).
    """

    courses: list[CarTCourse] = field(default_factory=list)
    drugs: list[Exposure] = field(default_factory=list)
    pending: list[Exposure] = field(default_factory=list)
    doubtful_from: list[tuple[date, date]] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)


def find_cell_therapy(
    drugs: list[Exposure], events: Sequence[TreatmentEvent], rules: LineRules, as_of: date
) -> CellTherapy:
    """L2 and L3 on the drugs (in date order) that the filters left."""
    found = CellTherapy(courses=_courses(events, rules))
    collections = sorted(
        (e for e in events if e.kind in COLLECTIONS), key=lambda e: (e.when.first, e.when.last, e.reference)
    )
    if not found.courses and not collections:
        found.drugs = drugs
        return found
    dosing = _Dosing(drugs, rules)
    taken: set[int] = set()
    previous = date.min
    for course in found.courses:
        _gather(course, collections, previous, drugs, dosing, taken, rules)
        _bridging_radiotherapy(course, collections, previous, events, rules)
        previous = course.infusions[-1].when.last
    _without_infusion(found, collections, drugs, dosing, taken, events, rules, as_of)
    found.drugs = [e for n, e in enumerate(drugs) if n not in taken]
    return found


def _courses(events: Sequence[TreatmentEvent], rules: LineRules) -> list[CarTCourse]:
    """L2: infusions of one product within 28 days are one line; an unnamed product joins a named one."""
    infusions = sorted(
        (e for e in events if e.kind == "car_t"), key=lambda e: (e.when.last, e.when.first, e.product, e.reference)
    )
    courses: list[CarTCourse] = []
    for event in infusions:
        last = courses[-1] if courses else None
        if last is not None and _same_course(last, event, rules):
            _join(last, event)
        else:
            courses.append(CarTCourse(infusions=[event]))
    return courses


def _same_course(course: CarTCourse, event: TreatmentEvent, rules: LineRules) -> bool:
    last = course.infusions[-1].when
    near = (event.when.first - last.last).days <= rules.windows.same_product
    return near and (not event.product or not course.product or event.product == course.product)


def _join(course: CarTCourse, event: TreatmentEvent) -> None:
    """The same infusion recorded twice is one; a later dose is a second infusion of the course."""
    for number, known in enumerate(course.infusions):
        if known.when.first <= event.when.last and event.when.first <= known.when.last:
            exact, other = (event, known) if event.when.exact and not known.when.exact else (known, event)
            course.infusions[number] = replace(
                exact,
                evidence=tuple(sorted({*known.evidence, *event.evidence})),
                grade=GIVEN if GIVEN in (known.grade, event.grade) else known.grade,
                product=exact.product or other.product,
            )
            return
    course.infusions.append(event)


class _Dosing:
    """The doses of each drug in order, to tell a regimen that is carried on from one that begins."""

    def __init__(self, drugs: list[Exposure], rules: LineRules) -> None:
        self._rules = rules
        self._starts: dict[str, list[date]] = defaultdict(list)
        self._ends: dict[str, list[date]] = defaultdict(list)
        for exposure in drugs:
            for ingredient in exposure.ingredients:
                self._starts[ingredient].append(exposure.start.first)
                reach = date.max if exposure.end is None else exposure.end.first
                known = self._ends[ingredient]
                known.append(max(reach, known[-1]) if known else reach)

    def carried_on(self, exposure: Exposure, since: date) -> bool:
        """Begun before ``since`` and simply going on: within 1.5 intervals, or four weeks after a single dose."""
        return all(self._goes_on(i, exposure.start.first, since) for i in exposure.ingredients)

    def _goes_on(self, ingredient: str, day: date, since: date) -> bool:
        starts = self._starts[ingredient]
        before = bisect_left(starts, since)
        if before == 0:
            return False
        gap = (day - self._ends[ingredient][before - 1]).days
        if bisect_left(starts, day) > before:
            return self._goes_on_from(ingredient, before, since)
        return gap <= self._allowed(starts[max(0, before - 12) : before])

    def _goes_on_from(self, ingredient: str, position: int, since: date) -> bool:
        """A later dose goes on when the first one after ``since`` did."""
        starts = self._starts[ingredient]
        gap = (starts[position] - self._ends[ingredient][position - 1]).days
        return gap <= self._allowed(starts[max(0, position - 12) : position])

    def _allowed(self, starts: list[date]) -> float:
        steps = [(b - a).days for a, b in pairwise(starts) if b > a]
        usual = median(steps) * self._rules.windows.carry_factor if steps else 0
        return max(usual, self._rules.windows.mid_course)


def _gather(
    course: CarTCourse,
    collections: list[TreatmentEvent],
    previous: date,
    drugs: list[Exposure],
    dosing: _Dosing,
    taken: set[int],
    rules: LineRules,
) -> None:
    """L3: lymphodepletion of the last fourteen days, and what was first given after the collection."""
    windows, infused, last = rules.windows, course.infused.when, course.infusions[-1].when
    collected = _collected(collections, infused.first, previous, rules)
    opened = collected.when if collected is not None else None
    floor = infused.first - timedelta(days=windows.presumed_bridging) if opened is None else opened.first
    floor = (
        min(floor, infused.first - timedelta(days=windows.lymphodepletion)) if infused.first > date(2, 1, 1) else floor
    )
    starts = [e.start.first for e in drugs]
    reach = slice(bisect_left(starts, floor), bisect_right(starts, last.last))
    groups: dict[date, list[int]] = defaultdict(list)
    for number in range(*reach.indices(len(drugs))):
        exposure = drugs[number]
        if number in taken or exposure.start.first <= previous or exposure.start.last > last.last:
            continue
        if _lymphodepletes(exposure, infused.first, rules):
            taken.add(number)
            course.parts.append(Part(exposure=exposure, role="lymphodepletion", rule="L3"))
        else:
            groups[exposure.start.first].append(number)
    since = opened.last if opened is not None else floor
    for numbers in groups.values():
        bridging = _bridging(numbers, drugs, dosing, since, strict=opened is not None)
        for number in bridging:
            taken.add(number)
            course.parts.append(Part(exposure=drugs[number], role="bridging", rule="L3"))
        course.presumed = course.presumed or (opened is None and bool(bridging))
    course.parts.sort(key=lambda p: (p.exposure.start.first, p.exposure.reference))


def _bridging(numbers: list[int], drugs: list[Exposure], dosing: _Dosing, since: date, *, strict: bool) -> list[int]:
    """The drugs of one day that begin after the collection; a regimen that goes on stays its own line.

    Where one drug of the day is new, pulsed drugs of that day belong to it; a continuous one that goes on does not.
    """
    after = [n for n in numbers if drugs[n].start.first > since or (not strict and drugs[n].start.first >= since)]
    new = [n for n in after if not dosing.carried_on(drugs[n], since)]
    if not new:
        return []
    return [n for n in after if n in new or not (drugs[n].period or drugs[n].days)]


def _collected(
    collections: list[TreatmentEvent], infused: date, previous: date, rules: LineRules
) -> TreatmentEvent | None:
    """The first collection of the 180 days before the infusion, after the infusion before it."""
    for event in collections:
        days = (infused - event.when.first).days
        if 0 <= days <= rules.windows.leukapheresis and event.when.first > previous:
            return event
    return None


def _lymphodepletes(exposure: Exposure, infused: date, rules: LineRules) -> bool:
    days = (infused - exposure.start.first).days
    near = 0 <= days <= rules.windows.lymphodepletion
    return near and all(i in rules.parameters.lymphodepletion_drugs for i in exposure.ingredients)


def _bridging_radiotherapy(
    course: CarTCourse,
    collections: list[TreatmentEvent],
    previous: date,
    events: Sequence[TreatmentEvent],
    rules: LineRules,
) -> None:
    collected = _collected(collections, course.infused.when.first, previous, rules)
    if collected is None:
        return
    course.local = [
        e
        for e in events
        if e.kind == "radiotherapy" and collected.when.last < e.when.first and e.when.last <= course.infused.when.last
    ]


def _without_infusion(
    found: CellTherapy,
    collections: list[TreatmentEvent],
    drugs: list[Exposure],
    dosing: _Dosing,
    taken: set[int],
    events: Sequence[TreatmentEvent],
    rules: LineRules,
    as_of: date,
) -> None:
    """L3: a CAR-T collection with no infusion after it. Only a collection that says it is for CAR-T waits for one."""
    windows = rules.windows
    infused = [c.infused.when for c in found.courses]
    refused = [e.when for e in events if e.kind == "car_t_not_done"]
    for event in collections:
        collected = event.when
        if event.kind != "car_t_leukapheresis" or collected.first == date.min:
            continue
        limit = collected.first + timedelta(days=windows.leukapheresis)
        if any(collected.first <= i.last and i.first <= limit for i in infused):
            continue
        given_up = any(collected.first <= r.last and r.first <= limit for r in refused)
        if given_up or (as_of - collected.first).days > windows.pending_bridging:
            found.doubtful_from.append((collected.first, limit))
            continue
        for number, exposure in enumerate(drugs):
            if number in taken or exposure.start.first <= collected.last or dosing.carried_on(exposure, collected.last):
                continue
            taken.add(number)
            found.pending.append(exposure)
            why = "after collection for CAR-T, infusion awaited: bridging, not yet a prior line (L3)"
            label = rules.labels(exposure.ingredients)
            found.set_aside.append(SetAside(reference=exposure.reference, why=f"{label}: {why}"))
