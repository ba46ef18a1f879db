"""Medication resources to entries: which drug, when, for what, and what it hangs on (lines-of-therapy.md (b))."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from cds_service.fhir.collect import Collected
from cds_service.fhir.convert import (
    NO_LINKS,
    code_of,
    concept,
    concepts,
    day,
    dosages,
    extension_concept,
    extensions,
    links,
    note_undated,
    reasons,
    route,
    span,
    split_plans,
    word,
)
from cds_service.fhir.dates import Interval, latest_bound
from cds_service.fhir.drug import drug_of
from cds_service.fhir.elements import Dosages, Period
from cds_service.fhir.model import MedicationEntry
from cds_service.fhir.wire import (
    Drug,
    MedicationAdministration,
    MedicationDispense,
    MedicationRequest,
    MedicationStatement,
)

MAX_SUPPLY_DAYS = 3660
_DAYS_A_UNIT = {"d": 1, "day": 1, "days": 1, "wk": 7, "week": 7, "weeks": 7}


def medication_entry(reference: str, resource: Drug, collected: Collected) -> MedicationEntry:
    """The entry of one medication resource."""
    if isinstance(resource, MedicationAdministration):
        own, codes = _administration(resource, collected), resource.reasonGiven
    elif isinstance(resource, MedicationDispense):
        own, codes = _dispense(resource, collected), None
    elif isinstance(resource, MedicationStatement):
        own, codes = _statement(resource, collected), resource.reasonForUseCodeableConcept
    else:
        own, codes = _request(cast(MedicationRequest, resource)), None
    inline = concept(resource.medicationCodeableConcept)
    if inline.codings and resource.medication is None:
        own["drug"] = inline
    else:
        drug = drug_of(resource, collected)
        own.update(drug=drug.code, ingredients=drug.ingredients, label=drug.label, resolved=drug.resolved)
    if resource.basedOn is not None:
        own["plans"], linked = split_plans(collected, links(collected, resource.basedOn))
        own["links"] = own.get("links", NO_LINKS) | linked
    if resource.partOf is not None:
        own["links"] = own.get("links", NO_LINKS) | links(collected, resource.partOf)
    codes = codes or resource.reasonCode or resource.reasonCodeableConcept
    if codes is not None or resource.reasonReference is not None or resource.reason is not None:
        own["reasons"] = reasons(collected, resource, codes, resource.reasonReference, resource.reason)
    _add_rare(resource, own)
    if own["start"] is None:
        note_undated(collected, reference, resource)
    return MedicationEntry(reference=reference, status=own.pop("status", "") or word(resource.status), **own)


def _add_rare(resource: Drug, own: dict[str, Any]) -> None:
    """Members that few resources have; most doses are spared the questions behind them."""
    if resource.statusReason is not None:
        own["status_reasons"] = concepts(resource.statusReason) + own.get("status_reasons", ())
    if resource.extension is not None:
        own["treatment_intent"] = extension_concept(resource.extension, "procedure-intent")
        own["study_drug"] = bool(extensions(resource.extension, "workflow-researchStudy"))
    if resource.identifier is not None:
        own["identifiers"] = _identifiers(resource)
    if resource.meta is not None:
        own["version"] = resource.meta.versionId or ""


def _administration(found: MedicationAdministration, collected: Collected) -> dict[str, Any]:
    """Dated by effective[x], R5 occurence[x] (D1)."""
    period = found.effectivePeriod or found.occurencePeriod or found.occurrencePeriod or found.effectiveTimePeriod
    moment = found.effectiveDateTime or found.occurenceDateTime or found.occurrenceDateTime
    start, end, open_ended, period_less = span(moment or found.effectiveTimeDateTime, period)
    own: dict[str, Any] = {
        "kind": "MedicationAdministration",
        "start": start,
        "end": end,
        "open_ended": open_ended,
        "period_less": period_less,
        "date_source": "effective" if start else "",
    }
    if found.notGiven or found.wasNotGiven:
        own["status"] = "not-done"
    if found.dosage is not None:
        own["route"] = route(found.dosage)
    if found.reasonNotGiven is not None:
        own["status_reasons"] = concepts(found.reasonNotGiven)
    if found.request is not None or found.prescription is not None:
        own["links"] = links(collected, found.request, found.prescription)
    return own


def _dispense(found: MedicationDispense, collected: Collected) -> dict[str, Any]:
    """Dated by whenHandedOver, else whenPrepared (D1)."""
    start, source = day(found.whenHandedOver), "whenHandedOver"
    if start is None:
        start, source = day(found.whenPrepared), "whenPrepared"
    days = _days(found)
    return {
        "kind": "MedicationDispense",
        "status": "declined" if found.notDone else "",
        "start": start,
        "end": _last_day(start, days),
        "period_less": days is None,
        "date_source": source if start else "",
        "days": days,
        "route": route(found.dosageInstruction),
        "status_reasons": concepts(found.statusReasonCodeableConcept)
        + concepts(found.notPerformedReason)
        + concepts(found.notDoneReasonCodeableConcept),
        "links": links(collected, found.authorizingPrescription),
    }


def _last_day(start: Interval | None, days: int | None) -> Interval | None:
    """Start + days of supply - 1 (D1)."""
    if start is None or not days:
        return start
    try:
        first, last = start.first + timedelta(days - 1), start.last + timedelta(days - 1)
    except OverflowError:
        return start
    return Interval(first, last, first.isoformat() if first == last else "")


def _statement(found: MedicationStatement, collected: Collected) -> dict[str, Any]:
    """Dated by effective[x], else dateAsserted as the latest bound (D1)."""
    start, end, open_ended, period_less = span(found.effectiveDateTime, found.effectivePeriod)
    source = "effective" if start else ""
    asserted = day(found.dateAsserted) if start is None else None
    if asserted is not None:
        start = end = latest_bound(asserted)
        source, period_less = "dateAsserted", True
    adherence = found.adherence
    return {
        "kind": "MedicationStatement",
        "start": start,
        "end": end,
        "open_ended": open_ended,
        "period_less": period_less,
        "date_source": source,
        "route": route(found.dosage),
        "status_reasons": concepts(found.reasonNotTaken) + concepts(adherence.reason if adherence else None),
        "links": links(collected, found.derivedFrom),
        "taken": "n" if found.wasNotTaken else word(found.taken),
        "adherence": code_of(adherence.code) if adherence is not None else "",
    }


def _request(found: MedicationRequest) -> dict[str, Any]:
    """Dated by the bounds of the dosage, else the period of validity, else authoredOn (D1)."""
    start, end, open_ended = _bounds(found.dosageInstruction, found.effectiveDosePeriod)
    source = "boundsPeriod"
    validity = found.dispenseRequest.validityPeriod if found.dispenseRequest else None
    if start is None and validity is not None:
        start, end, open_ended, _ = span(None, validity)
        source = "validityPeriod"
    period_less = start is None
    if start is None:
        start = end = day(found.authoredOn or found.dateWritten)
        source = "authoredOn"
    return {
        "kind": "MedicationRequest",
        "start": start,
        "end": end,
        "open_ended": open_ended,
        "period_less": period_less,
        "date_source": source if start else "",
        "route": route(found.dosageInstruction),
        "intent": word(found.intent),
        "do_not_perform": bool(found.doNotPerform),
        "reported": bool(found.reportedBoolean or found.reported or found.reportedReference is not None),
    }


def _bounds(found: Dosages, whole: Period | None) -> tuple[Interval | None, Interval | None, bool]:
    """(start, end, open ended) of all dosages together."""
    if found is None and whole is None:
        return None, None, False
    periods = [d.timing.repeat.boundsPeriod for d in dosages(found) if d.timing and d.timing.repeat]
    spans = [span(None, p) for p in (whole, *periods) if p is not None and p.start]
    starts = [s for s, _, _, _ in spans if s is not None]
    if not starts:
        return None, None, False
    ends = [e for _, e, _, _ in spans if e is not None]
    open_ended = any(still_open for _, _, still_open, _ in spans)
    end = None if open_ended or not ends else max(ends, key=lambda e: (e.last, e.first))
    return min(starts, key=lambda s: (s.first, s.last)), end, open_ended


def _days(found: MedicationDispense) -> int | None:
    supply = found.daysSupply
    if supply is None or supply.value is None or not 0 < supply.value <= MAX_SUPPLY_DAYS:
        return None
    factor = _DAYS_A_UNIT.get(word(supply.code or supply.unit or "d"))
    return round(supply.value * factor) or None if factor else None


def _identifiers(resource: Drug) -> frozenset[str]:
    found = resource.identifier
    items = found if isinstance(found, list) else [found]
    return frozenset(f"{i.system or ''}|{i.value}" for i in items if i is not None and i.value)
