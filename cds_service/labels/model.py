"""The assessment: what ``assess`` gives to the cards, and the JSON of contract section 2."""

from __future__ import annotations

from dataclasses import dataclass

from cds_service.labels.packs import Indication
from cds_service.oncology.model import ClinicalPicture


@dataclass(frozen=True, slots=True, kw_only=True)
class Birthday:
    """A birthday near enough to be pointed out (labels-us 2.6, labels-eu A11); it changes no status.

    ``first`` and ``last`` are ISO dates, the same when the date of birth is whole; ``sure`` that both lie near enough.
    """

    years: int
    first: str
    last: str
    sure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionResult:
    """One criterion of one indication: met, not_met, unknown or review."""

    id: str
    status: str
    because: str
    grade: str | None = None
    evidence: tuple[str, ...] = ()
    birthday: Birthday | None = None
    """Told in ``because`` too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicationResult:
    """One indication judged. ``family`` is the family of the diagnosis that decided (the pack's where none did)."""

    indication: Indication
    family: str
    status: str
    criteria: tuple[CriterionResult, ...]
    diagnosis_concept: str | None = None
    diagnosis_speaks: bool = False
    """True when the diagnosis is unknown but may speak (decisions 9b and 66), every other criterion being met."""
    stale: bool = False
    """Past its hard expiry date: in the assessment, never on a card (decision 45)."""
    past_review: bool = False

    def criterion(self, name: str) -> CriterionResult | None:
        """The criterion with that id."""
        return next((c for c in self.criteria if c.id == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """A clinical picture compared with one jurisdiction's rules in force on ``picture.as_of``."""

    service_version: str
    jurisdiction: str
    ruleset_version: str
    picture: ClinicalPicture
    indications: tuple[IndicationResult, ...]
    disagreements: tuple[str, ...] = ()
    """Indications on which the two evaluators differed; their status is unknown."""
