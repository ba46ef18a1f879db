"""Doses and courses from medication resources: dates (D1, D5, D6), duplicates (U1 to U3), orders (E4, E5)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date

import msgspec

from cds_service.fhir.dates import Interval
from cds_service.oncology.evidence import ADMINISTRATION, DISPENSE, PROCEDURE, RANK, REQUEST, STATEMENT
from cds_service.oncology.model import SetAside
from cds_service.oncology.parameters import Windows
from cds_service.oncology.spans import same_days
from cds_service.oncology.steps import GIVEN, ORDERED, PROBABLE, Exposure

INTRATHECAL = "intrathecal"
LOOK_AHEAD = 512
"""Doses looked at inside one long statement; keeps the cost linear, no course of one drug has more."""
_CLASS_RANK = {GIVEN: 0, PROBABLE: 1, ORDERED: 2}


class Item(msgspec.Struct, kw_only=True, eq=False, gc=False):
    """One drug of one resource on its way to an exposure; duplicates are merged into the item that stays (U1)."""

    reference: str
    kind: str
    grade: str
    ingredient: str
    start: Interval
    end: Interval | None
    ongoing: bool = False
    estimated_end: bool = False
    period: bool = False
    undated: bool = False
    days: int | None = None
    route: str = ""
    stop_reason: str = ""
    plans: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    study_drug: bool = False
    unknown_drug: bool = False
    live_order: bool = False
    self_administered: bool = False
    merged: list[str] = msgspec.field(default_factory=list)
    into: Item | None = None

    @property
    def rank(self) -> int:
        """0 administration or procedure, 1 statement, 2 dispense, 3 request."""
        return RANK[self.kind]

    @property
    def whole(self) -> bool:
        """A period or supply of a drug taken at home: it says more than single doses seen on a ward."""
        lasting = self.period or self.days is not None
        return self.self_administered and lasting and self.kind in (STATEMENT, DISPENSE)

    @property
    def weight(self) -> tuple[bool, int]:
        """The record with the lowest weight keeps its dates."""
        return (not self.whole, self.rank)

    @property
    def last(self) -> date:
        """The last day it may reach."""
        if self.ongoing or self.end is None:
            return date.max
        return self.end.last

    @property
    def key(self) -> tuple[date, date, str, int, str]:
        """Order by earliest bound (D4), then by drug, so that resource ids decide only between equals."""
        return (self.start.first, self.start.last, self.ingredient, self.rank, self.reference)

    def absorb(self, other: Item) -> None:
        """U1: one exposure remains, the class is the strongest; dates stay those of this, the higher-ranked one."""
        other.into = self
        self.merged += [other.reference, *other.merged]
        if _CLASS_RANK[other.grade] < _CLASS_RANK[self.grade]:
            self.grade = other.grade
        self.plans |= other.plans
        self.reasons |= other.reasons
        self.study_drug = self.study_drug or other.study_drug
        self.stop_reason = self.stop_reason or other.stop_reason
        self.route = self.route or other.route

    def exposure(self) -> Exposure:
        """The frozen value."""
        return Exposure(
            reference=self.reference,
            evidence=(self.reference, *sorted(set(self.merged) - {self.reference}))
            if self.merged
            else (self.reference,),
            kind=self.kind,
            grade=self.grade,
            ingredients=(self.ingredient,),
            start=self.start,
            end=None if self.ongoing else self.end,
            ongoing=self.ongoing,
            estimated_end=self.estimated_end,
            period=self.period,
            days=self.days,
            route=self.route,
            stop_reason=self.stop_reason,
            plans=self.plans,
            study_drug=self.study_drug,
            reasons=self.reasons,
            unknown_drug=self.unknown_drug,
            undated=self.undated,
        )


def merge_duplicates(items: Iterable[Item], windows: Windows) -> tuple[list[Item], list[Item]]:
    """(what stays, orders that nothing proves): U1 ingredient by ingredient, so that the cost grows linearly."""
    ordered = sorted(items, key=lambda i: i.key)
    by_ingredient: dict[tuple[str, bool], list[Item]] = defaultdict(list)
    for item in ordered:
        by_ingredient[(item.ingredient, item.route == INTRATHECAL)].append(item)
    for name in sorted(by_ingredient):
        _Merger(by_ingredient[name], windows).merge()
    kept: list[Item] = []
    idle: list[Item] = []
    for item in ordered:
        if item.into is None:
            (idle if item.grade == ORDERED else kept).append(item)
    return kept, sorted(idle, key=lambda i: i.reference)


class _Merger:
    """U1 for the records of one ingredient, sorted by date."""

    def __init__(self, items: list[Item], windows: Windows) -> None:
        self._items = items
        self._windows = windows

    def merge(self) -> None:
        """Put every duplicate into the item that stays."""
        self._same_day()
        kinds = {item.kind for item in self._items}
        if len(kinds) > 1:
            self._links()
        if kinds & {STATEMENT, REQUEST}:
            self._inside_statements()
        if DISPENSE in kinds and len(kinds) > 1:
            self._dispenses()
        if REQUEST in kinds:
            self._orders()

    def _left(self) -> list[Item]:
        return [i for i in self._items if i.into is None]

    def _same_day(self) -> None:
        """Same day: the higher-ranked record stays; of equals the one that goes on longer."""
        same: list[Item] = []
        for item in self._items:
            if same and not same_days(item.start, same[0].start):
                self._of_one_day(same)
                same = []
            same.append(item)
        self._of_one_day(same)

    def _of_one_day(self, same: list[Item]) -> None:
        if len(same) < 2:
            return
        best = min(same, key=lambda i: (i.grade == ORDERED, not i.whole, i.rank, -i.last.toordinal(), i.reference))
        for item in same:
            if item is not best and (item.live_order or item.grade != ORDERED):
                best.absorb(item)

    def _links(self) -> None:
        """Linked by request, prescription, basedOn or partOf: the lower-ranked record goes into its first dose."""
        left = self._left()
        known = {reference: item for item in left for reference in (item.reference, *item.merged)}
        for item in left:
            for link in sorted(item.links):
                other = known.get(link)
                if other is None or other is item or other.into is not None or item.into is not None:
                    continue
                if other.weight > item.weight:
                    item.absorb(other)
                elif item.weight > other.weight:
                    other.absorb(item)

    def _inside_statements(self) -> None:
        """A long statement, or one with a partial date, that contains a dated exposure is the same treatment."""
        left = self._left()
        dated = [i for i in left if i.start.exact and i.grade != ORDERED]
        starts = [i.start.first for i in dated]
        for wide in left:
            if not self._is_wide(wide):
                continue
            begin, end = bisect_left(starts, wide.start.first), bisect_right(starts, wide.last)
            inside = self._first_inside(wide, dated, begin, end)
            if inside is not None:
                inside.absorb(wide)

    def _is_wide(self, item: Item) -> bool:
        if item.kind not in (STATEMENT, REQUEST) or item.grade == ORDERED:
            return False
        if not item.start.exact:
            return True
        return item.period and (item.last - item.start.first).days >= self._windows.statement_contains_days

    def _first_inside(self, wide: Item, dated: list[Item], begin: int, end: int) -> Item | None:
        """The first dated exposure inside that outranks the wide record, or is as good and more exact."""
        for number in range(begin, min(end, begin + LOOK_AHEAD)):
            one = dated[number]
            if one is wide or one.into is not None:
                continue
            if wide.whole and one.kind == ADMINISTRATION:
                wide.absorb(one)
            elif one.rank < wide.rank or (one.rank == wide.rank and not wide.start.exact):
                return one
            elif one.rank > wide.rank or one.last <= wide.last:
                wide.absorb(one)
        return None

    def _dispenses(self) -> None:
        """A dispense up to seven days before an administration or statement, or inside its period, is that dose."""
        left = self._left()
        kinds = (ADMINISTRATION, PROCEDURE, STATEMENT)
        at_home = any(i.whole for i in left if i.kind == DISPENSE)
        holders = [i for i in left if i.kind in (kinds[2:] if at_home else kinds) and i.grade != ORDERED]
        if not holders:
            return
        starts = [i.start.first for i in holders]
        reach: list[Item] = []
        for holder in holders:
            reach.append(holder if not reach or holder.last > reach[-1].last else reach[-1])
        for item in left:
            if item.kind != DISPENSE:
                continue
            day = item.start.first
            following = bisect_left(starts, day)
            if following < len(holders) and (starts[following] - day).days <= self._windows.dispense_before:
                holders[following].absorb(item)
            elif following and reach[following - 1].last >= day:
                reach[following - 1].absorb(item)

    def _orders(self) -> None:
        """An order followed soon by its drug, or whose drug was given while it ran, was carried out."""
        left = self._left()
        given = [i for i in left if i.kind != REQUEST and i.grade != ORDERED]
        starts = [i.start.first for i in given]
        for item in left:
            if item.kind != REQUEST or not item.live_order:
                continue
            following = bisect_left(starts, item.start.first)
            if following == len(given):
                continue
            until = item.last if item.period else item.start.last
            gap = (starts[following] - item.start.first).days
            if gap <= self._windows.order_before or starts[following] <= until:
                given[following].absorb(item)


def usable(
    items: Iterable[Item], as_of: date, birth: Interval | None, death: Interval | None
) -> Iterator[Item | SetAside]:
    """D5 and D6: plans, and what is dated before birth or after death, are set aside."""
    for item in items:
        if not item.undated and item.start.first > as_of:
            yield SetAside(reference=item.reference, why="dated after the assessment date: a plan (D5)")
        elif birth is not None and item.start.last < birth.first:
            yield SetAside(reference=item.reference, why="dated before birth (D6)")
        elif death is not None and not item.undated and item.start.first > death.last:
            yield SetAside(reference=item.reference, why="dated after death (D6)")
        else:
            yield item
