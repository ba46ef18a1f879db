"""The summary of a card: one sentence of at most 139 characters, without any word of the record."""

from __future__ import annotations

from collections.abc import Iterable

from cds_service.cards.choose import Choice
from cds_service.cards.items import Item
from cds_service.cards.wording import Wording
from cds_service.oncology.model import MET, REVIEW

MAX_SUMMARY = 139
SECOND_RELAPSE = 2


def summary(choice: Choice, items: tuple[Item, ...], wording: Wording) -> str:
    """What the card is about; findings and items are named while they fit."""
    family = wording.family_name(choice.family)
    if choice.status == MET:
        findings = [family, *_findings(choice, wording)]
        fitting = (wording.say("summary_met", findings=", ".join(findings[:n])) for n in range(len(findings), 0, -1))
        return _first_fitting(fitting)
    if choice.ambiguous:
        return _clip(wording.say(f"summary_{choice.ambiguous}", family=family))
    decisive = (item for item in items if (item.status == REVIEW) == (choice.status == REVIEW))
    names = list(dict.fromkeys(_item_name(item, wording) for item in decisive))
    return _first_fitting(_undetermined(choice, family, _shortened(names, wording), wording))


def _item_name(item: Item, wording: Wording) -> str:
    name = wording.criterion_name(item.criterion).split(" (")[0]
    return name[0].lower() + name[1:] if name[1:2].islower() else name


def _shortened(names: list[str], wording: Wording) -> Iterable[str]:
    for count in range(len(names), 0, -1):
        listed = ", ".join(names[:count])
        left = len(names) - count
        yield wording.say("items_more", items=listed, count=left) if left else listed


def _undetermined(choice: Choice, family: str, shortened: Iterable[str], wording: Wording) -> Iterable[str]:
    for items in shortened:
        if choice.status == REVIEW:
            yield wording.say("summary_review", family=family, items=items)
        else:
            yield wording.say("summary_unknown", family=family, items=wording.say("items_missing", items=items))


def _findings(choice: Choice, wording: Wording) -> list[str]:
    """The lines, and the finding that opened the rule."""
    met = {criterion.id for result in choice.leading for criterion in result.criteria if criterion.status == MET}
    signals = choice.course.signals
    found = []
    count = choice.course.history.count.n
    if "prior_lines" in met and count:
        found.append(wording.say("finding_line") if count == 1 else wording.say("finding_lines", count=count))
    if "refractory_to_lenalidomide" in met:
        found.append(wording.say("finding_lenalidomide"))
    elif "first_line_failure" in met and count <= 1:
        refractory = signals.get("first_line") == "refractory"
        found.append(wording.say("finding_first_line_refractory" if refractory else "finding_first_line_relapse"))
    elif "refractory_or_second_relapse" in met and int(signals.get("relapses_min", 0)) >= SECOND_RELAPSE:
        found.append(wording.say("finding_second_relapse"))
    elif met & {"refractory_or_second_relapse", "relapsed_or_refractory"} and not found:
        found.append(wording.say("finding_relapsed_or_refractory"))
    return found


def _first_fitting(candidates: Iterable[str]) -> str:
    shortest = ""
    for candidate in candidates:
        shortest = candidate
        if len(candidate) <= MAX_SUMMARY:
            return candidate
    return _clip(shortest)


def _clip(text: str) -> str:
    return text if len(text) <= MAX_SUMMARY else text[: MAX_SUMMARY - 1].rstrip() + "…"
