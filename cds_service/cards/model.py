"""What goes in beside the assessment, and the card that comes out. Frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cds_service.labels.report import without_empty

Indicator = Literal["info", "warning"]
"""``critical`` cannot be said (R-16): a referral review is never an emergency."""

ORDER_HOOKS = frozenset({"order-select", "order-sign"})
READERS_WHO_ARE_PATIENTS = frozenset({"Patient", "RelatedPerson"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HookView:
    """What a card may know about the hook call.

    ``user_type`` is the resource type of ``context.userId``; ``patient_id`` and ``encounter_id`` are bare ids, "" when
    the call names none. On order hooks ``systemic_order`` says that a selected order (order-sign: any draft) is a
    systemic therapy for the index disease, ``lymphotoxic_drugs`` names those among them that are lymphotoxic, and
    ``referral_drafted`` that a CAR-T referral is among the drafts (decisions 35 and 43).
    """

    hook: str
    hook_instance: str
    service_id: str
    user_type: str = "Practitioner"
    patient_id: str = field(default="", repr=False)
    encounter_id: str = field(default="", repr=False)
    systemic_order: bool = False
    lymphotoxic_drugs: tuple[str, ...] = ()
    referral_drafted: bool = False

    @property
    def about_orders(self) -> bool:
        """True for order-select and order-sign."""
        return self.hook in ORDER_HOOKS


@dataclass(frozen=True, slots=True, kw_only=True)
class CardOptions:
    """What a site chose. ``base_url`` starts every link; ``referral_codes`` are (system, code), the first is used."""

    base_url: str
    sandbox: bool = False
    extension: bool = True
    unknown_cards: bool = True
    order_warning: bool = False
    referral_codes: tuple[tuple[str, str], ...] = ()
    suppress_prior_car_t: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """A FHIR Coding; ``display`` may be ""."""

    system: str
    code: str
    display: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Who says so: a label of at most 60 characters, the page of the rules, the topic of the disease."""

    label: str
    url: str
    topic: Coding


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An absolute link without patient data."""

    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One suggestion with one action: create the draft ServiceRequest ``resource``."""

    label: str
    uuid: str
    description: str
    resource: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One card of one disease family.

    ``family``, ``status`` (met, review or unknown), ``rules`` (indication ids it rests on), ``ruleset`` and
    ``evidence`` (sorted references) are not sent; logs, metrics and the feedback store use them.
    """

    uuid: str
    summary: str
    detail: str
    indicator: Indicator
    source: Source
    suggestions: tuple[Suggestion, ...]
    override_reasons: tuple[Coding, ...]
    links: tuple[Link, ...]
    extension: Mapping[str, Any] | None
    family: str
    status: str
    rules: tuple[str, ...]
    ruleset: str
    evidence: tuple[str, ...]


SILENCES = (
    "reader_is_patient",
    "deceased",
    "no_systemic_order",
    "referral_drafted",
    "referral_open",
    "no_diagnosis",
    "criteria_not_met",
    "rule_expired",
    "first_line_under_way",
    "prior_car_t",
    "unknown_cards_off",
    "snoozed",
    "another_family_speaks",
)
"""Every reason to say nothing, in the order in which it is looked for; ``snoozed`` is said by the feedback store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """The cards, and why each other family (or, under "", the whole answer) is silent: family -> word of SILENCES."""

    cards: tuple[Card, ...]
    silent: Mapping[str, str]


def card_json(card: Card) -> dict[str, Any]:
    """The card as CDS Hooks 2.0.1 has it: no member is null or empty, at any depth (GEN-03)."""
    members: dict[str, Any] = {
        "uuid": card.uuid,
        "summary": card.summary,
        "detail": card.detail,
        "indicator": card.indicator,
        "source": {
            "label": card.source.label,
            "url": card.source.url,
            "topic": _coding(card.source.topic),
        },
        "suggestions": [
            {
                "label": suggestion.label,
                "uuid": suggestion.uuid,
                "actions": [{"type": "create", "description": suggestion.description, "resource": suggestion.resource}],
            }
            for suggestion in card.suggestions
        ],
        "selectionBehavior": "any" if card.suggestions else None,
        "overrideReasons": [_coding(reason) for reason in card.override_reasons],
        "links": [{"label": link.label, "url": link.url, "type": "absolute"} for link in card.links],
    }
    kept: dict[str, Any] = without_empty(members)
    if card.extension:
        # Made without empty members (labels.as_json of one family).
        kept["extension"] = card.extension
    return kept


def _coding(coding: Coding) -> dict[str, str]:
    return {"system": coding.system, "code": coding.code, "display": coding.display}
