"""The OpenAPI 3.1 document, made from the models of ``models`` and the services offered."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

import cds_service
from cds_service.cdshooks import models
from cds_service.cdshooks import openapi_examples as examples
from cds_service.cdshooks.catalogue import Service
from cds_service.settings import Settings

REASONS = {
    400: "not JSON, or a member is missing or has no usable value",
    401: "authentication failed",
    404: "no such route",
    405: "the route has another method",
    412: "the Patient or the Conditions cannot be had",
    413: "the body is over the limit",
    415: "the media type is not JSON",
    422: "mixed patients, another patient than the context's, no patient, or too many entries or levels",
    500: "internal error",
    503: "no rules are loaded, or feedback cannot be kept now",
}
ACCEPTED_NEEDS_SUGGESTIONS: dict[str, Any] = {
    "if": {"properties": {"outcome": {"const": "accepted"}}},
    "then": {
        "required": ["acceptedSuggestions"],
        "properties": {"acceptedSuggestions": {"type": "array", "minItems": 1}},
    },
}
"""FBK-02, as ``feedback.read_feedback`` checks it."""
MODELS = (
    models.HookCall,
    models.CardsAnswer,
    models.DiscoveryAnswer,
    models.FeedbackPost,
    models.Feedback,
    models.OperationOutcome,
    models.Health,
    models.Readiness,
)


def openapi(services: dict[str, Service], settings: Settings, intended_use: str) -> dict[str, Any]:
    """The document; ``servers`` holds the public URL."""
    _, found = models_json_schema(
        [(model, "validation") for model in MODELS], ref_template="#/components/schemas/{model}"
    )
    schemas: dict[str, Any] = found["$defs"]
    schemas["FeedbackPost"]["properties"]["feedback"]["items"] = _ref("Feedback")
    schemas["Feedback"] |= ACCEPTED_NEEDS_SUGGESTIONS
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "cart-cds",
            "version": cds_service.__version__,
            "description": f"{intended_use} CDS Hooks 2.0.1.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": _paths(services, settings),
        "components": {"schemas": schemas},
    }
    if settings.public_url:
        document["servers"] = [{"url": settings.public_url}]
    if settings.auth == "jwt":
        document["components"]["securitySchemes"] = {
            "jwt": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        }
    return document


def _paths(services: dict[str, Service], settings: Settings) -> dict[str, Any]:
    secured: dict[str, Any] = {"security": [{"jwt": []}]} if settings.auth == "jwt" else {}
    listed = secured if settings.discovery_auth else {}
    paths: dict[str, Any] = {
        "/cds-services": {"get": {"operationId": "discovery", **listed, "responses": _answers("DiscoveryAnswer", 401)}}
    }
    for service in services.values():
        paths[f"/cds-services/{service.id}"] = {
            "post": {
                "operationId": service.id,
                "summary": service.title,
                **secured,
                "parameters": [_as_of()] if settings.sandbox else [],
                "requestBody": _body(
                    _call_schema(service),
                    examples.call(service.hook, service.required),
                    "application/json",
                    "application/fhir+json",
                ),
                "responses": _answers("CardsAnswer", 400, 401, 412, 413, 415, 422, 500, 503, example=examples.SILENCE),
            }
        }
        paths[f"/cds-services/{service.id}/feedback"] = {
            "post": {
                "operationId": f"{service.id}-feedback",
                "summary": "what became of our cards; may be sent again",
                **secured,
                "requestBody": _body(_ref("FeedbackPost"), examples.FEEDBACK, "application/json"),
                "responses": {"204": {"description": "taken"}, **_errors(400, 401, 413, 415, 422, 500, 503)},
            }
        }
    paths |= _open_paths()
    if settings.sandbox:
        paths["/api/assessment"] = _assessment_path()
        paths["/"] = {"get": {"operationId": "sandbox", "summary": "test page", "responses": _page()}}
    return paths


def _page(*errors: int) -> dict[str, Any]:
    content = {"text/html": {"schema": {"type": "string"}}}
    return {"200": {"description": "a page", "content": content}, **_errors(*errors)}


def _open_paths() -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    names = {
        name: {"name": name, "in": "path", "required": True, "schema": text, "example": example}
        for name, example in examples.NAMES.items()
    }
    family = [names["jurisdiction"], names["family"]]
    indication = [names["jurisdiction"], names["product"], names["indication"]]
    anything = {"200": {"description": "JSON", "content": {"application/json": {"schema": {"type": "object"}}}}}
    metrics = {"200": {"description": "Prometheus text", "content": {"text/plain": {"schema": {"type": "string"}}}}}
    ready = {**_answers("Readiness"), "503": {"description": REASONS[503], "content": _json(_ref("Readiness"))}}
    return {
        "/rules": {"get": {"operationId": "rules", "summary": "every rule in plain language", "responses": _page()}},
        "/rules/compare/{product}": {
            "get": {"operationId": "compareRules", "parameters": [names["product"]], "responses": _page(404)}
        },
        "/rules/{jurisdiction}/{family}": {
            "get": {"operationId": "familyRules", "parameters": family, "responses": _page(404)}
        },
        "/rules/{jurisdiction}/{product}/{indication}": {
            "get": {"operationId": "indicationRule", "parameters": indication, "responses": _page(404)}
        },
        "/about": {"get": {"operationId": "about", "responses": anything}},
        "/openapi.json": {"get": {"operationId": "openapi", "responses": anything}},
        "/healthz": {"get": {"operationId": "health", "responses": _answers("Health")}},
        "/readyz": {"get": {"operationId": "readiness", "responses": ready}},
        "/metrics": {"get": {"operationId": "metrics", "responses": metrics}},
    }


def _assessment_path() -> dict[str, Any]:
    jurisdiction = {"name": "jurisdiction", "in": "query", "schema": {"type": "string", "enum": ["us", "eu"]}}
    anything = {"200": {"description": "the assessment", "content": _json({"type": "object"})}}
    body = _body({"type": ["object", "array"]}, examples.RECORD, "application/json", "application/fhir+json")
    body["content"] |= _body({"type": "string"}, examples.LINES, "application/x-ndjson", "application/fhir+ndjson")[
        "content"
    ]
    return {
        "post": {
            "operationId": "assessment",
            "summary": "one patient's record in any container, the full assessment out (sandbox only)",
            "parameters": [_as_of(), jurisdiction],
            "requestBody": body,
            "responses": {**anything, **_errors(400, 413, 415, 422, 500, 503)},
        }
    }


def _call_schema(service: Service) -> dict[str, Any]:
    """The request of one service: its hook, and the context members this hook demands."""
    narrowed: dict[str, Any] = {"hook": {"const": service.hook}}
    if service.required:
        bundle = {"type": "object", "properties": {"resourceType": {"const": "Bundle"}}, "required": ["resourceType"]}
        shapes = {
            "selections": {"type": "array", "items": {"type": "string"}},
            "encounterId": {"type": "string", "minLength": 1},
        }
        members = {name: shapes.get(name, bundle) for name in service.required}
        narrowed["context"] = {"type": "object", "required": list(service.required), "properties": members}
    return {"allOf": [_ref("HookCall"), {"type": "object", "properties": narrowed}]}


def _as_of() -> dict[str, Any]:
    return {"name": "asOf", "in": "query", "schema": {"type": "string", "format": "date"}}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _body(schema: dict[str, Any], example: Any, *media_types: str) -> dict[str, Any]:
    content = {media_type: {"schema": schema, "example": example} for media_type in media_types}
    return {"required": True, "content": content}


def _answers(model: str, *errors: int, example: Any = None) -> dict[str, Any]:
    content = _json(_ref(model))
    if example is not None:
        content["application/json"]["example"] = example
    return {"200": {"description": "answered", "content": content}, **_errors(*errors)}


def _errors(*statuses: int) -> dict[str, Any]:
    return {
        str(status): {"description": REASONS[status], "content": _json(_ref("OperationOutcome"))} for status in statuses
    }
