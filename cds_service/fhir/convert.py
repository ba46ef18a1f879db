"""Wire elements to the values of the record: concepts, dates, reasons, links."""

from __future__ import annotations

from typing import Any

from cds_service.fhir.collect import Collected
from cds_service.fhir.dates import Interval, parse_date
from cds_service.fhir.elements import (
    CodeableConcept,
    CodeableReference,
    Dosage,
    Dosages,
    Extension,
    Period,
    Reference,
    References,
)
from cds_service.fhir.elements import Coding as WireCoding
from cds_service.fhir.model import NOTHING, Coding, Concept, Reason
from cds_service.fhir.references import all_references, reference_key

TREATMENT_INTENT = "procedure-intent"
MAX_TEXT = 500


def concept(found: Any) -> Concept:
    """A Concept of whatever stood where a CodeableConcept belongs: one, several, a plain code, a CodeableReference."""
    if found is None:
        return NOTHING
    if isinstance(found, str):
        return Concept((Coding("", found, ""),), found[:MAX_TEXT])
    if isinstance(found, list):
        parts = [concept(item) for item in found]
        return Concept(
            tuple(c for p in parts for c in p.codings),
            next((p.text for p in parts if p.text), ""),
        )
    if isinstance(found, CodeableReference) and found.concept is not None:
        return concept(found.concept)
    coding = found.coding
    items: list[WireCoding | None] = coding if isinstance(coding, list) else [coding]
    codings = tuple(
        Coding(c.system or "", c.code or "", c.display or "")
        for c in items
        if c is not None and (c.code or c.display)
    )
    return Concept(codings, (found.text or "")[:MAX_TEXT])


def concepts(found: Any) -> tuple[Concept, ...]:
    """Every concept of a list, or of a single one where a list belongs."""
    if found is None:
        return ()
    items = found if isinstance(found, list) else [found]
    return tuple(c for c in (concept(item) for item in items) if c)


def code_of(found: Any) -> str:
    """The first code of a status-like concept or plain code, trimmed; "" when there is none."""
    if found is None:
        return ""
    if isinstance(found, str):
        return found.strip().lower()
    read = concept(found)
    return next(
        (c.code.strip().lower() for c in read.codings if c.code),
        read.text.strip().lower(),
    )


def day(text: str | None) -> Interval | None:
    """The interval of a date text; None when absent or no date."""
    return parse_date(text) if text else None


def span(
    moment: str | None, period: Period | None
) -> tuple[Interval | None, Interval | None, bool, bool]:
    """(start, end, open ended, without period) of value[x] dateTime or Period."""
    if period is not None and (period.start or period.end):
        start, end = day(period.start), day(period.end)
        if start is None and end is not None:
            return Interval(end.first.min, end.last, ""), end, False, False
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
    routes = {concept(d.route) for d in dosages(found) if d.route is not None}
    return routes.pop() if len(routes) == 1 else NOTHING


def links(collected: Collected, *found: References) -> frozenset[str]:
    """Versionless ``Type/id`` of every reference; ``urn:`` references through the fullUrl of the entry they name."""
    texts = [t for refs in found for t in all_references(refs)]
    return frozenset(collected.by_url.get(t) or reference_key(t) for t in texts)


def reasons(
    collected: Collected, codes: Any, references: References, both: Any
) -> tuple[Reason, ...]:
    """reasonCode, reasonReference and the R5 ``reason``."""
    read = [Reason(concept=c) for c in concepts(codes)]
    read += [Reason(reference=r) for r in sorted(links(collected, references))]
    items = both if isinstance(both, list) else [both]
    for item in items:
        if not isinstance(item, CodeableReference):
            continue
        found = concept(item)
        if found:
            read.append(Reason(concept=found))
        target = item.reference
        if isinstance(target, Reference):
            read += [Reason(reference=r) for r in sorted(links(collected, target))]
    return tuple(read)


def extension_concept(found: list[Extension | None] | None, name: str) -> Concept:
    """valueCodeableConcept of the extension whose url ends with that name."""
    for item in found or ():
        if (
            item is not None
            and item.url
            and item.url.rstrip("/").endswith(name)
            and item.valueCodeableConcept
        ):
            return concept(item.valueCodeableConcept)
    return NOTHING


def extension_date(found: list[Extension | None] | None, name: str) -> Interval | None:
    """Date value of the extension whose url ends with that name."""
    for item in found or ():
        if item is not None and item.url and item.url.rstrip("/").endswith(name):
            return day(item.valueDateTime or item.valueDate)
    return None


def is_concept(found: Any) -> bool:
    """True for a CodeableConcept that says anything."""
    return isinstance(found, CodeableConcept) and bool(found.coding or found.text)
