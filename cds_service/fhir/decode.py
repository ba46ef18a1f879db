"""Bytes to resources: a Bundle of any type, one resource, a list, NDJSON, Parameters or a CDS Hooks request.

The fast way decodes everything at once into slim structs. When one element somewhere has a wrong type, the input is
parsed generically and every resource converted alone, so that one odd resource never hides the others.
"""

from __future__ import annotations

from typing import Any

import msgspec

from cds_service.errors import TooComplex, UnreadableInput
from cds_service.fhir.elements import Element, Text
from cds_service.fhir.lenient import convert_resource
from cds_service.fhir.model import DataIssue
from cds_service.fhir.wire import AnyResource, Resource

BOM = b"\xef\xbb\xbf"


class HookContext(Element):
    """``context`` of a CDS Hooks request: the members of every hook offered."""

    userId: Text = None
    patientId: Text = None
    encounterId: Text = None
    selections: list[str] | None = None
    draftOrders: AnyResource | None = None
    conditions: AnyResource | None = None


class HookRequest(Element):
    """A CDS Hooks request. Access tokens are not decoded here."""

    hook: Text = None
    hookInstance: Text = None
    fhirServer: Text = None
    context: HookContext | None = None
    prefetch: dict[str, AnyResource | str | None] | None = None


class Decoded(msgspec.Struct):
    """Top-level resources in the order they came, with what could not be read; ``hook`` for a CDS Hooks request."""

    resources: list[Resource]
    issues: list[DataIssue]
    hook: HookRequest | None = None


_RESOURCE: msgspec.json.Decoder[Any] = msgspec.json.Decoder(AnyResource)
_RESOURCES: msgspec.json.Decoder[Any] = msgspec.json.Decoder(list[AnyResource])
_HOOK = msgspec.json.Decoder(HookRequest)


def decode_record(body: bytes) -> Decoded:
    """Resources of any input that ``evaluate`` accepts. Raises UnreadableInput or TooComplex."""
    body = _cleaned(body)
    try:
        if body[:1] == b"[":
            return Decoded(_RESOURCES.decode(body), [])
        return Decoded([_RESOURCE.decode(body)], [])
    except RecursionError:
        raise TooComplex(
            "the JSON is nested too deeply; send the resources without deep nesting"
        ) from None
    except msgspec.ValidationError:
        return _from_objects(_generic(body))
    except msgspec.DecodeError as error:
        lines = [line for line in body.splitlines() if line.strip()]
        if (
            len(lines) > 1
            and lines[0].lstrip()[:1] == b"{"
            and lines[0].rstrip()[-1:] == b"}"
        ):
            return _from_lines(body)
        raise UnreadableInput(f"not JSON: {_reason(error, body)}") from None


def decode_hook(body: bytes) -> Decoded:
    """A CDS Hooks request. Raises UnreadableInput (not a JSON object) or TooComplex."""
    body = _cleaned(body)
    try:
        hook = _HOOK.decode(body)
    except RecursionError:
        raise TooComplex(
            "the JSON is nested too deeply; send the request without deep nesting"
        ) from None
    except msgspec.ValidationError:
        found = _generic(body)
        if not isinstance(found, dict):
            raise UnreadableInput("the request is not a JSON object") from None
        return _hook_from(found)
    except msgspec.DecodeError as error:
        raise UnreadableInput(f"not JSON: {_reason(error, body)}") from None
    return Decoded(_supplied(hook), [], hook)


def _supplied(hook: HookRequest) -> list[Resource]:
    return [
        value for value in (hook.prefetch or {}).values() if isinstance(value, Resource)
    ]


def _hook_from(found: dict[str, Any]) -> Decoded:
    issues: list[DataIssue] = []
    context = found.get("context")
    hook = HookRequest(
        hook=_text(found, "hook"), hookInstance=_text(found, "hookInstance")
    )
    hook.fhirServer = _text(found, "fhirServer")
    if isinstance(context, dict):
        hook.context = HookContext(
            userId=_text(context, "userId"),
            patientId=_text(context, "patientId"),
            encounterId=_text(context, "encounterId"),
            draftOrders=_resource(context.get("draftOrders"), issues),
            conditions=_resource(context.get("conditions"), issues),
        )
        selections = context.get("selections")
        if isinstance(selections, list):
            hook.context.selections = [s for s in selections if isinstance(s, str)]
    prefetch = found.get("prefetch")
    if isinstance(prefetch, dict):
        hook.prefetch = {
            key: _prefetched(key, value, issues) for key, value in prefetch.items()
        }
    return Decoded(_supplied(hook), issues, hook)


def _prefetched(key: str, value: Any, issues: list[DataIssue]) -> Resource | str | None:
    """A prefetch value; a {"response", "resource"} wrapper of early drafts is opened."""
    if (
        isinstance(value, dict)
        and "resourceType" not in value
        and isinstance(value.get("resource"), dict)
    ):
        value = value["resource"]
    if value is None or isinstance(value, str):
        return value
    found = _resource(value, issues)
    if found is None:
        issues.append(
            DataIssue(
                f"prefetch.{key[:40]}",
                "not a FHIR resource; what it holds was not read",
            )
        )
        return ""
    return found


def _resource(value: Any, issues: list[DataIssue]) -> Resource | None:
    return (
        convert_resource(value, issues)
        if isinstance(value, dict) and value.get("resourceType")
        else None
    )


def _from_objects(found: Any) -> Decoded:
    if (
        isinstance(found, dict)
        and "resourceType" not in found
        and ("prefetch" in found or "hook" in found)
    ):
        return _hook_from(found)
    issues: list[DataIssue] = []
    items = found if isinstance(found, list) else [found]
    resources = [convert_resource(item, issues) for item in items]
    kept = [r for r in resources if r is not None]
    if not kept:
        raise UnreadableInput(
            "no FHIR in it: expected an object with resourceType, a list of such, or a CDS request"
        )
    return Decoded(kept, issues)


def _from_lines(body: bytes) -> Decoded:
    """NDJSON, one resource a line."""
    resources: list[Resource] = []
    issues: list[DataIssue] = []
    for number, line in enumerate(body.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            resources.append(_RESOURCE.decode(line))
        except RecursionError:
            raise TooComplex(
                "the JSON is nested too deeply", f"line {number}"
            ) from None
        except msgspec.ValidationError:
            read = convert_resource(_generic(line), issues)
            if read is not None:
                resources.append(read)
        except msgspec.DecodeError as error:
            raise UnreadableInput(
                f"not JSON: {_reason(error, line)}", f"line {number}"
            ) from None
    if not resources:
        raise UnreadableInput("no FHIR in it: expected one resource a line")
    return Decoded(resources, issues)


def _generic(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise TooComplex(
            "the JSON is nested too deeply; send the resources without deep nesting"
        ) from None
    except msgspec.DecodeError as error:
        raise UnreadableInput(f"not JSON: {_reason(error, body)}") from None


def _cleaned(body: bytes) -> bytes:
    body = body.removeprefix(BOM).strip()
    if not body:
        raise UnreadableInput("empty input: expected FHIR as JSON")
    return body


def _reason(error: msgspec.DecodeError, body: bytes) -> str:
    """The parser's complaint with line and column in place of its byte offset."""
    message = str(error)
    head, _, offset = message.partition("(byte ")
    digits = offset.rstrip(")")
    if not digits.isdigit():
        return message
    before = body[: int(digits)]
    return f"{head.strip()} at line {before.count(10) + 1}, column {len(before) - before.rfind(10)}"


def _text(found: dict[str, Any], key: str) -> str | None:
    value = found.get(key)
    return value if isinstance(value, str) else None
