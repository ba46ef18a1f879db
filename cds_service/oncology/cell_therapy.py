"""CAR-T infusions and what belongs to them: bridging and lymphodepletion (L2, L3)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from statistics import median

from cds_service.oncology.method import LineRules
from cds_service.oncology.model import SetAside
from cds_service.oncology.shift import shifted
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
    courses = _courses(events, rules)
    if not courses and not any(e.kind in COLLECTIONS for e in events):
        return CellTherapy(drugs=drugs)
    return _Finder(drugs, events, rules).found(courses, as_of)


class _Finder:
    """Takes from the drugs what belongs to an infusion; what is left goes through the walk."""

    def __init__(self, drugs: list[Exposure], events: Sequence[TreatmentEvent], rules: LineRules) -> None:
        self.drugs, self.events, self.rules, self.windows = drugs, events, rules, rules.windows
        self.dosing = _Dosing(drugs, rules)
        self.starts = [e.start.first for e in drugs]
        self.taken: set[int] = set()
        self.collections = sorted(
            (e for e in events if e.kind in COLLECTIONS), key=lambda e: (e.when.first, e.when.last, e.reference)
        )

    def found(self, courses: list[CarTCourse], as_of: date) -> CellTherapy:
        result = CellTherapy(courses=courses)
        previous = date.min
        for course in courses:
            collected = self._collected(course.infused.when.first, previous)
            self._gather(course, collected, previous)
            self._bridging_radiotherapy(course, collected)
            previous = course.infusions[-1].when.last
        self._without_infusion(result, as_of)
        result.drugs = [e for n, e in enumerate(self.drugs) if n not in self.taken]
        return result

    def _collected(self, infused: date, previous: date) -> TreatmentEvent | None:
        """The first collection of the 180 days before the infusion, after the infusion before it."""
        for event in self.collections:
            days = (infused - event.when.first).days
            if 0 <= days <= self.windows.leukapheresis and event.when.first > previous:
                return event
        return None

    def _gather(self, course: CarTCourse, collected: TreatmentEvent | None, previous: date) -> None:
        """L3: lymphodepletion of the last fourteen days, and what was first given after the collection."""
        infused, last = course.infused.when, course.infusions[-1].when
        opened = collected.when if collected is not None else None
        floor = shifted(infused.first, -self.windows.presumed_bridging) if opened is None else opened.first
        first = min(floor, shifted(infused.first, -self.windows.lymphodepletion))
        groups: dict[date, list[int]] = defaultdict(list)
        for number in range(bisect_left(self.starts, first), bisect_right(self.starts, last.last)):
            exposure = self.drugs[number]
            if number in self.taken or exposure.start.first <= previous or exposure.start.last > last.last:
                continue
            if self._lymphodepletes(exposure, infused.first):
                self.taken.add(number)
                course.parts.append(Part(exposure=exposure, role="lymphodepletion", rule="L3"))
            else:
                groups[exposure.start.first].append(number)
        since = opened.last if opened is not None else floor
        for numbers in groups.values():
            bridging = self._bridging(numbers, since, strict=opened is not None)
            self.taken.update(bridging)
            course.parts += [Part(exposure=self.drugs[n], role="bridging", rule="L3") for n in bridging]
            course.presumed = course.presumed or (opened is None and bool(bridging))
        course.parts.sort(key=lambda p: (p.exposure.start.first, p.exposure.ingredients, p.exposure.reference))

    def _bridging(self, numbers: list[int], since: date, *, strict: bool) -> list[int]:
        """The drugs of one day that begin after the collection; a regimen that goes on stays its own line.

        Where one drug of the day is new, pulsed drugs of that day belong to it; a continuous one that goes on does not.
        """
        drugs = self.drugs
        after = [n for n in numbers if drugs[n].start.first > since or (not strict and drugs[n].start.first >= since)]
        new = {n for n in after if not self.dosing.carried_on(drugs[n], since)}
        if not new:
            return []
        return [n for n in after if n in new or not (drugs[n].period or drugs[n].days)]

    def _lymphodepletes(self, exposure: Exposure, infused: date) -> bool:
        days = (infused - exposure.start.first).days
        near = 0 <= days <= self.windows.lymphodepletion
        return near and all(i in self.rules.parameters.lymphodepletion_drugs for i in exposure.ingredients)

    def _bridging_radiotherapy(self, course: CarTCourse, collected: TreatmentEvent | None) -> None:
        if collected is None:
            return
        begin, end = collected.when.last, course.infused.when.last
        course.local = [
            e for e in self.events if e.kind == "radiotherapy" and begin < e.when.first and e.when.last <= end
        ]

    def _without_infusion(self, result: CellTherapy, as_of: date) -> None:
        """L3: a collection with no infusion after it. Only one that says it is for CAR-T waits for an infusion."""
        infused = [c.infused.when for c in result.courses]
        refused = [e.when for e in self.events if e.kind == "car_t_not_done"]
        for event in self.collections:
            collected = event.when
            if event.kind != "car_t_leukapheresis" or collected.first == date.min:
                continue
            limit = shifted(collected.first, self.windows.leukapheresis)
            if any(collected.first <= i.last and i.first <= limit for i in infused):
                continue
            given_up = any(collected.first <= r.last and r.first <= limit for r in refused)
            if given_up or (as_of - collected.first).days > self.windows.pending_bridging:
                result.doubtful_from.append((collected.first, limit))
            else:
                self._wait(result, collected.last)

    def _wait(self, result: CellTherapy, since: date) -> None:
        for number in range(bisect_right(self.starts, since), len(self.drugs)):
            exposure = self.drugs[number]
            if number in self.taken or self.dosing.carried_on(exposure, since):
                continue
            self.taken.add(number)
            result.pending.append(exposure)
            why = "after collection for CAR-T, infusion awaited: bridging, not yet a prior line (L3)"
            label = self.rules.labels(exposure.ingredients)
            result.set_aside.append(SetAside(reference=exposure.reference, why=f"{label}: {why}"))


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
