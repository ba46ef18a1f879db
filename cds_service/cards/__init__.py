"""Cards: the words for an assessment. ``compose`` decides nothing clinical; it reads what ``labels`` found."""

from __future__ import annotations

from cds_service.cards.compose import compose, composition
from cds_service.cards.model import Card, CardOptions, Composition, HookView, card_json
from cds_service.cards.referral import referral_template

__all__ = ["Card", "CardOptions", "Composition", "HookView", "card_json", "compose", "composition", "referral_template"]
