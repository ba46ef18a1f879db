"""What came of the first line in large B-cell lymphoma (X2, decisions 3, 4, 57): one reading for facts and signals.

The anchor is the last systemic dose or transplant of the line, maintenance and radiotherapy excluded.
"""

from __future__ import annotations

from dataclasses import dataclass

from cds_service.fhir.dates import Interval
from cds_service.oncology.course import RANK, RESPONSES, Course, best_of, evidence_of, unique
from cds_service.oncology.spans import days_between, earliest, is_after, later_by, said, said_after, said_days
from cds_service.oncology.steps import GIVEN, PROBABLE, DerivedLine, StatusEvent

REFRACTORY, RELAPSE, PARTIAL, NONE, UNKNOWN = "refractory", "relapse", "partial", "none", "unknown"
YES, NO = "yes", "no"
_SAID = {
    "CR": "complete remission",
    "VGPR": "very good partial response",
    "PR": "partial response",
    "IMPROVED": "a response of unknown depth",
    "MR": "minimal response",
    "SD": "stable disease",
    "PD": "progression",
    "REL": "relapse",
    "IF": "no remission after induction",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLine:
    """``outcome`` is refractory, relapse, partial, none (remission kept, or untreated) or unknown.

    ``days``: fewest and most from the end of the line to the failure, None without one. ``change``: a further line was
    started before any failure was recorded, a hint of failure and never proof.
    """

    outcome: str
    because: str
    days: tuple[int, int] | None = None
    chemoimmunotherapy: str = UNKNOWN
    in_part: bool = False
    change: bool = False
    best: StatusEvent | None = None
    evidence: tuple[str, ...] = ()


def status_words(event: StatusEvent) -> str:
    """A status event for a sentence."""
    return f"{_SAID[event.kind]} ({said(event.when)})"


def read_first_line(course: Course) -> FirstLine:
    """The outcome of the first line since transformation."""
    if not course.lines:
        return _without_lines(course)
    line = course.lines[0]
    kind, in_part = _chemoimmunotherapy(course, line), _in_part(course, line)
    if course.gaps.earlier:
        because = f"earlier treatment may be missing ({course.gaps.earlier}); the first line given would settle it"
        return FirstLine(outcome=UNKNOWN, because=because, chemoimmunotherapy=kind, in_part=in_part)
    if line not in course.sure_lines:
        because = f"the treatment from {said(line.start)} may have begun before the transformation "
        because += f"({said(course.transformed)}); full dates would settle which line was the first after it"
        return FirstLine(outcome=UNKNOWN, because=because, chemoimmunotherapy=kind, in_part=in_part)
    return _Reader(course, line, kind, in_part).outcome()


def completion_of(course: Course, line: DerivedLine) -> Interval:
    """The end that the twelve months count from.

    While a drug of the line goes on, or nobody has closed its record, that is some day from the last dated dose up to
    the next line or today.
    """
    if line.completion is not None:
        return line.completion
    starts = [part.exposure.start.first for part in line.parts if part.role in ("core", "added")]
    last = line.end.last if line.end is not None else course.as_of
    first = max(starts, default=line.start.first)
    return Interval(min(first, last), last, "")


def _without_lines(course: Course) -> FirstLine:
    if course.untreated:
        return FirstLine(
            outcome=NONE,
            because="no treatment on record and none missing",
            chemoimmunotherapy=NO,
            evidence=course.diagnosis_evidence(),
        )
    because = "no first line was found; a record of the drugs given would settle it"
    return FirstLine(outcome=UNKNOWN, because=because)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Walks the cases of X2 for one line."""

    course: Course
    line: DerivedLine
    kind: str
    in_part: bool

    def outcome(self) -> FirstLine:
        failures = self.course.failures_after(self.line.start)
        if not failures:
            return self._without_failure()
        if not any(f.certain for f in failures):
            one = failures[0].event
            return self._unknown(
                f"{status_words(one)} may lie before or after the start of the first line ({said(self.line.start)}); "
                "a full date would settle it"
            )
        when = earliest([f.event.when for f in failures]) or failures[0].event.when
        first = next(f.event for f in failures if f.certain)
        return self._with_failure(first, when)

    def _with_failure(self, first: StatusEvent, when: Interval) -> FirstLine:
        end = completion_of(self.course, self.line)
        days = days_between(end, when)
        responses = [e for e in self._responses() if is_after(e.when, when) is not True]
        stable = self._stable()
        evidence = unique((*self.line.evidence[-1:], *evidence_of(first)))
        progression = self._inside(when, end) and not self.course.unseen_response(first)
        if not responses and (stable is not None or progression):
            worst = stable or first
            return self._made(
                REFRACTORY,
                f"best response to the first line was {status_words(worst)}",
                days=days,
                best=worst,
                evidence=unique((*self.line.evidence[-1:], *evidence_of(worst, first))),
            )
        if not responses and self._between(when):
            return self._unknown(f"no response to the first line is recorded before {said(when)}", days=days)
        best = best_of(responses)
        told = f"{status_words(first)}, {said_after(days, 'the end of the first line')} ({said(end)})"
        told += f", {said_after(days_between(self.line.start, when), 'its start')}"
        widened, note = self._radiotherapy(when, days)
        change = self._change_before(when)
        return self._made(RELAPSE, told + note, days=widened, best=best, evidence=evidence, change=change)

    def _without_failure(self) -> FirstLine:
        following = self.course.next_start(0)
        responses = self._responses()
        best = best_of(responses)
        stable = self._stable()
        evidence = unique((*self.line.evidence[-1:], *evidence_of(best or stable)))
        if best is None and stable is not None:
            told = f"best response to the first line was {status_words(stable)}"
            return self._made(REFRACTORY, told, best=stable, evidence=evidence)
        if best is None:
            return self._unknown(self._looked_for())
        if best.kind == "CR" and following is None:
            told = f"{status_words(best)} after the first line and no failure since"
            return self._made(NONE, told, best=best, evidence=evidence)
        if best.kind == "CR":
            return self._unknown(
                f"a further line was started ({said(following)}) after {status_words(best)} and no failure is "
                "recorded; a dated disease status would settle it",
                best=best,
                change=True,
            )
        if best.kind in ("PR", "VGPR", "MR"):
            told = f"best response to the first line was {status_words(best)} and no failure is recorded"
            told += "; a biopsy, progression or later response would settle it"
            return self._made(PARTIAL, told, best=best, evidence=evidence, change=following is not None)
        return self._unknown(f"{status_words(best)} does not say how deep the response was; a response grade would")

    def _responses(self) -> list[StatusEvent]:
        """Responses that surely, or possibly, belong to the line; those possibly belonging forbid refractory."""
        return [s.event for s in self.course.during(0) if s.event.kind in (*RESPONSES, "MR")]

    def _stable(self) -> StatusEvent | None:
        """Stable disease as best response inside the window, not in the middle of a course still going on."""
        end = completion_of(self.course, self.line)
        for spoken in self.course.during(0):
            event = spoken.event
            if event.kind != "SD" or not spoken.certain or not self._inside(event.when, end):
                continue
            if is_after(end, event.when) is not True or self._cycles_before(event) >= self._needed():
                return event
        return None

    def _needed(self) -> int:
        return self.course.numbers.cycles_for_stable_disease

    def _cycles_before(self, event: StatusEvent) -> int:
        starts = [p.exposure.start for p in self.line.parts if is_after(p.exposure.start, event.when) is False]
        return count_cycles([s.first.toordinal() for s in starts], self.course.numbers.windows.cycle_days)

    def _inside(self, when: Interval, end: Interval) -> bool:
        """Surely by 90 days after completion and by the start of the second line (X2)."""
        following = self.course.next_start(0)
        limit = later_by(end, self.course.numbers.windows.response_after_completion)
        early = is_after(when, limit) is False
        return early and (following is None or is_after(when, following) is False)

    def _between(self, when: Interval) -> bool:
        """The failure may lie inside or outside the response window, and not surely within the twelve months."""
        days = days_between(completion_of(self.course, self.line), when)
        limit = self.course.numbers.windows.twelve_months
        return days[0] <= self.course.numbers.windows.response_after_completion and days[1] > limit

    def _change_before(self, when: Interval) -> bool:
        """A second line begun before the failure, without a remission on record, hints at an earlier failure."""
        following = self.course.next_start(0)
        return following is not None and is_after(when, following) is not False

    def _radiotherapy(self, when: Interval, days: tuple[int, int]) -> tuple[tuple[int, int], str]:
        """Consolidation radiotherapy would move the end: widen the range where that changes the answer."""
        end, limit = completion_of(self.course, self.line), self.course.numbers.windows.twelve_months
        if days[0] <= limit:
            return days, ""
        events = [e for e in (*self.course.derivation.local, *self.line.events) if e.kind == "radiotherapy"]
        for event in events:
            if is_after(event.when, end) is not True or is_after(when, event.when) is not True:
                continue
            moved = days_between(event.when, when)
            if moved[0] <= limit:
                return (moved[0], days[1]), f"; counted from radiotherapy ({said(event.when)}) it is {said_days(moved)}"
        return days, ""

    def _looked_for(self) -> str:
        end = completion_of(self.course, self.line)
        until = later_by(end, self.course.numbers.windows.response_after_completion)
        lists = self.course.gaps.status_lists
        note = f" (the list {lists[0]} is missing or was cut off)" if lists else ""
        return (
            f"no response recorded between {said(end)} and {until.last.isoformat()} and no failure since{note}; "
            "a dated disease status would settle it"
        )

    def _unknown(
        self,
        because: str,
        days: tuple[int, int] | None = None,
        best: StatusEvent | None = None,
        change: bool = False,
    ) -> FirstLine:
        return self._made(UNKNOWN, because, days=days, best=best, change=change)

    def _made(
        self,
        outcome: str,
        because: str,
        *,
        days: tuple[int, int] | None = None,
        best: StatusEvent | None = None,
        evidence: tuple[str, ...] = (),
        change: bool = False,
    ) -> FirstLine:
        lists = self.course.gaps.status_lists
        if lists and outcome in (REFRACTORY, PARTIAL, NONE):
            because = f"the list {lists[0]} is missing or was cut off, so a better or later status may be missing"
            outcome, days, evidence = UNKNOWN, None, ()
        return FirstLine(
            outcome=outcome,
            because=because,
            days=days,
            chemoimmunotherapy=self.kind,
            in_part=self.in_part,
            change=change,
            best=best,
            evidence=evidence,
        )


def count_cycles(days: list[int], apart: int) -> int:
    """Treatment courses among start days: a new one begins ``apart`` or more days after the last began."""
    cycles, last = 0, None
    for day in sorted(set(days)):
        if last is None or day - last >= apart:
            cycles, last = cycles + 1, day
    return cycles


def _chemoimmunotherapy(course: Course, line: DerivedLine) -> str:
    """A cytotoxic drug with an anti-CD20 antibody (labels-us A11); unknown while one is hidden or only probable."""
    given = {i for part in line.parts if part.exposure.grade == GIVEN for i in part.exposure.ingredients}
    agents = {i for part in line.parts for i in part.exposure.ingredients} | set(line.agents)
    if _both(course, given):
        return YES
    hidden = "investigational" in agents or not course.gaps.complete
    return UNKNOWN if hidden or _both(course, agents) else NO


def _both(course: Course, drugs: set[str]) -> bool:
    cytotoxic = any(course.numbers.in_class(d, "cytotoxic") for d in drugs)
    return cytotoxic and any(course.numbers.in_class(d, "anti_cd20") for d in drugs)


def _in_part(course: Course, line: DerivedLine) -> bool:
    """Decision 57: fewer than three cycles on record, or the last dose is only probable."""
    numbers = course.numbers
    long = numbers.windows.cycles_for_complete_course * numbers.windows.cycle_days
    core = [part.exposure for part in line.parts if part.role in ("core", "added")]
    spans = [e for e in core if e.end is not None and days_between(e.start, e.end)[0] >= long]
    starts = [e.start.first.toordinal() for e in core]
    cycles = count_cycles(starts, numbers.windows.cycle_days)
    few = not spans and cycles < numbers.windows.cycles_for_complete_course
    return few or not line.completion_certain or line.grade == PROBABLE


def rank(event: StatusEvent) -> int:
    """Order of response, failure 0 to complete remission 5."""
    return RANK[event.kind]
