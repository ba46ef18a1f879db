"""Transplants: records of one infusion joined, and the line each belongs to (L7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from cds_service.oncology.filters import TRANSPLANTS
from cds_service.oncology.method import LineRules
from cds_service.oncology.steps import GIVEN, StatusEvent, TreatmentEvent
from cds_service.oncology.walk_rules import Verdict
from cds_service.oncology.walk_state import OpenLine

UNSTATED = "hsct"
_LOOK_BACK = 8


def joined_transplants(events: Iterable[TreatmentEvent], rules: LineRules) -> list[TreatmentEvent]:
    """Events with the records of one transplant made one: the exact date and the kind that says more are kept."""
    result: list[TreatmentEvent] = []
    transplants: list[TreatmentEvent] = []
    for event in sorted(events, key=lambda e: (e.when.last, e.when.first, e.kind, e.reference)):
        if event.kind not in TRANSPLANTS:
            result.append(event)
            continue
        recent = range(max(0, len(transplants) - _LOOK_BACK), len(transplants))
        near = next((n for n in recent if _same(transplants[n], event, rules)), None)
        if near is None:
            transplants.append(event)
        else:
            transplants[near] = _merged(transplants[near], event)
    return sorted([*result, *transplants], key=lambda e: (e.when.first, e.when.last, e.kind, e.reference))


def _same(known: TreatmentEvent, event: TreatmentEvent, rules: LineRules) -> bool:
    if known.kind != event.kind and UNSTATED not in (known.kind, event.kind):
        return False
    if known.when.first <= event.when.last and event.when.first <= known.when.last:
        return True
    return 0 <= (event.when.first - known.when.last).days <= rules.windows.same_transplant


def _merged(known: TreatmentEvent, event: TreatmentEvent) -> TreatmentEvent:
    chosen = event if event.when.exact and not known.when.exact else known
    return replace(
        chosen,
        kind=known.kind if known.kind != UNSTATED else event.kind,
        evidence=tuple(sorted({*known.evidence, *event.evidence})),
        grade=GIVEN if GIVEN in (known.grade, event.grade) else known.grade,
        plans=known.plans | event.plans,
    )


def join_transplant(
    line: OpenLine | None, event: TreatmentEvent, status: Sequence[StatusEvent], rules: LineRules
) -> Verdict:
    """L7: whether a transplant goes with the open line."""
    if line is None:
        return Verdict(new=True, rule="L7", why="a transplant is the first treatment on record")
    if line.transplants:
        return _further(line, event, status, rules)
    if _failed_after(line.last_end, event, status):
        return Verdict(new=True, rule="L7", why="transplant after a failure without re-induction")
    longest = event.when.last.toordinal() - line.first_end
    kind = _SAID[event.kind]
    if longest <= rules.windows.transplant_joins:
        return Verdict(
            new=False, rule="L7", why=f"first {kind} of the line, {max(0, longest)} days after the last dose"
        )
    question = f"was the {kind} {longest} days after the last dose part of the same plan?"
    why = f"{kind}, not provably within {rules.windows.transplant_joins} days of the last dose"
    return Verdict(new=False, rule="L7", why=why, ambiguous=True, question=question)


def _further(line: OpenLine, event: TreatmentEvent, status: Sequence[StatusEvent], rules: LineRules) -> Verdict:
    before = line.transplants[-1]
    longest = (event.when.last - before.when.first).days
    if longest > rules.windows.tandem or _failed_after(before.when.first.toordinal(), event, status):
        return Verdict(new=True, rule="L7", why="a further transplant, not a planned tandem")
    if event.plans & before.plans:  # E6: a shared plan proves that the parts belong together
        return Verdict(new=False, rule="L7", why=f"planned tandem transplant, {longest} days after the first")
    question = f"was the second transplant, {longest} days after the first, a planned tandem?"
    why = f"second transplant {longest} days after the first, no shared plan on record"
    return Verdict(new=False, rule="L7", why=why, ambiguous=True, question=question)


def _failed_after(day: int, event: TreatmentEvent, status: Sequence[StatusEvent]) -> bool:
    """A failure after that day and up to the transplant."""
    return any(s.failure and s.when.first.toordinal() > day and s.when.last <= event.when.first for s in status)


_SAID = {
    "auto_hsct": "autologous transplant",
    "allo_hsct": "allogeneic transplant",
    "hsct": "stem-cell transplant",
}
