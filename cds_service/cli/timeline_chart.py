"""The swim-lane chart of one disease history, drawn with matplotlib."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import dates as mdates
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cds_service.fhir.dates import Interval
from cds_service.oncology.model import FamilyPicture
from cds_service.oncology.steps import Derivation, Exposure, StatusEvent

SHADES = ("#dbe9f6", "#fdebd0", "#e3f1dc", "#f3e1ee", "#efe8da", "#e0f0f0")
BAR, PROBABLE, MARK, FAILURE, RESPONSE = "#2b5c8a", "#9db8d2", "#222222", "#b22222", "#2e7d32"
EVENT_NAMES = {
    "auto_hsct": "autologous transplant",
    "allo_hsct": "allogeneic transplant",
    "hsct": "stem-cell transplant",
    "car_t": "CAR-T infusion",
    "leukapheresis": "leukapheresis",
    "car_t_leukapheresis": "CAR-T collection",
    "stem_cell_collection": "stem-cell collection",
    "radiotherapy": "radiotherapy",
    "tbi": "total body irradiation",
    "surgery": "surgery",
}
SHORTEST_BAR = timedelta(days=6)
ROW_INCHES, MARGIN_INCHES, WIDTH_INCHES = 0.3, 1.6, 11.0


def draw(family: FamilyPicture, as_of: date, target: Path) -> None:
    """Write the chart of the family's course to ``target``; its suffix says the format. Raises OSError."""
    course = family.course
    if course is None:
        raise ValueError("the picture carries no course")
    rows = _rows(course)
    figure = Figure(figsize=(WIDTH_INCHES, MARGIN_INCHES + ROW_INCHES * (len(rows) + 2)), layout="constrained")
    axes = figure.add_subplot()
    _shade_lines(axes, course, as_of, len(rows))
    for number, (_, exposures) in enumerate(rows):
        _lane(axes, number, exposures, as_of)
    marks = _marks(axes, course, len(rows))
    axes.set_yticks([*range(len(rows)), *marks.values()], [name.replace("_", " ") for name, _ in rows] + list(marks))
    axes.set_ylim(len(rows) + len(marks) + 0.5, -1.6)
    axes.axvline(_number(as_of), color="#777777", linewidth=1, linestyle=":")
    axes.xaxis.set_major_locator(mdates.AutoDateLocator(minticks=4, maxticks=12))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(mdates.DateFormatter("%Y-%m"))  # type: ignore[no-untyped-call]
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    count = family.history.count
    spread = "" if count.min == count.max else f" (record allows {count.min} to {count.max})"
    axes.set_title(
        f"{family.family.replace('_', ' ')}: {count.n} lines of therapy{spread}, as of {as_of.isoformat()}",
        loc="left",
        fontsize=11,
    )
    # A fixed salt and no date: the same record gives the same bytes.
    with matplotlib.rc_context({"svg.hashsalt": "cart-cds", "svg.fonttype": "none"}):
        stamp = {"Date": None} if target.suffix.lower() == ".svg" else None
        figure.savefig(target, metadata=stamp, dpi=150)


def _number(day: date) -> float:
    return float(mdates.date2num(day))  # type: ignore[no-untyped-call]


def _known(when: Interval | None) -> bool:
    return when is not None and when.first > date(1900, 1, 1) and when.last < date(2200, 1, 1)


def _rows(course: Derivation) -> list[tuple[str, list[Exposure]]]:
    """Drugs with what was given of them, in the order they first appear."""
    found: dict[str, list[Exposure]] = {}
    for exposure in course.exposures:
        if _known(exposure.start):
            for drug in exposure.ingredients:
                found.setdefault(drug, []).append(exposure)
    return sorted(found.items(), key=lambda item: (min(e.start.first for e in item[1]), item[0]))


def _lane(axes: Axes, row: int, exposures: list[Exposure], as_of: date) -> None:
    for exposure in exposures:
        start = exposure.start.first
        end = max(exposure.end.last if exposure.end and _known(exposure.end) else start, start + SHORTEST_BAR)
        if exposure.ongoing:
            end = as_of
        axes.broken_barh(
            [(_number(start), _number(end) - _number(start))],
            (row - 0.32, 0.64),
            facecolors=BAR if exposure.grade == "given" else PROBABLE,
            linewidth=0,
        )


def _shade_lines(axes: Axes, course: Derivation, as_of: date, rows: int) -> None:
    for number, line in enumerate(course.lines):
        if not _known(line.start):
            continue
        start = line.start.first
        end = max(line.end.last if line.end and _known(line.end) else as_of, start + SHORTEST_BAR)
        axes.axvspan(_number(start), _number(end), color=SHADES[number % len(SHADES)], zorder=0)
        axes.annotate(
            f"{line.number} {line.regimen}",
            (_number(start), -1.0),
            fontsize=8,
            va="center",
            ha="left",
            annotation_clip=False,
        )


def _marks(axes: Axes, course: Derivation, first_row: int) -> dict[str, int]:
    """Disease status, and procedures, each in a row of its own below the drugs; row name to its place."""
    rows: dict[str, int] = {}
    statuses = [e for e in course.status if _known(e.when)]
    if statuses:
        rows["disease status"] = row = first_row + len(rows)
        for event in statuses:
            _status(axes, event, row)
    events = {e.reference: e for line in course.lines for e in line.events} | {e.reference: e for e in course.local}
    for event_row in sorted(events.values(), key=lambda e: (e.when.first, e.reference)):
        if not _known(event_row.when):
            continue
        name = EVENT_NAMES.get(event_row.kind, event_row.kind.replace("_", " "))
        row = rows.setdefault(name, first_row + len(rows))
        axes.plot(_number(event_row.when.first), row, marker="D", color=MARK, markersize=6, linestyle="")
    return rows


def _status(axes: Axes, event: StatusEvent, row: int) -> None:
    colour = FAILURE if event.failure else RESPONSE
    axes.plot(_number(event.when.last), row, marker="v" if event.failure else "o", color=colour, linestyle="")
    axes.annotate(event.kind, (_number(event.when.last), row + 0.42), fontsize=7, ha="center", va="top", color=colour)
