"""Rules in plain language: the page behind a card's source, generated from the rule files (R-05)."""

from __future__ import annotations

from datetime import date

from flask import Response, render_template

from cds_service.cards.rule_page import RulePage, family_page, indication_page
from cds_service.cdshooks.errors import Refusal
from cds_service.labels import run_case
from cds_service.labels.packs import Case, Indication, Ruleset
from cds_service.pipeline import Pipeline
from cds_service.settings import Settings

STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; }
body { color: #1b1b1b; background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.3rem; margin-top: 2.5rem; } h3 { font-size: 1.05rem; margin-bottom: .2rem; }
dt { font-weight: 600; } dd { margin: 0 0 .4rem 0; } a { color: #0b4f8a; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #d5d5d5; }
.test { border: 2px solid #8a1c0b; padding: .5rem 1rem; }
"""


class RulePages:
    """Pages of the rules loaded, each rendered once a day. Unknown names give Refusal(404)."""

    def __init__(self, pipeline: Pipeline, settings: Settings) -> None:
        self._pipeline = pipeline
        self._base = settings.public_url
        self._sandbox = settings.sandbox
        self._day = date.min
        self._rendered: dict[str, str] = {}

    def family(self, jurisdiction: str, family: str, today: date) -> Response:
        """Every rule of one disease family in force today."""
        return self._response(f"{jurisdiction}/{family}", jurisdiction, family, "", today)

    def indication(self, jurisdiction: str, product: str, name: str, today: date) -> Response:
        """Every dated wording of one rule."""
        rule = f"{jurisdiction}/{product}/{name}"
        return self._response(rule, jurisdiction, "", rule, today)

    def style(self) -> Response:
        """The style sheet of the pages."""
        return Response(STYLE, mimetype="text/css", headers={"Cache-Control": "public, max-age=3600"})

    def _response(self, key: str, jurisdiction: str, family: str, rule: str, today: date) -> Response:
        if today != self._day:
            self._day, self._rendered = today, {}
        html = self._rendered.get(key)
        if html is None:
            page = self._page(jurisdiction, family, rule, today)
            html = render_template("rules.html", page=page, base=self._base, sandbox=self._sandbox)
            self._rendered[key] = html
        return Response(html, mimetype="text/html", headers={"Cache-Control": "public, max-age=300"})

    def _page(self, jurisdiction: str, family: str, rule: str, today: date) -> RulePage:
        ruleset = self._pipeline.rulesets.get(jurisdiction)
        page = self._found(ruleset, family, rule, today) if ruleset else None
        if page is None:
            raise Refusal(404, "no rule of that name is loaded; /about lists the rules")
        return page

    def _found(self, ruleset: Ruleset, family: str, rule: str, today: date) -> RulePage | None:
        wording = self._pipeline.wording
        if rule:
            return indication_page(
                ruleset, rule, wording, today, concept_label=self._label, case_result=self._case_result
            )
        return family_page(ruleset, family, wording, today, concept_label=self._label, case_result=self._case_result)

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
