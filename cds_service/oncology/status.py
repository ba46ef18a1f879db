"""Disease status over time (X1) from Observations and from the state that Conditions carry (decisions 10, 11)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date

from cds_service.fhir.dates import ANY_DAY, Interval, latest_bound
from cds_service.fhir.model import ConditionEntry, DataIssue, ObservationEntry, Record
from cds_service.oncology.knowledge import DISEASE_STATUS
from cds_service.oncology.method import LineRules
from cds_service.oncology.model import Diagnosis
from cds_service.oncology.shift import shifted
from cds_service.oncology.steps import StatusEvent
from cds_service.terminology import Concepts

SPOKEN = frozenset({"final", "amended", "corrected"})
KINDS = {
    "complete_remission": "CR",
    "partial_remission": "PR",
    "minimal_response": "MR",
    "disease_stable": "SD",
    "disease_progressive": "PD",
    "disease_improved": "IMPROVED",
    "no_response_to_treatment": "NR",
    "relapse": "REL",
    "relapse_after_transplant": "REL",
}
CLINICAL = {"remission": "CR", "relapse": "REL", "recurrence": "REL"}
CODED = {"in_remission": "CR", "in_relapse": "REL", "refractory": "PD", "relapse_or_refractory": "REL"}
UNREAD = "a disease status in words or under an unknown code, not read: a response or failure may be missing"
REFUSED = frozenset({"refuted", "entered-in-error", "provisional", "differential", "unconfirmed"})


def read_status_with(
    record: Record, rules: LineRules, diagnoses: Sequence[Diagnosis], family: str, as_of: date
) -> tuple[StatusEvent, ...]:
    """Status events of the family up to the assessment date, in date order; one event seen twice is one."""
    lineage = rules.lineage(family)
    own = frozenset(r for d in diagnoses if d.family in lineage or lineage.intersection(d.may_be) for r in d.evidence)
    rivals = [d for d in diagnoses if d.stands and d.family is not None and d.family not in lineage and not d.may_be]
    spoken = [
        event
        for entry in record.observations
        if (event := _observed(entry, record, rules, own, rivals)) is not None and event.when.first <= as_of
    ]
    stated = [
        event
        for condition in record.conditions
        if condition.reference in own and (event := _stated(condition, rules, as_of)) is not None
    ]
    ordered = _in_words(_unique(sorted(spoken, key=_order)), family)
    return tuple(sorted(_joined(ordered, stated), key=_order))


def unread_status(record: Record, concepts: Concepts) -> Iterator[DataIssue]:
    """Answers to the question for the disease status that no table knows: words, or a code of another system."""
    for entry in record.observations:
        question = concepts.observation_question(entry.code)
        if question is None or question.concept != DISEASE_STATUS or entry.status not in SPOKEN or entry.absent:
            continue
        if concepts.observation_value(entry.value) is None:
            yield DataIssue(entry.reference, UNREAD)


def _order(event: StatusEvent) -> tuple[date, date, str, str]:
    return (event.when.last, event.when.first, event.kind, event.reference)


def _observed(
    entry: ObservationEntry, record: Record, rules: LineRules, own: frozenset[str], rivals: list[Diagnosis]
) -> StatusEvent | None:
    if entry.status not in SPOKEN or not entry.value.codings:
        return None
    value = rules.concepts.observation_value(entry.value)
    kind = KINDS.get(value.concept) if value is not None else None
    if kind is None:
        return None
    question = rules.concepts.observation_question(entry.code)
    asks_status = question is not None and question.concept == DISEASE_STATUS
    about_us = bool(entry.focus & own)
    if not asks_status and (question is not None or not about_us):
        return None
    when = entry.date or ANY_DAY
    if not about_us and (_about_others(entry, record) or _may_be_rival(when, rivals)):
        return None
    return StatusEvent(reference=entry.reference, evidence=(entry.reference,), kind=kind, when=when)


def _about_others(entry: ObservationEntry, record: Record) -> bool:
    """Its focus is a condition on record, and not one of this disease."""
    known = {c.reference for c in record.conditions}
    return bool(entry.focus & known)


def _may_be_rival(when: Interval, rivals: list[Diagnosis]) -> bool:
    """Without a focus, a status may speak of another blood cancer that was there on that day."""
    return any(d.onset is None or d.onset.first <= when.last for d in rivals)


def _stated(condition: ConditionEntry, rules: LineRules, as_of: date) -> StatusEvent | None:
    """The state a Condition carries: clinicalStatus first, then its code; dated by recording at the latest (D1)."""
    if condition.verification in REFUSED:
        return None
    kind = CLINICAL.get(condition.clinical)
    if kind is None and condition.clinical in ("", "active"):
        states = (CODED.get(m.disease_status) for m in rules.concepts.diagnosis(condition.code))
        kind = next((k for k in states if k is not None), None)
    if kind is None:
        return None
    when = _recorded(condition, rules, as_of)
    if when.last > as_of and when != ANY_DAY:
        return None
    return StatusEvent(
        reference=condition.reference, evidence=(condition.reference,), kind=kind, when=when, source="condition"
    )


def _recorded(condition: ConditionEntry, rules: LineRules, as_of: date) -> Interval:
    """Up to the day of recording; an entry recorded with the diagnosis itself was changed later, on an unknown day."""
    recorded, onset = condition.recorded, condition.onset
    if recorded is None:
        return ANY_DAY
    if onset is not None and recorded.last <= shifted(onset.last, rules.windows.diagnosis_leeway):
        return ANY_DAY
    return latest_bound(recorded)


def _unique(events: Iterable[StatusEvent]) -> list[StatusEvent]:
    """One event for the same status of the same day."""
    kept: dict[tuple[str, Interval], StatusEvent] = {}
    for event in events:
        key = (event.kind, event.when)
        known = kept.get(key)
        kept[key] = event if known is None else replace(known, evidence=(*known.evidence, event.reference))
    return list(kept.values())


def _in_words(events: list[StatusEvent], family: str) -> list[StatusEvent]:
    """Decision 11: worsened after a remission is a relapse; in B-ALL before any remission it is refractory disease."""
    result = []
    remission: StatusEvent | None = None
    for event in events:
        kind = event.kind
        after_remission = remission is not None and remission.when.first <= event.when.last
        if kind == "CR" and remission is None:
            remission = event
        if kind == "PD" and after_remission:
            kind = "REL"
        elif kind == "PD" and family == "b_all":
            kind = "IF"
        elif kind == "NR":
            kind = "IF" if family == "b_all" else "SD"
        result.append(event if kind == event.kind else replace(event, kind=kind))
    return result


def _joined(spoken: list[StatusEvent], stated: list[StatusEvent]) -> list[StatusEvent]:
    """X1: a relapse or remission seen in an Observation and in a Condition is one event."""
    result = list(spoken)
    kept: list[StatusEvent] = []
    for event in sorted(stated, key=_order):
        if kept and kept[-1].failure == event.failure:
            kept[-1] = replace(kept[-1], evidence=(*kept[-1].evidence, event.reference))
        else:
            kept.append(event)
    for event in kept:
        before = [n for n, e in enumerate(result) if _telling(e) and e.when.last <= event.when.last]
        latest = before[-1] if before else None
        if latest is not None and result[latest].failure == event.failure:
            known = result[latest]
            result[latest] = replace(known, evidence=(*known.evidence, *event.evidence))
        else:
            result.append(event)
    return result


def for_the_walk(status: Sequence[StatusEvent]) -> tuple[StatusEvent, ...]:
    """Status events as boundaries see them: known by that day when only the day of recording is known (D1).

    What has no date at all moves no boundary.
    """
    return tuple(_by_recording(event) for event in status if event.when.last != date.max)


def _by_recording(event: StatusEvent) -> StatusEvent:
    when = event.when
    return replace(event, when=Interval(when.last, when.last, when.text)) if when.first == date.min else event


def _telling(event: StatusEvent) -> bool:
    """Failures and complete remissions: what a Condition can state as well."""
    return event.source == "observation" and (event.failure or event.kind == "CR")
