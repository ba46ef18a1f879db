"""JSON Schema findings as sentences with a line and a remedy."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from cds_service.labels.yaml_lines import Document, Place, RuleFileError

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "keys and values",
    "null": "nothing",
}
_DATE_PATTERN = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def schema_problems(document: Document, schema: Path) -> list[RuleFileError]:
    """What the schema file finds in the document, in the order of its lines."""
    try:
        validator = _validator(schema.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RuleFileError(
            f"schema/{schema.name}",
            0,
            "the schema of this kind of file does not exist",
            "copy it from the shipped rules",
        ) from None
    problems = [_problem(document, error) for error in validator.iter_errors(document.content)]
    return sorted(problems, key=lambda problem: problem.line)


@lru_cache(maxsize=16)
def _validator(text: str) -> Draft202012Validator:
    schema = json.loads(text)
    return Draft202012Validator(_inlined(schema, schema.get("$defs", {})))


def _inlined(part: Any, definitions: Mapping[str, Any]) -> Any:
    """The schema with its local references written out: following them takes a third of the validation."""
    if isinstance(part, list):
        return [_inlined(inner, definitions) for inner in part]
    if not isinstance(part, dict):
        return part
    reference = part.get("$ref", "").removeprefix("#/$defs/")
    own = {key: _inlined(value, definitions) for key, value in part.items() if key not in ("$ref", "$defs")}
    return {**_inlined(definitions[reference], definitions), **own} if reference else own


def _problem(document: Document, error: ValidationError) -> RuleFileError:
    place: Place = tuple(error.absolute_path)
    about_a_key = "propertyNames" in error.absolute_schema_path
    words = _key_form if about_a_key else _WORDS.get(str(error.validator), _other)
    more, problem, remedy = words(error)
    return document.error((*place, *more), problem, remedy)


Words = tuple[Place, str, str]


def _name(error: ValidationError) -> str:
    names = [part for part in error.absolute_path if isinstance(part, str)]
    return f"'{names[-1]}'" if names else "the file"


def _unknown_key(error: ValidationError) -> Words:
    allowed = sorted(_schema(error).get("properties", {}))
    written: Mapping[str, Any] = cast(Mapping[str, Any], error.instance)
    key = next(name for name in written if name not in allowed)
    near = get_close_matches(key, allowed, n=1)
    remedy = f"did you mean '{near[0]}'?" if near else f"keys here are {', '.join(allowed)}"
    return (key,), f"the key '{key}' means nothing here, so its value would be lost", remedy.rstrip(".")


def _missing(error: ValidationError) -> Words:
    key = error.message.split("'")[1]
    return (), f"the key '{key}' is missing", f"add '{key}'"


def _missing_partner(error: ValidationError) -> Words:
    missing, _, present = (error.message.split("'")[n] for n in (1, 2, 3))
    return (present,), f"'{present}' needs '{missing}' beside it", f"add '{missing}', or leave '{present}' out"


def _choice(error: ValidationError) -> Words:
    values = _schema(error).get("enum") or [_schema(error).get("const")]
    words = [str(value) for value in values]
    near = get_close_matches(str(error.instance), words, n=1)
    remedy = f"did you mean '{near[0]}'? Known are {', '.join(words)}" if near else f"use one of {', '.join(words)}"
    if error.absolute_path and error.absolute_path[-1] == "kind":
        return (), f"no criterion of the kind '{error.instance}' exists, so it could not be judged", remedy
    return (), f"{_name(error)} cannot be '{error.instance}'", remedy


def _pattern(error: ValidationError) -> Words:
    if _schema(error).get("pattern") == _DATE_PATTERN:
        return (
            (),
            f"{_name(error)} is '{error.instance}', which is no ISO date",
            "write year-month-day, like 2024-04-04",
        )
    return (
        (),
        f"{_name(error)} is '{error.instance}', which has the wrong form",
        f"it must match {error.validator_value}",
    )


def _type(error: ValidationError) -> Words:
    value = cast("str | list[str]", error.validator_value)
    kinds = [value] if isinstance(value, str) else value
    wanted = " or ".join(_TYPES[kind] for kind in kinds)
    return (), f"{_name(error)} must be {wanted}", f"write {wanted} there"


def _either(error: ValidationError) -> Words:
    inside = error.context or []
    for inner in inside:
        if inner.validator == "pattern":
            return _pattern(inner)
    if inside and all(inner.validator == "required" for inner in inside):
        keys = " or ".join(str(key) for inner in inside for key in cast("list[str]", inner.validator_value))
        return (), f"an entry of {_name(error)} says nothing without {keys}", f"add {keys}"
    return (), f"{_name(error)} has none of the forms it may have", "write a date like 2024-04-04, or null"


def _empty(error: ValidationError) -> Words:
    return (), f"{_name(error)} is empty, so nothing could ever match it", "fill it, or take it out"


def _repeated(error: ValidationError) -> Words:
    return (), f"{_name(error)} holds the same entry twice", "keep one of them"


def _range(error: ValidationError) -> Words:
    side = "at least" if error.validator == "minimum" else "at most"
    return (), f"{_name(error)} is {error.instance}", f"it must be {side} {error.validator_value}"


def _key_form(error: ValidationError) -> Words:
    return (str(error.instance),), f"'{error.instance}' is no source id", "use a letter and a number, like S14"


def _schema(error: ValidationError) -> dict[str, Any]:
    return error.schema if isinstance(error.schema, dict) else {}


def _few_keys(error: ValidationError) -> Words:
    return (
        (),
        f"{_name(error)} says nothing",
        f"give at least one of {', '.join(sorted(_schema(error).get('properties', {})))}",
    )


def _other(error: ValidationError) -> Words:
    return (), f"{_name(error)} breaks the rule '{error.validator}' of the schema", "compare it with another pack"


_WORDS: dict[str, Callable[[ValidationError], Words]] = {
    "additionalProperties": _unknown_key,
    "required": _missing,
    "dependentRequired": _missing_partner,
    "enum": _choice,
    "const": _choice,
    "pattern": _pattern,
    "type": _type,
    "anyOf": _either,
    "minItems": _empty,
    "minLength": _empty,
    "uniqueItems": _repeated,
    "minimum": _range,
    "maximum": _range,
    "minProperties": _few_keys,
}
