"""The course of one disease: lines and status events in order, and which status belongs to which line.

A status on the very day a line starts belongs to what came before (it is why the line was started). A state kept in
``Condition.clinicalStatus`` holds on the day it was recorded; the event behind it lies between the last opposite
status, or the first therapy, and that day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from cds_service.fhir.dates import Interval
from cds_service.oncology.coverage import Gaps
from cds_service.oncology.diagnosis_course import TARGETS
from cds_service.oncology.model import Diagnosis
from cds_service.oncology.numbers import CourseNumbers
from cds_service.oncology.spans import is_after, on_day
from cds_service.oncology.steps import Derivation, DerivedLine, Exposure, StatusEvent, TreatmentEvent

RANK = {"PD": 0, "REL": 0, "IF": 0, "SD": 1, "MR": 2, "PR": 3, "IMPROVED": 3, "VGPR": 4, "CR": 5}
RESPONSES = ("CR", "VGPR", "PR", "IMPROVED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A status event seen from one line: ``certain`` when it belongs to that line whatever partial dates mean."""

    event: StatusEvent
    certain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What the facts are read from. ``lines`` are the counted lines since transformation (all, when none happened),
    with those that partial dates leave open.

    ``events`` are the patient's transplants and CAR-T infusions, of any disease; ``failures`` leave out progression of
    untreated disease: it is no relapse and no refractory disease.
    """

    family: str
    numbers: CourseNumbers
    as_of: date
    derivation: Derivation
    lines: tuple[DerivedLine, ...]
    status: tuple[StatusEvent, ...]
    failures: tuple[StatusEvent, ...]
    events: tuple[TreatmentEvent, ...]
    diagnoses: tuple[Diagnosis, ...]
    gaps: Gaps
    transformed: Interval | None = None
    sure_lines: tuple[DerivedLine, ...] = ()
    """Those of ``lines`` that started since the transformation whatever partial dates mean."""
    by_drug: Mapping[str, tuple[tuple[int, Exposure], ...]] = field(default_factory=dict)
    """Exposures of the derivation by ingredient, each with its place in their order."""
    line_openers: tuple[str, ...] = ()
    """One reference for each line."""

    @property
    def untreated(self) -> bool:
        """Decision 16: nothing was given, no status speaks, and the record is complete."""
        given = self.derivation.lines or self.derivation.candidates or self.derivation.exposures
        return not given and not self.status and self.derivation.count.max == 0 and self.gaps.complete

    def next_start(self, number: int) -> Interval | None:
        """Start of the line after the ``number``-th (from 0) of ``lines``."""
        return self.lines[number + 1].start if number + 1 < len(self.lines) else None

    def during(self, number: int) -> tuple[Spoken, ...]:
        """Status events that belong, or may belong, to a line: after its start, up to the start of the next."""
        start, following = self.lines[number].start, self.next_start(number)
        found = []
        for event in self.status:
            begun = is_after(event.when, start)
            passed = is_after(event.when, following) if following else False
            if begun is not False and passed is not True:
                found.append(Spoken(event=event, certain=begun is True and passed is False))
        return tuple(found)

    def after(self, start: Interval, kinds: Iterable[str]) -> tuple[Spoken, ...]:
        """Status events of those kinds that lie, or may lie, after ``start``."""
        wanted = frozenset(kinds)
        seen = ((event, is_after(event.when, start)) for event in self.status if event.kind in wanted)
        return tuple(Spoken(event=event, certain=later is True) for event, later in seen if later is not False)

    def failures_after(self, start: Interval) -> tuple[Spoken, ...]:
        """Failures that lie, or may lie, after ``start``."""
        seen = ((event, is_after(event.when, start)) for event in self.failures)
        return tuple(Spoken(event=event, certain=later is True) for event, later in seen if later is not False)

    def unseen_response(self, event: StatusEvent) -> bool:
        """A relapse with no remission on record before it: a response was there and was not recorded."""
        return event.kind == "REL" and not any(
            e.kind in RESPONSES and is_after(e.when, event.when) is not True for e in self.status
        )

    def openers(self) -> tuple[str, ...]:
        """One reference for each line, else those of the diagnosis: what an absence rests on."""
        return self.line_openers or self.diagnosis_evidence()

    def diagnosis_evidence(self) -> tuple[str, ...]:
        """The resources that hold the diagnosis."""
        return unique(r for d in self.diagnoses if d.family == self.family for r in d.evidence) or unique(
            r for d in self.diagnoses for r in d.evidence
        )


def _by_drug(exposures: Iterable[Exposure]) -> dict[str, tuple[tuple[int, Exposure], ...]]:
    found: dict[str, list[tuple[int, Exposure]]] = defaultdict(list)
    for place, exposure in enumerate(exposures):
        for ingredient in exposure.ingredients:
            found[ingredient].append((place, exposure))
    return {ingredient: tuple(doses) for ingredient, doses in found.items()}


def _opener(line: DerivedLine) -> str:
    """The reference of the line's first dose or, without drugs, of what opened it."""
    doses = [(p.exposure.start.first, p.exposure.start.last, p.exposure.reference) for p in line.parts]
    return min(doses)[2] if doses else line.evidence[0]


