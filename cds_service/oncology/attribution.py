"""Which treatment belongs to the disease asked about: rules A1 to A4, decision 23."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from msgspec.structs import replace

from cds_service.fhir.dates import Interval
from cds_service.fhir.model import Record
from cds_service.oncology.identity import ANOTHER_DISEASE
from cds_service.oncology.method import LineRules
from cds_service.oncology.model import Diagnosis, SetAside
from cds_service.oncology.shift import shifted
from cds_service.oncology.steps import Exposure, Treatment, TreatmentEvent

TRANSPLANTS = frozenset({"auto_hsct", "allo_hsct", "hsct"})


@dataclass(slots=True, kw_only=True)
class Attributed:
    """Treatment of one disease. ``doubtful`` are references that fit another cancer as well (A4)."""

    exposures: list[Exposure] = field(default_factory=list)
    events: list[TreatmentEvent] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)
    doubtful: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The index disease: its lineage (A2), and the date of diagnosis, None when no date is recorded."""

    family: str
    lineage: frozenset[str]
    diagnosed: Interval | None
    rules: LineRules
    earlier: date | None = None
    """A3: what ended before this day, the leeway before the earliest day of the diagnosis, is earlier treatment."""

    def verdict(self, reasons: frozenset[str]) -> bool | None:
        """True when a reason names the index disease, False when another one, None when nothing is said."""
        if not reasons:
            return None
        return any(self._is_index(name) for name in reasons)

    def _is_index(self, name: str) -> bool:
        disease = None if name == ANOTHER_DISEASE else self.rules.concepts.diseases.get(name)
        if disease is None or name in self.rules.parameters.other_reasons:
            return False
        if disease.family is not None:
            return disease.family in self.lineage
        return bool(self.lineage.intersection(disease.may_be))


def index_disease(family: str, diagnoses: Iterable[Diagnosis], rules: LineRules) -> Index:
    """The disease asked about, dated by the earliest onset of its lineage."""
    lineage = rules.lineage(family)
    own = [d for d in diagnoses if d.stands and (d.family in lineage or lineage.intersection(d.may_be))]
    onsets = [d.onset for d in own if d.onset is not None]
    diagnosed = min(onsets, key=lambda o: (o.first, o.last), default=None)
    earlier = None
    if diagnosed is not None and diagnosed.first != date.min:
        earlier = shifted(diagnosed.first, -rules.windows.diagnosis_leeway)
    return Index(family=family, lineage=lineage, diagnosed=diagnosed, rules=rules, earlier=earlier)


def attribute(treatment: Treatment, index: Index, diagnoses: Sequence[Diagnosis], record: Record) -> Attributed:
    """Keep what was given for the index disease (A1 to A4)."""
    found = Attributed()
    unsaid: list[Exposure] = []
    for exposure in treatment.exposures:
        verdict = index.verdict(exposure.reasons)
        why = _refused(exposure, verdict, index)
        if why:
            found.set_aside += _aside(exposure, why, index.rules)
        elif verdict:
            found.exposures.append(replace(exposure, attributed=True))
        else:
            unsaid.append(exposure)
    others = _other_cancers(index, diagnoses, record)
    transplants = [e for e in treatment.events if e.kind in TRANSPLANTS] if others else []
    kept, doubtful = _fitting(unsaid, index, others, found, transplants) if others else (unsaid, frozenset())
    foreign = _foreign_transplants(transplants, unsaid, [*kept, *found.exposures], index.rules)
    found.doubtful = doubtful
    if found.exposures:
        found.exposures += kept
        found.exposures.sort(key=lambda e: (e.start.first, e.start.last, e.ingredients, e.reference))
    else:
        found.exposures = kept
    for event in treatment.events:
        if index.verdict(event.reasons) is False:
            found.set_aside.append(SetAside(reference=event.reference, why="done for another disease (A2)"))
        elif event.reference in foreign:
            why = "its conditioning fits another cancer on record and none of this disease (A4)"
            found.set_aside.append(SetAside(reference=event.reference, why=why))
        elif not _foreign_product(event, index, others):
            found.events.append(event)
    return found


def _refused(exposure: Exposure, verdict: bool | None, index: Index) -> str:
    if verdict is False:
        return "given for another disease (A2)"
    if exposure.unknown_drug and not verdict and not exposure.study_drug:
        return "an unknown drug without a reason that names the disease (E8)"
    if verdict is None and index.earlier is not None and exposure.start.last < index.earlier:
        return "given more than 30 days before the diagnosis: earlier treatment (A3)"
    return ""


