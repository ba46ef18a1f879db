"""One resource that came several times: which version is read (lines-of-therapy.md U3)."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from cds_service.fhir.references import identifier_keys
from cds_service.fhir.wire import Resource

IDENTIFIED = (
    "Condition",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationStatement",
    "MedicationRequest",
    "Observation",
    "Procedure",
)
_DATES = (
    "effectiveDateTime",
    "effectivePeriod",
    "effectiveTimeDateTime",
    "effectiveTimePeriod",
    "occurenceDateTime",
    "occurencePeriod",
    "occurrenceDateTime",
    "occurrencePeriod",
    "performedDateTime",
    "performedPeriod",
    "whenHandedOver",
    "whenPrepared",
    "authoredOn",
    "dateWritten",
)
_CODES = ("code", "medicationCodeableConcept", "medicationReference", "medication")


def newer(one: Resource, other: Resource) -> Resource:
    """Of two resources with one id the later version; content decides where versions do not."""
    return one if one == other else max(one, other, key=_age)


def same_version(one: Resource, other: Resource) -> bool:
    """True when nothing says which of two resources with one id is the later one."""
    return _stamp(one) == _stamp(other)


def superseded(same: dict[str, Resource]) -> dict[str, str]:
    """Evidence reference of a superseded resource -> that of its latest version.

    Several resources of a type are versions of one another when they share an identifier, the code and the date, and
    their version numbers differ. Code and date are asked for because senders use one number for a whole order.
    """
    by_identifier: dict[tuple[str, str], list[str]] = {}
    identified = [(r, found.identifier) for r, found in same.items() if found.identifier is not None]  # type: ignore[attr-defined]
    for reference, identifiers in identified:
        for key in identifier_keys(identifiers):
            by_identifier.setdefault(key, []).append(reference)
    replaced: dict[str, str] = {}
    for references in by_identifier.values():
        if len(references) > 1:
            _supersede(same, references, replaced)
    return replaced


def _supersede(same: dict[str, Resource], references: list[str], replaced: dict[str, str]) -> None:
    versions: dict[bytes, list[tuple[int, str]]] = {}
    for reference in references:
        number = _stamp(same[reference])[0]
        if number >= 0:
            versions.setdefault(_content(same[reference]), []).append((number, reference))
    for found in versions.values():
        latest, reference = max(found)
        for number, earlier in found:
            if number < latest:
                replaced[earlier] = reference


def _content(resource: Resource) -> bytes:
    return msgspec.json.encode([getattr(resource, name, None) for name in (*_CODES, *_DATES)])


def _stamp(resource: Resource) -> tuple[int, float, str]:
    meta = resource.meta
    version = (meta.versionId or "").strip() if meta else ""
    number = int(version) if version.isascii() and version.isdigit() and len(version) < 12 else -1
    return number, _moment(meta.lastUpdated if meta else None), version


def _age(resource: Resource) -> tuple[int, float, str, bytes]:
    return (*_stamp(resource), msgspec.json.encode(resource))


def _moment(text: str | None) -> float:
    """Seconds since 1970 of an instant, so that two offsets compare; 0.0 when there is none."""
    if not text or len(text) > 40:
        return 0.0
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return 0.0
