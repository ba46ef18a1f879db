"""Values that the steps of the line method hand to one another: evidence -> exposures -> lines.

Rule ids in comments and in ``because`` are those of the lines-of-therapy method (E1, L13, X2 …). Frozen values only.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from cds_service.fhir.dates import Interval
from cds_service.fhir.model import DataIssue
from cds_service.oncology.model import LineCount, SetAside

GIVEN, PROBABLE, ORDERED, NEGATED, RETRACTED = "given", "probable", "ordered", "negated", "retracted"
"""Evidence classes of table (b), strongest first."""

FAILURES = ("PD", "REL", "IF")
"""Status events that are failures: progression, relapse, no remission after induction."""


class Exposure(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A drug given at one time or over one period, duplicates merged (U1).

    ``ingredients`` are drug concepts after F1 ("investigational" for an unknown study drug). ``grade`` is GIVEN or
    PROBABLE. ``end`` None while it goes on. ``estimated_end``: days of supply or validity, not a recorded stop.
    ``route``: intravenous, subcutaneous, oral, intrathecal, "" when not recorded.
    ``stop_reason``: not_tolerated, no_response, refused, completed, "" (statusReason).
    """

    reference: str
    evidence: tuple[str, ...]
    kind: str
    grade: str
    ingredients: tuple[str, ...]
    start: Interval
    end: Interval | None
    ongoing: bool = False
    estimated_end: bool = False
    period: bool = False
    days: int | None = None
    route: str = ""
    stop_reason: str = ""
    plans: frozenset[str] = frozenset()
    study_drug: bool = False
    attributed: bool = False
    """Its reason names the index disease (A1)."""
    reasons: frozenset[str] = frozenset()
    """Disease concepts that its reasons name; ``another_disease`` for a coded reason of another kind (decision 23)."""
    unknown_drug: bool = False
    """No ingredient was recognised (E8)."""
    undated: bool = False
    """No date stands in the record, or only a latest one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatmentEvent:
    """A procedure that matters to lines.

    ``kind``: auto_hsct, allo_hsct, hsct, car_t, car_t_not_done, leukapheresis, car_t_leukapheresis,
    stem_cell_collection, radiotherapy, tbi, surgery, other. ``product`` is the CAR-T concept. ``grade`` GIVEN or
    PROBABLE.
    """

    reference: str
    evidence: tuple[str, ...]
    kind: str
    when: Interval
    grade: str = GIVEN
    product: str = ""
    plans: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEvent:
    """A disease status (X1).

    ``kind``: CR, VGPR, PR, MR, SD, PD, REL, IF, IMPROVED (response of unknown depth). MRD never makes one.
    ``when`` is the date, or everything up to the day of recording. ``source``: observation or condition.
    """

    reference: str
    evidence: tuple[str, ...]
    kind: str
    when: Interval
    source: str = "observation"

    @property
    def failure(self) -> bool:
        """True for progression, relapse, no remission after induction."""
        return self.kind in FAILURES


class Part(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One exposure in its line.

    ``role``: core, added, maintenance, consolidation, bridging, lymphodepletion, conditioning, mobilisation,
    prophylaxis, carried_over, steroid. ``rule`` attached it ("L4", "L8" …).
    """

    exposure: Exposure
    role: str
    rule: str


class DerivedLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One derived line, in full.

    ``start`` / ``end`` intervals (``end`` None while ongoing). ``completion`` is the last dose or transplant without
    maintenance, radiotherapy, conditioning (the anchor of X2), ``completion_certain`` False when it rests on probable
    evidence; ``last_dose`` includes maintenance. ``opened_by`` is the rule id that opened it. ``cycles`` is the number
    of treatment courses seen (doses of core drugs at least a cycle apart), for decisions 57 and 61. ``counted`` False
    for an uncounted candidate (less than a complete cycle, steroid course …), which is in max only.
    """

    number: int
    family: str
    parts: tuple[Part, ...]
    events: tuple[TreatmentEvent, ...]
    start: Interval
    end: Interval | None
    completion: Interval | None
    completion_certain: bool
    last_dose: Interval | None
    opened_by: str
    regimen: str
    agents: tuple[str, ...]
    classes: tuple[str, ...]
    regimen_unverified: bool = False
    regimen_role: str = ""
    car_t: str = ""
    includes: tuple[str, ...] = ()
    modified: bool = False
    flags: tuple[str, ...] = ()
    grade: str = GIVEN
    cycles: int = 0
    counted: bool = True
    complete: bool = True
    because: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """An ambiguous boundary (L20): ``rule``, between which lines, whether counted as new, and the question to answer.

    ``is_new`` True: counted as a new line but may not be (min - 1); False: counted as the same, may be new (max + 1).
    """

    rule: str
    line: int
    is_new: bool
    question: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """The patient's anticancer treatment before any disease family is asked about: evidence read, duplicates merged.

    ``exposures`` keep everything given or probable (also intrathecal, steroid, conditioning), sorted by date and drug.
    ``unresolved`` are references that led nowhere (X0).
    """

    exposures: tuple[Exposure, ...]
    events: tuple[TreatmentEvent, ...]
    set_aside: tuple[SetAside, ...] = ()
    unresolved: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    """Medications and procedures that may be treatment of the disease and could not be read (X0)."""
    issues: tuple[DataIssue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """Lines of one family with everything the facts need.

    ``exposures`` are those attributed to the family, systemic (F3, F6, F7, A2 applied), including aborted starts,
    bridging, conditioning and lymphodepletion (X8). ``count`` has the range after L20 and Q2 to Q4; ``gaps`` say why
    coverage is incomplete as far as the walk sees it (X0: transplant, maintenance or CAR-T first; recorded count above
    max; unresolved).
    """

    family: str
    lines: tuple[DerivedLine, ...]
    candidates: tuple[DerivedLine, ...]
    exposures: tuple[Exposure, ...]
    local: tuple[TreatmentEvent, ...]
    """Radiotherapy and surgery: they explain a relapse before the first systemic therapy (F6)."""
    status: tuple[StatusEvent, ...]
    boundaries: tuple[Boundary, ...]
    count: LineCount
    recorded: int | None
    set_aside: tuple[SetAside, ...]
    gaps: tuple[str, ...]
