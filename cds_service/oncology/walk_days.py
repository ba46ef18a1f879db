"""The days of the walk in order, and the readings of partial dates that a decision must hold for (D2, D4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cds_service.fhir.dates import Interval
from cds_service.oncology.cell_therapy import CarTCourse, CellTherapy
from cds_service.oncology.filters import TRANSPLANTS
from cds_service.oncology.spans import same_days
from cds_service.oncology.steps import Exposure, TreatmentEvent
from cds_service.oncology.walk_state import Marks, Moment, OpenLine


@dataclass(frozen=True, slots=True)
class Day:
    """What begins on one date: drugs, a transplant, or a CAR-T infusion."""

    when: Interval
    order: int
    key: str
    drugs: tuple[Exposure, ...] = ()
    transplant: TreatmentEvent | None = None
    car_t: CarTCourse | None = None


def moments(line: OpenLine, when: Interval, status: Marks) -> Iterator[Moment]:
    """The readings of partial dates that matter; the first, by earliest bounds, decides n (D4)."""
    first, last = when.first.toordinal(), when.last.toordinal()
    lower, begin = line.start.first.toordinal(), line.start.last.toordinal()
    yield Moment(lower, line.first_end, first)
    if first != last or lower != begin or line.first_end != line.last_end:
        yield Moment(min(begin, first), line.last_end, first, latest=True)
        yield Moment(lower, line.first_end, last)
    exact = first == last and lower == begin
    for mark in status.vague_failures if exact else status.failures:
        possible = mark.last > lower and mark.first <= last
        if possible and not (mark.first > begin and mark.last <= first):
            yield Moment(lower, line.first_end, last, certain=False)
            return


def days_of(cells: CellTherapy, events: Sequence[TreatmentEvent]) -> Iterator[Day]:
    """Everything in order of the earliest bound; a transplant or infusion before the drugs of its day (D4)."""
    found: list[Day] = []
    group: list[Exposure] = []
    for exposure in [*cells.drugs, None]:
        if group and (exposure is None or not same_days(exposure.start, group[0].start)):
            found.append(Day(group[0].start, 1, group[0].reference, drugs=tuple(group)))
            group = []
        if exposure is not None:
            group.append(exposure)
    found += [Day(c.infused.when, 0, c.infused.reference, car_t=c) for c in cells.courses]
    found += [Day(e.when, 0, e.reference, transplant=e) for e in events if e.kind in TRANSPLANTS]
    return iter(sorted(found, key=lambda d: (d.when.first, d.when.last, d.order, d.key)))
