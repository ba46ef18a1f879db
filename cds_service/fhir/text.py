"""Bytes to JSON values: encoding and size checked first, and what no parser should have to see mended.

The fast parser refuses a whole document for one number out of range, one ``NaN`` or one half of a surrogate pair. The
slower way here reads such a document too: the number as absent, the half character as U+FFFD.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import Any

import msgspec

from cds_service.errors import TooComplex, UnreadableInput

BOM = b"\xef\xbb\xbf"
TOO_DEEP = "the JSON is nested too deeply; send the resources without deep nesting"
MAX_OBJECTS = 2_000_000
MAX_VALUES = 6_000_000
OBJECT_BYTES, VALUE_BYTES = 3, 2
"""What one takes at least, with its comma: a shorter document needs no count."""
_CHUNK = 1 << 20
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)")


def checked(body: bytes) -> bytes:
    """The body without byte order mark and outer blanks. Raises UnreadableInput (empty, not UTF-8) or TooComplex."""
    body = body.removeprefix(BOM).strip()
    if not body:
        raise UnreadableInput("empty input: expected FHIR as JSON")
    if not body.isascii():
        _check_utf8(body)
    _count_objects(body)
    return body


def _count_objects(body: bytes) -> None:
    """Refuse too many objects; counts only as far as the bytes that are left could still hold too many."""
    seen = found = 0
    while (enough := len(body) - OBJECT_BYTES * (MAX_OBJECTS - found)) > seen:
        found += body.count(b"{", seen, enough)
        seen = enough
        if found > MAX_OBJECTS:
            raise TooComplex(f"more than {MAX_OBJECTS} objects in one document; send fewer")


def _check_utf8(body: bytes) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(body), _CHUNK):
        try:
            decoder.decode(body[start : start + _CHUNK], final=start + _CHUNK >= len(body))
        except UnicodeDecodeError:
            line = body.count(b"\n", 0, start) + 1
            raise UnreadableInput(f"not UTF-8 (at or after line {line}); send the JSON encoded as UTF-8") from None


def parse(body: bytes) -> tuple[Any, str]:
    """(value, what was mended or "") of one JSON document. Raises UnreadableInput, TooComplex or RecursionError.

    Every value becomes an object of its own here, which the slim structs spare, so values are counted first.
    """
    if len(body) > MAX_VALUES * VALUE_BYTES and body.count(b",") > MAX_VALUES:
        raise TooComplex(f"more than {MAX_VALUES} values in one document; send fewer")
    try:
        return msgspec.json.decode(body), ""
    except msgspec.DecodeError as error:
        problem = reason(error, body)
    notes: dict[str, None] = {}

    def number(text: str) -> float | None:
        value = float(text)
        if value - value == 0:
            return value
        notes["a number out of range"] = None
        return None

    def integer(text: str) -> int | None:
        if len(text) <= 18:
            return int(text)
        notes["a number out of range"] = None
        return None

    def constant(_: str) -> None:
        notes["a number that JSON does not know"] = None

    mended = _ESCAPE.sub(_whole, body)
    if mended != body:
        notes["half a surrogate pair"] = None
    try:
        found = json.loads(mended, parse_float=number, parse_int=integer, parse_constant=constant)
    except ValueError:
        raise UnreadableInput(f"not JSON: {problem}") from None
    return found, ", ".join(sorted(notes))


def _whole(found: re.Match[bytes]) -> bytes:
    escape = found.group()
    alone = len(escape) == 6 and escape[1:2] == b"u"
    return b"\\ufffd" if alone else escape


def reason(error: msgspec.DecodeError, body: bytes) -> str:
    """The parser's complaint with line and column in place of its byte offset."""
    message = str(error)
    head, _, offset = message.partition("(byte ")
    digits = offset.rstrip(")")
    if not digits.isdigit():
        return message
    before = body[: int(digits)]
    return f"{head.strip()} at line {before.count(10) + 1}, column {len(before) - before.rfind(10)}"
