"""The history of one disease as rows of characters: one row a line of therapy, one for the status events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from rich.text import Text

from cds_service.fhir.dates import parse_date
from cds_service.oncology.model import FamilyPicture, Line

LABEL = 22
MOST = 84
STYLES = ("green", "cyan", "magenta", "blue", "yellow")
SIGNS = {"CR": "C", "VGPR": "V", "PR": "P", "MR": "M", "SD": "S", "IMPROVED": "P", "PD": "X", "REL": "X", "IF": "X"}


def timeline_rows(family: FamilyPicture, as_of: str, width: int) -> Iterator[Text]:
    """Rows of the timeline, the scale of years first; nothing when no line has a date."""
    spans = [(line, *_span(line, as_of)) for line in family.history.lines if line.start]
    if not spans:
        return
    events = family.course.status if family.course is not None else ()
    dated = [(e.when.last, SIGNS[e.kind]) for e in events if e.when.text]
    first = min([s[1] for s in spans] + [d for d, _ in dated])
    last = max([date.fromisoformat(as_of)] + [s[2] for s in spans])
    columns = max(20, min(MOST, width - LABEL - 6))

    def column(day: date) -> int:
        days = max(1, (last - first).days)
        return min(columns - 1, max(0, (day - first).days * columns // days))

    yield Text(" " * LABEL + _scale(first, last, columns, column), style="dim")
    for number, (line, start, end) in enumerate(spans):
        left, right = column(start), column(end)
        bar = " " * left + "█" * (right - left + 1)
        yield Text(f"{line.number} {line.regimen}"[: LABEL - 1].ljust(LABEL)) + Text(bar, style=STYLES[number % 5])
    if dated:
        row = [" "] * columns
        for day, sign in sorted(dated):
            row[column(day)] = sign
        yield Text("status".ljust(LABEL)) + Text("".join(row).rstrip())
        yield Text(
            " " * LABEL + "C complete, V very good, P partial, M minor response; S stable; X failure", style="dim"
        )


def _span(line: Line, as_of: str) -> tuple[date, date]:
    start = parse_date(line.start or "")
    end = parse_date(line.end or as_of)
    first = start.first if start else date.fromisoformat(as_of)
    return first, max(first, end.last if end else first)


def _scale(first: date, last: date, columns: int, column: object) -> str:
    row = [" "] * columns
    taken = -5
    for year in range(first.year, last.year + 1):
        at = column(max(first, date(year, 1, 1)))  # type: ignore[operator]
        if at >= taken + 5 and at + 4 <= columns:
            row[at : at + 4] = str(year)
            taken = at
    return "".join(row)
