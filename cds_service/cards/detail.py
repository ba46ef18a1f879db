"""The detail of a card: at most 1,200 characters, shrunk in the order of decision 37."""

from __future__ import annotations

from collections.abc import Iterable

from cds_service.cards.basis import basis_line, past_review_line, safety_line
from cds_service.cards.choose import Choice
from cds_service.cards.items import DISAGREEMENT, Item, item_lines
from cds_service.cards.markdown import safe
from cds_service.cards.model import HookView
from cds_service.cards.scene import Scene
from cds_service.cards.therapy import EMERGENCIES, STEPS, Brevity, diagnosis_phrase, lines_phrase
from cds_service.cards.wording import Wording
from cds_service.labels.model import CriterionResult
from cds_service.oncology.model import FLAG_IDS, INFERRED, MET, REVIEW, ClinicalPicture, Flag

MAX_DETAIL = 1200
FLAG_ROOM = 200
FLAG_LINE = 110
SHORTER_FLAGS = (64, 40)
SENTENCE = 170
CLIPPED = 70
ABSENT = "not_primary_cns"
GAP = "\n\n"


def detail(scene: Scene) -> str:
    """The Markdown of one card."""
    wording = scene.wording
    flags = present_flags(scene.picture, wording)
    before: list[str] = []
    after: list[str] = []
    wanted, urgent = _room_for(flags, wording), _room_for(_urgent(flags, wording), wording)
    least = _least_room(flags, wording)
    for step in (*STEPS, *EMERGENCIES):
        before, after = _kept(scene, step)
        room = MAX_DETAIL - len(GAP.join((*before, *after)))
        if room >= (least if step.clipped else urgent if step.unsourced else wanted):
            break
    before = _cut(before, after)
    room = MAX_DETAIL - len(GAP.join((*before, *after)))
    more = "remainder" if scene.options.extension else "remainder_no_data"
    block = _flag_block(flags, wording, room - len(GAP), more=more)
    parts = [*before, *([block] if block else []), *after]
    return _with_extras(parts, len(before), bool(flags), wording)


def present_flags(picture: ClinicalPicture, wording: Wording) -> list[Flag]:
    """The flags a card shows, in the order of decision 37."""
    order = {flag: place for place, flag in enumerate((*wording.flags_first, *FLAG_IDS))}
    for place, flag in enumerate(wording.flags_first):
        order[flag] = place
    present = [flag for flag in picture.flags if flag.status == "present"]
    return sorted(present, key=lambda flag: (order.get(flag.id, len(order)), flag.id))


def flag_line(flag: Flag, limit: int = FLAG_LINE) -> str:
    """One flag as the record says it."""
    return safe(flag.because.rstrip("."), limit)


def _kept(scene: Scene, step: Brevity) -> tuple[list[str], list[str]]:
    """The parts that are always kept: those before the flags and those after."""
    choice, items, wording = scene.choice, scene.items, scene.wording
    before = [heading(choice, items, wording)]
    before += _order_lines(scene.hook, wording, step)
    before.append("\n".join(f"- {line}" for line in _bullets(choice, wording, step)))
    confirm = _confirm(choice, wording)
    if confirm:
        before.append(confirm)
    before.append(basis_line(choice, scene.assessment, wording, short=step.clipped))
    past = past_review_line(choice, wording)
    if past:
        before.append(past)
    before += _item_block(scene, step)
    safety = safety_line(choice, scene.assessment.jurisdiction, wording)
    return before, [safety, coverage_line(choice, scene.picture, wording, step)]


def heading(choice: Choice, items: tuple[Item, ...], wording: Wording) -> str:
    """What the card says first, with what it does not say (R-04)."""
    if choice.status == MET:
        return wording.say("heading_met_inferred" if _inferred(choice) else "heading_met")
    if choice.ambiguous:
        return wording.say(f"heading_{choice.ambiguous}")
    if choice.status == REVIEW:
        names = dict.fromkeys(wording.criterion_name(item.criterion) for item in items)
        return wording.say("heading_review", items=_first_few(names))
    missing = {item.criterion for item in items if item.status != REVIEW}
    if DISAGREEMENT in missing:
        return wording.say("heading_disagreement")
    return wording.say("heading_missing_one" if len(missing) == 1 else "heading_missing", count=len(missing))


