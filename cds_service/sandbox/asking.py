"""What a page or a script asks, read: the question in an address or in a body, the request an EHR would send."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

import flask
import orjson

from cds_service.cdshooks.body import JSON_TYPES, check_media_type, read_body
from cds_service.cdshooks.errors import Refusal
from cds_service.cdshooks.services import Context
from cds_service.ehr import ORDER_HOOKS, hook_request, resources_of
from cds_service.errors import UnreadableInput
from cds_service.sandbox.drafts import OWN, DraftShelf
from cds_service.sandbox.view import Question, Unusable

Json = dict[str, Any]
NOTHING = str(uuid.UUID(int=0))
_LINE = re.compile(r"line (\d+)(?:, column (\d+))?")
_RESOURCE = re.compile(r"\b([A-Z][A-Za-z]+)/([^\s,;)]+)")
_TYPE = re.compile(r'"resourceType"\s*:\s*"(\w+)"')
LOOK_BACK = 2000
"""So many letters before an id the type of its resource is looked for."""
SHOWN = 400
"""So many letters of a line are shown beside an error."""


def body_of(context: Context) -> Json:
    """The JSON object of the body. Raises Refusal: 400, 413, 415."""
    environ = flask.request.environ
    check_media_type(environ, JSON_TYPES)
    try:
        found = orjson.loads(read_body(environ, context.settings.max_body_bytes))
    except orjson.JSONDecodeError:
        raise Refusal(400, "not JSON") from None
    if not isinstance(found, dict):
        raise Refusal(400, "the request is not a JSON object")
    return found


def question_of(asked: Mapping[str, Any], context: Context, default: date | None = None) -> Question:
    """The question in the fields of an address or of a body; what is no date or hook of ours is passed over."""
    return Question(
        jurisdiction=str(asked.get("jurisdiction") or context.settings.jurisdiction),
        default=default or _date(asked.get("default")) or context.today(),
        day=_date(asked.get("asOf")),
        hook=str(asked.get("hook") or ""),
        order=str(asked.get("order") or ""),
        instance=_instance(asked.get("hookInstance")),
    )


def record_of(asked: Json) -> bytes:
    """The record in a body. Raises Unusable."""
    record = asked.get("record")
    if not isinstance(record, str):
        raise Unusable("There is no record in the request.")
    try:
        return record.encode()
    except UnicodeEncodeError:
        return record.encode("utf-8", "replace")


def error_of(error: Unusable, record: str) -> Json:
    """An error for people: its text, and the lines around the place or the resource it names."""
    told: Json = {"text": error.text[:1].upper() + error.text[1:]}
    place, resources = _LINE.search(error.text), _RESOURCE.findall(error.text)
    line = int(place[1]) if place else _line_of(resources[-1][0], resources[-1][1], record) if resources else 0
    if record.lstrip().startswith("<"):
        told["text"] = "This is XML; send FHIR as JSON."
    elif "truncated" in error.text:
        told["text"] = "The JSON ends too early: a bracket or a quotation mark is still open."
        line = record.rstrip().count("\n") + 1
    if line:
        told["line"], told["column"] = line, int(place[2] or 0) if place else 0
        lines = record.split("\n")
        first = max(told["line"] - 3, 0)
        told["first"], told["excerpt"] = first + 1, [text[:SHOWN] for text in lines[first : told["line"] + 2]]
    return {"error": told}


def _line_of(kind: str, name: str, record: str) -> int:
    """The line on which the resource of this type and id gives its id; 0 when none does."""
    for found in re.finditer(rf'"id"\s*:\s*"{re.escape(name)}"', record):
        before = _TYPE.findall(record, max(found.start() - LOOK_BACK, 0), found.start())
        after = _TYPE.search(record, found.end(), found.end() + LOOK_BACK)
        if (before and before[-1] == kind) or (not before and after and after[1] == kind):
            return record.count("\n", 0, found.start()) + 1
    return 0


def ehr_request(asked: Json, listed: list[Json], shelf: DraftShelf) -> Json:
    """{"service", "request"}: the request an EHR would send for this record.

    A record that is such a request for the same hook already is sent as it came. Raises Unusable.
    """
    wanted = str(asked.get("hook") or "")
    service = next((one for one in listed if one["hook"] == wanted), listed[0])
    hook, order = service["hook"], str(asked.get("order") or OWN)
    content = _content(record_of(asked))
    drafts: Any = None
    try:
        if isinstance(content, dict) and isinstance(content.get("prefetch"), dict):
            if content.get("hook") == hook and (hook not in ORDER_HOOKS or order == OWN):
                return {"service": service["id"], "request": content}
            told = content.get("context")
            drafts = told.get("draftOrders") if isinstance(told, dict) else None
            content = list(content["prefetch"].values())
        if hook in ORDER_HOOKS and order != OWN:
            patient = next((r for r in resources_of(content) if r["resourceType"] == "Patient"), {})
            drafts = shelf.orders(order, str(patient.get("id") or ""))
        return {"service": service["id"], "request": hook_request(hook, service, content, drafts)}
    except UnreadableInput as error:
        raise Unusable(f"No request can be made of this: {error}") from None
    except (KeyError, TypeError, AttributeError):
        raise Unusable("No request can be made of this: a Bundle or a list of resources is needed") from None


def _content(body: bytes) -> Any:
    """The JSON of a record; of NDJSON the list of its lines. Raises Unusable."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            return [orjson.loads(line) for line in body.splitlines() if line.strip()]
        except orjson.JSONDecodeError:
            raise Unusable("No request can be made of this: it is not JSON") from None


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
