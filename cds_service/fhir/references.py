"""References between resources: relative, absolute, versioned, ``urn:uuid`` and contained, cut to one comparable key."""

from __future__ import annotations

from functools import lru_cache

from cds_service.fhir.elements import Reference, References


@lru_cache(maxsize=16384)
def reference_key(text: str) -> str:
    """``Type/id`` of a relative, absolute or versioned reference; ``urn:uuid:…`` and ``#id`` stay as they are."""
    text = text.strip()
    if text[:4] == "urn:" or text[:1] == "#":
        return text
    parts = text.split("/")
    if len(parts) > 2 and parts[-2] == "_history":
        parts = parts[:-2]
    return "/".join(parts[-2:])


@lru_cache(maxsize=4096)
def patient_key(text: str) -> str | None:
    """What a subject reference says about whose a resource is: the patient's bare id.

    None where it names no patient (empty, a group, a device, a search). A contained patient gives "#id".
    """
    key = reference_key(text)
    if not key or "?" in key:
        return None
    if key[:4] == "urn:":
        return key.rpartition(":")[2].lower()
    kind, slash, name = key.rpartition("/")
    if not slash:
        return name
    return name if kind == "Patient" else None


def all_references(found: References) -> list[str]:
    """The reference texts of one or several References."""
    if found is None:
        return []
    items: list[Reference | None] = found if isinstance(found, list) else [found]
    return [item.reference for item in items if item is not None and item.reference]
