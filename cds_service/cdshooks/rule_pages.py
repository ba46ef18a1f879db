"""Rules in plain language: the page behind a card's source, generated from the rule files (R-05)."""

from __future__ import annotations

from datetime import date

from flask import Response, render_template

from cds_service.cdshooks.errors import Refusal
from cds_service.labels.packs import Indication
from cds_service.pipeline import Pipeline
from cds_service.settings import Settings

STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
body { color: #1b1b1b; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
dt { font-weight: 600; } dd { margin: 0 0 .5rem 0; } a { color: #0b4f8a; }
.test { border: 2px solid #8a1c0b; padding: .5rem 1rem; }
"""


class RulePages:
    """Pages of the rules loaded. Unknown names give Refusal(404)."""

    def __init__(self, pipeline: Pipeline, settings: Settings) -> None:
        self._pipeline = pipeline
        self._base = settings.public_url
        self._sandbox = settings.sandbox

    def family(self, jurisdiction: str, family: str, today: date) -> Response:
        """Every indication of one disease family in force today."""
        found = [i for i in self._in_force(jurisdiction, today) if i.family == family]
        return self._page(jurisdiction, self._pipeline.wording.family_name(family), found)

    def indication(self, jurisdiction: str, product: str, name: str, today: date) -> Response:
        """One indication."""
        wanted = f"{jurisdiction}/{product}/{name}"
        found = [i for i in self._in_force(jurisdiction, today) if i.id == wanted]
        return self._page(jurisdiction, found[0].title if found else "", found)

    def style(self) -> Response:
        """The style sheet of the pages."""
        return Response(STYLE, mimetype="text/css", headers={"Cache-Control": "public, max-age=3600"})

    def _in_force(self, jurisdiction: str, today: date) -> tuple[Indication, ...]:
        ruleset = self._pipeline.rulesets.get(jurisdiction)
        return ruleset.in_force(today) if ruleset else ()

    def _page(self, jurisdiction: str, title: str, indications: list[Indication]) -> Response:
        if not indications:
            raise Refusal(404, "no rule of that name is loaded; /about lists the rules")
        html = render_template(
            "rules.html",
            title=title,
            indications=indications,
            wording=self._pipeline.wording,
            version=self._pipeline.rulesets[jurisdiction].version,
            jurisdiction=jurisdiction,
            sandbox=self._sandbox,
            base=self._base,
        )
        return Response(html, mimetype="text/html", headers={"Cache-Control": "public, max-age=300"})
