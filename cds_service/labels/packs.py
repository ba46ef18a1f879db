"""Label packs in memory: products, indications, criteria. Values only; ``loader`` reads them from YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a fact was read. ``url`` may be empty for a printed source."""

    id: str
    title: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One condition of an indication: a kind that Python knows, and its parameters from the pack."""

    id: str
    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguity:
    """A question the label leaves open and the reading the pack encodes."""

    id: str
    reading: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The label's own example: the signals (the indication's ``example`` with changes) and what must come out."""

    says: str
    signals: Mapping[str, Any]
    status: str
    criteria: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product in one jurisdiction.

    ``boxed`` (US) or ``risks`` (EU) are keys of ``safety_terms`` in wording.yaml. ``label_revision`` is the newest
    label change read, as year-month or date; dates of reading and review as in requirement R-06.
    """

    name: str
    brand: str
    short_name: str
    concept: str
    jurisdiction: str
    holder: str
    target: str
    first_approved: date
    label_revision: str
    label_change: str
    read_on: date
    review_by: date
    expires: date
    reviewer: str
    page: str
    boxed: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences for the rule page (monitoring, delay, screening, dose form …), each verified in its reference."""
    sources: Mapping[str, Source] = field(default_factory=dict)
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Indication:
    """One indication as worded from ``effective_from`` to ``until`` (last day in force; None while current)."""

    id: str
    product: Product
    family: str
    title: str
    text: str
    section: str
    effective_from: date
    until: date | None
    approval: str
    """regular, accelerated (US); standard, conditional (EU)."""
    trial: str
    evidence: str
    sources: tuple[str, ...]
    criteria: tuple[Criterion, ...]
    ambiguities: tuple[Ambiguity, ...] = ()
    cases: tuple[Case, ...] = ()
    line: int = 0
    """Line of the pack file at which the indication starts."""

    def in_force(self, day: date) -> bool:
        """True on every day from ``effective_from`` to ``until``, both included."""
        return self.effective_from <= day and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """All packs of one jurisdiction."""

    jurisdiction: str
    version: str
    products: tuple[Product, ...]
    indications: tuple[Indication, ...]
    """Every dated wording, sorted by id and date."""

    def in_force(self, day: date) -> tuple[Indication, ...]:
        """Indications in force on that day, sorted by id."""
        return tuple(i for i in self.indications if i.in_force(day))
