"""Missing and review items: each criterion that stays open, once, with its products and what would settle it (R-09)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cds_service.cards.choose import Choice
from cds_service.cards.markdown import safe
from cds_service.cards.wording import Wording
from cds_service.labels.because import DISAGREED
from cds_service.labels.model import CriterionResult, IndicationResult
from cds_service.oncology.model import REVIEW, UNKNOWN

DISAGREEMENT = "disagreement"
SENTENCE = 220
SHORT_SENTENCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One open criterion. ``products`` are short names in order of the indications."""

    criterion: str
    status: str
    because: str
    products: tuple[str, ...]


def open_items(choice: Choice) -> tuple[Item, ...]:
    """The open criteria of a family in the order of the packs, those of the card's own status first."""
    found: dict[tuple[str, str], tuple[str, list[str]]] = {}
    for result in choice.open_ones:
        open_criteria = _open_criteria(result)
        for criterion in open_criteria:
            entry = found.setdefault((criterion.id, criterion.status), (criterion.because, []))
            short = result.indication.product.short_name
            if short not in entry[1]:
                entry[1].append(short)
    items = [
        Item(criterion=name, status=status, because=because, products=tuple(products))
        for (name, status), (because, products) in found.items()
    ]
    return tuple(sorted(items, key=lambda item: (item.status == REVIEW) != (choice.status == REVIEW)))


def _open_criteria(result: IndicationResult) -> list[CriterionResult]:
    found = [c for c in result.criteria if c.status in (UNKNOWN, REVIEW) and c.because != DISAGREED]
    disputed = len(found) < sum(c.status in (UNKNOWN, REVIEW) for c in result.criteria)
    if disputed or not any(criterion.status == result.status for criterion in found):
        found.insert(0, CriterionResult(id=DISAGREEMENT, status=UNKNOWN, because=""))
    return found


def open_criteria(items: Iterable[Item]) -> frozenset[str]:
    """The criteria that a list of items names."""
    return frozenset(item.criterion for item in items)


def item_lines(items: Iterable[Item], wording: Wording, medications: int, *, short: bool) -> list[str]:
    """The lines of the list; ``short`` gives what was looked for as a count. Items alike but for the name share one."""
    lines: dict[tuple[str, ...], list[str]] = {}
    for item in items:
        name = wording.criterion_name(item.criterion)
        template, because = _template(item, wording, short=short)
        entry = wording.criteria.get(item.criterion, {"remedy": "", "source": "record"})
        key = (
            template,
            safe(", ".join(item.products), 80),
            safe(because, SHORT_SENTENCE if short else SENTENCE),
            _looked(entry, wording, medications) if template == "missing_short" else "",
            entry["remedy"] if template == "missing_short" else "",
        )
        names = lines.setdefault(key, [])
        names.append(_inner(name) if names else name)
    members = ("products", "because", "looked", "remedy")
    return [
        wording.say(template, name=", ".join(names), **dict(zip(members, values, strict=True)))
        for (template, *values), names in lines.items()
    ]


def _template(item: Item, wording: Wording, *, short: bool) -> tuple[str, str]:
    """The sentence an item is told with, and its reason ("" where the sentence has none)."""
    because = wording.reason(item.because)
    if item.criterion == DISAGREEMENT:
        return "disagreement", ""
    if item.status == REVIEW:
        return ("missing" if wording.sections["card"]["judgement"] in because else "review"), because
    return ("missing_short", "") if short or not because else ("missing", because)


def _inner(name: str) -> str:
    return name[0].lower() + name[1:] if name[1:2].islower() else name


def _looked(entry: Mapping[str, str], wording: Wording, medications: int) -> str:
    source = entry["source"]
    if source == "medications" and medications:
        return wording.say("looked_medication" if medications == 1 else "looked_medications", count=medications)
    return wording.say("looked_unclear" if source == "unclear" else "looked_record")
