"""The numbers and drug sets of the line method, typed: ``rules/lines_of_therapy.yaml`` and ``rules/regimens.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

PULSED, CONTINUOUS, PROCEDURE = "pulsed", "continuous", "procedure"


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyParameters:
    """One column of table c2. Days, inclusive; None where the table says "none" or "never".

    ``maintenance``, ``lead_in_from``, ``lead_in_to``, ``protocol`` and ``salvage`` hold ingredients, classes spelled
    out. ``replacement``: "certain" or "ambiguous_mid_course" (L14).
    """

    name: str
    assembly_days: int
    same_drugs_gap_days: int | None
    maintenance_days: int | None
    replacement: str
    refractory_days: int | None
    maintenance: frozenset[str] = frozenset()
    same_drugs_ambiguous_days: int | None = None
    treated_within_days: int | None = None
    untreated_after_days: int | None = None
    lead_in_days: int | None = None
    lead_in_from: frozenset[str] = frozenset()
    lead_in_to: frozenset[str] = frozenset()
    protocol_days: int | None = None
    protocol_days_after_transplant: int | None = None
    protocol: frozenset[str] = frozenset()
    salvage: frozenset[str] = frozenset()
    within_class: frozenset[str] = frozenset()
    """Classes inside which a switch for intolerance stays in the line (L12)."""
    targeted_replacement_certain: bool = False
    """A targeted drug replaced by one of another class is a new line even in mid-course (L14, MCL)."""
    cns_prophylaxis: frozenset[str] = frozenset()
    """Intravenous drugs that may follow the line as prophylaxis of the central nervous system (L9)."""
    radioimmunotherapy_consolidation: bool = False
    """Radioimmunotherapy soon after a response stays in the line (L9)."""
    steroid_candidate_days: int | None = None
    """Steroid-only treatment of that length, planned or with the disease as reason, is an uncounted candidate (F2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Windows that are the same for every family; days, inclusive, unless the name says otherwise."""

    twelve_months: int
    diagnosis_leeway: int
    conditioning: int
    mobilisation: int
    after_allo: int
    same_product: int
    same_transplant: int
    lymphodepletion: int
    leukapheresis: int
    presumed_bridging: int
    pending_bridging: int
    transplant_joins: int
    tandem: int
    inadequate_response: int
    failure_gap: int
    aborted: int
    multi_part: int
    cns_prophylaxis: int
    radioimmunotherapy: int
    within_class: int
    mid_course: int
    carry_factor: float
    overlap: float
    response_after_completion: int
    class_refractory: int
    estimated_stop_review: int
    stale_months: int
    first_line_under_way: int
    cycles_for_complete_course: int
    cycle_days: int
    continuous_days: int
    statement_contains_days: int
    dispense_before: int
    order_before: int
    prephase: int
    referral_silence: int


@dataclass(frozen=True, kw_only=True)
class LineParameters:
    """Everything the line method takes from ``rules/lines_of_therapy.yaml``.

    ``classes`` maps the fact name of a class ("imid", "cd19", "cytotoxic" …) to drug classes of the drug table,
    ``drugs_of`` to the ingredients of those classes. ``equivalents`` are sets of drugs that count as one (L6);
    ``one_ingredient`` those that *are* one (F1: every member reads as the first). ``routes``, ``stop_reasons`` and
    ``supportive_intents`` map codes to their meaning.
    """

    families: Mapping[str, FamilyParameters]
    windows: Windows
    classes: Mapping[str, tuple[str, ...]]
    drugs_of: Mapping[str, frozenset[str]]
    equivalents: tuple[tuple[str, ...], ...]
    one_ingredient: tuple[tuple[str, ...], ...]
    mobilisation_drugs: frozenset[str]
    lymphodepletion_drugs: frozenset[str]
    after_allo_drugs: frozenset[str]
    never_alone: frozenset[str]
    radioimmunotherapy: frozenset[str]
    cd19_products: frozenset[str]
    regimen_procedures: Mapping[str, str]
    recorded_count_codes: frozenset[tuple[str, str]]
    """(system, code) of a recorded number of lines (Q1), as ``Systems.canonical`` spells the system; "" for a code that
    also counts where no system is given."""
    other_cancer_regimens: tuple[frozenset[str], ...]
    other_cancer_codes: frozenset[tuple[str, str]]
    """(key of a system, chapter letter) of other malignancies (A4)."""
    routes: Mapping[str, str]
    stop_reasons: Mapping[str, str]
    treatment_words: frozenset[str]
    """Parts of words that speak of cancer treatment in the text of a procedure without a known code."""
    local_words: frozenset[str]
    """Words by which the text of a drug is that of a local form."""
    supportive_intents: frozenset[str]
    neutral_reasons: frozenset[str]
    """Disease concepts that, as a reason, name no disease (encounter for chemotherapy …)."""
    other_reasons: frozenset[str]
    """Context concepts that, as a reason, are another disease (GVHD, HLH …)."""
    transformation: Mapping[str, frozenset[str]]
    """Families whose lines count with those of a family (A2): ``lbcl`` with fl, mzl, cll_sll and back."""

    @cached_property
    def same(self) -> Mapping[str, str]:
        """Drug to the first drug of its set of equivalents (L6)."""
        return {drug: group[0] for group in self.equivalents for drug in group}

    @cached_property
    def identity(self) -> Mapping[str, str]:
        """Drug to the one ingredient it is (F1)."""
        return {drug: group[0] for group in self.one_ingredient for drug in group}


@dataclass(frozen=True, slots=True, kw_only=True)
class Regimen:
    """A named regimen of section (d). ``type``: pulsed, continuous or procedure (tied to a transplant or infusion)."""

    number: int
    name: str
    families: tuple[str, ...]
    core: tuple[str, ...]
    optional: tuple[str, ...]
    role: str
    type: str
    multi_part: bool = False
    unverified: bool = False
