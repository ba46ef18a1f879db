"""Missing and review items: each criterion that stays open, once, with its products and what would settle it (R-09)."""

from __future__ import annotations

from dataclasses import dataclass

from cds_service.cards.choose import Choice
from cds_service.cards.markdown import safe
from cds_service.cards.wording import Wording
from cds_service.labels.model import CriterionResult, IndicationResult
from cds_service.oncology.model import REVIEW, UNKNOWN

DISAGREEMENT = "disagreement"
SENTENCE = 220


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One open criterion. ``products`` are short names in order of the indications."""

    criterion: str
    status: str
    because: str
    products: tuple[str, ...]


def open_items(choice: Choice) -> tuple[Item, ...]:
    """The open criteria of a family, in the order of the packs, unknown before review."""
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
    return tuple(sorted(items, key=lambda item: item.status != UNKNOWN))


def _open_criteria(result: IndicationResult) -> list[CriterionResult]:
    found = [criterion for criterion in result.criteria if criterion.status in (UNKNOWN, REVIEW)]
    if not any(criterion.status == result.status for criterion in found):
        found.insert(0, CriterionResult(id=DISAGREEMENT, status=UNKNOWN, because=""))
    return found


def item_line(item: Item, wording: Wording, medications: int, *, short: bool) -> str:
    """One line of the list; ``short`` gives what was looked for as a count (decision 37)."""
    because = wording.reason(item.because)
    values = {
        "name": wording.criterion_name(item.criterion),
        "products": safe(", ".join(item.products), 80),
        "because": safe(because, SENTENCE),
    }
    if item.criterion == DISAGREEMENT:
        return wording.say("disagreement", products=values["products"])
    if item.status == REVIEW:
        said = wording.sections["card"]["judgement"] in because
        return wording.say("review_short" if short else "missing" if said else "review", **values)
    if not short and because:
        return wording.say("missing", **values)
    entry = wording.criteria.get(item.criterion, {"remedy": "", "source": "record"})
    return wording.say("missing_short", **values, looked=_looked(entry, wording, medications), remedy=entry["remedy"])


def _looked(entry: object, wording: Wording, medications: int) -> str:
    from_drugs = isinstance(entry, dict) and entry.get("source") == "medications"
    if not from_drugs or medications < 1:
        return wording.say("looked_record")
    return wording.say("looked_medication" if medications == 1 else "looked_medications", count=medications)
