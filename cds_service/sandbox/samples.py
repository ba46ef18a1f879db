"""The sample patients: story and outcome from ``patients.yaml``, their FHIR Bundle, a small drawing of the story."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from cds_service.rule_files import read_yaml

FILE = "patients.yaml"
OUTCOMES = ("match", "review", "unknown", "near miss", "silent")
"""What becomes of a patient, in the order of the filter."""
FAILURES = frozenset({"PD", "REL", "IF"})
NARROWEST = 1.0
"""Least width of a stroke, in per cent of the drawing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One stroke of the small drawing, in per cent of its width: ``kind`` is given, failure, response or procedure."""

    kind: str
    x: float
    width: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One invented patient of the gallery. ``family`` is None for a chart without a label disease."""

    id: str
    name: str
    family: str | None
    story: str
    outcome: str
    as_of: date
    birth: str
    gender: str
    ticks: tuple[Tick, ...]
    bundle: bytes = field(repr=False)


def samples_folder() -> Path:
    """The samples that came with this package: inside an installed wheel, or beside a source tree."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_samples"
    return inside if inside.is_dir() else package.parent / "fhir_samples"


def load_samples(folder: Path | None = None) -> dict[str, Sample]:
    """Samples by id, in the order of the file; none when the folder is not there. Raises RuleFileError."""
    folder = folder or samples_folder()
    if not (folder / FILE).is_file():
        return {}
    content = read_yaml(folder / FILE, FILE).content
    day = str(content["as_of"])
    found = {}
    for row in content["patients"]:
        path = folder / f"{row['id']}.json"
        if path.is_file():
            found[str(row["id"])] = _sample(row, day, path.read_bytes())
    return found


def _sample(row: Mapping[str, Any], day: str, bundle: bytes) -> Sample:
    as_of = date.fromisoformat(str(row.get("as_of", day)))
    family, given = row["name"]
    return Sample(
        id=str(row["id"]),
        name=f"{given} {family}",
        family=row.get("family"),
        story=str(row["story"]),
        outcome=str(row["outcome"]),
        as_of=as_of,
        birth=str(row["birth"]),
        gender=str(row["gender"]),
        ticks=tuple(_ticks(row, as_of)),
        bundle=bundle,
    )


def _ticks(row: Mapping[str, Any], as_of: date) -> Iterator[Tick]:
    """The events of the story on a line from the first of them to ``as_of``."""
    spans = [(kind, start, end) for event in row.get("events") or () for kind, start, end in _spans(event, as_of)]
    if not spans:
        return
    first = min(start for _, start, _ in spans)
    days = max((as_of - first).days, 1)

    def place(day: date) -> float:
        return round(2 + 96 * min(max((day - first).days / days, 0.0), 1.0), 1)

    for kind, start, end in spans:
        yield Tick(kind=kind, x=place(start), width=round(max(place(end) - place(start), NARROWEST), 1))


def _spans(event: Mapping[str, Any], as_of: date) -> Iterator[tuple[str, date, date]]:
    """(kind, first day, last day) of one line of the story."""
    for kind, told in event.items():
        if kind in ("give", "dispense", "order"):
            start = date.fromisoformat(str(told["on"]))
            yield "given", start, start + timedelta(days=(int(told["times"]) - 1) * int(told["every"]))
        elif kind == "takes":
            end = date.fromisoformat(str(told["to"])) if told.get("to") else as_of
            yield "given", date.fromisoformat(str(told["from"])), end
        elif kind == "status":
            day = date.fromisoformat(str(told["on"]))
            yield ("failure" if told["is"] in FAILURES else "response"), day, day
        elif kind == "proc" and told.get("status") != "not-done":
            day = date.fromisoformat(str(told["on"]))
            yield "procedure", day, day
