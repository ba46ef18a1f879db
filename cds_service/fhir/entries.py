"""Resources to the entries of the record, list by list, when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from operator import attrgetter, itemgetter
from typing import TypeVar, cast

from cds_service.fhir.collect import Collected
from cds_service.fhir.convert import (
    PLANS,
    concept,
    concepts,
    day,
    extension_concept,
    extension_date,
    extensions,
    links,
    note_undated,
    reasons,
    span,
    split_plans,
    status_of,
    word,
)
from cds_service.fhir.coverage import coverage_of, gathered
from cds_service.fhir.dates import Interval
from cds_service.fhir.elements import CodeableConcept, Coding, ConceptOrCode, Quantity, RangeOf
from cds_service.fhir.medications import medication_entry
from cds_service.fhir.model import (
    ConditionEntry,
    Coverage,
    DataIssue,
    ImmunizationEntry,
    MedicationEntry,
    NumberEntry,
    ObservationEntry,
    OrderEntry,
    PatientEntry,
    PlanEntry,
    ProcedureEntry,
)
from cds_service.fhir.numbers import answered_numbers, episode_numbers
from cds_service.fhir.observations import Questions, observation_entries
from cds_service.fhir.wire import (
    TYPES,
    CarePlan,
    Condition,
    Drug,
    EpisodeOfCare,
    Immunization,
    Observation,
    Procedure,
    QuestionnaireResponse,
    Resource,
    ServiceRequest,
)

R = TypeVar("R", bound=Resource)
E = TypeVar("E", ConditionEntry, MedicationEntry, ProcedureEntry)
MEDICATION_KINDS = ("MedicationAdministration", "MedicationDispense", "MedicationRequest", "MedicationStatement")
REASONS = ("reasonCode", "reason", "reasonCodeableConcept", "reasonGiven", "reasonForUseCodeableConcept")
VERIFICATION = ("entered-in-error", "refuted", "unconfirmed", "provisional", "differential", "confirmed")
"""Verification states, the one that takes most away first: it stands when several are said."""
CLINICAL = ("relapse", "recurrence", "active", "remission", "inactive", "resolved")
CERTAINTY = "icd-10-gm-diagnosesicherheit"
"""Extension of a coding in German ambulatory care: A excluded, V suspected, Z state after, G established."""
RULED_OUT, SUSPECTED, STATE_AFTER = "A", "V", "Z"
DAYS_A_YEAR = 365.25
EARLIEST_BIRTH = 1850
"""An earlier year of birth is a typing error or a mask, not an age."""
_YEARS_A_UNIT = {"a": 1.0, "year": 1.0, "years": 1.0, "mo": 1 / 12, "month": 1 / 12, "months": 1 / 12}


class Converter:
    """Turns the collected resources of one patient into entries. Every list is sorted by reference."""

    def __init__(self, collected: Collected, known: Callable[[str, str], bool] | None = None) -> None:
        self._in = collected
        self._known = known
        self.patient = _patient(collected)

    def _all(self, kind: str, struct: type[R]) -> list[tuple[str, R]]:
        return sorted(self._unsorted(kind, struct), key=itemgetter(0))

    def _unsorted(self, kind: str, struct: type[R]) -> Iterable[tuple[str, R]]:
        """As they came: a long list is read faster in the order in which it lies in memory, and sorted afterwards."""
        return cast(Mapping[str, R], self._in.by_kind.get(kind, {})).items()

    def conditions(self) -> tuple[ConditionEntry, ...]:
        """Condition resources."""
        return _sorted([self._condition(r, c) for r, c in self._unsorted("Condition", Condition)])

    def _condition(self, reference: str, found: Condition) -> ConditionEntry:
        onset = day(found.onsetDateTime)
        if onset is None and (found.onsetPeriod or found.onsetAge or found.onsetRange):
            onset = self._onset(found)
        recorded = day(found.recordedDate or found.assertedDate or found.dateRecorded)
        if found.extension is not None and (onset is None or recorded is None):
            # The day the diagnosis was first made, apart from the day it was typed in: mCODE and oBDS give no other.
            asserted = extension_date(found.extension, "condition-assertedDate")
            onset, recorded = onset or asserted, recorded or asserted
        if onset is None and recorded is None:
            note_undated(self._in, reference, found)
        abated = day(found.abatementDateTime)
        if abated is None and (found.abatementAge or found.abatementPeriod):
            abated = self._at_age(found.abatementAge)
            if found.abatementPeriod is not None:
                abated = day(found.abatementPeriod.end or found.abatementPeriod.start)
        clinical = status_of(found.clinicalStatus, CLINICAL)
        verification, past = status_of(found.verificationStatus, VERIFICATION), False
        if verification not in VERIFICATION[:2]:
            certainty, past = _german_certainty(found.code)
            verification = certainty or verification
        return ConditionEntry(
            reference=reference,
            code=concept(found.code),
            morphology=extension_concept(found.extension, "histology-morphology-behavior"),
            clinical=clinical,
            verification=verification,
            categories=concepts(found.category),
            body_sites=concepts(found.bodySite),
            onset=onset,
            recorded=recorded,
            abated=abated,
            has_abatement=bool(
                past
                or abated is not None
                or found.abatementDateTime
                or found.abatementBoolean
                or found.abatementString
                or found.abatementPeriod
                or found.abatementAge
            ),
        )

    def _onset(self, found: Condition) -> Interval | None:
        if found.onsetPeriod is not None:
            start = day(found.onsetPeriod.start)
            if start is not None:
                return start
        return self._at_age(found.onsetAge) or self._between_ages(found.onsetRange)

    def medications(self) -> tuple[MedicationEntry, ...]:
        """The four medication resources."""
        kinds = ([medication_entry(r, m, self._in) for r, m in self._unsorted(k, Drug)] for k in MEDICATION_KINDS)
        return tuple(entry for same in kinds for entry in _sorted(same))

    def procedures(self) -> tuple[ProcedureEntry, ...]:
        """Procedure resources."""
        return _sorted([self._procedure(r, p) for r, p in self._unsorted("Procedure", Procedure)])

    def _procedure(self, reference: str, found: Procedure) -> ProcedureEntry:
        moment = found.performedDateTime or found.occurrenceDateTime
        start, end, _, _ = span(moment, found.performedPeriod or found.occurrencePeriod)
        if start is None:
            start = end = self._at_age(found.performedAge or found.occurrenceAge)
        if start is None:
            note_undated(self._in, reference, found)
        plans, linked = split_plans(self._in, links(self._in, found.basedOn))
        codes = found.reasonCode or found.reasonCodeableConcept
        return ProcedureEntry(
            reference=reference,
            status="not-done" if found.notPerformed or found.notDone else word(found.status),
            code=concept(found.code),
            used=concepts(found.usedCode) + concepts(found.used),
            start=start,
            end=end,
            status_reasons=concepts(found.statusReason)
            + concepts(found.reasonNotPerformed)
            + concepts(found.notDoneReason),
            reasons=reasons(self._in, found, codes, found.reasonReference, found.reason),
            plans=plans,
            links=linked | links(self._in, found.partOf),
            body_sites=concepts(found.bodySite),
            treatment_intent=extension_concept(found.extension, "procedure-intent"),
        )

    def observations(self) -> tuple[ObservationEntry, ...]:
        """Observations, each component an entry of its own."""
        found = self._observations()
        wanted = set(found)
        if self._known is not None:
            wanted = {r for r, o in found.items() if o.focus is not None}
            wanted.update(self._questions.asking(self._known))
        return tuple([e for r in sorted(wanted) for e in observation_entries(r, found[r], self._in)])

    @cached_property
    def _questions(self) -> Questions:
        return Questions(self._observations())

    def _observations(self) -> Mapping[str, Observation]:
        return cast(Mapping[str, Observation], self._in.by_kind.get("Observation", {}))

    def asks(self, wanted: Callable[[str, str], bool]) -> bool:
        """True when some Observation asks a question that is wanted; no entry is made."""
        return any(True for _ in self._questions.asking(wanted))

    def states_reasons(self) -> bool:
        """True when a treatment carries a reason in its own words, not only a reference to a Condition."""
        for kind in (*MEDICATION_KINDS, "Procedure"):
            names = [name for name in REASONS if hasattr(TYPES[kind], name)]
            given, none = attrgetter(*names), (None,) * len(names)
            for found in self._in.by_kind.get(kind, {}).values():
                if given(found) != none:
                    return True
                # A reason that is contained has no place among the Conditions.
                if found.contained is not None and found.reasonReference is not None:  # type: ignore[attr-defined]
                    return True
        return False

    def numbers(self) -> tuple[NumberEntry, ...]:
        """Whole numbers of QuestionnaireResponses and EpisodesOfCare."""
        asked = self._all("QuestionnaireResponse", QuestionnaireResponse)
        episodes = self._all("EpisodeOfCare", EpisodeOfCare)
        return tuple([n for r, q in asked for n in answered_numbers(r, q)]) + tuple(
            [n for r, e in episodes for n in episode_numbers(r, e)]
        )

    def immunizations(self) -> tuple[ImmunizationEntry, ...]:
        """Immunization resources."""
        return tuple(
            ImmunizationEntry(
                reference=r,
                status="not-done" if i.notGiven or i.wasNotGiven else word(i.status),
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
                status=word(s.status),
                intent=word(s.intent),
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
                status=word(p.status),
                intent=word(p.intent),
                title=p.title or p.description or "",
            )
            for kind in PLANS
            for r, p in self._all(kind, CarePlan)
        )

    def issues(self) -> tuple[DataIssue, ...]:
        """Problems of the input, sorted, without repeats, a problem of very many resources summed up."""
        return gathered(self._in.issues)

    def coverage(self) -> Coverage:
        """Counts by type and the span of dates that events carry."""
        return coverage_of(self._in)

    def _at_age(self, age: Quantity | None) -> Interval | None:
        """The days on which the patient had that age in years or months (D1)."""
        return self._ages(age, age)

    def _between_ages(self, ages: RangeOf | None) -> Interval | None:
        return self._ages(ages.low, ages.high) if ages is not None else None

    def _ages(self, low: Quantity | None, high: Quantity | None) -> Interval | None:
        birth = self.patient.birth
        youngest, oldest = _years(low), _years(high)
        if birth is None or youngest is None or oldest is None:
            return None
        try:
            first = birth.first + timedelta(int(youngest[0] * DAYS_A_YEAR) - 1)
            last = birth.last + timedelta(int(oldest[1] * DAYS_A_YEAR) + 1)
        except OverflowError:
            return None
        return Interval(first, last, "")


def _sorted(entries: list[E]) -> tuple[E, ...]:
    return tuple(sorted(entries, key=attrgetter("reference")))


def _german_certainty(code: ConceptOrCode) -> tuple[str, bool]:
    """(verification status or "", whether the disease is past) of the certainty mark on a German ICD-10 coding."""
    if type(code) is CodeableConcept and type(code.coding) is list:
        for coding in code.coding:
            if coding is not None and coding.extension is not None:
                break
        else:
            return "", False
    parts = code if isinstance(code, list) else [code]
    held = [p.coding for p in parts if type(p) is CodeableConcept]
    codings = [c for items in held for c in (items if isinstance(items, list) else [items]) if c is not None]
    marks = {mark for c in codings if c.extension is not None for mark in _marks(c)}
    if RULED_OUT in marks:
        return "refuted", False
    return ("unconfirmed" if SUSPECTED in marks else ""), STATE_AFTER in marks


def _marks(coding: Coding) -> Iterator[str]:
    for extension in extensions(coding.extension, CERTAINTY):
        if extension.valueCoding is not None and extension.valueCoding.code:
            yield extension.valueCoding.code.strip().upper()


def _years(age: Quantity | None) -> tuple[float, float] | None:
    """(from, to) in years of an age: 40 years last until 41, 18 months until 19; None for no usable age."""
    if age is None or age.value is None or age.comparator or not 0 <= age.value <= 150 * 12:
        return None
    step = _YEARS_A_UNIT.get(word(age.code or age.unit or "a"))
    if step is None or age.value * step > 150:
        return None
    return age.value * step, (age.value + 1) * step


def _patient(collected: Collected) -> PatientEntry:
    found = collected.patient
    reference, ids = collected.patient_reference, collected.patient_ids
    if found is None:
        return PatientEntry(reference=reference, ids=ids)
    birth = day(found.birthDate)
    if birth is not None and birth.first.year < EARLIEST_BIRTH:
        birth = None
    if birth is None and found.birthDate:
        collected.issues.append(DataIssue(reference, "birthDate is not a date of birth; the age is not known"))
    return PatientEntry(
        reference=reference,
        ids=ids,
        birth=birth,
        deceased=bool(found.deceasedBoolean or found.deceasedDateTime or found.deceased_absent is not None),
        deceased_on=day(found.deceasedDateTime),
        gender=word(found.gender),
    )
