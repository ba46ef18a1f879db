"""Medication resources to entries: which drug, when, for what, and what it hangs on (lines-of-therapy.md (b))."""

from __future__ import annotations

from datetime import timedelta

from cds_service.fhir.collect import Collected, find
from cds_service.fhir.convert import (
    code_of,
    concept,
    concepts,
    day,
    dosages,
    extension_concept,
    links,
    reasons,
    route,
    span,
)
from cds_service.fhir.dates import Interval, latest_bound
from cds_service.fhir.elements import Dosages, Reference
from cds_service.fhir.model import NOTHING, Concept, MedicationEntry
from cds_service.fhir.wire import (
    Drug,
    Medication,
    MedicationAdministration,
    MedicationDispense,
    MedicationRequest,
    MedicationStatement,
    Resource,
)

MAX_SUPPLY_DAYS = 3660


def medication_entry(
    reference: str, resource: Drug, collected: Collected
) -> MedicationEntry:
    """The entry of one medication resource."""
    drug, ingredients, label, resolved = _drug(resource, collected)
    common = {
        "reference": reference,
        "drug": drug,
        "ingredients": ingredients,
        "label": label,
        "resolved": resolved,
        "status": (resource.status or "").strip().lower(),
        "reasons": reasons(
            collected, resource.reasonCode, resource.reasonReference, resource.reason
        ),
        "status_reasons": concepts(resource.statusReason),
        "version": (resource.meta.versionId or "") if resource.meta else "",
        "treatment_intent": extension_concept(resource.extension, "procedure-intent"),
        "identifiers": _identifiers(resource),
    }
    based = links(collected, resource.basedOn)
    common["plans"] = frozenset(
        r
        for r in based
        if r.startswith(("CarePlan/", "RequestGroup/", "RequestOrchestration/"))
    )
    linked = based | links(collected, resource.partOf)
    if isinstance(resource, MedicationAdministration):
        return _administration(resource, linked, common, collected)
    if isinstance(resource, MedicationDispense):
        return _dispense(resource, linked, common, collected)
    if isinstance(resource, MedicationStatement):
        return _statement(resource, linked, common, collected)
    assert isinstance(resource, MedicationRequest)
    return _request(resource, linked, common)


def _administration(
    found: MedicationAdministration,
    linked: frozenset[str],
    common: dict[str, object],
    collected: Collected,
) -> MedicationEntry:
    moment = (
        found.effectiveDateTime
        or found.occurenceDateTime
        or found.occurrenceDateTime
        or found.effectiveTimeDateTime
    )
    period = (
        found.effectivePeriod
        or found.occurencePeriod
        or found.occurrencePeriod
        or found.effectiveTimePeriod
    )
    start, end, open_ended, period_less = span(moment, period)
    if found.notGiven or found.wasNotGiven:
        common["status"] = "not-done"
    return MedicationEntry(
        kind="MedicationAdministration",
        start=start,
        end=end,
        open_ended=open_ended,
        period_less=period_less,
        date_source="effective" if start else "",
        route=route(found.dosage),
        links=linked | links(collected, found.request, found.prescription),
        study_drug=bool(found.isStudy),
        **common,  # type: ignore[arg-type]
    )


def _dispense(
    found: MedicationDispense,
    linked: frozenset[str],
    common: dict[str, object],
    collected: Collected,
) -> MedicationEntry:
    start = day(found.whenHandedOver)
    source = "whenHandedOver" if start else ""
    if start is None:
        start = day(found.whenPrepared)
        source = "whenPrepared" if start else ""
    days = _days(found)
    end = start
    if start is not None and days:
        try:
            end = Interval(
                start.first + timedelta(days - 1), start.last + timedelta(days - 1), ""
            )
        except OverflowError:
            end = start
    if end is not None and end.exact and not end.text:
        end = Interval(end.first, end.last, end.first.isoformat())
    more = concepts(found.statusReasonCodeableConcept) + concepts(
        found.notPerformedReason
    )
    common["status_reasons"] = common["status_reasons"] + more  # type: ignore[operator]
    return MedicationEntry(
        kind="MedicationDispense",
        start=start,
        end=end,
        period_less=days is None,
        date_source=source,
        days=days,
        route=route(found.dosageInstruction),
        links=linked | links(collected, found.authorizingPrescription),
        **common,  # type: ignore[arg-type]
    )


