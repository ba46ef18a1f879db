"""The rules of one disease family, or one rule, in plain language: generated from the packs, never edited (R-05).

The service renders the values as HTML (and escapes them); here is only what is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from cds_service.cards.rule_sentences import criterion_sentences
from cds_service.cards.wording import Wording
from cds_service.labels.packs import Case, Indication, Product, Ruleset, Source

CaseResult = Callable[[Indication, Case], str]
"""The status a case gives when it is run; "" when it was not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One case of the pack: what it says, what must come out, what came out ("" when it was not run)."""

    says: str
    expected: str
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSection:
    """One dated wording of one indication."""

    id: str
    title: str
    product: str
    text: str
    section: str
    effective_from: date
    until: date | None
    approval: str
    trial: str
    evidence: str
    logic: tuple[str, ...]
    ambiguities: tuple[tuple[str, str], ...]
    cases: tuple[CaseRow, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductSection:
    """What is said of one product beside its rules."""

    name: str
    full_name: str
    holder: str
    first_approved: date
    label_revision: str
    label_change: str
    read_on: date
    review_by: date
    expires: date
    reviewer: str
    page: str
    safety: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePage:
    """A page of rules (R-01, R-05, R-06, R-33; the thirteen source attributes of d.2)."""

    title: str
    purpose: str
    jurisdiction: str
    ruleset_version: str
    as_of: date
    rules: tuple[RuleSection, ...]
    products: tuple[ProductSection, ...]
    inputs: tuple[str, ...]
    statuses: tuple[str, ...]
    limits: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]


def family_page(
    ruleset: Ruleset,
    family: str,
    wording: Wording,
    as_of: date,
    *,
    concept_label: Callable[[str], str] | None = None,
    case_result: CaseResult | None = None,
) -> RulePage | None:
    """The rules of a family in force on ``as_of``; None for a family without any."""
    found = [one for one in ruleset.in_force(as_of) if one.family == family]
    name = wording.family_name(family)
    return _page(ruleset, found, name, wording, as_of, concept_label or _spaced, case_result or _not_run)


def indication_page(
    ruleset: Ruleset,
    indication_id: str,
    wording: Wording,
    as_of: date,
    *,
    concept_label: Callable[[str], str] | None = None,
    case_result: CaseResult | None = None,
) -> RulePage | None:
    """Every dated wording of one indication, the newest first; None for an id without any."""
    found = [one for one in ruleset.indications if one.id == indication_id]
    found.sort(key=lambda one: one.effective_from, reverse=True)
    name = found[0].title if found else ""
    return _page(ruleset, found, name, wording, as_of, concept_label or _spaced, case_result or _not_run)


def _page(  # noqa: PLR0917 - one call, all of it needed
    ruleset: Ruleset,
    indications: list[Indication],
    name: str,
    wording: Wording,
    as_of: date,
    concept_label: Callable[[str], str],
    case_result: CaseResult,
) -> RulePage | None:
    if not indications:
        return None
    named = {one.product.name: one.product for one in indications}
    return RulePage(
        title=wording.sections["page"]["title"].format(name=name),
        purpose=wording.intended_use,
        jurisdiction=ruleset.jurisdiction,
        ruleset_version=ruleset.version,
        as_of=as_of,
        rules=tuple(_rule(one, wording, concept_label, case_result) for one in indications),
        products=tuple(_product(product, wording) for product in named.values()),
        inputs=wording.lists["inputs"],
        statuses=wording.lists["statuses"],
        limits=wording.lists["limits"],
        attributes=tuple((name, value.format(version=ruleset.version)) for name, value in wording.attributes),
    )


def _rule(
    indication: Indication, wording: Wording, concept_label: Callable[[str], str], case_result: CaseResult
) -> RuleSection:
    sources = indication.product.sources
    return RuleSection(
        id=indication.id,
        title=indication.title,
        product=_name(indication.product, wording),
        text=indication.text,
        section=indication.section,
        effective_from=indication.effective_from,
        until=indication.until,
        approval=indication.approval,
        trial=indication.trial,
        evidence=indication.evidence,
        logic=tuple(s for one in indication.criteria for s in criterion_sentences(one, wording, concept_label)),
        ambiguities=tuple((one.id, one.reading) for one in indication.ambiguities),
        cases=tuple(
            CaseRow(says=case.says, expected=case.status, result=case_result(indication, case))
            for case in indication.cases
        ),
        sources=tuple(sources[key] for key in indication.sources if key in sources),
    )


def _product(product: Product, wording: Wording) -> ProductSection:
    keys: Iterable[str] = product.boxed if product.jurisdiction == "us" else product.risks
    texts = (wording.safety_terms[key][0] for key in keys)
    return ProductSection(
        name=_name(product, wording),
        full_name=product.name,
        holder=product.holder,
        first_approved=product.first_approved,
        label_revision=product.label_revision,
        label_change=product.label_change,
        read_on=product.read_on,
        review_by=product.review_by,
        expires=product.expires,
        reviewer=product.reviewer,
        page=product.page,
        safety=tuple(dict.fromkeys(text for text in texts if text)),
        notes=product.notes,
    )


def _name(product: Product, wording: Wording) -> str:
    return wording.say("product", short=product.short_name, brand=product.brand)


def _spaced(concept: str) -> str:
    return concept.replace("_", " ")


def _not_run(indication: Indication, case: Case) -> str:
    return ""
