"""The version-free record: what ``read_record`` gives to the rooms behind it.

Every entry points to its source with ``reference`` (``Type/id`` as it stands in the input, the fullUrl where a
resource has no id). Dates are intervals. Nothing here is decided: statuses and codes stand as they were sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from cds_service.fhir.dates import Interval

if TYPE_CHECKING:
    from cds_service.fhir.entries import Converter


class Coding(msgspec.Struct, frozen=True, gc=False):
    """One code with its system as sent; members are "" when absent."""

    system: str = ""
    code: str = ""
    display: str = ""


class Concept(msgspec.Struct, frozen=True, gc=False):
    """A CodeableConcept: every coding counts, their order says nothing."""

    codings: tuple[Coding, ...] = ()
    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.codings or self.text)


NOTHING = Concept()
EVERY = "*"
"""Stands for the type of a list whose type is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientEntry:
    """The one patient. ``birth`` is None when no usable birth date was sent."""

    reference: str
    ids: frozenset[str]
    birth: Interval | None = None
    deceased: bool = False
    deceased_on: Interval | None = None
    gender: str = ""


class ConditionEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A Condition. ``clinical`` and ``verification`` are codes ("active", "refuted" …), "" when not said."""

    reference: str
    code: Concept = NOTHING
    morphology: Concept = NOTHING
    clinical: str = ""
    verification: str = ""
    categories: tuple[Concept, ...] = ()
    body_sites: tuple[Concept, ...] = ()
    onset: Interval | None = None
    recorded: Interval | None = None
    abated: Interval | None = None
    has_abatement: bool = False


class Reason(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why something was given: a concept, or a reference to a Condition or Observation (versionless ``Type/id``)."""

    concept: Concept = NOTHING
    reference: str = ""


class MedicationEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One medication resource.

    ``kind`` is MedicationAdministration, MedicationDispense, MedicationStatement or MedicationRequest. ``drug`` is the
    code in the resource or of the Medication it refers to, ``ingredients`` are those of that Medication, ``label`` is
    the display of the reference. ``resolved`` is False when a reference leads nowhere in the input.
    ``start`` / ``end`` follow rule D1 of lines-of-therapy.md; ``days`` is the supply in days.
    """

    reference: str
    kind: str
    status: str = ""
    drug: Concept = NOTHING
    ingredients: tuple[Concept, ...] = ()
    label: str = ""
    resolved: bool = True
    start: Interval | None = None
    end: Interval | None = None
    open_ended: bool = False
    """A period with a start and no end."""
    period_less: bool = True
    """No period was written: the dates are those of one moment, or none."""
    date_source: str = ""
    """The element the start was read from ("effective", "authoredOn", "whenHandedOver", "dateAsserted" …)."""
    days: int | None = None
    route: Concept = NOTHING
    reasons: tuple[Reason, ...] = ()
    status_reasons: tuple[Concept, ...] = ()
    links: frozenset[str] = frozenset()
    """Versionless references to requests, dispenses, statements and procedures this entry hangs on."""
    plans: frozenset[str] = frozenset()
    """CarePlans and RequestGroups it is based on."""
    identifiers: frozenset[str] = frozenset()
    version: str = ""
    intent: str = ""
    do_not_perform: bool = False
    reported: bool = False
    taken: str = ""
    adherence: str = ""
    treatment_intent: Concept = NOTHING
    study_drug: bool = False
    """Given in a research study, as the extension workflow-researchStudy says."""


class ProcedureEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A Procedure; ``start`` / ``end`` from performed[x] or occurrence[x]."""

    reference: str
    status: str = ""
    code: Concept = NOTHING
    used: tuple[Concept, ...] = ()
    start: Interval | None = None
    end: Interval | None = None
    status_reasons: tuple[Concept, ...] = ()
    reasons: tuple[Reason, ...] = ()
    plans: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()
    body_sites: tuple[Concept, ...] = ()
    treatment_intent: Concept = NOTHING


class ObservationEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An Observation (components become entries of their own with the same reference)."""

    reference: str
    status: str = ""
    code: Concept = NOTHING
    value: Concept = NOTHING
    quantity: float | None = None
    """The number, when it is exact: None where a comparator stands before it."""
    comparator: str = ""
    """"<", "<=", ">=", ">" (or "ad") before ``bound``; "" for an exact number."""
    bound: float | None = None
    """The number behind a comparator ("<0.3" has 0.3): the true value lies on that side of it."""
    unit: str = ""
    """The coded unit (UCUM), else the unit as text."""
    unit_text: str = ""
    """The unit as a person reads it, "" when only a code was sent."""
    integer: int | None = None
    text: str = ""
    boolean: bool | None = None
    date: Interval | None = None
    focus: frozenset[str] = frozenset()
    method: Concept = NOTHING
    specimen: str = ""
    """The specimen as text: its type, else the display of the reference; "" when not told."""
    specimen_type: Concept = NOTHING
    interpretation: tuple[Concept, ...] = ()
    reference_low: float | None = None
    reference_high: float | None = None
    """Limits of the reference range in the unit of the value; None when absent, in another unit, or ambiguous."""
    absent: bool = False
    """True for a result that holds no value of any kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberEntry:
    """A whole number that somebody recorded outside an Observation: a possible count of lines (Q1 to Q5).

    From the answers of a QuestionnaireResponse (``kind`` "QuestionnaireResponse", ``code`` made of linkId and
    definition, text the question) and from the whole-number extensions of an EpisodeOfCare (``kind`` "EpisodeOfCare",
    ``code`` the episode's types, ``name`` the url of the extension). Counts given as Observations stand among the
    observations. Which codes mean a line of therapy is not known here.
    """

    reference: str
    kind: str
    status: str = ""
    code: Concept = NOTHING
    name: str = ""
    value: int
    date: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImmunizationEntry:
    """An Immunization."""

    reference: str
    status: str = ""
    code: Concept = NOTHING
    date: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEntry:
    """A ServiceRequest."""

    reference: str
    status: str = ""
    intent: str = ""
    code: Concept = NOTHING
    date: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEntry:
    """A CarePlan or RequestGroup: never proof that anything was given (E6)."""

    reference: str
    status: str = ""
    intent: str = ""
    title: str = ""


class DataIssue(msgspec.Struct, frozen=True, gc=False):
    """A problem of one resource in words a person understands; never holds patient content beyond codes."""

    reference: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was received. ``truncated`` is True when a list was cut off or came with an error entry."""

    resources: Mapping[str, int] = field(default_factory=dict)
    earliest: str | None = None
    latest: str | None = None
    truncated: bool = False
    incomplete: frozenset[str] = frozenset()
    """Resource types whose list is known to be missing, failed or cut off; EVERY when nothing says which list."""

    def lacks(self, kind: str) -> bool:
        """True when resources of that type are, or may be, among what is missing."""
        return kind in self.incomplete or EVERY in self.incomplete


class Record:
    """One patient's record. Lists are read when first asked for, so a chart without a blood cancer costs little.

    Entries of each list are sorted by reference and free of duplicates (U3: the latest version wins).
    """

    def __init__(self, patient: PatientEntry, converter: Converter) -> None:
        self.patient = patient
        self._converter = converter

    @cached_property
    def conditions(self) -> tuple[ConditionEntry, ...]:
        """Condition resources."""
        return self._converter.conditions()

    @cached_property
    def medications(self) -> tuple[MedicationEntry, ...]:
        """Administrations, dispenses, statements and requests."""
        return self._converter.medications()

    @cached_property
    def procedures(self) -> tuple[ProcedureEntry, ...]:
        """Procedure resources."""
        return self._converter.procedures()

    @cached_property
    def observations(self) -> tuple[ObservationEntry, ...]:
        """Observations, one entry a component."""
        return self._converter.observations()

    def asks(self, wanted: Callable[[str, str], bool]) -> bool:
        """True when some Observation asks a question (system, code) that is wanted; makes no entries."""
        return self._converter.asks(wanted)

    @cached_property
    def states_reasons(self) -> bool:
        """True when a treatment carries a reason in its own words; makes no entries."""
        return self._converter.states_reasons()

    @cached_property
    def numbers(self) -> tuple[NumberEntry, ...]:
        """Whole numbers of QuestionnaireResponses and EpisodesOfCare."""
        return self._converter.numbers()

    @cached_property
    def immunizations(self) -> tuple[ImmunizationEntry, ...]:
        """Immunization resources."""
        return self._converter.immunizations()

    @cached_property
    def orders(self) -> tuple[OrderEntry, ...]:
        """ServiceRequest resources."""
        return self._converter.orders()

    @cached_property
    def plans(self) -> tuple[PlanEntry, ...]:
        """CarePlan and RequestGroup resources."""
        return self._converter.plans()

    @cached_property
    def coverage(self) -> Coverage:
        """What was received."""
        return self._converter.coverage()

    @property
    def issues(self) -> tuple[DataIssue, ...]:
        """Problems met so far, sorted; grows as lists are read."""
        return self._converter.issues()
