"""The clinical picture: what ``describe`` gives to the label rules. Frozen values; no product, no label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from cds_service.fhir.dates import Interval
from cds_service.fhir.model import Coverage, DataIssue

if TYPE_CHECKING:
    from cds_service.oncology.steps import Derivation

MET, NOT_MET, UNKNOWN, REVIEW = "met", "not_met", "unknown", "review"
RECORDED, INFERRED = "recorded", "inferred"

FAMILIES = ("lbcl", "fl", "mzl", "mcl", "cll_sll", "b_all", "multiple_myeloma")
"""Disease families in the order of decision 29."""

FACT_NAMES = (
    "prior_lines_ge_1",
    "prior_lines_ge_2",
    "prior_lines_ge_3",
    "prior_lines_ge_4",
    "relapsed_or_refractory",
    "early_1l_failure",
    "primary_refractory",
    "refractory_last_line",
    "progressed_on_last_line",
    "refractory_to_lenalidomide",
    "exposed_imid",
    "exposed_pi",
    "exposed_cd38",
    "exposed_btki",
    "exposed_bcl2i",
    "exposed_anti_cd20",
    "exposed_anthracycline",
    "exposed_alkylator",
    "double_class_exposed",
    "triple_class_exposed",
    "triple_class_refractory",
    "prior_auto_hsct",
    "prior_allo_hsct",
    "prior_car_t",
    "prior_cd19_therapy",
    "relapses_ge_2",
    "first_remission_le_12mo",
    "rr_after_allo",
)

FLAG_IDS = (
    "active_infection",
    "inflammatory_disorder",
    "hepatitis_b",
    "hepatitis_c",
    "hiv",
    "screening_not_found",
    "pregnancy",
    "performance_status",
    "lvef",
    "renal",
    "liver",
    "neutrophils",
    "platelets",
    "haemoglobin",
    "lymphocytes",
    "secondary_cns",
    "cns_disorder",
    "movement_disorder",
    "active_gvhd",
    "immunosuppression",
    "prior_allo_hsct",
    "prior_car_t",
    "prior_cd19_therapy",
    "bcma_therapy",
    "cd20_bispecific",
    "bendamustine",
    "washout",
    "live_vaccine",
    "oxygen",
    "marrow_reserve",
    "previous_malignancy",
)
"""Flag ids of decision 28, in that order."""


class Fact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A statement about the patient: met, not_met or unknown, with the sentence that decided it."""

    status: str
    because: str
    grade: str | None = None
    evidence: tuple[str, ...] = ()


class Flag(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A finding for review (never an exclusion): present, absent or unknown.

    ``because`` is one line for the card: finding, value, unit, ISO date. ``recorded`` says it in words of the record
    (already neutral text, not yet escaped).
    """

    id: str
    status: str
    because: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One haematological diagnosis of the patient, merged over the resources that say it.

    ``family`` is a key of FAMILIES or None. ``state``: active, relapse, remission, inactive, resolved, refuted,
    entered_in_error, history. ``certainty``: confirmed, provisional (provisional, differential, unconfirmed), indirect
    (stands only as a coded reason of treatment), text (stands only as text), inferred (pathology, lineage from drugs).
    ``role``: indication, exclusion, ambiguous, context (terminology). ``may_be``: families an unspecific or textual
    diagnosis can mean (decision 63). ``origin`` is the concept it transformed from. ``recorded`` is the earliest date
    of recording: the latest day on which the diagnosis can have been made, for one without an onset.
    ``may_have_transformed``: a large B-cell lymphoma on record may have arisen from it, and no date tells.
    """

    concept: str
    label: str
    family: str | None
    role: str
    state: str
    certainty: str
    onset: Interval | None = None
    evidence: tuple[str, ...] = ()
    may_be: tuple[str, ...] = ()
    speaks_when_ambiguous: bool = False
    origin: str | None = None
    note: str = ""
    recorded: Interval | None = None
    may_have_transformed: bool = False

    @property
    def stands(self) -> bool:
        """True for a diagnosis the patient has now (also in remission), not refuted, retracted, resolved or history."""
        return self.state in ("active", "relapse", "remission", "inactive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of therapy; ``start`` / ``end`` repeat the record's own precision, ``end`` None while it goes on."""

    number: int
    family: str
    regimen: str
    agents: tuple[str, ...]
    start: str | None
    end: str | None
    includes: tuple[str, ...] = ()
    best_response: str | None = None
    modified: bool = False
    flags: tuple[str, ...] = ()
    because: str = ""
    evidence: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    regimen_unverified: bool = False


class SetAside(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something looked at and not counted, and why."""

    reference: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCount:
    """n derived lines, and the range the record leaves open (L20)."""

    n: int
    min: int
    max: int
    since_transformation: int | None = None
    questions: tuple[str, ...] = ()
    """Each ambiguous boundary as a question a reader should answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Lines of therapy of one family."""

    count: LineCount
    lines: tuple[Line, ...]
    set_aside: tuple[SetAside, ...] = ()
    recorded: int | None = None
    complete: bool = True
    gaps: tuple[str, ...] = ()
    """Why coverage is incomplete (X0, decision 54)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyPicture:
    """The course of one disease family.

    ``signals`` are flat scalars (str, int, bool) that criteria test; ``statements`` give, under the same first word as
    the signals they explain, the sentence, grade and evidence. ``newest`` is the date of the newest evidence used.
    """

    family: str
    diagnoses: tuple[Diagnosis, ...]
    history: History
    facts: Mapping[str, Fact]
    signals: Mapping[str, str | int | bool]
    statements: Mapping[str, Fact]
    newest: str | None = None
    course: Derivation | None = None
    """The derivation behind ``history``: exposures, status events and procedures, for timelines."""
    first_line_under_way: bool = False
    """Decision 36: one line, still running or given within 60 days, no failure on record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicalPicture:
    """Everything the label rules and the cards may know about the patient.

    ``age`` is (min, max) in completed years at ``as_of`` (of the day of death when deceased), None when unknown.
    ``families`` holds the families on record, leading family first; ``hypothetical`` those an unspecific or textual
    diagnosis may belong to. ``haematological`` is False when the chart holds no such diagnosis, present or ambiguous:
    then nothing else was read.
    """

    as_of: str
    patient_reference: str
    age: tuple[int, int] | None
    age_because: str
    deceased: bool
    gender: str
    haematological: bool
    lead: str | None
    diagnoses: tuple[Diagnosis, ...]
    families: Mapping[str, FamilyPicture]
    hypothetical: Mapping[str, FamilyPicture]
    flags: tuple[Flag, ...]
    issues: tuple[DataIssue, ...]
    coverage: Coverage
    referral_open: tuple[str, ...] = ()
    """References of CAR-T referrals, collections or manufacturing steps that silence a card (S c.2-4, decision 46)."""
    medication_count: int = 0
    medication_span: tuple[str, str] | None = None
    birth: Interval | None = None
    """Date of birth of a living patient, for the birthday that a label limit waits for; None when not known."""
    extra: Mapping[str, str] = field(default_factory=dict)