def _first_few(names: Iterable[str], most: int = 3) -> str:
    shown = list(names)[:most]
    return ", ".join(name if name[:2].isupper() or name[1:2] == "-" else name[0].lower() + name[1:] for name in shown)


def _order_lines(hook: HookView, wording: Wording, step: Brevity) -> list[str]:
    if not hook.about_orders:
        return []
    if not hook.lymphotoxic_drugs:
        return [wording.say("order")]
    drugs = ", ".join(drug.replace("_", " ") for drug in hook.lymphotoxic_drugs)
    return [wording.say("order_lymphotoxic", drugs=safe(drugs, CLIPPED if step.clipped else 120))]


def _bullets(choice: Choice, wording: Wording, step: Brevity) -> list[str]:
    """Diagnosis, lines, then each criterion that is met with value, date and kind of source (R-08)."""
    evidence = [reference for line in choice.course.history.lines for reference in line.evidence]
    lines = [
        wording.say("diagnosis", diagnoses=diagnosis_phrase(choice, wording, step)),
        _cited(lines_phrase(choice.course, wording, step), evidence, wording, step),
    ]
    said: set[str] = set()
    drugs: list[CriterionResult] = []
    for criterion in _met_criteria(choice):
        if criterion.because in said or (step.unsourced and criterion.id == ABSENT):
            continue
        said.add(criterion.because)
        if criterion.id.startswith("exposed_"):
            drugs.append(criterion)
        else:
            lines.append(_cited(_sentence(criterion, wording, step), criterion.evidence, wording, step))
    if drugs and step.clipped:
        lines.append(wording.say("exposures", names=", ".join(wording.criterion_name(drug.id) for drug in drugs)))
    elif drugs:
        sentences = "; ".join(_sentence(criterion, wording, step) for criterion in drugs)
        lines.append(_cited(sentences, [r for drug in drugs for r in drug.evidence], wording, step))
    return lines


def _sentence(criterion: CriterionResult, wording: Wording, step: Brevity) -> str:
    because = safe(_because(criterion, wording), CLIPPED if step.clipped else SENTENCE)
    if criterion.grade == INFERRED:
        because = wording.say("inferred", because=because)
    return wording.say("criterion", name=wording.criterion_name(criterion.id), because=because)


def _because(criterion: CriterionResult, wording: Wording) -> str:
    """Age with the label's bounds; a disease that is absent as "not found", never as a no (c.4)."""
    if criterion.id == ABSENT:
        return wording.say("absent")
    return criterion.because.rstrip(". ") if criterion.id == "age" else wording.reason(criterion.because)


def _cited(sentence: str, evidence: Iterable[str], wording: Wording, step: Brevity) -> str:
    """The sentence with the kinds of resource it rests on."""
    kinds = {reference.rsplit("/", 2)[-2] for reference in evidence if "/" in reference}
    if step.unsourced or not kinds:
        return sentence
    return wording.say("cited", sentence=sentence, kinds=safe(", ".join(sorted(kinds)[:2]), 60))


def _met_criteria(choice: Choice) -> list[CriterionResult]:
    """Met criteria of the leading indications, each id once; diagnosis and lines have their bullets already."""
    found: dict[str, CriterionResult] = {}
    for result in choice.leading:
        for criterion in result.criteria:
            if criterion.status == MET and criterion.id not in ("diagnosis", "prior_lines"):
                found.setdefault(criterion.id, criterion)
    return list(found.values())


def _inferred(choice: Choice) -> list[str]:
    criteria = (criterion for result in choice.leading for criterion in result.criteria)
    return list(dict.fromkeys(c.id for c in criteria if c.status == MET and c.grade == INFERRED))


def _confirm(choice: Choice, wording: Wording) -> str:
    names = [wording.criterion_name(name) for name in _inferred(choice)]
    if not names:
        return ""
    return wording.say("confirm", items="; ".join(names))


def _item_block(scene: Scene, step: Brevity) -> list[str]:
    items, wording = scene.items, scene.wording
    if not items:
        return []
    if not step.names:
        rows = item_lines(items, wording, scene.picture.medication_count, short=step.counts)
        return ["\n".join((_items_head(scene), *(f"- {row}" for row in rows)))]
    lines = []
    for name, kind in (("missing_names", False), ("review_names", True)):
        names = dict.fromkeys(wording.criterion_name(i.criterion) for i in items if (i.status == REVIEW) is kind)
        if names:
            lines.append(wording.say(name, items=", ".join(names)))
    return lines


