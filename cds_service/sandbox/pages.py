"""The pages of the sandbox and the few addresses their scripts call. Nothing that is sent here is kept."""

from __future__ import annotations

import hashlib
import re
import uuid
from datetime import date
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import flask
import orjson
from flask import Blueprint, Response, render_template

import cds_service
from cds_service.cdshooks.answers import json_response
from cds_service.cdshooks.body import JSON_TYPES, check_media_type, read_body
from cds_service.cdshooks.catalogue import discovery
from cds_service.cdshooks.errors import Refusal
from cds_service.cdshooks.services import Context
from cds_service.ehr import hook_request
from cds_service.errors import UnreadableInput
from cds_service.oncology.model import FAMILIES
from cds_service.sandbox.calls import HOST, Calls
from cds_service.sandbox.report import report_page
from cds_service.sandbox.samples import OUTCOMES as OUTCOME_ORDER
from cds_service.sandbox.samples import Sample, load_samples
from cds_service.sandbox.view import Unusable, View, cards_by_day, look, met_brands
from cds_service.sandbox.words import OUTCOMES, silence

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
ASSETS = Path(__file__).resolve().parent / "assets"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
OWN_PAGE = "X-Cart-Cds-Page"
"""Header that our own scripts send: a page of another origin cannot, since we grant no preflight."""
_LINE = re.compile(r"line (\d+)(?:, column (\d+))?")
PAIR = ("dlbcl-early-relapse", "follicular-one-line")
"""Two patients to begin with: one has a card, the other has none."""


def sandbox(context: Context, calls: Calls) -> Blueprint:
    """The pages for this service. ``calls`` is what the service heard since it started."""
    pages = Blueprint("sandbox", __name__, template_folder="templates")
    views = _Pages(context, calls)
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
        ("/sandbox/calls", views.calls, ["GET"]),
        ("/sandbox/calls/<int:number>", views.call, ["GET"]),
        ("/sandbox/forget", views.forget, ["POST"]),
        ("/sandbox/assets/<name>", views.asset, ["GET"]),
    ):
        pages.add_url_rule(address, view.__name__, view, methods=methods)
    pages.add_app_template_global(views.asset_address, "asset")
    pages.add_app_template_filter(_pretty, "pretty")
    return pages


