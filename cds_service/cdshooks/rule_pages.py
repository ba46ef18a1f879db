"""Rules in plain language: the page behind a card's source, generated from the rule files (R-05).

Beside one page a disease family and one a rule: the list of all rules, one product in each jurisdiction side by side,
and what changed from one wording of a rule to the next.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Response, render_template

import cds_service
from cds_service.cards.rule_page import RulePage, RuleSection, family_page, indication_page
from cds_service.cdshooks.errors import Refusal
from cds_service.cdshooks.packing import BEST, StaticFiles, pack, packed
from cds_service.labels import run_case
from cds_service.labels.packs import Case, Indication, Product, Ruleset
from cds_service.oncology.model import FAMILIES
from cds_service.pipeline import Pipeline
from cds_service.settings import Settings

ASSETS = Path(__file__).resolve().parent.parent / "assets"
KEPT_SECONDS = 3600
"""How long a browser keeps a file of the pages that it asked for without its mark."""
POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_ITEMS = re.compile(r"(?<=[;:,]) ")
_WORDS = re.compile(r"\s+|[^\s,.;:()]+|[,.;:()]")
Piece = tuple[str, str]
"""A piece of text and what became of it: same, new or gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one wording of a rule says otherwise than the one before it. Sentences: (words, same, new or gone)."""

    on: date
    text: tuple[Piece, ...]
    logic: tuple[Piece, ...]
    readings: tuple[Piece, ...]


@cache
def page_files() -> StaticFiles:
    """The style sheet and the font of every page, read when a page is first set up."""
    return StaticFiles(ASSETS, KEPT_SECONDS)


class RulePages:
    """Pages of the rules loaded, each rendered once a day. Unknown names give Refusal(404)."""

    def __init__(self, pipeline: Pipeline, settings: Settings) -> None:
        self._pipeline = pipeline
        self._prefix = urlsplit(settings.public_url).path
        self._sandbox = settings.sandbox
        self._jurisdiction = settings.jurisdiction
        self._day = date.min
        self._rendered: dict[str, tuple[str, bytes]] = {}

    def index(self, today: date) -> Response:
        """Every rule in force today, by jurisdiction and disease."""
        return self._response("", today, self._index)

    def family(self, jurisdiction: str, family: str, today: date) -> Response:
        """Every rule of one disease family in force today."""
        return self._response(f"{jurisdiction}/{family}", today, lambda day: self._page(jurisdiction, family, "", day))

    def indication(self, jurisdiction: str, product: str, name: str, today: date) -> Response:
        """Every dated wording of one rule."""
        rule = f"{jurisdiction}/{product}/{name}"
        return self._response(rule, today, lambda day: self._page(jurisdiction, "", rule, day))

    def compare(self, product: str, today: date) -> Response:
        """One product in every jurisdiction loaded, disease by disease."""
        return self._response(f"compare/{product}", today, lambda day: self._compare(product, day))

    def _response(self, key: str, today: date, make: Any) -> Response:
        if today != self._day:
            self._day, self._rendered = today, {}
        found = self._rendered.get(key)
        if found is None:
            made = make(today)
            found = self._rendered[key] = made, pack(made.encode(), BEST)
        html, small = found
        headers = {"Cache-Control": "public, max-age=300", "Content-Security-Policy": POLICY}
        return packed(Response(html, mimetype="text/html", headers=headers), small)

    def _render(self, template: str, **values: Any) -> str:
        return render_template(
            template,
            here="rules",
            prefix=self._prefix,
            sandbox=self._sandbox,
            marks=page_files().marks,
            version=cds_service.__version__,
            ruleset=self._pipeline.rulesets[self._jurisdiction].version,
            jurisdictions=list(self._pipeline.rulesets),
            **values,
        )

    def _index(self, today: date) -> str:
        groups = []
        for jurisdiction, ruleset in self._pipeline.rulesets.items():
            found = ruleset.in_force(today)
            families = [(f, self._family_name(f), [one for one in found if one.family == f]) for f in FAMILIES]
            groups.append((jurisdiction, [family for family in families if family[2]]))
        return self._render("rules_index.html", groups=groups, products=self._products())

    def _products(self) -> list[tuple[str, Product]]:
        """(word in the address, product) of every product of any jurisdiction."""
        found: dict[str, Product] = {}
        for ruleset in self._pipeline.rulesets.values():
            for product in ruleset.products:
                found.setdefault(product.brand.lower(), product)
        return sorted(found.items())

    def _compare(self, name: str, today: date) -> str:
        products = dict(self._products())
        if name not in products:
            raise Refusal(404, "no product of that name is loaded; /about lists the rules")
        sides: dict[str, dict[str, list[RuleSection]]] = {}
        facts: dict[str, Product | None] = {}
        for jurisdiction, ruleset in self._pipeline.rulesets.items():
            of_product = [one for one in ruleset.in_force(today) if one.product.brand.lower() == name]
            facts[jurisdiction] = of_product[0].product if of_product else None
            for one in of_product:
                page = self._found(ruleset, "", one.id, today)
                section = page and next((r for r in page.rules if r.effective_from == one.effective_from), None)
                if section:
                    sides.setdefault(one.family, {}).setdefault(jurisdiction, []).append(section)
        families = [(self._family_name(f), sides[f]) for f in FAMILIES if f in sides]
        return self._render("rules_compare.html", product=products[name], facts=facts, families=families, marked=marked)

    def _page(self, jurisdiction: str, family: str, rule: str, today: date) -> str:
        ruleset = self._pipeline.rulesets.get(jurisdiction)
        page = self._found(ruleset, family, rule, today) if ruleset else None
        if page is None:
            raise Refusal(404, "no rule of that name is loaded; /about lists the rules")
        changes = [changes_of(new, old) for new, old in zip(page.rules, page.rules[1:], strict=False)] if rule else []
        product = rule.split("/")[1] if rule else ""
        return self._render("rules.html", page=page, rule=rule, product=product, changes=changes)

    def _found(self, ruleset: Ruleset, family: str, rule: str, today: date) -> RulePage | None:
        wording = self._pipeline.wording
        if rule:
            return indication_page(
                ruleset, rule, wording, today, concept_label=self._label, case_result=self._case_result
            )
        return family_page(ruleset, family, wording, today, concept_label=self._label, case_result=self._case_result)

    def _family_name(self, family: str) -> str:
        return self._pipeline.wording.family_name(family)

    def _label(self, concept: str) -> str:
        """The name of a disease or a drug for people."""
        concepts = self._pipeline.knowledge.concepts
        for look_up in (concepts.disease, concepts.drug_info):
            try:
                return look_up(concept).label
            except KeyError:
                continue
        return concept.replace("_", " ")

    def _case_result(self, indication: Indication, case: Case) -> str:
        """What the case gives now: the page shows that the rule does what it says (R-33)."""
        return run_case(indication, case)[0]


def changes_of(new: RuleSection, old: RuleSection) -> Change:
    """What ``new`` says otherwise than ``old``: the label's text word by word, the rest sentence by sentence."""
    return Change(
        on=new.effective_from,
        text=_pieces(_WORDS.findall(old.text), _WORDS.findall(new.text), ""),
        logic=_pieces(old.logic, new.logic, "\n"),
        readings=_pieces([text for _, text in old.ambiguities], [text for _, text in new.ambiguities], "\n"),
    )


