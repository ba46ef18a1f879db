"""An assessment becomes cards: who speaks, in which words, with which draft, links and reasons to decline."""

from __future__ import annotations

from uuid import UUID, uuid5

from cds_service.cards.basis import product_name, products
from cds_service.cards.choose import Choice, choose
from cds_service.cards.detail import detail
from cds_service.cards.items import open_items
from cds_service.cards.markdown import plain
from cds_service.cards.model import (
    Card,
    CardOptions,
    Coding,
    Composition,
    HookView,
    Indicator,
    Link,
    Source,
    Suggestion,
)
from cds_service.cards.referral import draft_referral
from cds_service.cards.scene import Scene
from cds_service.cards.summary import summary
from cds_service.cards.wording import Wording
from cds_service.labels.model import Assessment
from cds_service.labels.report import as_json
from cds_service.oncology.model import MET

MAX_SOURCE_LABEL = 60
TOPIC_SYSTEM = "urn:cart-cds:topic"
EXTENSION = "org.cart-cds.assessment"


def compose(assessment: Assessment, hook: HookView, wording: Wording, options: CardOptions) -> list[Card]:
    """The cards for a hook call, best family first; empty when there is nothing to say."""
    return list(composition(assessment, hook, wording, options).cards)


def composition(assessment: Assessment, hook: HookView, wording: Wording, options: CardOptions) -> Composition:
    """The cards, and for every family without one the reason; for logs, metrics and the sandbox."""
    chosen, silent = choose(assessment, hook, options)
    cards = tuple(_card(choice, assessment, hook, wording, options) for choice in chosen)
    return Composition(cards=cards, silent=silent)


def _card(choice: Choice, assessment: Assessment, hook: HookView, wording: Wording, options: CardOptions) -> Card:
    items = open_items(choice)
    scene = Scene(choice=choice, items=items, assessment=assessment, hook=hook, wording=wording, options=options)
    name = f"{hook.service_id}/{choice.family}"
    namespace = UUID(hook.hook_instance)
    words = wording.sections["suggestion"]
    evidence = {r for result in choice.leading for criterion in result.criteria for r in criterion.evidence}
    return Card(
        uuid=str(uuid5(namespace, name)),
        summary=summary(choice, items, wording),
        detail=detail(scene),
        indicator=_indicator(choice, hook, options),
        source=_source(choice, assessment, wording, options),
        suggestions=(
            Suggestion(
                label=words["label"],
                uuid=str(uuid5(namespace, f"{name}/suggestion")),
                description=words["description"],
                resource=draft_referral(scene),
            ),
        ),
        override_reasons=wording.override_reasons,
        links=_links(choice, assessment, wording, options),
        extension=_extension(choice, assessment) if options.extension else None,
        family=choice.family,
        status=choice.status,
        rules=tuple(result.indication.id for result in choice.leading),
        ruleset=assessment.ruleset_version,
        evidence=tuple(sorted(evidence)),
    )


def _indicator(choice: Choice, hook: HookView, options: CardOptions) -> Indicator:
    """``warning`` only for a lymphotoxic order in a matched patient, where the site asked for it (decision 43)."""
    harmful = hook.about_orders and bool(hook.lymphotoxic_drugs)
    return "warning" if harmful and choice.status == MET and options.order_warning else "info"


def _source(choice: Choice, assessment: Assessment, wording: Wording, options: CardOptions) -> Source:
    words = wording.sections["source"]
    label = words["label"].format(version=assessment.ruleset_version)
    label = plain(f"{words['sandbox']}{label}" if options.sandbox else label, MAX_SOURCE_LABEL)
    jurisdiction = assessment.jurisdiction
    family = "".join(part.capitalize() for part in choice.family.split("_"))
    return Source(
        label=label,
        url=f"{options.base_url.rstrip('/')}/rules/{jurisdiction}/{choice.family}",
        topic=Coding(system=TOPIC_SYSTEM, code=f"cart{jurisdiction.capitalize()}{family}"),
    )


def _links(choice: Choice, assessment: Assessment, wording: Wording, options: CardOptions) -> tuple[Link, ...]:
    """The page of each leading rule, then the official page of each of their products; no patient data (LNK-05)."""
    base = options.base_url.rstrip("/")
    rule = wording.sections["links"]["rule"]
    label = wording.jurisdictions[assessment.jurisdiction]["label_link"]
    found: dict[str, str] = {}
    for result in choice.leading:
        title = rule.format(title=plain(result.indication.title, 160))
        found[f"{base}/rules/{result.indication.id}"] = f"{title} – {result.indication.product.short_name}"
    leading = {result.indication.product.name for result in choice.leading}
    pages: dict[str, list[str]] = {}
    for product in products(choice):
        if product.name in leading:
            pages.setdefault(product.page, []).append(product_name(product, wording))
    for page, names in pages.items():
        found[page] = label.format(product=", ".join(names))
    return tuple(Link(label=text, url=url) for url, text in found.items())


def _extension(choice: Choice, assessment: Assessment) -> dict[str, object]:
    """The assessment cut down to the family (contract section 3)."""
    return {EXTENSION: as_json(assessment, choice.family)}
