"""What was received: counts, the span of dates, and the problems in a form that a person can read."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from cds_service.fhir.collect import Collected
from cds_service.fhir.dates import parse_date
from cds_service.fhir.elements import Period
from cds_service.fhir.model import Coverage, DataIssue
from cds_service.fhir.wire import Resource

DAY = len("2026-01-31")
MAX_ALIKE = 20
"""So many resources of one type with one problem are named one by one, the rest as a number."""
_DATES = {
    "Condition": ("onsetDateTime", "onsetPeriod", "recordedDate", "assertedDate", "dateRecorded"),
    "Immunization": ("occurrenceDateTime", "date"),
    "MedicationAdministration": (
        "effectiveDateTime",
        "effectivePeriod",
        "occurenceDateTime",
        "occurencePeriod",
        "occurrenceDateTime",
        "occurrencePeriod",
        "effectiveTimeDateTime",
        "effectiveTimePeriod",
    ),
    "MedicationDispense": ("whenHandedOver", "whenPrepared"),
    "MedicationRequest": ("authoredOn", "dateWritten"),
    "MedicationStatement": ("effectiveDateTime", "effectivePeriod"),
    "Observation": ("effectiveDateTime", "effectivePeriod", "effectiveInstant"),
    "Procedure": ("performedDateTime", "performedPeriod", "occurrenceDateTime", "occurrencePeriod"),
}
"""The elements that date an event, most telling first."""


def coverage_of(found: Collected) -> Coverage:
    """Counts by type and the span of dates that events carry."""
    texts: set[str] = set()
    for kind, names in _DATES.items():
        same = found.by_kind.get(kind)
        if same:
            _note_dates(same.values(), names, texts)
    # Whole days sort as text; a year or a month alone may begin before them or end after.
    whole = {text for text in texts if len(text) == DAY and text[4] == text[7] == "-"}
    ends = (texts - whole) | ({min(whole), max(whole)} if whole else set())
    days = [when for when in map(parse_date, ends) if when is not None]
    return Coverage(
        resources={kind: len(same) for kind, same in sorted(found.by_kind.items()) if same},
        earliest=min(days, key=lambda d: (d.first, d.text)).text if days else None,
        latest=max(days, key=lambda d: (d.last, d.text)).text if days else None,
        truncated=found.truncated,
        incomplete=frozenset(found.incomplete),
    )


def _note_dates(resources: Iterable[Resource], names: tuple[str, ...], known: set[str]) -> None:
    """Add the date of each resource, cut to the day: that of the first of ``names`` which holds one."""
    undated = list(resources)
    for name in names:
        values = list(map(attrgetter(name), undated))
        if set(map(type, values)) == {str}:
            shorts = {value[:DAY] for value in set(values)}
            if all(map(parse_date, shorts - known)):
                known |= shorts
                return
        left: list[Resource] = []
        for resource, value in zip(undated, values, strict=True):
            short = _short(value)
            if short and parse_date(short) is not None:
                known.add(short)
            else:
                left.append(resource)
        undated = left


def _short(value: str | Period | None) -> str:
    text = value.start or value.end if isinstance(value, Period) else value
    return text[:DAY] if text else ""


def gathered(issues: Iterable[DataIssue]) -> tuple[DataIssue, ...]:
    """Issues sorted and without repeats; of very many alike the first ones and how many more there are."""
    alike: dict[tuple[str, str], list[DataIssue]] = {}
    for issue in sorted(set(issues), key=lambda i: (i.reference, i.problem)):
        alike.setdefault((issue.reference.partition("/")[0], issue.problem), []).append(issue)
    kept: list[DataIssue] = []
    for (kind, problem), same in alike.items():
        kept += same[:MAX_ALIKE]
        if len(same) > MAX_ALIKE:
            more = f"{len(same) - MAX_ALIKE} more {kind} resources with the same problem: {problem}"
            kept.append(DataIssue(kind, more))
    return tuple(sorted(kept, key=lambda i: (i.reference, i.problem)))