class _Pages:
    def __init__(self, context: Context, calls: Calls) -> None:
        self._context = context
        self._calls = calls
        self._samples = load_samples()
        self._prefix = urlsplit(context.settings.public_url).path
        self._host = urlsplit(context.settings.public_url).netloc
        self._files = {path.name: path.read_bytes() for path in sorted(ASSETS.iterdir()) if path.suffix in TYPES}
        self._marks = {name: hashlib.sha256(body).hexdigest()[:12] for name, body in self._files.items()}

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
            view = self._look(sample, str(uuid.uuid4()))
        except Unusable as error:
            return self._page("missing", 400, what="view", why=error.text)
        ids = list(self._samples)
        place = ids.index(name)
        return self._page(
            "patient",
            sample=sample,
            outcome=OUTCOMES[sample.outcome],
            before=self._samples[ids[place - 1]] if place else None,
            after=self._samples[ids[place + 1]] if place + 1 < len(ids) else None,
            **self._told(view),
        )

    def own(self) -> Response:
        """The same page for a record of the reader's own."""
        return self._page(
            "own", jurisdictions=sorted(self._context.pipeline.rulebooks, reverse=True), today=self._context.today()
        )

    def record(self, name: str) -> Response:
        """The FHIR Bundle of a sample."""
        sample = self._samples.get(name)
        if sample is None:
            raise Refusal(404, "no sample patient of that name")
        return Response(sample.bundle, mimetype="application/fhir+json")

    def connect(self) -> Response:
        """How to register this service, with its own addresses."""
        context = self._context
        base = context.settings.public_url
        listed = discovery(context.services, context.templates, context.pipeline.wording.intended_use)["services"]
        return self._page("connect", base=base, services=listed, auth=context.settings.auth, settings=context.settings)

    # What the scripts ask

    def view(self) -> Response:
        """Panes of a record: the body is {"record", "asOf", "jurisdiction", "hookInstance", "default"}."""
        asked = self._body()
        try:
            view = self._view_of(asked)
        except Unusable as error:
            return self._unusable(error, str(asked.get("record") or ""))
        told = self._told(view)
        parts = ("headline", "card", "history", "reasoning", "notes")
        answer: dict[str, Any] = {part: render_template(f"sandbox/_{part}.html", **told) for part in parts}
        answer["axis"] = {"start": str(view.axis.start), "end": str(view.axis.end), "days": view.axis.days}
        answer["day"], answer["stops"] = str(view.day), told["stops"]
        return json_response(answer)

    def cards_over_time(self) -> Response:
        """When there is a card: [{"from", "to", "kind"}] over the days of the chart."""
        asked = self._body()
        try:
            view = self._view_of(asked)
            return json_response({"spans": self._spans(view)})
        except Unusable as error:
            return self._unusable(error, str(asked.get("record") or ""))

    def request(self) -> Response:
        """The patient-view request that an EHR would send for this record."""
        asked = self._body()
        service = next(iter(discovery(self._context.services, self._context.templates, "")["services"]))
        try:
            content = orjson.loads(str(asked.get("record") or ""))
            return json_response({"service": service["id"], "request": hook_request(service["hook"], service, content)})
        except (orjson.JSONDecodeError, UnreadableInput, KeyError, TypeError, AttributeError) as error:
            told = str(error) if isinstance(error, UnreadableInput) else "a Bundle or a list of resources is needed"
            return json_response({"error": {"text": f"No request can be made of this: {told}"}}, 400)

    def sample_report(self, name: str) -> Response:
        """The printable page of a sample."""
        sample = self._samples.get(name)
        if sample is None:
            return self._page("missing", 404, what="patient")
        try:
            view = self._look(sample, str(uuid.UUID(int=0)))
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

    def calls(self) -> Response:
        """The calls the service received, newest first."""
        self._own_page()
        return json_response({"calls": self._calls.newest()})

    def call(self, number: int) -> Response:
        """One of them with its bodies."""
        self._own_page()
        found = self._calls.one(number)
        if found is None:
            raise Refusal(404, "this call is no longer kept")
        return json_response(found)

    def forget(self) -> Response:
        """Forget the calls."""
        self._own_page()
        self._calls.clear()
        return Response(status=204)

    def asset(self, name: str) -> Response:
        """A style sheet or script of ours."""
        body = self._files.get(name)
        if body is None:
            raise Refusal(404, "no such file")
        kind = TYPES[Path(name).suffix]
        return Response(body, mimetype=kind, headers={"Cache-Control": "public, max-age=86400"})

    def asset_address(self, name: str) -> str:
        """The address of an asset; it changes when the file does."""
        return f"{self._prefix}/sandbox/assets/{name}?v={self._marks[name]}"

    # Helpers

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        html = render_template(
            f"sandbox/{template}.html",
            **{
                "here": template,
                "prefix": self._prefix,
                "sandbox": True,
                "version": cds_service.__version__,
                "ruleset": self._context.pipeline.rulesets[self._context.settings.jurisdiction].version,
                **values,
            },
        )
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
        return Response(html, status=status, mimetype="text/html", headers=headers)

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

    def _look(self, sample: Sample, instance: str) -> View:
        """A sample on the day and under the labels that the address asks for."""
        args = flask.request.args
        day, jurisdiction = _date(args.get("asOf")), args.get("jurisdiction", self._context.settings.jurisdiction)
        return look(
            self._context,
            sample.bundle,
            day=day,
            jurisdiction=jurisdiction,
            default=sample.as_of,
            instance=instance,
        )

    def _view_of(self, asked: dict[str, Any]) -> View:
        record = asked.get("record")
        if not isinstance(record, str):
            raise Unusable("There is no record in the request.")
        default = _date(asked.get("default")) or self._context.today()
        jurisdiction = str(asked.get("jurisdiction") or self._context.settings.jurisdiction)
        instance = _instance(asked.get("hookInstance"))
        try:
            body = record.encode()
        except UnicodeEncodeError:
            body = record.encode("utf-8", "replace")
        day = _date(asked.get("asOf"))
        return look(self._context, body, day=day, jurisdiction=jurisdiction, default=default, instance=instance)

    def _told(self, view: View) -> dict[str, Any]:
        """What the templates of a patient need."""
        return {
            "view": view,
            "prefix": self._prefix,
            "silence": silence(view.silences),
            "brands": met_brands(view),
            "stops": view.stops,
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
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
        return Response(html, mimetype="text/html", headers=headers)

    def _body(self) -> dict[str, Any]:
        environ = flask.request.environ
        check_media_type(environ, JSON_TYPES)
        try:
            found = orjson.loads(read_body(environ, self._context.settings.max_body_bytes))
        except orjson.JSONDecodeError:
            raise Refusal(400, "not JSON") from None
        if not isinstance(found, dict):
            raise Refusal(400, "the request is not a JSON object")
        return found

    def _unusable(self, error: Unusable, record: str) -> Response:
        told: dict[str, Any] = {"text": error.text[:1].upper() + error.text[1:]}
        place = _LINE.search(error.text)
        if place:
            told["line"], told["column"] = int(place[1]), int(place[2] or 0)
            lines = record.split("\n")
            first = max(told["line"] - 3, 0)
            told["first"], told["excerpt"] = first + 1, [text[:400] for text in lines[first : told["line"] + 2]]
        return json_response({"error": told}, 400)

    def _own_page(self) -> None:
        """Only our own page may read what the service heard: not another origin, nor one that only bears our name."""
        request = flask.request
        heard = request.environ.get(HOST, "")
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        if request.headers.get(OWN_PAGE) != "yes" or site != "same-origin" or not _ours(heard, self._host):
            raise Refusal(404, "no such route")


def _ours(heard: str, public: str) -> bool:
    """True for the name this service is known by, this machine, or a bare address: no foreign name that points here."""
    try:
        name = urlsplit(f"//{heard}").hostname or ""
        return heard == public or name == "localhost" or bool(ip_address(name))
    except ValueError:
        return False


def _pretty(value: Any) -> str:
    """JSON for people."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _date(text: object) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) and len(text) == 10 else None
    except ValueError:
        return None


def _instance(text: object) -> str:
    try:
        return str(uuid.UUID(str(text)))
    except ValueError:
        return str(uuid.uuid4())
