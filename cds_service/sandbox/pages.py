"""The pages of the sandbox and the few addresses their scripts call. Nothing that is sent here is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import flask
import orjson
from flask import Blueprint, Response, render_template

import cds_service
from cds_service.cdshooks.answers import json_response
from cds_service.cdshooks.catalogue import discovery
from cds_service.cdshooks.errors import Refusal
from cds_service.cdshooks.packing import StaticFiles, packed
from cds_service.cdshooks.rule_pages import page_files
from cds_service.cdshooks.services import Context
from cds_service.oncology.model import FAMILIES
from cds_service.sandbox.additions import load_additions
from cds_service.sandbox.asking import NOTHING, body_of, ehr_request, error_of, question_of, record_of
from cds_service.sandbox.calls import Calls
from cds_service.sandbox.drafts import DraftShelf
from cds_service.sandbox.inspector import Inspector
from cds_service.sandbox.report import report_page
from cds_service.sandbox.samples import OUTCOMES as OUTCOME_ORDER
from cds_service.sandbox.samples import Sample, load_samples
from cds_service.sandbox.view import Unusable, View, cards_by_day, look, met_brands
from cds_service.sandbox.words import HOOKS, OUTCOMES, silence

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
ASSETS = Path(__file__).resolve().parent / "assets"
KEPT_SECONDS = 300
"""How long a browser keeps a file that it asked for without its mark."""
NEVER = "no-store"
PAIR = ("dlbcl-early-relapse", "follicular-one-line")
"""Two patients to begin with: one has a card, the other has none."""


def sandbox(context: Context, calls: Calls) -> Blueprint:
    """The pages for this service. ``calls`` is what the service heard since it started."""
    pages = Blueprint("sandbox", __name__, template_folder="templates")
    views = _Pages(context)
    heard = Inspector(calls, urlsplit(context.settings.public_url).netloc)
    for address, view, methods in (
        ("/", views.gallery, ["GET"]),
        ("/patients/<name>", views.patient, ["GET"]),
        ("/patients/<name>/record.json", views.record, ["GET"]),
        ("/patients/<name>/report", views.sample_report, ["GET"]),
        ("/own", views.own, ["GET"]),
        ("/connect", views.connect, ["GET"]),
        ("/sandbox/view", views.view, ["POST"]),
        ("/sandbox/cards", views.cards_over_time, ["POST"]),
        ("/sandbox/request", views.request, ["POST"]),
        ("/sandbox/report", views.own_report, ["POST"]),
        ("/sandbox/calls", heard.calls, ["GET"]),
        ("/sandbox/calls/<int:number>", heard.call, ["GET"]),
        ("/sandbox/forget", heard.forget, ["POST"]),
        ("/sandbox/assets/<name>", views.asset, ["GET"]),
    ):
        pages.add_url_rule(address, view.__name__, view, methods=methods)
    pages.add_app_template_global(views.asset_address, "asset")
    pages.add_app_template_filter(_pretty, "pretty")
    return pages


class _Pages:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._shelf = DraftShelf(context.pipeline)
        self._additions = load_additions(context.pipeline.rules, context.pipeline.knowledge.concepts.systems)
        self._samples = load_samples()
        self._prefix = urlsplit(context.settings.public_url).path
        listed = discovery(context.services, context.templates, context.pipeline.wording.intended_use)
        self._listed: list[dict[str, Any]] = listed["services"]
        self._files = StaticFiles(ASSETS, KEPT_SECONDS)

    # Pages

    def gallery(self) -> Response:
        """Sample patients, filtered by ``q``, ``family`` and ``outcome``."""
        asked = flask.request.args
        family, outcome, words = asked.get("family", ""), asked.get("outcome", ""), asked.get("q", "")[:100]
        name = self._context.pipeline.wording.family_name
        tiles = [self._tile(sample) for sample in self._samples.values()]
        for tile in tiles:
            tile["shown"] = (
                family in ("", tile["family"])
                and outcome in ("", tile["sample"].outcome)
                and all(word in tile["text"] for word in words.lower().split())
            )
        return self._page(
            "gallery",
            tiles=tiles,
            pair=[tile for wanted in PAIR for tile in tiles if tile["sample"].id == wanted],
            families=[(f, name(f)) for f in FAMILIES] + [("none", "no label disease")],
            outcomes=[(word, *OUTCOMES[word]) for word in OUTCOME_ORDER],
            family=family,
            outcome=outcome,
            q=words,
            counts={j: len(r.in_force(self._context.today())) for j, r in self._context.pipeline.rulesets.items()},
            intended_use=self._context.pipeline.wording.intended_use,
        )

    def patient(self, name: str) -> Response:
        """One sample patient; ``asOf`` and ``jurisdiction`` work without scripts."""
        sample = self._samples.get(name)
        if sample is None:
            return self._page("missing", 404, what="patient")
        try:
            view = self._look(sample)
        except Unusable as error:
            return self._page("missing", 400, what="view", why=error.text)
        ids = list(self._samples)
        place = ids.index(name)
        other = self._samples.get(PAIR[1 - PAIR.index(name)]) if name in PAIR else None
        return self._page(
            "patient",
            sample=sample,
            other=other and (other.id, "the one without a card" if name == PAIR[0] else "the one with a card"),
            before=self._samples[ids[place - 1]] if place else None,
            after=self._samples[ids[place + 1]] if place + 1 < len(ids) else None,
            **self._told(view),
        )

    def own(self) -> Response:
        """The same page for a record of the reader's own."""
        return self._page(
            "own",
            jurisdictions=sorted(self._context.pipeline.rulebooks, reverse=True),
            hooks=self._hooks(),
            additions=self._additions,
            today=self._context.today(),
            hook=self._listed[0]["hook"],
        )

    def record(self, name: str) -> Response:
        """The FHIR Bundle of a sample."""
        sample = self._samples.get(name)
        if sample is None:
            raise Refusal(404, "no sample patient of that name")
        return packed(Response(sample.bundle, mimetype="application/fhir+json"))

    def connect(self) -> Response:
        """How to register this service, with its own addresses."""
        context = self._context
        base = context.settings.public_url
        return self._page("connect", base=base, services=self._listed, auth=context.settings.auth)

    # What the scripts ask

    def view(self) -> Response:
        """Panes of a record; the body holds "record" and the fields of ``question_of``.

        What cannot be shown is told as {"error"} with status 200: the page asked whether it can, and its console stays
        clean. So do the two addresses below.
        """
        asked = body_of(self._context)
        try:
            view = self._view_of(asked)
        except Unusable as error:
            return json_response(error_of(error, str(asked.get("record") or "")))
        told = self._told(view)
        parts = ("headline", "order", "card", "history", "reasoning", "notes")
        answer: dict[str, Any] = {part: render_template(f"sandbox/_{part}.html", **told) for part in parts}
        answer["axis"] = {"start": str(view.axis.start), "end": str(view.axis.end), "days": view.axis.days}
        answer["day"], answer["stops"] = str(view.day), told["stops"]
        answer["order_word"] = view.drafts.word if view.drafts else ""
        return packed(json_response(answer))

    def cards_over_time(self) -> Response:
        """When there is a card: [{"from", "to", "kind"}] over the days of the chart."""
        asked = body_of(self._context)
        try:
            return json_response({"spans": self._spans(self._view_of(asked))})
        except Unusable as error:
            return json_response(error_of(error, str(asked.get("record") or "")))

    def request(self) -> Response:
        """The request that an EHR would send for this record, hook and draft order."""
        asked = body_of(self._context)
        try:
            return packed(json_response(ehr_request(asked, self._listed, self._shelf)))
        except Unusable as error:
            return json_response(error_of(error, ""))

    def sample_report(self, name: str) -> Response:
        """The printable page of a sample."""
        sample = self._samples.get(name)
        if sample is None:
            return self._page("missing", 404, what="patient")
        try:
            view = self._look(sample, NOTHING)
        except Unusable as error:
            return self._page("missing", 400, what="view", why=error.text)
        return self._report(view)

    def own_report(self) -> Response:
        """The printable page of the record in the form field ``state``."""
        if flask.request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise Refusal(404, "no such route")
        if (flask.request.content_length or 0) > self._context.settings.max_body_bytes:
            raise Refusal(413, "the body is too large")
        flask.request.max_form_memory_size = self._context.settings.max_body_bytes
        try:
            asked = orjson.loads(flask.request.form.get("state", "{}"))
            return self._report(self._view_of(asked if isinstance(asked, dict) else {}))
        except orjson.JSONDecodeError:
            raise Refusal(400, "not JSON") from None
        except Unusable as error:
            return self._page("missing", 400, what="report", why=error.text)

    def asset(self, name: str) -> Response:
        """A style sheet or script of ours."""
        return self._files.answer(name)

    def asset_address(self, name: str) -> str:
        """The address of an asset; it changes when the file does."""
        return f"{self._prefix}/sandbox/assets/{name}?v={self._files.marks[name]}"

    # Helpers

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        html = render_template(
            f"sandbox/{template}.html",
            **{
                "here": template,
                "prefix": self._prefix,
                "sandbox": True,
                "marks": page_files().marks,
                "version": cds_service.__version__,
                "ruleset": self._context.pipeline.rulesets[self._context.settings.jurisdiction].version,
                **values,
            },
        )
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": NEVER}
        return packed(Response(html, status=status, mimetype="text/html", headers=headers))

    def _tile(self, sample: Sample) -> dict[str, Any]:
        family = sample.family
        disease = self._context.pipeline.wording.family_name(family) if family else ""
        text = f"{sample.name} {sample.story} {disease} {OUTCOMES[sample.outcome][1]}".lower()
        age = sample.as_of.year - int(sample.birth[:4]) - (str(sample.as_of)[5:] < sample.birth[5:])
        return {
            "sample": sample,
            "family": family or "none",
            "disease": disease or "no label disease",
            "age": age,
            "text": text,
            "outcome": OUTCOMES[sample.outcome],
        }

    def _look(self, sample: Sample, instance: str = "") -> View:
        """A sample on the day, under the labels and at the hook that the address asks for."""
        asked = question_of(flask.request.args, self._context, sample.as_of)
        if instance:
            asked = replace(asked, instance=instance)
        return look(self._context, self._shelf, sample.bundle, asked)

    def _view_of(self, asked: dict[str, Any]) -> View:
        return look(self._context, self._shelf, record_of(asked), question_of(asked, self._context))

    def _hooks(self) -> list[tuple[str, str]]:
        """(hook, words) of the services offered."""
        return [(one["hook"], HOOKS.get(one["hook"], one["hook"])) for one in self._listed]

    def _told(self, view: View) -> dict[str, Any]:
        """What the templates of a patient need."""
        return {
            "view": view,
            "prefix": self._prefix,
            "silence": silence(view.silences),
            "brands": met_brands(view),
            "stops": view.stops,
            "hook": view.call.hook,
            "hooks": self._hooks(),
            "additions": self._additions,
            "answering": self._context.settings.jurisdiction,
            "jurisdictions": sorted(self._context.pipeline.rulebooks, reverse=True),
        }

    def _spans(self, view: View) -> list[dict[str, str]]:
        spans: list[dict[str, str]] = []
        for day, kind in cards_by_day(self._context, view):
            if spans and spans[-1]["kind"] == kind:
                spans[-1]["to"] = str(day)
            else:
                spans.append({"from": str(day), "to": str(day), "kind": kind})
        return spans

    def _report(self, view: View) -> Response:
        html, policy = report_page(view, self._context)
        headers = {"Content-Security-Policy": policy, "Cache-Control": NEVER}
        return packed(Response(html, mimetype="text/html", headers=headers))


def _pretty(value: Any) -> str:
    """JSON for people."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