def best_of(events: Iterable[StatusEvent]) -> StatusEvent | None:
    """The best response among them, the earliest of equals; a failure only when nothing better stands."""
    return max(events, key=lambda e: (RANK[e.kind], -e.when.last.toordinal(), e.reference), default=None)


def unique(references: Iterable[str]) -> tuple[str, ...]:
    """References without repetition, in first order."""
    return tuple(dict.fromkeys(references))


def evidence_of(*events: StatusEvent | TreatmentEvent | None) -> tuple[str, ...]:
    """References of those events."""
    return unique(r for event in events if event is not None for r in (event.evidence or (event.reference,)))


def transformation(diagnoses: Iterable[Diagnosis], family: str) -> Interval | None:
    """When large B-cell lymphoma arose, or may have arisen, from another disease (decisions 13, 15); None when not.

    Without an onset that is some day up to the recording, or any day at all.
    """
    if family != "lbcl":
        return None
    known = tuple(diagnoses)
    doubtful = any(d.may_have_transformed for d in known)
    turned = [d for d in known if d.family == family and d.stands and (d.origin or (doubtful and d.concept in TARGETS))]
    onsets = [d.onset for d in turned if d.onset]
    onsets = onsets or [Interval(date.min, d.recorded.last if d.recorded else date.max, "") for d in turned]
    return min(onsets, key=lambda o: (o.first, o.last), default=None)


def read_course(
    derivation: Derivation,
    events: tuple[TreatmentEvent, ...],
    diagnoses: tuple[Diagnosis, ...],
    *,
    gaps: Gaps,
    numbers: CourseNumbers,
    as_of: date,
) -> Course:
    """The course of ``derivation.family``. ``events`` are all transplants and infusions of the patient."""
    turned = transformation(diagnoses, derivation.family)
    since = lines_since(derivation.lines, turned, numbers.windows.diagnosis_leeway)
    status = _dated(derivation, as_of)
    treated = _treated_from(derivation, events)
    return Course(
        family=derivation.family,
        numbers=numbers,
        as_of=as_of,
        derivation=derivation,
        lines=since,
        sure_lines=tuple(line for line in since if _surely_since(line, turned, numbers.windows.diagnosis_leeway)),
        status=status,
        failures=tuple(e for e in status if e.failure and (e.kind != "PD" or e.when.last > treated)),
        events=events,
        diagnoses=diagnoses,
        gaps=gaps,
        transformed=turned,
        by_drug=_by_drug(derivation.exposures),
        line_openers=unique(_opener(line) for line in derivation.lines if line.evidence),
    )


def lines_since(lines: tuple[DerivedLine, ...], turned: Interval | None, leeway: int) -> tuple[DerivedLine, ...]:
    """Lines that started, or may have, from ``leeway`` days before the transformation on (the leeway of A3)."""
    if turned is None:
        return lines
    edge = turned.first - timedelta(days=leeway) if turned.first != date.min else date.min
    return tuple(line for line in lines if line.start.last >= edge)


def _surely_since(line: DerivedLine, turned: Interval | None, leeway: int) -> bool:
    """The same for every day the two dates can mean."""
    if turned is None:
        return True
    return turned.last != date.max and line.start.first >= turned.last - timedelta(days=leeway)


def _treated_from(derivation: Derivation, events: tuple[TreatmentEvent, ...]) -> date:
    """The earliest day on which treatment of any kind may have begun; the end of time without any."""
    started = [e.start.first for e in derivation.exposures] + [line.start.first for line in derivation.lines]
    started += [e.when.first for e in (*derivation.local, *events)]
    return min(started, default=date.max)


def _dated(derivation: Derivation, as_of: date) -> tuple[StatusEvent, ...]:
    """Status events in order, those known only by their day of recording narrowed from below."""
    first = min((line.start.last for line in derivation.lines), default=None)
    events = [_narrowed(event, derivation.status, first, as_of) for event in derivation.status]
    return tuple(sorted(events, key=lambda e: (e.when.last, e.when.first, e.kind, e.reference)))


def _narrowed(
    event: StatusEvent, status: tuple[StatusEvent, ...], first_start: date | None, as_of: date
) -> StatusEvent:
    """A state without any date holds today; nothing says on which side of the other statuses it began."""
    if event.when.first != date.min:
        return event
    until = min(event.when.last, as_of)
    floor = [first_start] if first_start is not None and first_start < until else []
    if event.when.last != date.max:
        floor += [
            e.when.last
            for e in status
            if e.failure != event.failure and e.when.first != date.min and e.when.last < until
        ]
    first = max(floor) + timedelta(days=1) if floor else date.min
    return replace(event, when=Interval(first, until, event.when.text))


def today(course: Course) -> Interval:
    """The assessment date as an interval."""
    return on_day(course.as_of)
