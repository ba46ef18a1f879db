"""Resources to the entries of the record, list by list, when first asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TypeVar, cast

from cds_service.fhir.collect import Collected
from cds_service.fhir.convert import (
    code_of,
    concept,
    concepts,
    day,
    extension_concept,
    extension_date,
    links,
    reasons,
    span,
)
from cds_service.fhir.dates import Interval, latest_bound
from cds_service.fhir.elements import Component, Quantity
from cds_service.fhir.medications import medication_entry
from cds_service.fhir.model import (
    ConditionEntry,
    Coverage,
    DataIssue,
    ImmunizationEntry,
    MedicationEntry,
    ObservationEntry,
    OrderEntry,
    PatientEntry,
    PlanEntry,
    ProcedureEntry,
)
from cds_service.fhir.wire import (
    CarePlan,
    Condition,
    Drug,
    Immunization,
    Observation,
    Procedure,
    Resource,
    ServiceRequest,
)

R = TypeVar("R", bound=Resource)
MEDICATION_KINDS = (
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationRequest",
    "MedicationStatement",
)
PLAN_KINDS = ("CarePlan", "RequestGroup", "RequestOrchestration")
DAYS_A_YEAR = 365.25


class Converter:
    """Turns the collected resources of one patient into entries. Every list is sorted by reference."""

    def __init__(self, collected: Collected) -> None:
        self._in = collected
        self.patient = _patient(collected)

    def _all(self, kind: str, struct: type[R]) -> Iterator[tuple[str, R]]:
        found = self._in.by_kind.get(kind, {})
        return ((reference, cast(R, found[reference])) for reference in sorted(found))

    def conditions(self) -> tuple[ConditionEntry, ...]:
        """Condition resources."""
        return tuple(
            self._condition(r, c) for r, c in self._all("Condition", Condition)
        )

    def _condition(self, reference: str, found: Condition) -> ConditionEntry:
        onset = day(found.onsetDateTime) or self._at_age(found.onsetAge)
        if onset is None and found.onsetPeriod is not None:
            onset = day(found.onsetPeriod.start)
        recorded = day(found.recordedDate or found.assertedDate or found.dateRecorded)
        recorded = recorded or extension_date(found.extension, "condition-assertedDate")
        abated = day(found.abatementDateTime) or self._at_age(found.abatementAge)
        if abated is None and found.abatementPeriod is not None:
            abated = day(found.abatementPeriod.end or found.abatementPeriod.start)
        stated = (
            found.abatementBoolean
            or found.abatementString
            or found.abatementPeriod
            or found.abatementAge
        )
        return ConditionEntry(
            reference=reference,
            code=concept(found.code),
            morphology=extension_concept(
                found.extension, "histology-morphology-behavior"
            ),
            clinical=code_of(found.clinicalStatus),
            verification=code_of(found.verificationStatus),
            categories=concepts(found.category),
            body_sites=concepts(found.bodySite),
            onset=onset,
            recorded=recorded,
            abated=abated,
            has_abatement=abated is not None or bool(stated),
        )

    def medications(self) -> tuple[MedicationEntry, ...]:
        """The four medication resources."""
        return tuple(
            medication_entry(r, m, self._in)
            for kind in MEDICATION_KINDS
            for r, m in self._all(kind, Drug)
        )

    def procedures(self) -> tuple[ProcedureEntry, ...]:
        """Procedure resources."""
        return tuple(
            self._procedure(r, p) for r, p in self._all("Procedure", Procedure)
        )

    def _procedure(self, reference: str, found: Procedure) -> ProcedureEntry:
        moment = found.performedDateTime or found.occurrenceDateTime
        start, end, _, _ = span(moment, found.performedPeriod or found.occurrencePeriod)
        if start is None:
            start = end = self._at_age(found.performedAge or found.occurrenceAge)
        status = (
            "not-done"
            if found.notPerformed or found.notDone
            else (found.status or "").strip().lower()
        )
        based = links(self._in, found.basedOn)
        plans = frozenset(r for r in based if r.startswith(PLAN_KINDS))
        return ProcedureEntry(
            reference=reference,
            status=status,
            code=concept(found.code),
            used=concepts(found.usedCode),
            start=start,
            end=end,
            status_reasons=concepts(found.statusReason),
            reasons=reasons(
                self._in, found.reasonCode, found.reasonReference, found.reason
            ),
            plans=plans,
            links=(based - plans) | links(self._in, found.partOf),
            body_sites=concepts(found.bodySite),
            treatment_intent=extension_concept(found.extension, "procedure-intent"),
        )

    def observations(self) -> tuple[ObservationEntry, ...]:
        """Observations, each component an entry of its own."""
        return tuple(
            e
            for r, o in self._all("Observation", Observation)
            for e in self._observation(r, o)
        )

    def _observation(
        self, reference: str, found: Observation
    ) -> Iterator[ObservationEntry]:
        when, end, _, _ = span(
            found.effectiveDateTime or found.effectiveInstant, found.effectivePeriod
        )
        if when is None and found.issued:
            issued = day(found.issued)
            when = latest_bound(issued) if issued else None
        elif end is not None and when is not None and end.last > when.last:
            when = Interval(when.first, end.last, when.text)
        parts: list[Observation | Component] = [found]
        parts += [c for c in found.component or () if c is not None]
        for part in parts:
            quantity = part.valueQuantity
            high = next(
                (
                    r.high.value
                    for r in part.referenceRange or ()
                    if r is not None and r.high is not None
                ),
                None,
            )
            yield ObservationEntry(
                reference=reference,
                status=(found.status or "").strip().lower(),
                code=concept(part.code),
                value=concept(part.valueCodeableConcept),
                quantity=quantity.value
                if quantity is not None and not quantity.comparator
                else None,
                unit=(quantity.code or quantity.unit or "")
                if quantity is not None
                else "",
                integer=part.valueInteger,
                text=part.valueString or "",
                boolean=part.valueBoolean,
                date=when,
                focus=links(self._in, found.focus),
                categories=concepts(found.category),
                method=concept(found.method),
                interpretation=concepts(part.interpretation),
                reference_high=high,
            )

    def immunizations(self) -> tuple[ImmunizationEntry, ...]:
        """Immunization resources."""
        return tuple(
            ImmunizationEntry(
                reference=r,
                status=(i.status or "").strip().lower(),
                code=concept(i.vaccineCode),
                date=day(i.occurrenceDateTime or i.date),
            )
            for r, i in self._all("Immunization", Immunization)
        )

    def orders(self) -> tuple[OrderEntry, ...]:
        """ServiceRequest resources."""
        return tuple(
            OrderEntry(
                reference=r,
                status=(s.status or "").strip().lower(),
                intent=(s.intent or "").strip().lower(),
                code=concept(s.code),
                date=day(s.authoredOn),
            )
            for r, s in self._all("ServiceRequest", ServiceRequest)
        )

    def plans(self) -> tuple[PlanEntry, ...]:
        """CarePlan and RequestGroup resources."""
        return tuple(
            PlanEntry(
                reference=r,
                status=(p.status or "").strip().lower(),
                intent=(p.intent or "").strip().lower(),
                title=p.title or p.description or "",
            )
            for kind in PLAN_KINDS
            for r, p in self._all(kind, CarePlan)
        )

    def issues(self) -> tuple[DataIssue, ...]:
        """Problems of the input, sorted and without repeats."""
        return tuple(
            sorted(set(self._in.issues), key=lambda i: (i.reference, i.problem))
        )

    def coverage(self) -> Coverage:
        """Counts by type and the span of dates that events carry."""
        counts = {kind: len(found) for kind, found in sorted(self._in.by_kind.items())}
        days: list[Interval] = []
        for kind, found in self._in.by_kind.items():
            for resource in found.values():
                when = _when(kind, resource)
                if when is not None:
                    days.append(when)
        return Coverage(
            resources=counts,
            earliest=min(days, key=lambda d: (d.first, d.text)).text if days else None,
            latest=max(days, key=lambda d: (d.last, d.text)).text if days else None,
            truncated=self._in.truncated,
            incomplete=frozenset(self._in.incomplete),
        )

    def _at_age(self, age: Quantity | None) -> Interval | None:
        """The days on which the patient had that age in years or months (D1)."""
        birth = self.patient.birth
        if (
            age is None
            or age.value is None
            or birth is None
            or not 0 <= age.value <= 150
        ):
            return None
        unit = (age.code or age.unit or "a").strip().lower()
        step = {
            "a": 1.0,
            "year": 1.0,
            "years": 1.0,
            "mo": 1 / 12,
            "month": 1 / 12,
            "months": 1 / 12,
        }.get(unit)
        if step is None:
            return None
        try:
            first = birth.first + timedelta(int(age.value * step * DAYS_A_YEAR) - 1)
            last = birth.last + timedelta(int((age.value + 1) * step * DAYS_A_YEAR) + 1)
        except OverflowError:
            return None
        return Interval(first, last, "")


def _when(kind: str, found: Resource) -> Interval | None:
    """The date an event of the record carries: that of the therapy, finding or diagnosis."""
    if isinstance(found, Condition):
        return day(found.onsetDateTime or found.recordedDate)
    if isinstance(found, Observation):
        return day(
            found.effectiveDateTime
            or (found.effectivePeriod.start if found.effectivePeriod else None)
        )
    if isinstance(found, Procedure):
        return day(
            found.performedDateTime
            or (found.performedPeriod.start if found.performedPeriod else None)
        )
    if isinstance(found, Drug):
        for name in (
            "effectiveDateTime",
            "occurenceDateTime",
            "whenHandedOver",
            "authoredOn",
        ):
            text = getattr(found, name, None)
            if text:
                return day(text)
        period = getattr(found, "effectivePeriod", None) or getattr(
            found, "occurencePeriod", None
        )
        return day(period.start) if period is not None else None
    return None


def _patient(collected: Collected) -> PatientEntry:
    found = collected.patient
    if found is None:
        name = min(collected.patient_ids)
        return PatientEntry(reference=f"Patient/{name}", ids=collected.patient_ids)
    reference = next(iter(collected.by_kind["Patient"]))
    birth = day(found.birthDate)
    died = day(found.deceasedDateTime)
    if birth is not None and birth.first.year < 1850:
        birth = None
    return PatientEntry(
        reference=reference,
        ids=collected.patient_ids,
        birth=birth,
        deceased=bool(found.deceasedBoolean) or bool(found.deceasedDateTime),
        deceased_on=died,
        gender=(found.gender or "").lower(),
    )
