"""The draft orders of a hook call: which were selected, what therapy they mean, whether a referral is among them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cds_service.fhir.model import Record
from cds_service.fhir.references import reference_key
from cds_service.oncology.knowledge import Knowledge
from cds_service.oncology.model import ClinicalPicture
from cds_service.oncology.orders import draft_therapy

OWN_REFERRAL = ("urn:cart-cds:order", "car-t-referral-review")
"""The code we put into every suggestion (decision 35)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftView:
    """What matters of the drafts: see ``cards.HookView`` for the three members."""

    systemic_order: bool = False
    lymphotoxic_drugs: tuple[str, ...] = ()
    referral_drafted: bool = False


class DraftReader:
    """Reads draft orders (decisions 35, 43); ``referral_codes`` are those of the site, (system, code)."""

    def __init__(self, knowledge: Knowledge, referral_codes: Iterable[tuple[str, str]] = ()) -> None:
        self._knowledge = knowledge
        self._canonical = knowledge.concepts.systems.canonical
        self._referrals = frozenset((self._canonical(s), code) for s, code in (OWN_REFERRAL, *referral_codes))

    def read(
        self, drafts: Record, selections: Iterable[str] | None, picture: ClinicalPicture | None = None
    ) -> DraftView:
        """What the drafts say of the patient in ``picture``.

        ``selections`` narrows the drugs to the orders selected; None means every draft. A CAR-T product among the
        drafts counts as a referral, selected or not.
        """
        orders = drafts.medications
        if selections is not None:
            chosen = {reference_key(text) for text in selections}
            orders = tuple(order for order in orders if order.reference in chosen)
        therapy = draft_therapy(orders, picture, self._knowledge)
        return DraftView(
            systemic_order=therapy.systemic,
            lymphotoxic_drugs=therapy.lymphotoxic,
            referral_drafted=self._referral(drafts)
            or draft_therapy(drafts.medications, picture, self._knowledge).cell_therapy,
        )

    def _referral(self, drafts: Record) -> bool:
        return any(
            (self._canonical(coding.system), coding.code) in self._referrals
            for order in drafts.orders
            for coding in order.code.codings
        )
