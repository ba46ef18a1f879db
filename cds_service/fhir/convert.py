"""Wire elements to the values of the record: concepts, dates, reasons, links."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cds_service.fhir.collect import Collected
from cds_service.fhir.dates import Interval, parse_date
from cds_service.fhir.elements import (
    CodeableConcept,
    CodeableReference,
    Dosage,
    Dosages,
    Extension,
    Extensions,
    Period,
    Reference,
    References,
)
from cds_service.fhir.elements import Coding as WireCoding
from cds_service.fhir.model import NOTHING, Coding, Concept, DataIssue, Reason
from cds_service.fhir.references import each
from cds_service.fhir.wire import Resource

PLANS = ("CarePlan", "RequestGroup", "RequestOrchestration")
_DATED = (
    "effectiveDateTime",
    "effectiveTimeDateTime",
    "occurenceDateTime",
    "occurrenceDateTime",
    "performedDateTime",
    "whenHandedOver",
    "authoredOn",
    "onsetDateTime",
    "recordedDate",
    "effectivePeriod",
    "effectiveTimePeriod",
    "occurencePeriod",
    "occurrencePeriod",
    "performedPeriod",
    "onsetPeriod",
)
MAX_TEXT = 500
CACHED_TEXT = 100
SAYS_NOTHING = ("/data-absent-reason", "/v3-NullFlavor", ":2.16.840.1.113883.5.1008")
"""Ends of the systems whose codes say only that there is no value: they are no coding of anything."""


def concept(found: Any) -> Concept:
    """A Concept of whatever stood where a CodeableConcept belongs: one, several, a plain code, a CodeableReference."""
    if found is None:
        return NOTHING
    if type(found) is CodeableConcept:
        return _read(found)
    if isinstance(found, str):
        return Concept((Coding("", found[:MAX_TEXT], ""),), found[:MAX_TEXT]) if found.strip() else NOTHING
    if isinstance(found, list):
        parts = [concept(item) for item in found]
        return Concept(tuple(c for p in parts for c in p.codings), next((p.text for p in parts if p.text), ""))
    if type(found) is CodeableReference and found.concept is not None:
        return concept(found.concept)
    return _read(found)


def _read(found: CodeableConcept | CodeableReference) -> Concept:
    items = found.coding
    text = found.text or ""
    if items is None:
        return _concept((), text[:MAX_TEXT]) if text else NOTHING
    if isinstance(items, WireCoding):
        items = [items]
    if len(items) == 1 and len(text) <= CACHED_TEXT:
        one = items[0]
        return _single(one.system, one.code, one.display, text) if one is not None else _concept((), text)
    codings = tuple([_coding(c.system, c.code, c.display) for c in items if c is not None and (c.code or c.display)])
    if len(text) > CACHED_TEXT:
        return Concept(_usable(codings), text[:MAX_TEXT])
    return _concept(codings, text)


@lru_cache(maxsize=8192)
def _coding(system: str | None, code: str | None, display: str | None) -> Coding:
    return Coding((system or "").strip(), (code or "").strip(), (display or "")[:MAX_TEXT])


@lru_cache(maxsize=8192)
def _single(system: str | None, code: str | None, display: str | None, text: str) -> Concept:
    return _concept((_coding(system, code, display),) if code or display else (), text)


@lru_cache(maxsize=8192)
def _concept(codings: tuple[Coding, ...], text: str) -> Concept:
    return Concept(_usable(codings), text) if codings or text else NOTHING


def _usable(codings: tuple[Coding, ...]) -> tuple[Coding, ...]:
    """The codings that say something, each once."""
    return tuple(dict.fromkeys(c for c in codings if not c.system.endswith(SAYS_NOTHING)))


def concepts(found: Any) -> tuple[Concept, ...]:
    """Every concept of a list, or of a single one where a list belongs."""
    if found is None:
        return ()
    if isinstance(found, list):
        return tuple([c for c in map(concept, found) if c])
    read = concept(found)
    return (read,) if read else ()


def code_of(found: Any) -> str:
    """The first code of a status-like concept or plain code, trimmed, in lower case; "" when there is none."""
    if found is None:
        return ""
    if isinstance(found, str):
        return word(found)
    return _first_code(concept(found))


def _first_code(read: Concept) -> str:
    for coding in read.codings:
        if coding.code:
            return coding.code.lower()
    return word(read.text)


def status_of(found: Any, words: Sequence[str]) -> str:
    """The word of a FHIR status list that stands in any coding, the first in the order of ``words``; else ``code_of``.

    National profiles put a code of their own beside the FHIR code, in any order.
    """
    if found is None:
        return ""
    if isinstance(found, str):
        return word(found)
    read = concept(found)
    said = _first_code(read)
    if len(read.codings) < 2:
        return said
    there = {coding.code.lower() for coding in read.codings}
    return next((known for known in words if known in there), said)


def word(text: str | None) -> str:
    """A code of a FHIR code list as it is compared: trimmed, in lower case."""
    return text.strip().lower() if text else ""


def day(text: str | None) -> Interval | None:
    """The interval of a date text; None when absent or no date."""
    return parse_date(text) if text else None


def span(moment: str | None, period: Period | None) -> tuple[Interval | None, Interval | None, bool, bool]:
    """(start, end, open ended, without period) of value[x] dateTime or Period."""
    if period is not None and (period.start or period.end):
        start, end = day(period.start), day(period.end)
        if start is None and end is not None:
            return Interval(end.first.min, end.last, ""), end, False, False
        if start is not None:
            return start, end, period.end is None, False
    start = day(moment)
    return start, start, False, True


def dosages(found: Dosages) -> list[Dosage]:
    """Every dosage."""
    if found is None:
        return []
    return [d for d in (found if isinstance(found, list) else [found]) if d is not None]


def route(found: Dosages) -> Concept:
    """The route, where all dosages that state one agree; else nothing."""
    if found is None:
        return NOTHING
    routes = {concept(d.route) for d in dosages(found) if d.route is not None}
    return routes.pop() if len(routes) == 1 else NOTHING


def links(collected: Collected, *found: References) -> frozenset[str]:
    """Versionless ``Type/id`` of every reference; ``urn:`` references through the fullUrl of the entry they name."""
    keys: list[str] = []
    for references in found:
        if references is not None:
            keys += [collected.key_of(one) for one in each(references)]
    return frozenset([key for key in keys if key]) if keys else NO_LINKS


NO_LINKS: frozenset[str] = frozenset()


def reasons(
    collected: Collected, holder: Resource, codes: Any, references: References, both: Any
) -> tuple[Reason, ...]:
    """reasonCode, reasonReference and the R5 ``reason``; a reason contained in ``holder`` becomes its code."""
    if codes is None and references is None and both is None:
        return ()
    read = [Reason(concept=c) for c in concepts(codes)]
    targets = each(references)
    for item in both if isinstance(both, list) else [both]:
        if not isinstance(item, CodeableReference):
            continue
        found = concept(item)
        if found:
            read.append(Reason(concept=found))
        if isinstance(item.reference, Reference):
            targets.append(item.reference)
        elif item.reference:
            targets.append(Reference(reference=item.reference))
    read += sorted({_reason(collected, holder, target) for target in targets}, key=repr)
    return tuple(r for r in read if r.concept or r.reference)


def _reason(collected: Collected, holder: Resource, target: Reference) -> Reason:
    text = target.reference or ""
    if text[:1] == "#":
        held = contained(holder, text)
        return Reason(concept=concept(getattr(held, "code", None)))
    key = collected.key_of(target)
    if not key and target.display:
        return Reason(concept=Concept((), target.display[:MAX_TEXT]))
    return Reason(reference=key)


def contained(holder: Resource, text: str) -> Resource | None:
    """The resource that ``#id`` names inside ``holder``."""
    name = text[1:]
    return next((c for c in holder.contained or () if c is not None and c.id in (name, text)), None)


