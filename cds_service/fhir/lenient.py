"""Resources with an element of the wrong type: everything else in them is still read, and the element is reported."""

from __future__ import annotations

import types
import typing
from functools import lru_cache
from typing import Any

import msgspec

from cds_service.fhir import elements, wire
from cds_service.fhir.model import DataIssue
from cds_service.fhir.wire import TYPES, Resource

_LOST = object()


def convert_resource(found: Any, issues: list[DataIssue]) -> Resource | None:
    """The slim struct of one parsed resource; None (and an issue) when it is no resource of a known type."""
    if not isinstance(found, dict):
        issues.append(DataIssue("", "an entry is not a JSON object; it was not read"))
        return None
    kind = found.get("resourceType")
    if not isinstance(kind, str) or kind not in TYPES:
        known = (
            kind[:40]
            if isinstance(kind, str) and kind.isalnum()
            else "without a usable resourceType"
        )
        issues.append(
            DataIssue(
                "", f"resource {known}: not a type of FHIR DSTU2 to R5; it was not read"
            )
        )
        return None
    struct = TYPES[kind]
    try:
        return msgspec.convert(found, struct)
    except msgspec.ValidationError:
        pass
    name = found.get("id")
    reference = f"{kind}/{name}" if isinstance(name, str) else kind
    return typing.cast(Resource, _struct(struct, found, "", reference, issues))


@lru_cache(maxsize=None)
def _hints(struct: Any) -> dict[str, Any]:
    return typing.get_type_hints(
        struct, {**vars(elements), **vars(wire), "AnyResource": Resource}
    )


def _struct(
    struct: type[Any],
    found: dict[str, Any],
    path: str,
    reference: str,
    issues: list[DataIssue],
) -> Any:
    made = struct()
    for name, hint in _hints(typing.cast(typing.Hashable, struct)).items():
        if name not in found or found[name] is None or name.startswith("_"):
            continue
        where = f"{path}.{name}" if path else name
        value = _value(hint, found[name], where, reference, issues)
        if value is _LOST:
            issues.append(
                DataIssue(
                    reference,
                    f"element {where} has an unexpected type; it was not read",
                )
            )
        else:
            setattr(made, name, value)
    return made


def _value(
    hint: Any, found: Any, path: str, reference: str, issues: list[DataIssue]
) -> Any:
    """The value as one of the hinted types, or _LOST."""
    options = (
        typing.get_args(hint)
        if typing.get_origin(hint) in (typing.Union, types.UnionType)
        else (hint,)
    )
    if isinstance(found, dict):
        for option in options:
            if option is Resource:
                return convert_resource(found, issues)
            if isinstance(option, type) and issubclass(option, msgspec.Struct):
                return _struct(option, found, path, reference, issues)
        lists = [o for o in options if typing.get_origin(o) is list]
        return (
            [_value(typing.get_args(lists[0])[0], found, path, reference, issues)]
            if lists
            else _LOST
        )
    if isinstance(found, list):
        for option in options:
            if typing.get_origin(option) is list:
                inner = typing.get_args(option)[0]
                read = [
                    None if x is None else _value(inner, x, path, reference, issues)
                    for x in found
                ]
                if any(x is _LOST for x in read):
                    issues.append(
                        DataIssue(
                            reference,
                            f"an item of {path} has an unexpected type; it was not read",
                        )
                    )
                return [x for x in read if x is not _LOST]
        return (
            _value(hint, found[0], path, reference, issues)
            if len(found) == 1
            else _LOST
        )
    for option in options:
        if isinstance(option, type) and not issubclass(option, msgspec.Struct):
            read = _scalar(option, found)
            if read is not _LOST:
                return read
    return _LOST


def _scalar(wanted: type[Any], found: Any) -> Any:
    if wanted is bool:
        return (
            found
            if isinstance(found, bool)
            else {"true": True, "false": False}.get(str(found).lower(), _LOST)
        )
    if wanted is str:
        return found if isinstance(found, str) else _LOST
    if isinstance(found, bool) or not isinstance(found, (int, float, str)):
        return _LOST
    try:
        return msgspec.convert(found, wanted, strict=False)
    except msgspec.ValidationError:
        return _LOST