def _aside(exposure: Exposure, why: str, rules: LineRules) -> list[SetAside]:
    if not any(rules.anticancer(i) for i in exposure.ingredients):
        return []
    return [SetAside(reference=exposure.reference, why=f"{rules.labels(exposure.ingredients)}: {why}")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Other:
    """Another cancer on record: its family when this service knows it, and since when."""

    family: str | None
    since: date


def _other_cancers(index: Index, diagnoses: Sequence[Diagnosis], record: Record) -> list[_Other]:
    """A4: other cancers that stand on record, haematological or not."""
    found = [
        _Other(family=d.family, since=d.onset.first if d.onset else date.min)
        for d in diagnoses
        if d.stands and d.role in ("indication", "exclusion") and d.family not in index.lineage and not d.may_be
    ]
    prefixes, key = index.rules.parameters.other_cancer_codes, index.rules.concepts.systems.key
    chapters = {letter for _, letter in prefixes}
    for condition in record.conditions:
        if condition.verification in ("refuted", "entered-in-error") or condition.has_abatement:
            continue
        coded = False
        for coding in condition.code.codings:
            letter = coding.code[:1].upper()
            coded = coded or (letter in chapters and (key(coding.system), letter) in prefixes)
        if coded and not index.rules.concepts.diagnosis(condition.code):
            found.append(_Other(family=None, since=condition.onset.first if condition.onset else date.min))
    return found


def _fitting(
    exposures: list[Exposure],
    index: Index,
    others: list[_Other],
    found: Attributed,
    transplants: Sequence[TreatmentEvent],
) -> tuple[list[Exposure], frozenset[str]]:
    """A4, day by day, on the drugs of the four weeks from that day."""
    rules = index.rules
    drugs = [e for e in exposures if all(rules.anticancer(i) for i in e.ingredients)]
    starts = [e.start.first for e in drugs]
    dropped: set[str] = set()
    doubtful: set[str] = set()
    for number, exposure in enumerate(drugs):
        if number and starts[number - 1] == starts[number]:
            continue
        same_day = drugs[number : bisect_right(starts, starts[number])]
        active = [o for o in others if o.since <= exposure.start.last]
        if not active:
            continue
        reach = bisect_right(starts, shifted(exposure.start.first, rules.windows.mid_course))
        course = rules.keys(i for e in drugs[number : min(reach, number + 64)] for i in e.ingredients)
        day = rules.keys(i for e in same_day for i in e.ingredients)
        before_cells = any(_conditions(exposure, event, rules) for event in transplants)
        theirs = any(_fits(kind, drug, rules, before_cells) for kind in active for drug in (course, day))
        ours = any(rules.fits(drug, index.family, conditioning=before_cells) for drug in (course, day))
        if theirs and not ours:
            dropped.update(e.reference for e in same_day)
            for e in same_day:
                found.set_aside += _aside(e, "fits another cancer on record and no regimen of this disease (A4)", rules)
        elif theirs:
            doubtful.update(e.reference for e in same_day)
    return [e for e in exposures if e.reference not in dropped], frozenset(doubtful)


def _fits(other: _Other, drugs: frozenset[str], rules: LineRules, before_cells: bool) -> bool:
    if other.family is not None:
        return rules.fits(drugs, other.family, conditioning=before_cells)
    return any(drugs == rules.keys(regimen) for regimen in rules.parameters.other_cancer_regimens)


def _conditions(exposure: Exposure, event: TreatmentEvent, rules: LineRules) -> bool:
    """Given in the days up to a transplant (F5)."""
    begin = shifted(event.when.first, -rules.windows.conditioning)
    return begin <= exposure.start.first and exposure.start.last <= event.when.last


def _foreign_transplants(
    transplants: Iterable[TreatmentEvent], unsaid: Iterable[Exposure], kept: Sequence[Exposure], rules: LineRules
) -> frozenset[str]:
    """Transplants whose whole conditioning was given for another cancer (A4)."""
    mine = {e.reference for e in kept}
    dropped = [e for e in unsaid if e.reference not in mine]
    return frozenset(
        event.reference
        for event in transplants
        if any(_conditions(e, event, rules) for e in dropped)
        and not any(_conditions(e, event, rules) and any(rules.anticancer(i) for i in e.ingredients) for e in kept)
    )


def _foreign_product(event: TreatmentEvent, index: Index, others: list[_Other]) -> bool:
    """A CAR-T product of another disease that also stands on record (A4)."""
    if not event.product:
        return False
    families = {
        family
        for known in index.rules.regimens
        if event.product in known.regimen.core
        for family in known.regimen.families
    }
    return not families & index.lineage and any(o.family in families for o in others)