def extensions(found: Extensions, name: str) -> list[Extension]:
    """The extensions whose url ends with that name."""
    if found is None:
        return []
    items = found if isinstance(found, list) else [found]
    return [item for item in items if item is not None and item.url and item.url.rstrip("/").endswith(name)]


def extension_concept(found: Extensions, name: str) -> Concept:
    """valueCodeableConcept of the extensions whose url ends with that name."""
    if found is None:
        return NOTHING
    held: list[CodeableConcept] = [
        item.valueCodeableConcept for item in extensions(found, name) if item.valueCodeableConcept
    ]
    return concept(held) if held else NOTHING


def extension_date(found: Extensions, name: str) -> Interval | None:
    """Date value of the extension whose url ends with that name."""
    return next((day(item.valueDateTime or item.valueDate) for item in extensions(found, name)), None)


def split_plans(collected: Collected, found: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """(plans, the rest) of the references something is based on."""
    if not found:
        return found, found
    known = [collected.by_kind.get(kind, {}) for kind in PLANS]
    plans = frozenset(r for r in found if r.partition("/")[0] in PLANS or any(r in same for same in known))
    return plans, found - plans


def note_undated(collected: Collected, reference: str, found: Resource) -> None:
    """A data issue for a resource read as undated though something stands where its date belongs."""
    for name in _DATED:
        there = getattr(found, name, None)
        if there if isinstance(there, str) else there is not None and (there.start or there.end):
            collected.issues.append(DataIssue(reference, f"{name} holds no FHIR date; read as undated"))
            return
