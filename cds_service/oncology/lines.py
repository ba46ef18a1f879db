"""Entrance of the line method: ``read_treatment``, ``read_status``, ``derive_lines``.

The steps are those of the lines-of-therapy method: evidence (E, D, U), attribution (A), filters (F), cell therapy
(L2, L3), the walk (L1, L4 to L19), the finish (c5) and the count (L20, Q1 to Q5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from msgspec.structs import replace

from cds_service.fhir.model import Record
from cds_service.oncology.attribution import Attributed, attribute, index_disease
from cds_service.oncology.cell_therapy import find_cell_therapy
from cds_service.oncology.count import (
    Range,
    Recorded,
    candidate_key,
    count_lines,
    recorded_count,
    settles,
    speaks_of,
)
from cds_service.oncology.course import lines_since, transformation
from cds_service.oncology.filters import filter_exposures, steroid_course
from cds_service.oncology.finish import Finished, finish_lines, local_treatment, numbered
from cds_service.oncology.knowledge import Knowledge
from cds_service.oncology.method import LineRules, rules_of
from cds_service.oncology.model import Diagnosis, LineCount, SetAside
from cds_service.oncology.status import for_the_walk, read_status_with
from cds_service.oncology.steps import Derivation, Exposure, StatusEvent, Treatment
from cds_service.oncology.transplants import joined_transplants
from cds_service.oncology.treatment import read_treatment_with
from cds_service.oncology.walk import walk
from cds_service.oncology.walk_state import OpenLine

__all__ = ["derive_lines", "read_status", "read_treatment"]


def read_treatment(record: Record, knowledge: Knowledge, as_of: date) -> Treatment:
    """Everything given or probably given up to ``as_of``, duplicates merged, whatever the disease."""
    return read_treatment_with(record, rules_of(knowledge), as_of)


def read_status(
    record: Record, knowledge: Knowledge, diagnoses: Sequence[Diagnosis], family: str, as_of: date
) -> tuple[StatusEvent, ...]:
    """Disease status events of ``family`` up to ``as_of`` (X1)."""
    return read_status_with(record, rules_of(knowledge), diagnoses, family, as_of)


def derive_lines(  # noqa: PLR0917
    treatment: Treatment,
    status: Sequence[StatusEvent],
    family: str,
    diagnoses: Sequence[Diagnosis],
    record: Record,
    knowledge: Knowledge,
    as_of: date,
) -> Derivation:
    """Lines of therapy of one family, their count and range, and what was set aside.

    Raises KeyError when ``family`` is no key of the line parameters.
    """
    rules = rules_of(knowledge)
    index = index_disease(family, diagnoses, rules)
    return _Derivation(attribute(treatment, index, diagnoses, record), status, rules, family, as_of).result(
        treatment, record, diagnoses
    )


@dataclass(slots=True)
class _Pass:
    """One pass of the walk: counted lines, candidates, range, and what was learned on the way."""

    lines: list[Finished]
    candidates: list[Finished]
    range: Range
    gaps: list[str]


class _Derivation:
    def __init__(
        self, attributed: Attributed, status: Sequence[StatusEvent], rules: LineRules, family: str, as_of: date
    ) -> None:
        self.attributed, self.rules, self.family, self.as_of = attributed, rules, family, as_of
        self.status = tuple(status)
        self.events = joined_transplants(attributed.events, rules)
        self.filtered = filter_exposures(attributed.exposures, self.events, rules)
        self.course = for_the_walk(self.status)
        self.cells = find_cell_therapy(self.filtered.drugs, self.events, rules, as_of)

    def result(self, treatment: Treatment, record: Record, diagnoses: Sequence[Diagnosis]) -> Derivation:
        recorded = recorded_count(record, self.rules.knowledge, self.as_of)
        found = self._pass({})
        value = None
        if recorded is not None:
            value = speaks_of(recorded, (f.line.start for f in found.lines))
            flips = settles(found.range, value)
            if flips:
                found = self._pass(flips)
        lines = tuple(f.line for f in found.lines)
        turned = transformation(diagnoses, self.family)
        since = None
        if turned is not None:
            since = len(lines_since(lines, turned, self.rules.windows.diagnosis_leeway))
        count, gaps = _counted(found, recorded, value, since)
        settled = value is not None and count.min == count.max == value
        if lines and lines[0].regimen_role.startswith("maintenance"):
            gaps.append("a maintenance drug is the first treatment on record (X0)")
        gaps += [f"{r} refers to a medication that is not in the record" for r in treatment.unresolved[:1]]
        gaps += [f"{r} may be cancer treatment and could not be read" for r in treatment.unread[:1]]
        return Derivation(
            family=self.family,
            lines=lines,
            candidates=tuple(f.line for f in found.candidates),
            exposures=tuple(self.filtered.systemic),
            local=local_treatment(self.events),
            status=tuple(self.status),
            boundaries=() if settled else found.range.boundaries,
            count=count,
            recorded=recorded.value if recorded is not None else None,
            set_aside=self._set_aside(treatment),
            gaps=tuple(dict.fromkeys(gaps)),
        )

    def _set_aside(self, treatment: Treatment) -> tuple[SetAside, ...]:
        everything = {
            *treatment.set_aside,
            *self.attributed.set_aside,
            *self.filtered.set_aside,
            *self.cells.set_aside,
        }
        return tuple(sorted(everything, key=lambda s: (s.reference, s.why)))

    def _pass(self, forced: Mapping[str, bool]) -> _Pass:
        walked = walk(
            self.filtered, self.cells, self.events, self.course, self.rules, family=self.family, forced=forced
        )
        steroids = self.filtered.steroids
        everything = finish_lines(walked.lines, steroids, self.rules, self.family, self.as_of)
        counted = [f for f in everything if f.line.complete or forced.get(candidate_key(f))]
        short = [f for f in everything if f not in counted]
        aborted = finish_lines(walked.aborted, steroids, self.rules, self.family, self.as_of)
        candidates = [
            replace(f, line=replace(f.line, counted=False)) for f in (*short, *aborted, *self._steroid_only(everything))
        ]
        lines = numbered(counted)
        found = count_lines(lines, candidates, self.attributed.doubtful)
        return _Pass(lines, candidates, found, walked.gaps)

    def _steroid_only(self, lines: Sequence[Finished]) -> list[Finished]:
        """F2: in myeloma a steroid course that was planned or names the disease is an uncounted candidate."""
        days = self.rules.families[self.family].steroid_candidate_days
        if days is None:
            return []
        apart = [e for e in self.filtered.steroids if not _inside(e, lines, self.rules)]
        opened = []
        for course in steroid_course(apart, days):
            line = OpenLine(start=course[0].start, opened_by="F2", because=["steroid treatment alone"])
            for exposure in course:
                line.add(exposure, "core", "F2", self.rules, named=True)
            opened.append(line)
        return finish_lines(opened, (), self.rules, self.family, self.as_of)


def _inside(exposure: Exposure, lines: Sequence[Finished], rules: LineRules) -> bool:
    """The steroid belongs to a line: begun in it, or as its prephase."""
    for found in lines:
        line = found.line
        end = line.end.last if line.end is not None else date.max
        before = (line.start.first - exposure.start.first).days
        if before <= rules.windows.prephase and exposure.start.first <= end:
            return True
    return False


def _counted(
    found: _Pass, recorded: Recorded | None, value: int | None, since: int | None
) -> tuple[LineCount, list[str]]:
    """L20 with the recorded count: it settles the range (Q2), widens it (Q3), or conflicts with it (Q4)."""
    r, gaps = found.range, list(found.gaps)
    n, least, most = r.n, r.least, r.most
    questions = [b.question for b in r.boundaries]
    if recorded is not None and value is not None:
        if least <= value <= most:
            n = least = most = value
            questions = []
        elif value > most:
            most = value
            gaps.append(
                f"{value} lines are recorded and {n} were found: treatment may be missing from this record (Q3)"
            )
        else:
            least = value
            questions.append(f"{value} lines are recorded and {n} were found: which of them are lines? (Q4)")
    return (
        LineCount(n=n, min=least, max=most, since_transformation=since, questions=tuple(dict.fromkeys(questions))),
        gaps,
    )
