"""Bytes to resources: a Bundle of any type, one resource, a list, NDJSON, Parameters or a CDS Hooks request.

The fast way decodes everything at once into slim structs. When one element somewhere has a wrong type, the input is
parsed generically and every resource converted alone, so that one odd resource never hides the others.

What the keys of a prefetch held is told by ``cds_service.cdshooks.prefetch``. The draft orders and problem-list
Conditions of a hook's context are decoded too (``HookContext.draftOrders``, ``.conditions``) but are never among
``Decoded.resources``: they are not the record.
"""

from __future__ import annotations

from typing import Any

import msgspec

from cds_service.errors import TooComplex, UnreadableInput
from cds_service.fhir.elements import Element, Issue, Text
from cds_service.fhir.lenient import Reader
from cds_service.fhir.model import DataIssue
from cds_service.fhir.text import TOO_DEEP, checked, parse
from cds_service.fhir.wire import AnyResource, Bundle, Entry, OperationOutcome, Resource


class HookContext(Element):
    """``context`` of a CDS Hooks request: the members of every hook offered."""

    userId: Text = None
    patientId: Text = None
    encounterId: Text = None
    selections: list[str] | None = None
    draftOrders: AnyResource | None = None
    conditions: AnyResource | None = None


class HookRequest(Element):
    """A CDS Hooks request. Access tokens are not decoded here.

    A prefetch value is a resource, a text (an unresolved template, or "" for what could not be read), or None.
    """

    hook: Text = None
    hookInstance: Text = None
    fhirServer: Text = None
    context: HookContext | None = None
    prefetch: dict[str, AnyResource | str | None] | None = None


class Decoded(msgspec.Struct):
    """Top-level resources in the order they came, with what could not be read; ``hook`` for a CDS Hooks request.

    Of a prefetch value that is a text, ``resources`` hold an OperationOutcome in its place: that list is unknown.
    """

    resources: list[Resource]
    issues: list[DataIssue]
    hook: HookRequest | None = None


_RESOURCE: msgspec.json.Decoder[Any] = msgspec.json.Decoder(AnyResource)
_RESOURCES: msgspec.json.Decoder[Any] = msgspec.json.Decoder(list[AnyResource])
_HOOK = msgspec.json.Decoder(HookRequest)


def decode_record(body: bytes) -> Decoded:
    """Resources of any input that ``evaluate`` accepts. Raises UnreadableInput or TooComplex."""
    body = checked(body)
    try:
        return _record(body)
    except RecursionError:
        raise TooComplex(TOO_DEEP) from None


def decode_hook(body: bytes) -> Decoded:
    """A CDS Hooks request. Raises UnreadableInput (not a JSON object) or TooComplex."""
    body = checked(body)
    try:
        try:
            hook = _HOOK.decode(body)
        except msgspec.DecodeError:
            found, mended = parse(body)
            if not isinstance(found, dict):
                raise UnreadableInput("the request is not a JSON object") from None
            return _hook_from(found, _mended(mended))
        return Decoded(_supplied(hook), [], hook)
    except RecursionError:
        raise TooComplex(TOO_DEEP) from None


def _record(body: bytes) -> Decoded:
    try:
        if body[:1] == b"[":
            return Decoded(_RESOURCES.decode(body), [])
        return Decoded([_RESOURCE.decode(body)], [])
    except msgspec.DecodeError:
        if _is_ndjson(body):
            return _from_lines(body)
    found, mended = parse(body)
    issues = _mended(mended)
    if isinstance(found, dict) and "resourceType" not in found and ("prefetch" in found or "hook" in found):
        return _hook_from(found, issues)
    reader = Reader(issues)
    kept = [r for r in map(reader.resource, _flat(found)) if r is not None]
    if not kept:
        raise UnreadableInput("no FHIR in it: expected an object with resourceType, a list of such, or a CDS request")
    return Decoded(kept, issues)


