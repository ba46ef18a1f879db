"""References between resources: relative, absolute, versioned, ``urn:uuid`` and contained, cut to one key."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from cds_service.fhir.elements import Identifier, Reference, References

MAX_TEXT = 2048
"""Longer reference texts (data URLs, texts put there by mistake) lead nowhere."""

PATIENT, URN, CONTAINED, GROUP, THING, NOBODY = "patient", "urn", "contained", "group", "thing", "nobody"


class Whose(NamedTuple):
    """Whom a subject reference names.

    ``kind``: PATIENT (``name`` is the bare id), URN (the uuid in lower case), CONTAINED (the local id), GROUP, THING
    (a device, a place; ``name`` is its type), NOBODY (empty, or a search).
    """

    kind: str
    name: str = ""


_NOBODY = Whose(NOBODY)


@lru_cache(maxsize=16384)
def reference_key(text: str) -> str:
    """``Type/id`` of a relative, absolute or versioned reference; ``urn:uuid:…`` and ``#id`` stay as they are."""
    text = text.strip()
    if text[:4] == "urn:" or text[:1] == "#":
        return text
    parts = text.rstrip("/").split("/")
    if len(parts) > 2 and parts[-2] == "_history":
        parts = parts[:-2]
    return "/".join(parts[-2:])


@lru_cache(maxsize=4096)
def whose(text: str, kind: str = "") -> Whose:
    """Whom a reference text names; ``kind`` is Reference.type, which counts where the text holds no type."""
    key = reference_key(text) if len(text) <= MAX_TEXT else ""
    if not key or "?" in key:
        return _NOBODY
    if key[:4] == "urn:":
        return Whose(URN, key.rpartition(":")[2].lower())
    if key[:1] == "#":
        return Whose(CONTAINED, key[1:])
    named, slash, name = key.rpartition("/")
    if not slash:
        named = kind or "Patient"
    if named.lower() == "patient":
        return Whose(PATIENT, name) if name else _NOBODY
    return Whose(GROUP if named == "Group" else THING, named)


def each(found: References) -> list[Reference]:
    """Every Reference of a list, or of a single one where a list belongs."""
    if found is None:
        return []
    items: list[Reference | None] = found if isinstance(found, list) else [found]
    return [item for item in items if item is not None]


def identifier_key(found: Identifier | None) -> tuple[str, str] | None:
    """(system, value) of an identifier that can tell two things apart; None without a system or a value."""
    if found is None or not found.system or not found.value:
        return None
    return found.system.strip(), found.value.strip()


def identifier_keys(found: list[Identifier | None] | Identifier | None) -> frozenset[tuple[str, str]]:
    """The keys of every identifier."""
    if found is None:
        return frozenset()
    items = found if isinstance(found, list) else [found]
    return frozenset(key for key in map(identifier_key, items) if key is not None)
