"""Flags from conditions (F2 to F5, F7, F17, F18, F20, F32)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from cds_service.fhir.dates import Interval
from cds_service.fhir.model import Concept, ConditionEntry
from cds_service.oncology.diagnosis_statements import UNSURE, of_family
from cds_service.oncology.flag_rules import Named
from cds_service.oncology.flags.results import Finding, Look, Results
from cds_service.oncology.model import Diagnosis
from cds_service.oncology.spans import said
from cds_service.terminology import Concepts

GONE = ("refuted", "entered-in-error")
UNTRUE = ("refuted", "entered_in_error")
OVER = ("inactive", "remission", "resolved")
SURE = ("confirmed", "inferred")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """One Condition that names a concept some flag asks for. ``over``: it is said to have ended."""

    concept: str
    reference: str
    when: Interval | None
    over: bool
    unsure: bool


class Conditions:
    """The record's conditions by concept, read once; family history, refuted and retracted ones left out."""

    def __init__(
        self, conditions: Iterable[ConditionEntry], concepts: Concepts, wanted: frozenset[str], as_of: date
    ) -> None:
        self.stated = tuple(s for entry in conditions for s in _stated(entry, concepts, wanted, as_of))


def _stated(entry: ConditionEntry, concepts: Concepts, wanted: frozenset[str], as_of: date) -> Iterable[Stated]:
    coded = Concept((*entry.code.codings, *entry.morphology.codings), entry.code.text)
    named = [m.concept for m in concepts.diagnosis(coded) if m.concept in wanted]
    if not named or entry.verification in GONE or of_family(entry):
        return
    when = entry.onset or entry.recorded
    if when is not None and when.first > as_of:
        return
    texts = (coded.text, *(c.display for c in coded.codings))
    doubted = any(concepts.doubted(text) for text in texts if text)
    for concept in named:
        yield Stated(
            concept=concept,
            reference=entry.reference,
            when=when,
            over=entry.clinical in OVER or entry.has_abatement,
            unsure=entry.verification in UNSURE or (doubted and "history" not in concept),
        )


def look_at_conditions(results: Results, wanted: Iterable[Named], conditions: Conditions) -> Look:
    """Conditions of the concepts: active ones, or any that was ever there; one that is over settles nothing."""
    look = Look()
    rules = results.rules
    for named in wanted:
        for stated in conditions.stated:
            if stated.concept not in named.concepts or (stated.over and not named.ever):
                continue
            day = said(stated.when) if stated.when is not None else rules.sentences["undated"]
            finding = Finding(
                text=rules.say("condition", name=named.name, date=day),
                when=stated.when,
                evidence=(stated.reference,),
                key=stated.concept,
            )
            if stated.unsure:
                look.open.append(replace(finding, text=rules.say("provisional", name=named.name, date=day)))
            elif results.shows_as_recent(stated.when, named.days):
                look.present.append(finding)
            elif results.recent(stated.when, named.days) is None:
                look.open.append(replace(finding, text=rules.say("date_open", name=named.name, date=day)))
    return look


def look_at_other_cancers(
    results: Results, diagnoses: Iterable[Diagnosis], lead: str | None, but: frozenset[str]
) -> Look:
    """Blood cancers outside the leading family that are named surely, not those it arose from (F32)."""
    look = Look()
    named = [d for d in diagnoses if d.role in ("indication", "exclusion") and d.state not in UNTRUE]
    origins = {d.origin for d in named if d.origin}
    for found in named:
        if lead is None or found.family == lead or found.concept in origins | but or found.certainty not in SURE:
            continue
        when = found.onset or found.recorded
        day = said(when) if when is not None else results.rules.sentences["undated"]
        text = results.rules.say("condition", name=found.label, date=day)
        look.present.append(Finding(text=text, when=when, evidence=found.evidence, key=found.concept))
    return look