def _statement(
    found: MedicationStatement,
    linked: frozenset[str],
    common: dict[str, object],
    collected: Collected,
) -> MedicationEntry:
    start, end, open_ended, period_less = span(
        found.effectiveDateTime, found.effectivePeriod
    )
    source = "effective" if start else ""
    if start is None and found.dateAsserted:
        asserted = day(found.dateAsserted)
        if asserted is not None:
            start = end = latest_bound(asserted)
            source = "dateAsserted"
    if found.reasonForUseCodeableConcept is not None:
        common["reasons"] = common["reasons"] + reasons(  # type: ignore[operator]
            collected, found.reasonForUseCodeableConcept, None, None
        )
    taken = (found.taken or "").strip().lower()
    if found.wasNotTaken:
        taken = "n"
    adherence = found.adherence
    if adherence is not None and adherence.reason is not None:
        common["status_reasons"] = common["status_reasons"] + concepts(adherence.reason)  # type: ignore[operator]
    return MedicationEntry(
        kind="MedicationStatement",
        start=start,
        end=end,
        open_ended=open_ended,
        period_less=period_less,
        date_source=source,
        route=route(found.dosage),
        links=linked | links(collected, found.derivedFrom),
        taken=taken,
        adherence=code_of(adherence.code) if adherence is not None else "",
        **common,  # type: ignore[arg-type]
    )


def _request(
    found: MedicationRequest, linked: frozenset[str], common: dict[str, object]
) -> MedicationEntry:
    start, end, open_ended, source = _bounds(found.dosageInstruction)
    validity = found.dispenseRequest.validityPeriod if found.dispenseRequest else None
    if start is None and validity is not None:
        start, end, open_ended, _ = span(None, validity)
        source = "validityPeriod" if start else ""
    period_less = start is None
    if start is None:
        start = end = day(found.authoredOn or found.dateWritten)
        source = "authoredOn" if start else ""
    return MedicationEntry(
        kind="MedicationRequest",
        start=start,
        end=end,
        open_ended=open_ended,
        period_less=period_less,
        date_source=source,
        route=route(found.dosageInstruction),
        links=linked,
        intent=(found.intent or "").strip().lower(),
        do_not_perform=bool(found.doNotPerform),
        reported=bool(
            found.reportedBoolean
            or found.reported
            or found.reportedReference is not None
        ),
        **common,  # type: ignore[arg-type]
    )


def _bounds(found: Dosages) -> tuple[Interval | None, Interval | None, bool, str]:
    for dosage in dosages(found):
        period = (
            dosage.timing.repeat.boundsPeriod
            if dosage.timing and dosage.timing.repeat
            else None
        )
        if period is not None and period.start:
            start, end, open_ended, _ = span(None, period)
            return start, end, open_ended, "boundsPeriod"
    return None, None, False, ""


def _days(found: MedicationDispense) -> int | None:
    supply = found.daysSupply
    if (
        supply is None
        or supply.value is None
        or not 0 < supply.value <= MAX_SUPPLY_DAYS
    ):
        return None
    unit = (supply.code or supply.unit or "d").strip().lower()
    factor = {"d": 1, "day": 1, "days": 1, "wk": 7, "week": 7, "weeks": 7}.get(unit)
    return round(supply.value * factor) if factor else None


def _identifiers(resource: Drug) -> frozenset[str]:
    found = resource.identifier
    items = found if isinstance(found, list) else [found]
    return frozenset(
        f"{i.system or ''}|{i.value}" for i in items if i is not None and i.value
    )


def _drug(
    found: Drug, collected: Collected
) -> tuple[Concept, tuple[Concept, ...], str, bool]:
    """(code, ingredients, display of the reference, resolved) in the order of lines-of-therapy.md (b)."""
    inline = concept(found.medicationCodeableConcept)
    reference = found.medicationReference
    if found.medication is not None:
        inline = inline or concept(found.medication)
        target = found.medication.reference
        reference = reference or (
            Reference(reference=target) if isinstance(target, str) else target
        )
    if inline or reference is None:
        return inline, (), "", True
    label = reference.display or ""
    medication = _medication(found, reference.reference or "", collected)
    if medication is None:
        return NOTHING, (), label, False
    ingredients = []
    items = (
        medication.ingredient
        if isinstance(medication.ingredient, list)
        else [medication.ingredient]
    )
    for item in items:
        if item is None:
            continue
        read = concept(item.itemCodeableConcept) or concept(item.item)
        if not read and item.itemReference is not None:
            inner = _medication(found, item.itemReference.reference or "", collected)
            read = concept(inner.code) if inner is not None else NOTHING
        if read:
            ingredients.append(read)
    return concept(medication.code), tuple(ingredients), label, True


def _medication(found: Drug, text: str, collected: Collected) -> Medication | None:
    if not text:
        return None
    if text[:1] == "#":
        held: list[Resource] = [c for c in found.contained or () if c is not None]
        return next(
            (c for c in held if isinstance(c, Medication) and c.id == text[1:]), None
        )
    hit = find(collected, text)
    return hit[1] if hit is not None and isinstance(hit[1], Medication) else None
