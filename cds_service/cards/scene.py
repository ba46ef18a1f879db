"""Everything the words of one card are made from."""

from __future__ import annotations

from dataclasses import dataclass

from cds_service.cards.choose import Choice
from cds_service.cards.items import Item
from cds_service.cards.model import CardOptions, HookView
from cds_service.cards.wording import Wording
from cds_service.labels.model import Assessment
from cds_service.oncology.model import ClinicalPicture


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One family that speaks, its open items, and what is said it with."""

    choice: Choice
    items: tuple[Item, ...]
    assessment: Assessment
    hook: HookView
    wording: Wording
    options: CardOptions

    @property
    def picture(self) -> ClinicalPicture:
        """The patient."""
        return self.assessment.picture
