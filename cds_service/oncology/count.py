"""How many lines, and what the record leaves open: L20 and recorded counts Q1 to Q5."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from cds_service.fhir.dates import Interval
from cds_service.fhir.model import Concept, ObservationEntry, Record
from cds_service.oncology.finish import Finished
from cds_service.oncology.knowledge import Knowledge
from cds_service.oncology.spans import said
from cds_service.oncology.steps import PROBABLE, Boundary
from cds_service.oncology.walk_state import Doubt

MOST_LINES = 50
"""A larger number is no count of lines."""
EPISODE = "EpisodeOfCare"
SPOKEN: Mapping[str, tuple[str, ...]] = {
    "QuestionnaireResponse": ("completed", "amended"),
    EPISODE: ("active", "finished"),
}
"""Status of a form or episode whose number counts, as final and amended do for an Observation (Q1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A number of lines that someone wrote down, and when."""

    value: int
    when: Interval
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """n with its range, the boundaries behind it, and which of them could be settled (key to new or same)."""

    n: int
    least: int
    most: int
    boundaries: tuple[Boundary, ...]
    keys: tuple[tuple[str, bool], ...]


def count_lines(lines: Sequence[Finished], candidates: Sequence[Finished], doubtful: frozenset[str]) -> Range:
    """L20: n lines; fewer by ambiguous openings and probable lines, more by ambiguous joins and candidates.

    ``doubtful`` are references of drugs that fit another cancer as well (A4).
    """
    boundaries: list[Boundary] = []
    keys: list[tuple[str, bool]] = []
    unsure, more = 0, len(candidates)
    for found in lines:
        line, opened = found.line, found.opened
        opening = opened.opening or _other_cancer(found, doubtful)
        if opening is not None:
            boundaries.append(_boundary(opening, line.number))
            keys.append((opening.key, opening.is_new))
        unsure += opening is not None or line.grade == PROBABLE
        for doubt in opened.doubts:
            boundaries.append(_boundary(doubt, line.number))
            keys.append((doubt.key, doubt.is_new))
            more += not doubt.is_new
    for found in candidates:
        for doubt in found.opened.doubts[:1] or [_incomplete(found)]:
            boundaries.append(_boundary(doubt, found.line.number))
            keys.append((doubt.key, False))
    n = len(lines)
    return Range(n=n, least=max(0, n - unsure), most=n + more, boundaries=tuple(boundaries), keys=tuple(keys))


def _boundary(doubt: Doubt, number: int) -> Boundary:
    return Boundary(rule=doubt.rule, line=number, is_new=doubt.is_new, question=doubt.question)


def _other_cancer(found: Finished, doubtful: frozenset[str]) -> Doubt | None:
    """A4: everything in the line fits another cancer on record as well."""
    parts = found.opened.parts
    if not doubtful or not parts or any(p.exposure.reference not in doubtful for p in parts):
        return None
    question = f"{said(found.line.start)}: was this treatment given for the other cancer on record?"
    return Doubt(rule="A4", key=parts[0].exposure.reference, is_new=True, question=question)


def _incomplete(found: Finished) -> Doubt:
    """Decision 17: less than a complete cycle counts in max only."""
    line = found.line
    question = f"{said(line.start)}: was {line.regimen} given for at least one complete cycle?"
    return Doubt(rule="c5", key=candidate_key(found), is_new=False, question=question)


def candidate_key(found: Finished) -> str:
    """The key under which a recorded count may make a candidate a line."""
    return f"candidate:{found.line.evidence[0] if found.line.evidence else ''}"


def recorded_count(record: Record, knowledge: Knowledge, as_of: date) -> Recorded | None:
    """Q1: the latest count of a final or amended Observation, a completed form or an episode."""
    found = [
        Recorded(value=value, when=when, reference=reference)
        for value, when, reference in (*_observed(record, knowledge), *_elsewhere(record, knowledge))
        if value is not None and 0 <= value <= MOST_LINES and when is not None and when.first <= as_of
    ]
    return max(found, key=lambda r: (r.when.last, r.when.first, r.reference), default=None)


def _observed(record: Record, knowledge: Knowledge) -> Iterator[tuple[int | None, Interval | None, str]]:
    for entry in record.observations:
        if entry.status in ("final", "amended") and _asks(entry.code, knowledge):
            yield _whole(entry), entry.date, entry.reference


def _whole(entry: ObservationEntry) -> int | None:
    text = entry.text.strip()
    if entry.integer is not None:
        return entry.integer
    if entry.quantity is not None and float(entry.quantity).is_integer():
        return int(entry.quantity)
    return int(text) if text.isdecimal() and len(text) < 3 else None


def _elsewhere(record: Record, knowledge: Knowledge) -> Iterator[tuple[int | None, Interval | None, str]]:
    """Forms and episodes. An episode counts when it holds one number: of several, nothing says which is the count."""
    held = Counter(entry.reference for entry in record.numbers)
    for entry in record.numbers:
        alone = entry.kind != EPISODE or held[entry.reference] == 1
        if alone and entry.status in SPOKEN.get(entry.kind, ()) and _asks(entry.code, knowledge):
            yield entry.value, entry.date, entry.reference


def _asks(code: Concept, knowledge: Knowledge) -> bool:
    return any(c.code and knowledge.counts_lines(c.system, c.code) for c in code.codings)


def speaks_of(recorded: Recorded, starts: Iterable[Interval]) -> int:
    """Q1: the recorded number plus the lines started after it was written down."""
    return recorded.value + sum(1 for s in starts if s.first > recorded.when.last)


def settles(found: Range, value: int) -> dict[str, bool]:
    """Q2: the one ambiguous boundary whose flip explains the recorded value; empty when there is none, or several."""
    if value == found.n + 1:
        flips = [(key, True) for key, is_new in found.keys if not is_new]
    elif value == found.n - 1:
        flips = [(key, False) for key, is_new in found.keys if is_new]
    else:
        return {}
    return dict(flips) if len(flips) == 1 else {}
