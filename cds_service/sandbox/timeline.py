"""The swim-lane chart of one disease history, as places on a canvas: a template draws them as SVG.

What lies after the day of the assessment is drawn as not yet known (``ahead``), so that moving the day changes the
reading and never the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from cds_service.fhir.dates import Interval
from cds_service.oncology.model import Diagnosis, FamilyPicture
from cds_service.oncology.steps import GIVEN, Derivation, DerivedLine, Exposure, StatusEvent, TreatmentEvent

WIDTH, LEFT, RIGHT = 1000.0, 168.0, 28.0
PLOT = WIDTH - LEFT - RIGHT
ROW, LABEL_ROW, AXIS, TOP = 22.0, 17.0, 26.0, 8.0
SHORTEST_BAR = 3.0
MARK = 12.0
PILL = 25.0
LETTER = 6.6
"""Mean width of a letter of the chart, in its units."""
WINDOW_TEXTS = ("12 months from the end of line 1", "12 months", "12 mo")
EARLIEST, LATEST = date(1900, 1, 1), date(2200, 1, 1)
EVENT_NAMES = {
    "auto_hsct": "Autologous transplant",
    "allo_hsct": "Allogeneic transplant",
    "hsct": "Stem-cell transplant",
    "car_t": "CAR-T infusion",
    "car_t_not_done": "CAR-T not given",
    "leukapheresis": "Leukapheresis",
    "car_t_leukapheresis": "CAR-T collection",
    "stem_cell_collection": "Stem-cell collection",
    "radiotherapy": "Radiotherapy",
    "tbi": "Total body irradiation",
    "surgery": "Surgery",
}
STATUS_NAMES = {
    "CR": "complete remission",
    "VGPR": "very good partial response",
    "PR": "partial response",
    "MR": "minimal response",
    "SD": "stable disease",
    "PD": "progression",
    "REL": "relapse",
    "IF": "no remission after induction",
    "IMPROVED": "response of unknown depth",
}


SIGNS = {"procedure": "procedure", "given": "given", "probable": "probably taken"}
"""Kinds of boxes that carry no letters, for the legend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The days a chart shows, both included."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """How many days lie between the ends; at least one."""
        return max((self.end - self.start).days, 1)

    def x(self, day: date) -> float:
        """The place of a day, held inside the plot."""
        share = (day - self.start).days / self.days
        return round(LEFT + PLOT * min(max(share, 0.0), 1.0), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A bar, mark or band. ``refs`` are the references that said so; ``title`` says it in words."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    title: str
    text: str = ""
    refs: tuple[str, ...] = ()
    ahead: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One row with its name."""

    name: str
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One sign of the chart and what it means; ``text`` is written in it."""

    kind: str
    text: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Everything to draw."""

    height: float
    plot_top: float
    plot_bottom: float
    ticks: tuple[tuple[float, str], ...]
    lanes: tuple[Lane, ...]
    bands: tuple[Box, ...]
    boxes: tuple[Box, ...]
    window: Box | None
    today: float
    axis: Axis
    legend: tuple[Key, ...] = ()
    left: float = LEFT
    right: float = WIDTH - RIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The span in which a first-line failure counts as early: ``days`` from the end of the first line."""

    start: date
    days: int


def axis_of(
    courses: Iterable[Derivation], diagnoses: Iterable[Diagnosis], default: date, spare: Sequence[date]
) -> Axis:
    """The days from the first event to some time after the last one and after ``default``.

    ``spare`` are used when no event is known.
    """
    days = [day for course in courses for day in _days(course)]
    days += [one.onset.first for one in diagnoses if one.family and one.onset and known(one.onset)]
    days = days or list(spare) or [default - timedelta(days=365)]
    start, end = min(days), max([*days, default])
    span = max((end - start).days, 60)
    return Axis(start=start - timedelta(days=max(span // 40, 7)), end=end + timedelta(days=max(span // 8, 120)))


def _days(course: Derivation) -> Iterable[date]:
    whens = [e.start for e in course.exposures] + [e.when for e in course.status]
    whens += [event.when for event in _events(course)]
    return (when.first for when in whens if known(when))


def known(when: Interval | None) -> bool:
    """True for an interval with real ends."""
    return when is not None and when.first > EARLIEST and when.last < LATEST


def draw(
    now: FamilyPicture | None,
    whole: FamilyPicture | None,
    axis: Axis,
    as_of: date,
    *,
    label: Callable[[str], str],
    window: Window | None = None,
) -> Chart:
    """The chart of a family's course on ``as_of``; ``whole`` is the same course with everything after that day.

    ``now`` is None while the disease is not known yet.
    """
    course = now.course if now else None
    later = whole.course if whole else None
    lines = course.lines if course else ()
    pen = _Pen(axis, as_of, label)
    bands, y = pen.bands(lines)
    plot_top = y
    pen.y = y + (20.0 if window else 4.0)
    pen.diagnoses(
        [
            *(now.diagnoses if now else ()),
            *(d for d in (whole.diagnoses if whole else ()) if d.onset and known(d.onset) and pen.ahead(d.onset)),
        ]
    )
    pen.status([*(course.status if course else ()), *(e for e in (later.status if later else ()) if pen.ahead(e.when))])
    pen.events([*_events(course), *(e for e in _events(later) if pen.ahead(e.when))])
    pen.drugs(
        [*(course.exposures if course else ()), *(e for e in (later.exposures if later else ()) if pen.ahead(e.start))]
    )
    bottom = pen.y + 4
    bands = [replace(band, height=bottom - band.y) for band in bands]
    return Chart(
        height=bottom + AXIS,
        plot_top=plot_top,
        plot_bottom=bottom,
        ticks=tuple(_ticks(axis)),
        lanes=tuple(pen.lanes),
        bands=tuple(bands),
        boxes=tuple(pen.boxes),
        window=_window(window, axis, plot_top) if window else None,
        today=axis.x(as_of),
        axis=axis,
        legend=_legend(pen.boxes, bands),
    )


def _legend(boxes: Sequence[Box], bands: Sequence[Box]) -> tuple[Key, ...]:
    """The signs of these boxes and bands, each once."""
    names = {kind[:4]: name for kind, name in STATUS_NAMES.items()}
    shown = dict.fromkeys((box.kind, box.text) for box in boxes)
    found = [Key(kind=kind, text=text, words=names.get(text, "")) for kind, text in shown if text]
    kinds = {kind for kind, _ in shown}
    found += [Key(kind=kind, text="", words=words) for kind, words in SIGNS.items() if kind in kinds]
    return (*found, *([Key(kind="band", text="", words="line of therapy")] if bands else []))


def _window(window: Window, axis: Axis, y: float) -> Box:
    end = window.start + timedelta(days=window.days)
    x = axis.x(window.start)
    width = axis.x(end) - x
    title = f"{window.days} days from the end of the first line: {window.start} to {end}"
    text = next((one for one in WINDOW_TEXTS if LETTER * len(one) < width), "")
    return Box(kind="window", x=x, y=y + 2, width=width, height=16, title=title, text=text)


class _Pen:
    """Puts rows below one another."""

    def __init__(self, axis: Axis, as_of: date, label: Callable[[str], str]) -> None:
        self.axis, self.as_of, self.label = axis, as_of, label
        self.lanes: list[Lane] = []
        self.boxes: list[Box] = []
        self.y = TOP

    def bands(self, lines: Sequence[DerivedLine]) -> tuple[list[Box], float]:
        """Shaded lines of therapy, their names above the plot on as many rows as they need."""
        ends: list[float] = []
        found = []
        for line in lines:
            if not known(line.start):
                continue
            x = self.axis.x(line.start.first)
            end = line.end.last if line.end is not None and known(line.end) else self.as_of
            text = f"{line.number} · {line.regimen}"
            width = max(self.axis.x(end) - x, SHORTEST_BAR)
            shift = min(x, WIDTH - RIGHT - LETTER * len(text))
            row = next((n for n, last in enumerate(ends) if last <= shift), len(ends))
            if row == len(ends):
                ends.append(0.0)
            ends[row] = shift + LETTER * len(text) + 10
            title = f"Line {line.number}: {line.regimen}, {line.start.text or 'no date'} to "
            title += (line.end.text or "no date") if line.end is not None else "now"
            kind = "odd" if line.number % 2 else "even"
            found.append(
                Box(
                    kind=kind,
                    x=x,
                    y=TOP + row * LABEL_ROW,
                    width=width,
                    height=0,
                    title=title,
                    text=text,
                    refs=line.evidence,
                )
            )
        return found, TOP + max(len(ends), 1) * LABEL_ROW + 2

    def row(self, name: str) -> float:
        """The top of a new row."""
        self.lanes.append(Lane(name=name, y=self.y))
        self.y += ROW
        return self.y - ROW

    def ahead(self, when: Interval) -> bool:
        """True for what had not happened on the day of the assessment."""
        return when.first > self.as_of

    def diagnoses(self, diagnoses: Iterable[Diagnosis]) -> None:
        """Onsets."""
        dated = [one for one in diagnoses if one.onset is not None and known(one.onset)]
        if not dated:
            return
        y = self.row("Diagnosis")
        for one in dated:
            if one.onset is None:
                continue
            title = f"{one.label}, {one.onset.text}"
            self.boxes.append(self._mark("onset", one.onset, y, title, one.evidence))

    def status(self, events: Iterable[StatusEvent]) -> None:
        """Disease status as small labels, moved apart where they meet."""
        dated = sorted((e for e in events if known(e.when)), key=lambda e: (e.when.last, e.reference))
        if not dated:
            return
        tops: list[float] = []
        ends: list[float] = []
        for event in dated:
            x = self.axis.x(event.when.last) - PILL / 2
            row = next((n for n, end in enumerate(ends) if end <= x), len(ends))
            if row == len(ends):
                tops.append(self.row("Disease status" if not ends else ""))
                ends.append(0.0)
            ends[row] = x + PILL + 2
            title = f"{STATUS_NAMES.get(event.kind, event.kind)}, {event.when.text or event.when.last}"
            kind = "failure" if event.failure else "response"
            self.boxes.append(
                Box(kind=kind, x=x, y=tops[row] + 3, width=PILL, height=ROW - 6, title=title.capitalize(),
                    text=event.kind[:4], refs=event.evidence, ahead=self.ahead(event.when))
            )  # fmt: skip

    def events(self, events: Iterable[TreatmentEvent]) -> None:
        """Transplants, CAR-T, collections, radiotherapy: a row for each kind."""
        rows: dict[str, float] = {}
        for event in sorted(events, key=lambda e: (e.when.first, e.reference)):
            if not known(event.when):
                continue
            name = EVENT_NAMES.get(event.kind, event.kind.replace("_", " ").capitalize())
            y = rows[name] if name in rows else rows.setdefault(name, self.row(name))
            product = f" ({self.label(event.product)})" if event.product else ""
            title = f"{name}{product}, {event.when.text or event.when.first}"
            self.boxes.append(self._mark("procedure", event.when, y, title, event.evidence))

    def drugs(self, exposures: Iterable[Exposure]) -> None:
        """One row a drug, in the order they first appear."""
        found: dict[str, list[Exposure]] = {}
        for exposure in exposures:
            if known(exposure.start):
                for drug in exposure.ingredients or ("unknown drug",):
                    found.setdefault(drug, []).append(exposure)
        for drug, given in sorted(found.items(), key=lambda item: (min(e.start.first for e in item[1]), item[0])):
            y = self.row(self.label(drug))
            for exposure in sorted(given, key=lambda e: (e.start.first, e.reference)):
                self.boxes.append(self._bar(drug, exposure, y))

    def _bar(self, drug: str, exposure: Exposure, y: float) -> Box:
        start = exposure.start.first
        end = exposure.end.last if exposure.end is not None and known(exposure.end) else start
        if exposure.ongoing:
            end = max(self.as_of, start)
        x = self.axis.x(start)
        width = max(self.axis.x(end) - x, SHORTEST_BAR)
        kind = "given" if exposure.grade == GIVEN else "probable"
        span = exposure.start.text or str(start)
        if exposure.ongoing:
            span += " to now"
        elif end > start:
            span += f" to {end}"
        title = f"{self.label(drug)}, {span}{'' if exposure.grade == GIVEN else ', probably taken'}"
        return Box(kind=kind, x=x, y=y + 5, width=width, height=ROW - 10, title=title, refs=exposure.evidence,
                   ahead=self.ahead(exposure.start))  # fmt: skip

    def _mark(self, kind: str, when: Interval, y: float, title: str, refs: tuple[str, ...]) -> Box:
        x = self.axis.x(when.first) - MARK / 2
        y += (ROW - MARK) / 2
        return Box(kind=kind, x=x, y=y, width=MARK, height=MARK, title=title, refs=refs, ahead=self.ahead(when))


def _events(course: Derivation | None) -> list[TreatmentEvent]:
    if course is None:
        return []
    found = {e.reference: e for line in (*course.lines, *course.candidates) for e in line.events}
    return list((found | {e.reference: e for e in course.local}).values())


def _ticks(axis: Axis) -> Iterable[tuple[float, str]]:
    """(place, label) of years, quarters or months, whichever leaves room to read."""
    months = next(step for step in (1, 2, 3, 6, 12, 24, 60, 120) if axis.days / (30.4 * step) <= 12 or step == 120)
    year, month = axis.start.year, 1
    while year <= axis.end.year:
        day = date(year, month, 1)
        if axis.start <= day <= axis.end:
            yield axis.x(day), str(year) if months >= 12 or (month == 1 and months >= 6) else f"{year}-{month:02d}"
        month += months
        if month > 12:
            year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
