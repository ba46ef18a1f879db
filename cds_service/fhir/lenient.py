"""Resources with an element of the wrong type: everything else in them is still read, and the element is reported.

Each resource is converted whole first and element by element only when that fails. Containers are never tried whole,
so the work stays proportional to the input however deep they are nested.
"""

from __future__ import annotations

import math
import types
import typing
from functools import cache
from typing import Any

import msgspec

from cds_service.errors import TooComplex
from cds_service.fhir import elements, wire
from cds_service.fhir.elements import CodeableConcept, Reference
from cds_service.fhir.model import DataIssue
from cds_service.fhir.wire import TYPES, Bundle, Parameters, Resource

MAX_DEPTH = 64
"""Resources inside resources; containers may be nested 32 deep, and contained resources hold none."""
_LOST = object()


class Reader:
    """Converts parsed JSON to resources and notes what it could not read in ``issues``."""

    def __init__(self, issues: list[DataIssue]) -> None:
        self._issues = issues
        self._reference = ""
        self._problems: dict[str, None] = {}
        self._depth = 0

    def resource(self, found: Any) -> Resource | None:
        """The slim struct of one resource; None (and an issue) when it is no resource of a known type."""
        if not isinstance(found, dict):
            self._issues.append(DataIssue("", "an entry is not a JSON object; it was not read"))
            return None
        kind = found.get("resourceType")
        if not isinstance(kind, str) or kind not in TYPES:
            plain = isinstance(kind, str) and kind.isascii() and kind.isalnum()
            known = str(kind)[:40] if plain else "without a usable resourceType"
            problem = f"resource {known}: not a type of FHIR DSTU2 to R5; it was not read"
            self._issues.append(DataIssue("", problem))
            return None
        struct = TYPES[kind]
        if struct is not Bundle and struct is not Parameters:
            try:
                return msgspec.convert(found, struct)
            except msgspec.ValidationError:
                pass
        return self._by_element(struct, found, kind)

    def _by_element(self, struct: type[Resource], found: dict[str, Any], kind: str) -> Resource:
        outer, problems = self._reference, self._problems
        name = found.get("id")
        self._reference = f"{kind}/{name}"[:128] if isinstance(name, str | int) else kind
        self._problems = {}
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise TooComplex("resources inside resources, nested deeper than anyone sends; send one Bundle")
        made = self._struct(struct, found, "")
        self._issues += [DataIssue(self._reference, problem) for problem in self._problems]
        self._depth -= 1
        self._reference, self._problems = outer, problems
        return typing.cast(Resource, made)

    def _struct(self, struct: type[Any], found: dict[str, Any], path: str) -> Any:
        made = struct()
        for key, (name, hint) in _hints(typing.cast(typing.Hashable, struct)).items():
            there = found.get(key)
            if there is None:
                continue
            where = f"{path}.{key}" if path else key
            value = self._value(hint, there, where)
            if value is _LOST:
                self._problems[f"element {where} has an unexpected type; it was not read"] = None
            else:
                setattr(made, name, value)
        return made

    def _value(self, hint: Any, found: Any, path: str) -> Any:
        """The value as one of the hinted types, or _LOST."""
        options = _options(hint)
        if isinstance(found, dict):
            return self._object(options, found, path)
        if isinstance(found, list):
            return self._list(hint, options, found, path)
        for option in options:
            if option in _SCALARS:
                read = _scalar(option, found)
                if read is not _LOST:
                    return read
        if isinstance(found, str):
            return _wrapped(options, found)
        return _LOST

    def _object(self, options: tuple[Any, ...], found: dict[str, Any], path: str) -> Any:
        lists = None
        for option in options:
            if option is Resource:
                return self.resource(found)
            if isinstance(option, type) and issubclass(option, msgspec.Struct):
                return self._struct(option, found, path)
            if option is msgspec.Raw:
                return msgspec.Raw(b"{}")
            if typing.get_origin(option) is list:
                lists = option
        if lists is None:
            return _LOST
        read = self._value(typing.get_args(lists)[0], found, path)
        return _LOST if read is _LOST else [read]

    def _list(self, hint: Any, options: tuple[Any, ...], found: list[Any], path: str) -> Any:
        inner = next((typing.get_args(option)[0] for option in options if typing.get_origin(option) is list), None)
        if inner is None:
            return self._value(hint, found[0], path) if len(found) == 1 and not isinstance(found[0], list) else _LOST
        read = [None if item is None else self._value(inner, item, path) for item in found]
        kept = [item for item in read if item is not _LOST]
        if len(kept) < len(read):
            self._problems[f"an item of {path} has an unexpected type; it was not read"] = None
        return kept


_SCALARS = (bool, int, float, str)


@cache
def _hints(struct: Any) -> dict[str, tuple[str, Any]]:
    """JSON name -> (attribute, type) of a struct."""
    hints = typing.get_type_hints(struct, {**vars(elements), **vars(wire), "AnyResource": Resource})
    names = zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True)
    return {key: (name, hints[name]) for name, key in names}


def _options(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)


def _wrapped(options: tuple[Any, ...], found: str) -> Any:
    """A text where a concept or a reference belongs says what it says."""
    if CodeableConcept in options:
        return CodeableConcept(text=found)
    if Reference in options:
        return Reference(reference=found)
    for option in options:
        if typing.get_origin(option) is list:
            item = _wrapped(_options(typing.get_args(option)[0]), found)
            return _LOST if item is _LOST else [item]
    return _LOST


def _scalar(wanted: type[Any], found: Any) -> Any:
    if wanted is bool:
        return found if isinstance(found, bool) else {"true": True, "false": False}.get(str(found).lower(), _LOST)
    if wanted is str:
        plain = isinstance(found, int) and not isinstance(found, bool) and abs(found) < 10**18
        return found if isinstance(found, str) else str(found) if plain else _LOST
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return _LOST
    try:
        read = msgspec.convert(found, wanted, strict=False)
    except msgspec.ValidationError:
        return _LOST
    return read if math.isfinite(read) else _LOST
