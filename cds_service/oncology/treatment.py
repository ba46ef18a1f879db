"""Everything given or probably given, before any disease is asked about: ``read_treatment``."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date

from cds_service.fhir.dates import Interval
from cds_service.fhir.model import MedicationEntry, Record
from cds_service.oncology.evidence import (
    ADMINISTRATION,
    REQUEST,
    SELF,
    STATEMENT,
    evidence_class,
    is_live_order,
    only_orders,
)
from cds_service.oncology.exposures import Item, merge_duplicates, usable
from cds_service.oncology.identity import DrugReader, Identity, ReasonReader
from cds_service.oncology.method import CAR_T, INVESTIGATIONAL, LineRules
from cds_service.oncology.model import SetAside
from cds_service.oncology.procedures import read_procedures
from cds_service.oncology.steps import (
    GIVEN,
    NEGATED,
    ORDERED,
    PROBABLE,
    RETRACTED,
    Treatment,
    TreatmentEvent,
)
from cds_service.oncology.unread import CONFLICT, Unread

# U2: such a record removes only itself, never another of the same dose.
_GONE = {NEGATED: "recorded as not given or cancelled", RETRACTED: "entered in error"}
_RULE = {
    "MedicationAdministration": "E1",
    "MedicationDispense": "E2",
    "MedicationStatement": "E3",
    "MedicationRequest": "E4",
}
SUPPORTIVE = "supportive"
NO_NAMES: frozenset[str] = frozenset()


def read_treatment_with(record: Record, rules: LineRules, as_of: date) -> Treatment:
    """Exposures, procedures and what was set aside, of the whole record."""
    return _Reader(record, rules, as_of).treatment()


@dataclass(slots=True)
class _Reader:
    record: Record
    rules: LineRules
    as_of: date
    set_aside: list[SetAside] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)
    infusions: list[TreatmentEvent] = field(default_factory=list)
    supportive: Counter[str] = field(default_factory=Counter)
    first_supportive: dict[str, str] = field(default_factory=dict)
    unread: Unread = field(init=False)
    drugs: DrugReader = field(init=False)
    reasons: ReasonReader = field(init=False)

    def __post_init__(self) -> None:
        self.unread = Unread(self.rules)
        self.drugs = DrugReader(self.rules.concepts, self.rules.parameters, self.rules.coded_drugs)
        self.reasons = ReasonReader(self.record, self.rules.concepts, self.rules.parameters)

    def treatment(self) -> Treatment:
        procedures = read_procedures(self.record, self.rules, self.reasons)
        self.set_aside += procedures.set_aside
        items: list[Item] = []
        for entry in self.record.medications:
            self._read(entry, items)
        self._inherit_reasons(items)
        if procedures.unknown:
            followed = frozenset(link for entry in self.record.medications for link in entry.links)
            self.unread.procedures(procedures.unknown, followed)
        self._raise_orders(items)
        items += procedures.items
        self._unnamed(items, procedures.unnamed)
        items = self._in_time(items)
        kept, idle = merge_duplicates(items, self.rules.windows)
        self._idle(idle)
        self._tell_supportive()
        return Treatment(
            exposures=tuple(item.exposure() for item in kept),
            events=tuple(sorted(self._events([*procedures.events, *self.infusions]), key=_event_order)),
            set_aside=tuple(sorted(set(self.set_aside), key=lambda s: (s.reference, s.why))),
            unresolved=tuple(sorted(set(self.unresolved))),
            unread=tuple(sorted(set(self.unread.gaps))),
            issues=self.unread.told(),
        )

    def _read(self, entry: MedicationEntry, items: list[Item]) -> None:
        """Add what one resource gave to ``items``, or note why it gave nothing."""
        drugs = self.drugs
        identity = drugs.identity(entry)
        if not identity.ingredients:
            self._unknown(entry, identity, items)
            return
        if identity.use == "local":
            return
        named = self.reasons.named(entry.reasons) if entry.reasons else NO_NAMES
        route = drugs.route(entry, identity)
        for ingredient in identity.ingredients:
            drug_class = self.rules.drug_class(ingredient)
            if drug_class == "other_cell_therapy":
                continue
            setting = drugs.setting(ingredient, route)
            grade = evidence_class(entry, setting)
            if grade in _GONE:
                if drug_class not in ("steroid", SUPPORTIVE):
                    self._aside(entry, f"{self.rules.label(ingredient)}: {_GONE[grade]} ({_RULE[entry.kind]})")
            elif drug_class == SUPPORTIVE:
                self._note_supportive(ingredient, entry)
            elif drug_class == CAR_T:
                self._infusion(entry, ingredient, grade, named)
            elif drugs.supportive(entry.treatment_intent):
                self._aside(entry, f"{self.rules.label(ingredient)}: its recorded intent is supportive (F4)")
            elif identity.use == "non_oncology_brand" and not named:
                self._aside(entry, f"{self.rules.label(ingredient)}: a product sold for another disease (A2)")
            else:
                items.append(self._item(entry, ingredient, grade, named, route, self_administered=setting == SELF))

    def _item(
        self,
        entry: MedicationEntry,
        ingredient: str,
        grade: str,
        named: frozenset[str],
        route: str = "",
        *,
        self_administered: bool = False,
    ) -> Item:
        start, undated = self._start(entry)
        ongoing = _goes_on(entry, self.as_of)
        return Item(
            reference=entry.reference,
            kind=entry.kind,
            grade=grade,
            ingredient=ingredient,
            start=start,
            end=None if ongoing else (start if undated else entry.end or start),
            ongoing=ongoing,
            estimated_end=entry.kind == "MedicationDispense"
            or (entry.kind == REQUEST and entry.date_source != "boundsPeriod"),
            period=not entry.period_less,
            undated=undated,
            days=entry.days,
            route=route,
            stop_reason=self.drugs.stop_reason(entry.status_reasons) if entry.status_reasons else "",
            plans=entry.plans,
            links=entry.links,
            reasons=named,
            study_drug=entry.study_drug,
            unknown_drug=ingredient == INVESTIGATIONAL,
            self_administered=self_administered,
            live_order=entry.kind == REQUEST and is_live_order(entry),
        )

    def _start(self, entry: MedicationEntry) -> tuple[Interval, bool]:
        """When it began, and whether no date says so (D1: a date of assertion is only the latest bound)."""
        if entry.start is not None and entry.date_source != "dateAsserted":
            return entry.start, False
        latest = self.as_of if entry.start is None else min(entry.start.last, self.as_of)
        return Interval(date.min, latest, ""), True

    def _unknown(self, entry: MedicationEntry, identity: Identity, items: list[Item]) -> None:
        """E8: an unknown drug is kept when it was given in a study or for a blood cancer; the family decides later."""
        if entry.kind == REQUEST and not entry.reported:
            if is_live_order(entry) and entry.status != "entered-in-error" and not entry.do_not_perform:
                self.unread.drug(entry, identity)
                if identity.problem == "unresolved":
                    self.unresolved.append(entry.reference)
            return
        grade = evidence_class(entry, "clinic")
        if grade not in (GIVEN, PROBABLE):
            return
        if identity.problem == "unresolved":
            self.unresolved.append(entry.reference)
        self.unread.drug(entry, identity)
        if identity.problem == "conflict":
            self._aside(entry, CONFLICT)
            return
        named = self.reasons.named(entry.reasons)
        if (entry.study_drug or named) and entry.kind in (ADMINISTRATION, STATEMENT, "MedicationDispense"):
            items.append(self._item(entry, INVESTIGATIONAL, grade, named))

    def _aside(self, entry: MedicationEntry, why: str) -> None:
        self.set_aside.append(SetAside(reference=entry.reference, why=why))

    def _note_supportive(self, ingredient: str, entry: MedicationEntry) -> None:
        self.supportive[ingredient] += 1
        known = self.first_supportive.get(ingredient)
        if known is None or entry.reference < known:
            self.first_supportive[ingredient] = entry.reference

    def _tell_supportive(self) -> None:
        for ingredient, reference in self.first_supportive.items():
            why = f"{self.rules.label(ingredient)}: supportive care, never part of a line (F4)"
            self.set_aside.append(SetAside(reference=reference, why=why))

    def _infusion(self, entry: MedicationEntry, product: str, grade: str, named: frozenset[str]) -> None:
        """A CAR-T product recorded as a medication (L2)."""
        if grade == ORDERED or (entry.kind == REQUEST and not entry.reported):
            self._aside(entry, f"{self.rules.label(product)}: ordered, nothing shows that it was given (E4)")
            return
        self.infusions.append(
            TreatmentEvent(
                reference=entry.reference,
                evidence=(entry.reference,),
                kind="car_t",
                when=entry.end or entry.start or Interval(date.min, self.as_of, ""),
                grade=grade,
                product=product,
                plans=entry.plans,
                reasons=named,
            )
        )

    def _inherit_reasons(self, items: list[Item]) -> None:
        """A dose or dispense without a reason has that of its order, or of the therapy it is part of (decision 23)."""
        reasons = {i.reference: i.reasons for i in items if i.reasons}
        reasons |= {p.reference: self.reasons.named(p.reasons) for p in self.record.procedures if p.reasons}
        if not reasons:
            return
        for item in items:
            if not item.reasons and item.links:
                item.reasons = frozenset().union(*(reasons.get(link, NO_NAMES) for link in item.links))

    def _raise_orders(self, items: list[Item]) -> None:
        """E5 (decision 55): where infusions exist only as orders, those orders are probable."""
        if not any(i.live_order and i.grade == ORDERED for i in items):
            return
        cancer = [i for i in items if self.rules.anticancer(i.ingredient) and not i.unknown_drug]
        if only_orders((i.kind, i.grade, self.drugs.setting(i.ingredient, i.route)) for i in cancer):
            for item in items:
                if item.live_order and item.grade == ORDERED:
                    item.grade = PROBABLE

    def _unnamed(self, items: list[Item], unnamed: list[Item]) -> None:
        """E8: chemotherapy without a name proves a same-day order; alone it is an unknown drug."""
        if not unnamed:
            return
        by_day: dict[Interval, list[Item]] = {}
        for item in items:
            if self.rules.anticancer(item.ingredient):
                by_day.setdefault(item.start, []).append(item)
        for act in unnamed:
            for item in by_day.get(act.start, ()):
                if item.live_order and item.grade == ORDERED:
                    item.grade = PROBABLE
        known = sorted(start.first for start, same in by_day.items() if any(i.grade != ORDERED for i in same))
        for act in unnamed:
            if self._near(act, known) or _covered(act, items):
                continue
            if act.reasons:
                items.append(act)
            else:
                why = "chemotherapy whose drug is not named, without a reason (E8)"
                self.set_aside.append(SetAside(reference=act.reference, why=why))

    def _near(self, act: Item, known: list[date]) -> bool:
        """A known drug was given in the four weeks around: the act belongs to that course."""
        following = bisect_left(known, act.start.first)
        around = known[max(0, following - 1) : following + 1]
        return any(abs((day - act.start.first).days) <= self.rules.windows.mid_course for day in around)

    def _in_time(self, items: list[Item]) -> list[Item]:
        patient = self.record.patient
        kept: list[Item] = []
        for found in usable(items, self.as_of, patient.birth, patient.deceased_on):
            if isinstance(found, Item):
                kept.append(found)
            else:
                self.set_aside.append(found)
        return kept

    def _events(self, events: list[TreatmentEvent]) -> Iterator[TreatmentEvent]:
        patient = self.record.patient
        for event in events:
            if event.when.first > self.as_of:
                self.set_aside.append(
                    SetAside(reference=event.reference, why="dated after the assessment date: a plan (D5)")
                )
            elif patient.birth is not None and event.when.last < patient.birth.first:
                self.set_aside.append(SetAside(reference=event.reference, why="dated before birth (D6)"))
            elif patient.deceased_on is not None and event.when.first > patient.deceased_on.last:
                self.set_aside.append(SetAside(reference=event.reference, why="dated after death (D6)"))
            elif event.when.last > self.as_of:
                yield replace(event, when=Interval(event.when.first, self.as_of, event.when.text))
            else:
                yield event

    def _idle(self, idle: list[Item]) -> None:
        for item in idle:
            if self.rules.anticancer(item.ingredient):
                why = f"{self.rules.label(item.ingredient)}: ordered or prepared, nothing shows that it was given"
                rule = _RULE.get(item.kind, "E4")
                self.set_aside.append(SetAside(reference=item.reference, why=f"{why} ({rule})"))


def _goes_on(entry: MedicationEntry, as_of: date) -> bool:
    """Still taken on the assessment date: an active statement, order or infusion without an end in the past."""
    active = entry.status in ("active", "in-progress") or entry.adherence.startswith("taking")
    if not active or entry.kind == "MedicationDispense":
        return False
    if entry.kind == ADMINISTRATION:
        return entry.open_ended
    if entry.kind == REQUEST and entry.period_less and not entry.reported:
        return False
    return entry.end is None or entry.open_ended or entry.period_less or entry.end.first > as_of


def _covered(act: Item, items: list[Item]) -> bool:
    return any(i.period and i.start.first <= act.start.first and act.start.last <= i.last for i in items)


def _event_order(event: TreatmentEvent) -> tuple[date, date, str, str, str]:
    return (event.when.first, event.when.last, event.kind, event.product, event.reference)
