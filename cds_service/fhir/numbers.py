"""Whole numbers recorded outside Observations, among which a count of lines may be (lines-of-therapy.md (e))."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.fhir.convert import concept, day, word
from cds_service.fhir.elements import Answer, Item
from cds_service.fhir.model import Coding, Concept, NumberEntry
from cds_service.fhir.wire import EpisodeOfCare, QuestionnaireResponse

MAX_NUMBER = 1000
"""Larger numbers count nothing that a patient goes through."""


def answered_numbers(reference: str, found: QuestionnaireResponse) -> Iterator[NumberEntry]:
    """The answers that are whole numbers, in the order of the form."""
    when = day(found.authored)
    status = word(found.status)
    waiting = _items(found.item)[::-1]
    while waiting:
        item = waiting.pop()
        inner = _items(item.item)
        question = _question(item)
        for answer in _answers(item):
            inner += _items(answer.item)
            value = _whole(answer)
            if value is not None:
                yield NumberEntry(
                    reference=reference,
                    kind="QuestionnaireResponse",
                    status=status,
                    code=question,
                    name=(item.linkId or "")[:200],
                    value=value,
                    date=when,
                )
        waiting += inner[::-1]


def episode_numbers(reference: str, found: EpisodeOfCare) -> Iterator[NumberEntry]:
    """The whole-number extensions of an episode."""
    if found.extension is None:
        return
    period = found.period
    code = concept(found.type)
    for item in found.extension if isinstance(found.extension, list) else [found.extension]:
        if item is None or not item.url:
            continue
        value = next(
            (v for v in (item.valuePositiveInt, item.valueUnsignedInt, item.valueInteger) if v is not None), None
        )
        if value is not None and 0 <= value <= MAX_NUMBER:
            yield NumberEntry(
                reference=reference,
                kind="EpisodeOfCare",
                status=word(found.status),
                code=code,
                name=item.url[:200],
                value=value,
                date=day(period.start or period.end) if period is not None else None,
            )


def _items(found: list[Item | None] | Item | None) -> list[Item]:
    return [i for i in (found if isinstance(found, list) else [found]) if i is not None]


def _answers(found: Item) -> list[Answer]:
    answers = found.answer if isinstance(found.answer, list) else [found.answer]
    return [a for a in answers if a is not None]


def _question(item: Item) -> Concept:
    """linkId and definition as codings: forms name the question in either, as a bare code or as ``system|code``."""
    codings = []
    for text in (item.linkId, item.definition):
        if text:
            system, _, code = text.strip()[:200].replace("#", "|").rpartition("|")
            codings.append(Coding(system, code, ""))
    return Concept(tuple(codings), (item.text or "")[:500])


def _whole(answer: Answer) -> int | None:
    found: float | int | None = answer.valueInteger
    if found is None:
        found = answer.valueDecimal
    if found is None and answer.valueQuantity is not None and not answer.valueQuantity.comparator:
        found = answer.valueQuantity.value
    text = (answer.valueString or (answer.valueCoding.code if answer.valueCoding else None) or "").strip()
    if found is None and text.isascii() and text.isdigit() and len(text) <= 4:
        found = int(text)
    return int(found) if found is not None and 0 <= found <= MAX_NUMBER and found == int(found) else None
