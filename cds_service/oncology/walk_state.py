"""What the walk knows at a step: the line that is open, and the question a new treatment day puts (c4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from cds_service.fhir.dates import Interval
from cds_service.oncology.method import LineRules
from cds_service.oncology.parameters import FamilyParameters
from cds_service.oncology.steps import Exposure, Part, StatusEvent, TreatmentEvent

FAR = date.max.toordinal()
RECENT = 24
"""Doses that tell the usual interval of a drug."""


@dataclass(slots=True)
class Doses:
    """The doses of one drug in one line, as day numbers. ``first_end`` / ``last_end``: the bounds of its last day."""

    starts: list[int] = field(default_factory=list)
    first_end: int = 0
    last_end: int = 0

    def add(self, start: int, first: int, last: int) -> None:
        """One more dose or course that begins on day ``start`` and ends between the days ``first`` and ``last``."""
        self.starts.append(start)
        if last >= self.last_end:
            self.last_end = last
            self.first_end = max(self.first_end, first)

    def usual(self) -> float | None:
        """The median interval between doses, None after a single one."""
        recent = sorted(set(self.starts[-RECENT:]))
        return median(b - a for a, b in pairwise(recent)) if len(recent) > 1 else None


def reach(exposure: Exposure) -> tuple[int, int]:
    """The first and last day number that may be the last of it; far in the future while it goes on."""
    start, end = exposure.start, exposure.end
    if end is None:
        return (FAR, FAR)
    if end is start:
        first = end.first.toordinal()
        return (first, first if end.last is end.first else end.last.toordinal())
    return (max(end.first, start.first).toordinal(), max(end.last, start.last).toordinal())


@dataclass(slots=True, kw_only=True)
class Doubt:
    """An ambiguous boundary as the walk meets it; ``key`` names it so that a recorded count may settle it (Q2)."""

    rule: str
    key: str
    is_new: bool
    question: str


@dataclass(slots=True, kw_only=True, eq=False)
class OpenLine:
    """A line while it is built. ``drugs`` by key (L6) hold what rules compare; parts hold everything that belongs."""

    start: Interval
    opened_by: str
    because: list[str] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    events: list[TreatmentEvent] = field(default_factory=list)
    drugs: dict[str, Doses] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    assembled: dict[str, None] = field(default_factory=dict)
    opening: Doubt | None = None
    doubts: list[Doubt] = field(default_factory=list)
    modified: bool = False
    car_t: str = ""
    is_car_t: bool = False
    includes: set[str] = field(default_factory=set)
    first_end: int = 0
    last_end: int = 0
    transplants: list[TreatmentEvent] = field(default_factory=list)
    infused: int = 0
    """Day of the CAR-T infusion: failures before it are not failures of the line."""
    not_tolerated: set[str] = field(default_factory=set)
    no_response: list[int] = field(default_factory=list)
    carried_over: bool = False
    """A drug of the line before runs on into this one (L17)."""
    shares_doses: bool = False
    """Doses of a drug of the line before follow at its usual interval: carried over unless both regimens are pulsed."""
    marks: Marks | None = None
    """Status events after the start, filled when first asked for."""

    def add(self, exposure: Exposure, role: str, rule: str, rules: LineRules, *, named: bool = False) -> None:
        """Put a treatment dose into the line."""
        self.parts.append(Part(exposure=exposure, role=role, rule=rule))
        start = exposure.start.first.toordinal()
        first, last = reach(exposure)
        for ingredient in exposure.ingredients:
            key = rules.same.get(ingredient, ingredient)
            doses = self.drugs.get(key)
            if doses is None:
                doses = self.drugs[key] = Doses()
            doses.add(start, first, last)
            self.names.add(ingredient)
            if named:
                self.assembled[ingredient] = None
            if exposure.stop_reason == "not_tolerated":
                self.not_tolerated.add(key)
        if exposure.stop_reason == "no_response":
            self.no_response.append(first)
        self.first_end = max(self.first_end, first)
        self.last_end = max(self.last_end, last)

    def attach(self, exposure: Exposure, role: str, rule: str) -> None:
        """Put a dose into the line that adds no drug to it (conditioning, mobilisation, lymphodepletion, bridging)."""
        self.parts.append(Part(exposure=exposure, role=role, rule=rule))

    def infuse(self, event: TreatmentEvent) -> None:
        """A transplant or infusion: it counts as activity of the line."""
        self.events.append(event)
        self.first_end = max(self.first_end, event.when.first.toordinal())
        self.last_end = max(self.last_end, event.when.last.toordinal())

    def maintenance_interval(self, keys: frozenset[str], rules: LineRules) -> float | None:
        """The median interval of the maintenance that is under way, from the last dose before it; None without any."""
        days: list[int] = []
        for part in reversed(self.parts):
            if rules.keys(part.exposure.ingredients).isdisjoint(keys):
                continue
            days.append(part.exposure.start.first.toordinal())
            if part.role != "maintenance":
                break
        days = sorted(set(days))
        under_way = bool(self.parts) and self.parts[-1].role == "maintenance"
        return median(b - a for a, b in pairwise(days)) if under_way and len(days) > 1 else None

    def after_transplant(self) -> bool:
        """No dose followed the last transplant."""
        return bool(self.transplants) and self.transplants[-1].when.last.toordinal() >= self.last_end


class Moment(NamedTuple):
    """One reading of partial dates: line start, last activity and treatment day as single days (D2, D4).

    ``certain``: only failures that certainly lie between count; else also those that may. ``latest``: last days of
    drugs are read at their latest.
    """

    start: int
    activity: int
    day: int
    certain: bool = True
    latest: bool = False


class Mark(NamedTuple):
    """A status event with the day numbers it may lie between."""

    first: int
    last: int
    kind: str
    event: StatusEvent


@dataclass(frozen=True, slots=True)
class Marks:
    """The status events that may lie after the start of a line, by what rules ask of them.

    ``vague_failures`` are those whose dates leave the day open: only they can be read in two ways against exact dates.
    """

    failures: tuple[Mark, ...] = ()
    vague_failures: tuple[Mark, ...] = ()
    remissions: tuple[Mark, ...] = ()
    responses: tuple[Mark, ...] = ()
    inadequate: tuple[Mark, ...] = ()


RESPONSES = frozenset({"CR", "VGPR", "PR", "IMPROVED"})
INADEQUATE = frozenset({"SD", "MR"})


def marks(status: Iterable[StatusEvent], begin: date) -> Marks:
    """Status events whose last possible day lies after ``begin``."""
    found = [Mark(e.when.first.toordinal(), e.when.last.toordinal(), e.kind, e) for e in status if e.when.last > begin]
    failures = tuple(m for m in found if m.event.failure)
    return Marks(
        failures=failures,
        vague_failures=tuple(m for m in failures if m.first != m.last),
        remissions=tuple(m for m in found if m.kind == "CR"),
        responses=tuple(m for m in found if m.kind in RESPONSES),
        inadequate=tuple(m for m in found if m.kind in INADEQUATE),
    )


@dataclass(slots=True, kw_only=True)
class Step:
    """Everything a rule of c4 may ask about one treatment day. Days are day numbers. Never changed once made."""

    line: OpenLine
    group: Sequence[Exposure]
    names: frozenset[str]
    keys: frozenset[str]
    new: frozenset[str]
    swapped: frozenset[str]
    """Drugs that are new by name but equivalent to one of the line (L6)."""
    ahead: frozenset[str]
    """Keys of what is given in the four weeks from this day: the regimen after the change (L14)."""
    moment: Moment
    status: Marks
    family: FamilyParameters
    rules: LineRules

    @property
    def from_start(self) -> int:
        """Days from the start of the line."""
        return self.moment.day - self.moment.start

    @property
    def gap(self) -> int:
        """Days from the last dose or transplant; 0 while something goes on."""
        return max(0, self.moment.day - self.moment.activity)

    @property
    def goes_on(self) -> bool:
        """The course is under way: something is still taken, or a drug of the line follows within four weeks."""
        if self.moment.activity >= self.moment.day:
            return True
        return self.gap <= self.rules.windows.mid_course and not self.ahead.isdisjoint(self.line.drugs)

    @property
    def failed(self) -> StatusEvent | None:
        """The first failure since the line started that no complete remission has answered."""
        return self.failed_since(max(self.moment.start, self.line.infused))

    def failed_since(self, day: int) -> StatusEvent | None:
        """A failure after that day, up to this one, without a complete remission after it."""
        for mark in self.status.failures:
            if self._lies_between(day, mark) and not any(self._answers(m, mark) for m in self.status.remissions):
                return mark.event
        return None

    def _answers(self, later: Mark, failure: Mark) -> bool:
        return failure.last < later.first and later.last < self.moment.day

    def _lies_between(self, day: int, mark: Mark) -> bool:
        if mark.first > day and mark.last <= self.moment.day:
            return True
        return not self.moment.certain and mark.last > day and mark.first <= self.moment.day

    @property
    def inadequate(self) -> bool:
        """Stable disease or minimal response in the 42 days before, or a stop for no response (c4)."""
        since = max(self.moment.start, self.moment.day - self.rules.windows.inadequate_response - 1)
        if any(self._lies_between(since, m) for m in self.status.inadequate):
            return True
        return any(self.moment.start <= day <= self.moment.day for day in self.line.no_response)

    @property
    def in_remission(self) -> bool:
        """A complete remission since the line started."""
        return any(self._lies_between(self.moment.start, m) for m in self.status.remissions)

    def responded_within(self, days: int) -> bool:
        """A response of any depth in the days before."""
        since = max(self.moment.start, self.moment.day - days - 1)
        return any(self._lies_between(since, m) for m in self.status.responses)

    def last_day_of(self, key: str) -> int:
        """The last day of a drug of the line under this reading."""
        doses = self.line.drugs[key]
        return doses.last_end if self.moment.latest else doses.first_end

    def all_new_in(self, drugs: frozenset[str]) -> bool:
        """Every new drug is one of those."""
        return bool(self.new) and self.new <= drugs
