"""What a card rests on: rules with label dates and kind of approval, and the safety block of the products."""

from __future__ import annotations

from cds_service.cards.choose import Choice
from cds_service.cards.markdown import safe
from cds_service.cards.wording import Wording
from cds_service.labels.model import Assessment
from cds_service.labels.packs import Indication, Product
from cds_service.oncology.model import MET

RULE_NAME = 60


def products(choice: Choice) -> tuple[Product, ...]:
    """The products of every indication the card names, in order of the indications."""
    named = {r.indication.product.name: r.indication.product for r in (*choice.leading, *choice.open_ones)}
    return tuple(named.values())


def product_name(product: Product, wording: Wording) -> str:
    """ "axi-cel (Yescarta)" (decision 39)."""
    return safe(wording.say("product", short=product.short_name, brand=product.brand), 60)


def rule_name(indication: Indication, wording: Wording, jurisdiction: str) -> str:
    """The rule's own part of its id; its title where the id holds a word no card says."""
    name = indication.id.rsplit("/", 1)[-1]
    return safe(indication.title if wording.lint.findings(name, jurisdiction) else name, RULE_NAME)


def basis_line(choice: Choice, assessment: Assessment, wording: Wording, *, short: bool) -> str:
    """The rules that lead, by product, with approval and label date; when the labels were read (labels-us 2.7)."""
    grouped: dict[tuple[str, str], list[Indication]] = {}
    for result in choice.leading:
        indication = result.indication
        grouped.setdefault((indication.product.name, indication.approval), []).append(indication)
    rules = "; ".join(_rule(group, wording, assessment.jurisdiction, short=short) for group in grouped.values())
    labels = wording.jurisdictions[assessment.jurisdiction]["labels"]
    line = wording.say("basis_met" if choice.status == MET else "basis_unknown", labels=labels, rules=rules)
    read = min(result.indication.product.read_on for result in choice.leading).isoformat()
    return f"{line} {wording.say('basis_read', read=read)}"


def _rule(group: list[Indication], wording: Wording, jurisdiction: str, *, short: bool) -> str:
    first = group[0]
    approval = {"accelerated": "accelerated", "conditional": "conditional"}.get(first.approval)
    names = "" if short else ", ".join(rule_name(one, wording, jurisdiction) for one in group)
    filled = wording.say(
        "rule",
        product=product_name(first.product, wording),
        approval=wording.say(approval) if approval else "",
        rules=names,
        revision=first.product.label_revision,
    )
    return filled.replace(" , ", ", ")


def past_review_line(choice: Choice, wording: Wording) -> str:
    """A warning about rules past their review date (R-37), "" when there are none."""
    past = {r.indication.product.short_name: None for r in (*choice.leading, *choice.open_ones) if r.past_review}
    return wording.say("past_review", products=safe(", ".join(past), 80)) if past else ""


def safety_line(choice: Choice, jurisdiction: str, wording: Wording) -> str:
    """The union of the boxed terms (US) or risks (EU) of the products, in the order of the wording file (a.4)."""
    keys = {key for product in products(choice) for key in (product.boxed if jurisdiction == "us" else product.risks)}
    covered = {other for key in keys for other in wording.safety_terms[key][1]}
    terms = dict.fromkeys(text for key, (text, _) in wording.safety_terms.items() if key in keys - covered and text)
    region = wording.jurisdictions[jurisdiction]
    return region["safety"].format(terms=_listed(list(terms)), hold=region["hold"])


def _listed(terms: list[str]) -> str:
    if len(terms) < 2:
        return "".join(terms)
    return f"{', '.join(terms[:-1])} and {terms[-1]}"
