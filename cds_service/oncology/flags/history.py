"""Flags from drugs (F1, F21, F24 to F28), transplants and cell therapy (F22 to F24)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

from cds_service.fhir.dates import Interval
from cds_service.fhir.model import MedicationEntry, Record
from cds_service.oncology.evidence import ADMINISTRATION, REQUEST, STATEMENT, evidence_class, is_live_order
from cds_service.oncology.flag_rules import Event, FlagRules, Given, Named
from cds_service.oncology.flags.conditions import Conditions, look_at_conditions
from cds_service.oncology.flags.results import Finding, Look, Results
from cds_service.oncology.identity import DrugReader
from cds_service.oncology.method import LineRules
from cds_service.oncology.model import MET, NOT_MET, Fact
from cds_service.oncology.spans import said
from cds_service.oncology.steps import GIVEN, NEGATED, ORDERED, PROBABLE, RETRACTED, Treatment, TreatmentEvent

INTRATHECAL = "intrathecal"


class Dose(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The last time an ingredient was given, or since when it goes on."""

    ingredient: str
    when: Interval | None
    evidence: tuple[str, ...]
    ongoing: bool = False
    probable: bool = False
    route: str = ""


def doses_of(
    record: Record, treatment: Treatment, rules: FlagRules, lines: LineRules, as_of: date
) -> Mapping[str, tuple[Dose, ...]]:
    """Doses by ingredient: anticancer drugs and steroids from the treatment, supportive ones from the record."""
    found: dict[str, list[Dose]] = {}
    for exposure in treatment.exposures:
        if exposure.route == INTRATHECAL or exposure.unknown_drug:
            continue
        when = None if exposure.undated else (exposure.start if exposure.ongoing else exposure.end or exposure.start)
        for ingredient in exposure.ingredients:
            if ingredient in rules.ingredients:
                dose = Dose(
                    ingredient=ingredient,
                    when=when,
                    evidence=exposure.evidence,
                    ongoing=exposure.ongoing,
                    probable=exposure.grade == PROBABLE,
                    route=exposure.route,
                )
                found.setdefault(ingredient, []).append(dose)
    wanted = lines.supportive_asked
    drugs = DrugReader(lines.concepts, lines.parameters, lines.coded_drugs)
    for entry in record.medications:
        identity = drugs.identity(entry)
        if identity.use != "systemic" or wanted.isdisjoint(identity.ingredients):
            continue
        route = drugs.route(entry, identity)
        for ingredient in identity.ingredients:
            if ingredient in wanted and (made := _supportive(entry, ingredient, route, drugs, as_of)) is not None:
                found.setdefault(ingredient, []).append(made)
    return {name: tuple(doses) for name, doses in found.items()}


def _supportive(entry: MedicationEntry, ingredient: str, route: str, drugs: DrugReader, as_of: date) -> Dose | None:
    """A drug that is never part of a line: given, or an order that runs."""
    grade = evidence_class(entry, drugs.setting(ingredient, route))
    running = entry.status == "active" and (entry.kind == STATEMENT or (entry.kind == REQUEST and is_live_order(entry)))
    if grade in (NEGATED, RETRACTED) or (grade == ORDERED and not running):
        return None
    if entry.start is not None and entry.start.first > as_of:
        return None
    end = entry.end if entry.end is not None and entry.end.last <= as_of and not entry.open_ended else None
    ongoing = (running and (end is None or entry.period_less)) or (entry.kind == ADMINISTRATION and entry.open_ended)
    return Dose(
        ingredient=ingredient,
        when=entry.start if ongoing else end or entry.start,
        evidence=(entry.reference,),
        ongoing=ongoing,
        probable=grade != GIVEN,
        route=route,
    )


def look_at_drugs(
    results: Results, wanted: Iterable[Given], doses: Mapping[str, tuple[Dose, ...]], names: LineRules
) -> Look:
    """The last dose of each ingredient inside its window; a dose that may lie inside leaves it open."""
    look = Look()
    windows: dict[str, Given] = {}
    for given in wanted:
        for name in given.drugs & doses.keys():
            known = windows.get(name)
            if known is None or (known.days is not None and (given.days is None or given.days > known.days)):
                windows[name] = given
    for name in sorted(windows):
        given = windows[name]
        # Most doses lie surely before the window: they are neither shown nor open.
        since = results.since(given.days) if given.days is not None else date.min
        late = [d for d in doses[name] if d.ongoing or d.when is None or d.when.last >= since]
        inside = [d for d in late if not given.route or d.route == given.route]
        shown = [d for d in inside if d.ongoing or given.days is None or results.shows_as_recent(d.when, given.days)]
        label = names.label(name)
        if shown:
            look.present.append(_dose_finding(results, max(shown, key=_dose_order), label))
            continue
        for dose in inside:
            if results.recent(dose.when, given.days) is None:
                sentence = results.rules.say("date_open", name=label.capitalize(), date=said(dose.when))
                look.open.append(Finding(text=sentence, when=dose.when, evidence=dose.evidence, key=name))
                break
    return look


def _dose_order(dose: Dose) -> tuple[bool, bool, date, str]:
    return (dose.ongoing, not dose.probable, dose.when.last if dose.when else date.min, min(dose.evidence, default=""))


def _dose_finding(results: Results, dose: Dose, label: str) -> Finding:
    rules = results.rules
    day = said(dose.when) if dose.when is not None else rules.sentences["undated"]
    kind = "drug_ongoing" if dose.ongoing and dose.when else "drug_probable" if dose.probable else "drug"
    text = rules.say(kind, drug=label, date=day)
    return Finding(text=text, when=dose.when, evidence=dose.evidence, key=dose.ingredient)


def look_at_events(
    results: Results,
    event: Event,
    *,
    treatment: Treatment,
    facts: Iterable[Mapping[str, Fact]],
    conditions: Conditions,
    names: LineRules,
) -> Look:
    """Transplants and infusions that were done, each once; a history code; else what the fact of that name says."""
    look = Look()
    done = [e for e in treatment.events if e.kind == event.kind and e.grade == GIVEN]
    if event.products is not None:
        done = [e for e in done if e.product in event.products]
    for found in done:
        look.present.append(_event_finding(results, event, found, names))
    if not done and event.concepts:
        stated = Named(concepts=event.concepts, name=event.name, ever=True)
        look.add(look_at_conditions(results, (stated,), conditions))
    known = [found[event.fact] for found in facts]
    if not look.present and not look.open:
        met = next((fact for fact in known if fact.status == MET), None)
        if met is not None and event.products is None:
            look.present.append(Finding(text=met.because, when=None, evidence=met.evidence, key=event.fact))
        elif known and all(fact.status == NOT_MET for fact in known):
            look.settled.append(Finding(text=known[0].because, when=None, evidence=known[0].evidence, key=event.fact))
        elif known and met is None:
            unsure = next(fact for fact in known if fact.status != NOT_MET)
            look.open.append(Finding(text=unsure.because, when=None, evidence=unsure.evidence, key=event.fact))
    return look


def _event_finding(results: Results, event: Event, found: TreatmentEvent, names: LineRules) -> Finding:
    undated = found.when.first == date.min and not found.when.text
    day = results.rules.sentences["undated"] if undated else said(found.when)
    kind = "event_product" if found.product else "event"
    text = results.rules.say(kind, name=event.name, product=names.label(found.product), date=day)
    return Finding(text=text, when=None if undated else found.when, evidence=found.evidence, key=event.kind)