def marked(
    section: RuleSection, jurisdiction: str, sides: dict[str, list[RuleSection]]
) -> tuple[tuple[Piece, ...], ...]:
    """The sentences of a rule in items, each new that the nearest rule of every other jurisdiction does not name."""
    own = _items(section)
    known: set[str] = set()
    others = [found for name, found in sides.items() if name != jurisdiction and found]
    for found in others:
        known |= max((_items(one) for one in found), key=lambda items: len(items & own) / len(items | own))
    return tuple(_marked(sentence, known if others else own) for sentence in section.logic)


def _items(section: RuleSection) -> set[str]:
    return {_bare(item) for sentence in section.logic for item in _ITEMS.split(sentence)}


def _marked(sentence: str, known: set[str]) -> tuple[Piece, ...]:
    found: list[Piece] = []
    for number, item in enumerate(_ITEMS.split(sentence)):
        if number:
            found.append((" ", "same"))
        found.append((item, "same" if _bare(item) in known else "new"))
    return tuple(found)


def _bare(item: str) -> str:
    return item.rstrip(".;:, ").lower()


def _pieces(old: Iterable[str], new: Iterable[str], glue: str) -> tuple[Piece, ...]:
    before, after = list(old), list(new)
    found: list[Piece] = []

    def add(items: list[str], kind: str) -> None:
        if glue:
            found.extend((item, kind) for item in items)
        elif items:
            found.append(("".join(items), kind))

    for word, i, j, k, m in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if word == "equal":
            add(before[i:j], "same")
        else:
            add(before[i:j], "gone")
            add(after[k:m], "new")
    return tuple(found)
