"""From a record to the clinical picture: diagnoses first, and only for a blood cancer everything else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from types import MappingProxyType

from cds_service.fhir.coverage import gathered
from cds_service.fhir.model import ConditionEntry, DataIssue, MedicationEntry, Record
from cds_service.oncology.age import age_at
from cds_service.oncology.cell_facts import transplant_ineligible
from cds_service.oncology.course import Course, read_course
from cds_service.oncology.coverage import find_gaps
from cds_service.oncology.diagnosis import find_diagnoses, may_hold_haematological
from cds_service.oncology.diagnosis_statements import telling
from cds_service.oncology.disease_state import newest_evidence, read_state
from cds_service.oncology.facts import find_facts
from cds_service.oncology.first_line import read_first_line
from cds_service.oncology.flags import find_flags, unknown_flags
from cds_service.oncology.history import find_history, written
from cds_service.oncology.knowledge import Knowledge
from cds_service.oncology.leading import families_meant, families_on_record, leading
from cds_service.oncology.lines import derive_lines, read_status, read_treatment
from cds_service.oncology.model import ClinicalPicture, Diagnosis, FamilyPicture
from cds_service.oncology.numbers import course_numbers
from cds_service.oncology.referral import open_referrals
from cds_service.oncology.refractory_drugs import lenalidomide
from cds_service.oncology.signals_of import age_statement, find_signals, find_statements
from cds_service.oncology.status import unread_status
from cds_service.oncology.steps import GIVEN, Treatment
from cds_service.oncology.under_way import first_line_under_way

CELLS = frozenset({"auto_hsct", "allo_hsct", "hsct", "car_t"})


def describe(
    record: Record, as_of: date, knowledge: Knowledge, *, referral_codes: frozenset[str] = frozenset()
) -> ClinicalPicture:
    """The clinical picture on ``as_of``.

    A chart without a haematological diagnosis, certain or ambiguous, costs one look at its codes: nothing else is read.
    ``referral_codes`` are the site's codes for a CAR-T referral, each "system|code" (decision 35).
    """
    reader = _Reader(record, as_of, knowledge, referral_codes)
    if not may_hold_haematological(record, knowledge.concepts, told=reader.told):
        return reader.silent()
    return reader.picture()


@dataclass(frozen=True)
class _Reader:
    """Reads one record; everything is read at most once."""

    record: Record
    as_of: date
    knowledge: Knowledge
    referral_codes: frozenset[str]

    def silent(self) -> ClinicalPicture:
        """No blood cancer on record: age, what was received, nothing else."""
        return self._made(haematological=False, lead=None, diagnoses=(), families={}, hypothetical={})

    def picture(self) -> ClinicalPicture:
        """Diagnoses, then each family that is on record or may be meant."""
        diagnoses, issues = self._diagnoses
        if not any(d.role != "context" for d in diagnoses):
            return self._made(
                haematological=False, lead=None, diagnoses=diagnoses, families={}, hypothetical={}, issues=issues
            )
        on_record = families_on_record(diagnoses)
        families = {family: self._family(family) for family in on_record}
        hypothetical = {family: self._family(family) for family in families_meant(diagnoses, on_record)}
        newest = {name: found.newest or "" for name, found in families.items()}
        lead = leading(families, diagnoses, newest)
        ordered = sorted(families, key=lambda family: family != lead)
        return self._made(
            haematological=True,
            lead=lead,
            diagnoses=diagnoses,
            families={family: families[family] for family in ordered},
            hypothetical=hypothetical,
            issues=issues,
        )

    @cached_property
    def _diagnoses(self) -> tuple[tuple[Diagnosis, ...], tuple[DataIssue, ...]]:
        """Diagnoses; the lineage of a leukaemia also from the drugs given (decision 9c)."""
        found = find_diagnoses(self.record, self.knowledge, self.as_of, told=self.told)
        if not any(d.role == "ambiguous" and d.family == "b_all" and d.stands for d in found[0]):
            return found
        given = frozenset(i for e in self._treatment.exposures if e.grade == GIVEN for i in e.ingredients)
        infused = frozenset(e.product for e in self._treatment.events if e.product and e.grade == GIVEN)
        return find_diagnoses(self.record, self.knowledge, self.as_of, given | infused, told=self.told)

    @cached_property
    def told(self) -> tuple[ConditionEntry, ...]:
        """The Conditions that state something; charts hold many that do not."""
        return telling(self.record.conditions, self.knowledge.concepts)

    @cached_property
    def _treatment(self) -> Treatment:
        return read_treatment(self.record, self.knowledge, self.as_of)

    @cached_property
    def _age(self) -> tuple[tuple[int, int] | None, str]:
        return age_at(self.record.patient, self.as_of)

    def _family(self, family: str) -> FamilyPicture:
        course = self._course(family)
        first, state, refractory = read_first_line(course), read_state(course), lenalidomide(course)
        facts = find_facts(course, first, state, refractory)
        concepts, rules = self.knowledge.concepts, self.knowledge.course
        ineligible = transplant_ineligible(course, self.record.procedures, concepts, rules)
        age, because = self._age
        newest = newest_evidence(course)
        return FamilyPicture(
            family=family,
            diagnoses=_of_family(course.diagnoses, family),
            history=find_history(course),
            facts=facts,
            signals=find_signals(
                course, facts, first=first, state=state, lenalidomide=refractory, ineligible=ineligible, age=age
            ),
            statements=find_statements(
                course,
                facts,
                first=first,
                lenalidomide=refractory,
                ineligible=ineligible,
                age=age_statement(age, because, self.record.patient.reference),
            ),
            newest=written(newest),
            course=course.derivation,
            first_line_under_way=first_line_under_way(course),
        )

    def _course(self, family: str) -> Course:
        diagnoses, record, knowledge = self._diagnoses[0], self.record, self.knowledge
        numbers = course_numbers(knowledge, family)
        status = read_status(record, knowledge, diagnoses, family, self.as_of)
        derivation = derive_lines(self._treatment, status, family, diagnoses, record, knowledge, self.as_of)
        gaps = find_gaps(derivation, diagnoses, record.coverage, numbers, self.as_of)
        events = tuple(e for e in self._treatment.events if e.kind in CELLS)
        return read_course(derivation, events, diagnoses, gaps=gaps, numbers=numbers, as_of=self.as_of)

    def _made(
        self,
        *,
        haematological: bool,
        lead: str | None,
        diagnoses: tuple[Diagnosis, ...],
        families: dict[str, FamilyPicture],
        hypothetical: dict[str, FamilyPicture],
        issues: tuple[DataIssue, ...] = (),
    ) -> ClinicalPicture:
        record, patient, windows = self.record, self.record.patient, self.knowledge.lines.windows
        age, because = self._age
        referrals: tuple[str, ...] = ()
        if haematological:
            referrals = open_referrals(
                record,
                self.as_of,
                self.knowledge.concepts,
                rules=self.knowledge.course,
                codes=self.referral_codes,
                days=windows.referral_silence,
            )
        medications = record.medications if haematological else ()
        flags = unknown_flags()
        unusable: tuple[DataIssue, ...] = ()
        if haematological:
            unread = unread_status(record, self.knowledge.concepts)
            issues = (*issues, *self._treatment.issues, *gathered(unread))
            flags, unusable = find_flags(
                record,
                self.knowledge,
                self.as_of,
                conditions=self.told,
                treatment=self._treatment,
                diagnoses=diagnoses,
                facts=[found.facts for found in (families or hypothetical).values()],
                lead=lead,
            )
        return ClinicalPicture(
            as_of=self.as_of.isoformat(),
            patient_reference=patient.reference,
            age=age,
            age_because=because,
            deceased=patient.deceased,
            gender=patient.gender,
            haematological=haematological,
            lead=lead,
            diagnoses=diagnoses,
            families=MappingProxyType(families),
            hypothetical=MappingProxyType(hypothetical),
            flags=flags,
            issues=tuple(sorted({*issues, *unusable, *record.issues}, key=lambda i: (i.reference, i.problem))),
            coverage=record.coverage,
            referral_open=referrals,
            medication_count=len(medications),
            medication_span=_span(medications),
            birth=None if patient.deceased else patient.birth,
        )


def _of_family(diagnoses: Iterable[Diagnosis], family: str) -> tuple[Diagnosis, ...]:
    """Diagnoses of the family, those that may mean it, and what it arose from."""
    own = [d for d in diagnoses if d.family == family or family in d.may_be]
    origins = {d.origin for d in own if d.origin}
    return tuple(d for d in diagnoses if d in own or d.concept in origins)


def _span(medications: Iterable[MedicationEntry]) -> tuple[str, str] | None:
    """Months of the first and the last dated medication, "2019-02"."""
    starts = [m.start for m in medications if m.start is not None]
    first = min((s.first for s in starts if s.first != date.min), default=None)
    last = max((s.last for s in starts if s.last != date.max), default=None)
    if first is None or last is None:
        return None
    return first.isoformat()[:7], last.isoformat()[:7]
