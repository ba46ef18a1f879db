"""The Flask application: rules loaded once, rooms wired, routes set. ``create_app`` is the only entrance."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import flask
from flask import Flask, Response
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, MethodNotAllowed

import cds_service
from cds_service.cards import CardOptions, referral_template
from cds_service.cdshooks.answers import json_response
from cds_service.cdshooks.assessments import answer_assessment
from cds_service.cdshooks.body import JSON_TYPES, check_media_type, read_body
from cds_service.cdshooks.catalogue import Service, discovery, offered
from cds_service.cdshooks.edge import Edge, notes
from cds_service.cdshooks.errors import RETRY_AFTER, Refusal, operation_outcome
from cds_service.cdshooks.feedback import outcomes, read_feedback
from cds_service.cdshooks.logs import make_logger, where
from cds_service.cdshooks.metrics import CONTENT_TYPE, Metrics
from cds_service.cdshooks.openapi import openapi
from cds_service.cdshooks.operations import about, readiness
from cds_service.cdshooks.prefetch import load_templates
from cds_service.cdshooks.rule_pages import RulePages, page_files
from cds_service.cdshooks.seams import (
    Authenticator,
    ClosedDoor,
    FeedbackStore,
    NoFetching,
    NoStore,
    OpenDoor,
    PrefetchSource,
)
from cds_service.cdshooks.services import Context, answer_hook
from cds_service.cdshooks.tracing import traced
from cds_service.database.engine import Database, open_database
from cds_service.feedback.snooze import load_snooze
from cds_service.feedback.store import SqlFeedbackStore, feedback_key
from cds_service.fhirclient.source import FhirSource
from cds_service.pipeline import JURISDICTIONS, Pipeline, code_pairs
from cds_service.sandbox import Calls, Listening, sandbox
from cds_service.security.authenticator import JwtAuthenticator
from cds_service.security.clients import Client, check_clients
from cds_service.settings import Settings

STATUS_TEXTS = {404: "no such route", 405: "the route has another method"}


class Application(Flask):
    """Flask that tells the edge which route answered."""

    cart_cds: Context

    def dispatch_request(self) -> ResponseReturnValue:
        """Note the route's pattern (never the path, which may hold anything) and answer."""
        rule = flask.request.url_rule
        if rule is not None:
            notes(flask.request.environ).route = rule.rule
        return super().dispatch_request()


def create_app(
    settings: Settings,
    *,
    authenticator: Authenticator | None = None,
    store: FeedbackStore | None = None,
    source: PrefetchSource | None = None,
    pipeline: Pipeline | None = None,
) -> Application:
    """The service for these settings.

    The keyword arguments replace what the settings would choose; ``pipeline`` shares rules that are loaded already.
    Raises SettingsError or RuleFileError.
    """
    clients = check_clients(settings)
    context = _context(settings, source, pipeline)
    database = None
    if (settings.feedback and store is None) or (settings.auth == "jwt" and authenticator is None):
        database = open_database(settings.database_url)
    context.authenticator = authenticator or _authenticator(context, clients, database)
    context.store = store or _store(context, database)
    app = Application("cds_service", static_folder=None)
    app.cart_cds = context
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _broken)
    _add_cds(app, context)
    _add_operations(app, context)
    _add_rules(app, context)
    calls = Calls() if settings.sandbox else None
    if calls is not None:
        _add_sandbox(app, context)
        app.register_blueprint(sandbox(context, calls))
    version = f"{cds_service.__version__}/{context.pipeline.rulesets[settings.jurisdiction].version}"
    edge = Edge(app.wsgi_app, settings, version, context.metrics, context.log)
    outermost = traced(edge)
    app.wsgi_app = Listening(outermost, calls) if calls else outermost  # type: ignore[assignment, method-assign]
    return app


def _context(
    settings: Settings,
    source: PrefetchSource | None,
    pipeline: Pipeline | None,
) -> Context:
    if pipeline is None:
        jurisdictions = JURISDICTIONS if settings.sandbox else (settings.jurisdiction,)
        pipeline = Pipeline(settings.rules, jurisdictions, referral_codes=settings.referral_codes)
    options = CardOptions(
        base_url=settings.public_url,
        sandbox=settings.sandbox,
        extension=settings.card_extension,
        unknown_cards=settings.unknown_cards,
        order_warning=settings.order_warning,
        referral_codes=code_pairs(settings.referral_codes),
    )
    # Made and checked by fhir.resources now: the first card must not wait for it, and a bad site code stops the start.
    referral_template(pipeline.wording, options)
    return Context(
        settings=settings,
        pipeline=pipeline,
        services=offered(settings.hooks),
        templates=load_templates(pipeline.rules),
        options=options,
        metrics=Metrics(),
        authenticator=OpenDoor(),
        store=NoStore(),
        source=source or (FhirSource(settings) if settings.fhir_fetch else NoFetching()),
        log=make_logger(settings.log_level),
    )


def _authenticator(context: Context, clients: tuple[Client, ...], database: Database | None) -> Authenticator:
    """A client whose keys cannot be had is refused like everybody; the log says why."""
    if context.settings.auth == "off":
        return OpenDoor()
    if database is None:
        return ClosedDoor()

    def unreachable(issuer: str) -> None:
        context.log.error("the keys of a client cannot be fetched", issuer=issuer)

    return JwtAuthenticator(context.settings, clients, database, unreachable=unreachable)


