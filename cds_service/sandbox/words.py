"""Words of the sandbox pages that no card says: why there is no card, what an outcome is called."""

from __future__ import annotations

SILENCE = {
    "reader_is_patient": "The reader is the patient; cards are for clinicians.",
    "deceased": "The patient has died.",
    "no_systemic_order": "No systemic therapy is being ordered.",
    "referral_drafted": "A CAR-T referral is already among the draft orders.",
    "referral_open": "A CAR-T referral, collection or infusion is already on record.",
    "criteria_not_met": "The disease is one that labels name, but each indication has a criterion that is not met.",
    "rule_expired": "The only rules that match are past their expiry date and say nothing.",
    "first_line_under_way": "The first line is under way or has just ended, and no failure is on record.",
    "prior_car_t": "A CAR-T infusion is already on record.",
    "unknown_cards_off": "Only “cannot determine” was left to say, and this site has such cards switched off.",
    "snoozed": "A card about this was answered and still sleeps.",
    "another_family_speaks": "The card speaks of another disease of this patient.",
    "no_diagnosis": "The record holds no disease that a CAR-T label names. Most charts are like this.",
}
"""Word of ``cards.model.SILENCES`` -> sentence, in the order in which one speaks before another."""

OUTCOMES = {
    "match": ("met", "Card: match"),
    "review": ("review", "Card: for review"),
    "unknown": ("unknown", "Card: cannot determine"),
    "near miss": ("not_met", "No card: near miss"),
    "silent": ("silent", "No card"),
}
"""Outcome of a sample -> (mark, words)."""


HOOKS = {
    "patient-view": "Chart opened",
    "order-select": "Order selected",
    "order-sign": "Order signed",
    "problem-list-item-create": "Problem recorded",
    "encounter-start": "Encounter started",
}
"""Hook -> what the clinician does in the EHR."""


def silence(words: tuple[str, ...]) -> str:
    """The sentence that says why there is no card."""
    return next((text for word, text in SILENCE.items() if word in words), SILENCE["no_diagnosis"])
