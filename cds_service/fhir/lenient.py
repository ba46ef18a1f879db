"""Resources with an element of the wrong type: everything else in them is still read, and the element is reported.

Each resource is converted whole first and element by element only when that fails. Containers are never tried whole,
so the work stays proportional to the input however deep they are nested.
"""

from __future__ import annotations

import math
import types
import typing
from functools import cache
from typing import Any, NamedTuple

import msgspec

from cds_service.errors import TooComplex
from cds_service.fhir import elements, wire
from cds_service.fhir.elements import CodeableConcept, Issue, Reference
from cds_service.fhir.model import DataIssue
from cds_service.fhir.wire import TYPES, Bundle, Entry, OperationOutcome, Parameters, Resource

MAX_DEPTH = 64
"""Resources inside resources: more than the containers of which ``collect`` opens any."""
_LOST = object()


class Reader:
    """Converts parsed JSON to resources and notes what it could not read in ``issues``."""

    def __init__(self, issues: list[DataIssue]) -> None:
        self._issues = issues
        self._reference = ""
        self._problems: dict[str, None] = {}
        self._depth = 0
        self._holders = 0

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
        if struct is Bundle or struct is Parameters:
            return self._by_element(struct, found, kind)
        if self._holders > 1:
            self._problems["resources contained in contained resources are not allowed; they were not read"] = None
            return None
        try:
            return msgspec.convert(found, struct)
        except msgspec.ValidationError:
            pass
        self._holders += 1
        try:
            return self._by_element(struct, found, kind)
        finally:
            self._holders -= 1

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
        if isinstance(made, Bundle) and _holds_unreadable(found):
            failed = OperationOutcome(issue=[Issue(severity="error")])
            made.entry = [*(made.entry or ()), Entry(resource=failed)]
        return typing.cast(Resource, made)

    def _struct(self, struct: type[Any], found: dict[str, Any], path: str) -> Any:
        made = struct()
        elements_read = _elements(typing.cast(typing.Hashable, struct))
        for key, there in found.items():
            element = elements_read.get(key)
            if element is None or there is None:
                continue
            where = f"{path}.{key}" if path else key
            value = self._value(element[1], there, where)
            if value is _LOST:
                self._problems[f"element {where} has an unexpected type; it was not read"] = None
            else:
                setattr(made, element[0], value)
        return made

    def _value(self, forms: _Forms, found: Any, path: str) -> Any:
        """The value in one of the forms that are read, or _LOST."""
        if isinstance(found, dict):
            return self._object(forms, found, path)
        if isinstance(found, list):
            return self._list(forms, found, path)
        for scalar in forms.scalars:
            read = _scalar(scalar, found)
            if read is not _LOST:
                return read
        return _wrapped(forms, found) if isinstance(found, str) else _LOST

    def _object(self, forms: _Forms, found: dict[str, Any], path: str) -> Any:
        if forms.struct is Resource:
            return self.resource(found)
        if forms.struct is not None:
            return self._struct(forms.struct, found, path)
        if forms.raw:
            return msgspec.Raw(b"{}")
        if forms.item is None:
            return _LOST
        read = self._value(forms.item, found, path)
        return _LOST if read is _LOST else [read]

    def _list(self, forms: _Forms, found: list[Any], path: str) -> Any:
        item = forms.item
        if item is None:
            return self._value(forms, found[0], path) if len(found) == 1 and not isinstance(found[0], list) else _LOST
        read = [None if one is None else self._value(item, one, path) for one in found]
        kept = [one for one in read if one is not _LOST]
        if len(kept) < len(read):
            self._problems[f"an item of {path} has an unexpected type; it was not read"] = None
        return kept


def _holds_unreadable(bundle: dict[str, Any]) -> bool:
    """True when something stands in a Bundle that is no entry or no resource: its list is then incomplete.

    A resource of a type we do not know is none of those that are missed.
    """
    entries = bundle.get("entry")
    if entries is None:
        return False
    if not isinstance(entries, list):
        entries = [entries]
    for entry in entries:
        if entry is None:
            continue
        if not isinstance(entry, dict):
            return True
        resource = entry.get("resource")
        if resource is not None and not (isinstance(resource, dict) and isinstance(resource.get("resourceType"), str)):
            return True
    return False


class _Forms(NamedTuple):
    """The forms that are read of an element: plain values, one struct, a list of ``item``, anything (``raw``)."""

    scalars: tuple[type[Any], ...]
    struct: type[Any] | None
    item: _Forms | None
    raw: bool


_SCALARS = (bool, int, float, str)


@cache
def _elements(struct: Any) -> dict[str, tuple[str, _Forms]]:
    """JSON name -> (attribute, forms) of a struct."""
    hints = typing.get_type_hints(struct, {**vars(elements), **vars(wire), "AnyResource": Resource})
    names = zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True)
    return {key: (name, _forms(hints[name])) for name, key in names}


def _forms(hint: Any) -> _Forms:
    options = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    structs = [o for o in options if isinstance(o, type) and issubclass(o, msgspec.Struct)]
    items = [_forms(typing.get_args(o)[0]) for o in options if typing.get_origin(o) is list]
    scalars = tuple(o for o in options if o in _SCALARS)
    return _Forms(scalars, next(iter(structs), None), next(iter(items), None), msgspec.Raw in options)


def _wrapped(forms: _Forms, found: str) -> Any:
    """A text where a concept or a reference belongs says what it says."""
    if forms.struct is CodeableConcept:
        return CodeableConcept(text=found)
    if forms.struct is Reference:
        return Reference(reference=found)
    item = _LOST if forms.item is None else _wrapped(forms.item, found)
    return _LOST if item is _LOST else [item]


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