def _flat(found: Any) -> list[Any]:
    """The items of a list, of lists in a list too."""
    if not isinstance(found, list):
        return [found]
    return [inner for item in found for inner in (item if isinstance(item, list) else [item])]


def _mended(notes: str) -> list[DataIssue]:
    return [DataIssue("", f"the JSON holds {notes}; read without it")] if notes else []


def _is_ndjson(body: bytes) -> bool:
    """True when the first of several lines is a JSON object of its own."""
    line = body.partition(b"\n")[0].strip()
    if len(line) == len(body) or line[:1] != b"{" or line[-1:] != b"}":
        return False
    try:
        parse(line)
    except UnreadableInput:
        return False
    return True


def _from_lines(body: bytes) -> Decoded:
    """NDJSON, one resource a line."""
    issues: list[DataIssue] = []
    reader = Reader(issues)
    resources: list[Resource] = []
    for number, line in enumerate(body.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            resources.append(_RESOURCE.decode(line))
        except msgspec.DecodeError:
            try:
                found, mended = parse(line)
            except UnreadableInput as error:
                raise UnreadableInput(error.problem, f"line {number}") from None
            issues += _mended(mended)
            read = reader.resource(found)
            if read is not None:
                resources.append(read)
    if not resources:
        raise UnreadableInput("no FHIR in it: expected one resource a line")
    return Decoded(resources, issues)


def _supplied(hook: HookRequest) -> list[Resource]:
    unknown = OperationOutcome(issue=[Issue(severity="error")])
    values = (hook.prefetch or {}).values()
    return [value if isinstance(value, Resource) else unknown for value in values if value is not None]


def _hook_from(found: dict[str, Any], issues: list[DataIssue]) -> Decoded:
    reader = Reader(issues)
    hook = HookRequest(hook=_text(found, "hook"), hookInstance=_text(found, "hookInstance"))
    hook.fhirServer = _text(found, "fhirServer")
    context = found.get("context")
    if isinstance(context, dict):
        hook.context = HookContext(
            userId=_text(context, "userId"),
            patientId=_text(context, "patientId"),
            encounterId=_text(context, "encounterId"),
            draftOrders=_resource(context.get("draftOrders"), reader),
            conditions=_resource(context.get("conditions"), reader),
        )
        selections = context.get("selections")
        if isinstance(selections, list) and all(isinstance(selection, str) for selection in selections):
            hook.context.selections = selections
    prefetch = found.get("prefetch")
    if isinstance(prefetch, dict):
        hook.prefetch = {key: _prefetched(key, value, reader, issues) for key, value in prefetch.items()}
    return Decoded(_supplied(hook), issues, hook)


def _prefetched(key: str, value: Any, reader: Reader, issues: list[DataIssue]) -> Resource | str | None:
    """A prefetch value; a {"response", "resource"} wrapper of early drafts is opened."""
    if isinstance(value, dict) and "resourceType" not in value and "resource" in value:
        value = value["resource"]
    if value is None or isinstance(value, str):
        return value
    read = _value(value, reader)
    if read is None:
        place = f"prefetch.{key[:40]}" if key.isascii() and key.isalnum() else "prefetch"
        issues.append(DataIssue(place, "not a FHIR resource; what it holds was not read"))
        return ""
    return read


def _value(value: Any, reader: Reader) -> Resource | None:
    """A resource; a list of resources as a Bundle."""
    if isinstance(value, list):
        read = [r for r in (reader.resource(item) for item in value) if r is not None]
        return Bundle(entry=[Entry(resource=r) for r in read]) if read or not value else None
    return _resource(value, reader)


def _resource(value: Any, reader: Reader) -> Resource | None:
    if not isinstance(value, dict) or not value.get("resourceType"):
        return None
    return reader.resource(value)


def _text(found: dict[str, Any], key: str) -> str | None:
    value = found.get(key)
    return value if isinstance(value, str) else None
