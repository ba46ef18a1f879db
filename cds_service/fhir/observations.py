"""Observations to entries, each component an entry of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cds_service.fhir.collect import Collected
from cds_service.fhir.convert import MAX_TEXT, concept, concepts, contained, day, links, note_undated, span, word
from cds_service.fhir.dates import Interval, latest_bound
from cds_service.fhir.elements import CodeableConcept, Component, ConceptOrCode, Quantity, RangeOf
from cds_service.fhir.model import NOTHING, Concept, ObservationEntry
from cds_service.fhir.wire import Observation, Specimen

UCUM = "http://unitsofmeasure.org"


def asks(found: Observation, wanted: Callable[[str, str], bool]) -> bool:
    """True when the code of the Observation, or of one of its components, is wanted; looks at the wire alone."""
    if _is_wanted(found.code, wanted):
        return True
    return found.component is not None and any(c is not None and _is_wanted(c.code, wanted) for c in found.component)


class Questions:
    """What the Observations of a chart ask, each code once: charts repeat few codes."""

    def __init__(self, observations: Mapping[str, Observation]) -> None:
        self._simple: dict[tuple[str | None, str | None], list[str]] = {}
        self._rest: list[tuple[str, Observation]] = []
        simple = self._simple
        for reference, found in observations.items():
            code = found.code
            if type(code) is CodeableConcept and found.component is None:
                codings = code.coding
                if type(codings) is list and len(codings) == 1 and codings[0] is not None:
                    place = codings[0].system, codings[0].code
                    same = simple.get(place)
                    if same is None:
                        simple[place] = [reference]
                    else:
                        same.append(reference)
                    continue
            self._rest.append((reference, found))

    def asking(self, wanted: Callable[[str, str], bool]) -> Iterator[str]:
        """References of the Observations that ask what is wanted."""
        for (system, code), same in self._simple.items():
            if code and wanted(system or "", code):
                yield from same
        for reference, found in self._rest:
            if asks(found, wanted):
                yield reference


def _is_wanted(code: ConceptOrCode, wanted: Callable[[str, str], bool]) -> bool:
    if type(code) is CodeableConcept:
        codings = code.coding
        if type(codings) is list:
            for coding in codings:
                if coding is not None and coding.code and wanted(coding.system or "", coding.code):
                    return True
            return False
    return any(c.code and wanted(c.system, c.code) for c in concept(code).codings)


def observation_entries(reference: str, found: Observation, collected: Collected) -> Iterator[ObservationEntry]:
    """The entries of one Observation."""
    when = _when(found)
    if when is None:
        note_undated(collected, reference, found)
    specimen, specimen_type = _specimen(found, collected)
    status = word(found.status)
    focus = links(collected, found.focus)
    method = concept(found.method)
    parts: list[Observation | Component] = [found]
    if found.component:
        parts += [c for c in found.component if c is not None]
    for part in parts:
        quantity = part.valueQuantity
        number = quantity.value if quantity is not None else None
        comparator = (quantity.comparator or "").strip() if quantity is not None else ""
        low, high = _limits(part, quantity)
        yield ObservationEntry(
            reference=reference,
            status=status,
            code=concept(part.code),
            value=concept(part.valueCodeableConcept),
            quantity=None if comparator else number,
            comparator=comparator,
            bound=number if comparator else None,
            unit=_unit(quantity),
            unit_text=(quantity.unit or "").strip() if quantity is not None else "",
            integer=part.valueInteger,
            text=(part.valueString or "")[:MAX_TEXT],
            boolean=part.valueBoolean,
            date=when,
            focus=focus,
            method=method,
            specimen=specimen,
            specimen_type=specimen_type,
            interpretation=concepts(part.interpretation),
            reference_low=low,
            reference_high=high,
            absent=_absent(part),
        )


def _when(found: Observation) -> Interval | None:
    """effective[x], else issued as the latest bound (D1); a period as one interval."""
    when, end, _, _ = span(found.effectiveDateTime or found.effectiveInstant, found.effectivePeriod)
    if when is None:
        issued = day(found.issued)
        return latest_bound(issued) if issued is not None else None
    if end is not None and end.last > when.last:
        return Interval(when.first, end.last, when.text)
    return when


def _unit(quantity: Quantity | None) -> str:
    if quantity is None:
        return ""
    coded = quantity.code if not quantity.system or quantity.system.startswith(UCUM) else None
    return (coded or quantity.unit or quantity.code or "").strip()


def _absent(part: Observation | Component) -> bool:
    quantity, coded = part.valueQuantity, part.valueCodeableConcept
    return (
        (quantity is None or quantity.value is None)
        and part.valueInteger is None
        and part.valueBoolean is None
        and not part.valueString
        and not concept(coded)
    )


def _limits(part: Observation | Component, quantity: Quantity | None) -> tuple[float | None, float | None]:
    ranges: list[RangeOf] = [r for r in part.referenceRange or () if r is not None]
    if not ranges:
        return None, None
    unit = _unit(quantity)
    return _agreed([r.low for r in ranges], unit), _agreed([r.high for r in ranges], unit)


def _agreed(limits: list[Quantity | None], unit: str) -> float | None:
    """The limit on which every range agrees, in the unit of the value."""
    found = {limit.value for limit in limits if limit is not None and _unit(limit) in ("", unit)}
    alien = any(limit is not None and _unit(limit) not in ("", unit) for limit in limits)
    return found.pop() if len(found) == 1 and not alien else None


def _specimen(found: Observation, collected: Collected) -> tuple[str, Concept]:
    target = found.specimen
    if target is None:
        return "", NOTHING
    text = target.reference or ""
    key = collected.key_of(target)
    held = contained(found, text) if text[:1] == "#" else collected.find(key) if key else None
    kind = concept(held.type) if isinstance(held, Specimen) else NOTHING
    shown = kind.text or next((c.display for c in kind.codings if c.display), "") or target.display or ""
    return shown[:MAX_TEXT], kind