def _store(context: Context, database: Database | None) -> FeedbackStore:
    """Failures that are swallowed for the sake of a card are counted and logged."""
    settings = context.settings
    if not settings.feedback or database is None:
        return NoStore()

    def failed(kind: str) -> None:
        context.metrics.unrecorded.inc()
        context.log.warning("card sent without the feedback store", error_type=kind)

    key = feedback_key(database, settings.feedback_key.get_secret_value())
    snooze = load_snooze(context.pipeline.rules)
    return SqlFeedbackStore(database, key, snooze, comments=settings.feedback_comments, failed=failed)


def _add_cds(app: Application, context: Context) -> None:
    listed = discovery(context.services, context.templates, context.pipeline.wording.intended_use)

    def discover() -> Response:
        if context.settings.discovery_auth:
            context.authenticated(flask.request.environ, "/cds-services")
        return json_response(listed)

    app.add_url_rule("/cds-services", "discovery", discover, methods=["GET"])
    for service in context.services.values():
        path = f"/cds-services/{service.id}"
        app.add_url_rule(path, service.id, _hook_view(context, service), methods=["POST"])
        app.add_url_rule(
            f"{path}/feedback", f"{service.id}-feedback", _feedback_view(context, service), methods=["POST"]
        )


def _hook_view(context: Context, service: Service) -> Callable[[], Response]:
    def view() -> Response:
        request = flask.request
        environ = request.environ
        _ready(context)
        as_of = request.args.get("asOf") if environ.get("QUERY_STRING") else None
        return json_response(answer_hook(context, service, environ, as_of, notes(environ).fields))

    return view


def _feedback_view(context: Context, service: Service) -> Callable[[], Response]:
    def view() -> Response:
        environ = flask.request.environ
        fields = notes(environ).fields
        fields["service"] = service.id
        body = read_body(environ, context.settings.max_body_bytes)
        check_media_type(environ, JSON_TYPES)
        caller = context.authenticated(environ, f"/cds-services/{service.id}/feedback")
        entries = read_feedback(body)
        try:
            context.store.keep(service.id, entries, caller)
        except Refusal:
            context.metrics.feedback_failures.inc()
            raise
        counts = outcomes(entries)
        for outcome, count in counts.items():
            context.metrics.feedback.labels(service.id, outcome).inc(count)
        fields.update(entries=len(entries), outcomes=counts)
        return Response(status=204)

    return view


def _ready(context: Context) -> None:
    if not context.pipeline.rulesets[context.settings.jurisdiction].indications:
        raise Refusal(503, "no label rules are loaded")


def _add_operations(app: Application, context: Context) -> None:
    document = openapi(context.services, context.settings, context.pipeline.wording.intended_use)

    def ready() -> Response:
        status, body = readiness(context.pipeline, context.metrics, context.today())
        return json_response(body, status)

    def metrics() -> Response:
        return Response(context.metrics.text(), content_type=CONTENT_TYPE)

    def describe() -> Response:
        return json_response(about(context.pipeline, context.settings, list(context.services), context.today()))

    app.add_url_rule("/healthz", "health", lambda: json_response({"status": "ok"}), methods=["GET"])
    app.add_url_rule("/readyz", "ready", ready, methods=["GET"])
    app.add_url_rule("/metrics", "metrics", metrics, methods=["GET"])
    app.add_url_rule("/about", "about", describe, methods=["GET"])
    app.add_url_rule("/openapi.json", "openapi", lambda: json_response(document), methods=["GET"])


def _add_rules(app: Application, context: Context) -> None:
    pages = RulePages(context.pipeline, context.settings)

    def family(jurisdiction: str, family: str) -> Response:
        return pages.family(jurisdiction, family, context.today())

    def indication(jurisdiction: str, product: str, indication: str) -> Response:
        return pages.indication(jurisdiction, product, indication, context.today())

    app.add_url_rule("/rules/<jurisdiction>/<family>", "rules", family, methods=["GET"])
    app.add_url_rule("/rules/<jurisdiction>/<product>/<indication>", "rule", indication, methods=["GET"])
    app.add_url_rule("/rules", "rules-index", lambda: pages.index(context.today()), methods=["GET"])
    app.add_url_rule(
        "/rules/compare/<product>",
        "rules-compare",
        lambda product: pages.compare(product, context.today()),
        methods=["GET"],
    )
    files = page_files()
    for name in files.marks:
        app.add_url_rule(
            f"/rules/{name}", f"rules-{name.replace('.', '-')}", partial(files.answer, name), methods=["GET"]
        )


def _add_sandbox(app: Application, context: Context) -> None:
    def assess() -> Response:
        request = flask.request
        _ready(context)
        seen = notes(request.environ)
        body = answer_assessment(
            context, request.environ, request.args.get("asOf"), request.args.get("jurisdiction"), seen
        )
        return json_response(body)

    app.add_url_rule("/api/assessment", "assessment", assess, methods=["POST"])


def _refused(error: Refusal) -> Response:
    response = json_response(operation_outcome(error.status, error.text), error.status)
    if error.status in RETRY_AFTER:
        response.headers["Retry-After"] = RETRY_AFTER[error.status]
    for name, value in error.headers.items():
        response.headers[name] = value
    return response


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    text = STATUS_TEXTS.get(status, "the request cannot be answered")
    response = json_response(operation_outcome(status, text), status)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def _broken(error: Exception) -> Response:
    """A bug of ours. The message may quote a record, so only its type and place are logged."""
    notes(flask.request.environ).fields.update(error_type=type(error).__name__, where=where(error))
    return json_response(operation_outcome(500, "internal error; the log has its request id"), 500)