def _items_head(scene: Scene) -> str:
    if scene.choice.status == MET:
        return scene.wording.say("others_head")
    kinds = {item.status == REVIEW for item in scene.items}
    return scene.wording.say("mixed_head" if len(kinds) > 1 else "review_head" if True in kinds else "missing_head")


def coverage_line(choice: Choice, picture: ClinicalPicture, wording: Wording, step: Brevity) -> str:
    """What was received, and the date of the newest evidence (R-11, decision 60)."""
    coverage = picture.coverage
    undated = wording.say("coverage_undated")
    if coverage.incomplete:
        whole = wording.say("coverage_missing", types=safe(", ".join(sorted(coverage.incomplete)), 80))
    else:
        whole = wording.say("coverage_cut" if coverage.truncated else "coverage_whole")
    brief = "coverage_least" if step.clipped and not (coverage.incomplete or coverage.truncated) else "coverage_short"
    return wording.say(
        brief if step.unsourced else "coverage",
        count=sum(coverage.resources.values()),
        earliest=coverage.earliest or undated,
        latest=coverage.latest or undated,
        newest=choice.course.newest or undated,
        whole=whole,
    )


def _urgent(flags: list[Flag], wording: Wording) -> list[Flag]:
    """The flags that come first: what the label holds an infusion for, and an earlier CAR-T."""
    return [flag for flag in flags if flag.id in wording.flags_first]


def _room_for(flags: list[Flag], wording: Wording) -> int:
    if not flags:
        return 0
    wanted = sum(len(flag_line(flag)) + len("\n- ") for flag in flags)
    return len(GAP) + len(wording.say("flags_head")) + min(wanted, FLAG_ROOM)


def _least_room(flags: list[Flag], wording: Wording) -> int:
    """Room to say at least how many flags there are."""
    if not flags:
        return 0
    return len(GAP) + len(wording.say("flags_head")) + len(wording.say("remainder", count=len(flags))) + len("\n- ")


def _flag_block(flags: list[Flag], wording: Wording, room: int, *, more: str) -> str:
    """As many flags as fit, one a line; where room is short the urgent ones are clipped, the others counted."""
    if not flags:
        return ""
    urgent = len(_urgent(flags, wording))
    best, shown = _fitting_flags(flags, FLAG_LINE, wording, room, more=more)
    for limit in SHORTER_FLAGS:
        if shown >= urgent:
            break
        tried, fitting = _fitting_flags(flags, limit, wording, room, more=more)
        if fitting > shown:
            best, shown = tried, fitting
    return best


def _fitting_flags(flags: list[Flag], limit: int, wording: Wording, room: int, *, more: str) -> tuple[str, int]:
    shown = [f"- {flag_line(flag, limit)}" for flag in flags]
    for count in range(len(shown), -1, -1):
        rows = shown[:count]
        if count < len(shown):
            rows.append(f"- {wording.say(more, count=len(shown) - count)}")
        block = "\n".join((wording.say("flags_head"), *rows))
        if len(block) <= room:
            return block, count
    return "", 0


def _with_extras(parts: list[str], place: int, flagged: bool, wording: Wording) -> str:
    """What is said only where room is left over: that no flag was found, and why early contact helps."""
    if not flagged:
        tried = [*parts[:place], wording.say("flags_none"), *parts[place:]]
        parts = tried if len(GAP.join(tried)) <= MAX_DETAIL else parts
    tried = [*parts, wording.say("early_contact")]
    return GAP.join(tried if len(GAP.join(tried)) <= MAX_DETAIL else parts)


def _cut(before: list[str], after: list[str]) -> list[str]:
    """A last resort for a site's own very long words: lines of the list of criteria give way, from its end."""
    while len(GAP.join((*before, *after))) > MAX_DETAIL:
        longest = max(range(1, len(before)), key=lambda place: len(before[place]))
        rows = before[longest].split("\n")
        if len(rows) == 1:
            over = len(GAP.join((*before, *after))) - MAX_DETAIL
            kept = before[longest][: max(0, len(before[longest]) - over - 2)].rsplit(" ", 1)[0]
            return [*before[:longest], f"{kept}…", *before[longest + 1 :]]
        before = [*before[:longest], "\n".join(rows[:-1]), *before[longest + 1 :]]
    return before
