"""The detail of a card: at most 1,200 characters, shrunk in the order of decision 37."""

from __future__ import annotations

from collections.abc import Iterable

from cds_service.cards.basis import basis_line, past_review_line, safety_line
from cds_service.cards.choose import Choice
from cds_service.cards.criterion_lines import (
    birthday_lines,
    confirm_line,
    disease_lines,
    inferred_criteria,
    met_lines,
)
from cds_service.cards.flag_block import GAP, flag_block, least_room, present_flags, room_for, urgent_flags
from cds_service.cards.items import DISAGREEMENT, item_lines
from cds_service.cards.markdown import safe
from cds_service.cards.model import HookView
from cds_service.cards.scene import Scene
from cds_service.cards.therapy import EMERGENCIES, STEPS, Brevity
from cds_service.cards.wording import Wording
from cds_service.fhir.model import EVERY
from cds_service.oncology.model import MET, REVIEW, ClinicalPicture

MAX_DETAIL = 1200
CLIPPED = 70


def detail(scene: Scene) -> str:
    """The Markdown of one card."""
    wording = scene.wording
    flags = present_flags(scene.picture, wording)
    before: list[str] = []
    after: list[str] = []
    wanted, urgent = room_for(flags, wording), room_for(urgent_flags(flags, wording), wording)
    least = least_room(flags, wording)
    kept = _Kept(scene)
    for step in (*STEPS, *EMERGENCIES):
        before, after = kept.parts(step)
        room = MAX_DETAIL - len(GAP.join((*before, *after)))
        if room >= (least if step.clipped else urgent if step.unsourced else wanted):
            break
    before = _cut(before, after)
    room = MAX_DETAIL - len(GAP.join((*before, *after)))
    block = flag_block(flags, wording, room - len(GAP), data=scene.options.extension)
    parts = [*before, *([block] if block else []), *after]
    return _with_extras(parts, len(before), bool(flags), wording)


class _Kept:
    """The parts that are always kept; what does not change from step to step is said once."""

    def __init__(self, scene: Scene) -> None:
        choice, wording = scene.choice, scene.wording
        self.scene = scene
        self.heading = heading(scene)
        self.birthdays = birthday_lines(scene)
        self.confirm = confirm_line(scene)
        self.past_review = past_review_line(choice, wording)
        self.safety = safety_line(choice, scene.assessment.jurisdiction, wording)
        self.bases: dict[bool, str] = {}
        self.met: dict[tuple[bool, bool], list[str]] = {}
        self.items: dict[tuple[bool, bool], list[str]] = {}
        self.coverage: dict[tuple[bool, bool], str] = {}

    def parts(self, step: Brevity) -> tuple[list[str], list[str]]:
        """Those before the flags and those after."""
        scene, wording = self.scene, self.scene.wording
        before = [self.heading, *_order_lines(scene.hook, wording, step)]
        before.append("\n".join([f"- {line}" for line in (*disease_lines(scene, step), *self._met(step))]))
        before += self.birthdays
        before += [self.confirm] if self.confirm else []
        before.append(self._basis(short=step.clipped))
        before += [self.past_review] if self.past_review else []
        before += self._items(step)
        return before, [self.safety, self._coverage(step)]

    def _met(self, step: Brevity) -> list[str]:
        shape = (step.clipped, step.unsourced)
        known = self.met.get(shape)
        if known is None:
            known = self.met[shape] = met_lines(self.scene, Brevity(clipped=step.clipped, unsourced=step.unsourced))
        return known

    def _items(self, step: Brevity) -> list[str]:
        shape = (step.names, step.counts)
        known = self.items.get(shape)
        if known is None:
            known = self.items[shape] = _item_block(self.scene, Brevity(names=step.names, counts=step.counts))
        return known

    def _coverage(self, step: Brevity) -> str:
        shape = (step.clipped, step.unsourced)
        known = self.coverage.get(shape)
        if known is None:
            scene, like = self.scene, Brevity(clipped=step.clipped, unsourced=step.unsourced)
            known = self.coverage[shape] = coverage_line(scene.choice, scene.picture, scene.wording, like)
        return known

    def _basis(self, *, short: bool) -> str:
        if short not in self.bases:
            scene = self.scene
            self.bases[short] = basis_line(scene.choice, scene.assessment, scene.wording, short=short)
        return self.bases[short]


def heading(scene: Scene) -> str:
    """What the card says first, with what it does not say (R-04)."""
    choice, wording = scene.choice, scene.wording
    if choice.status == MET:
        return wording.say("heading_met_inferred" if inferred_criteria(scene) else "heading_met")
    if choice.ambiguous:
        return wording.say(f"heading_{choice.ambiguous}")
    if choice.status == REVIEW:
        names = dict.fromkeys(wording.criterion_name(i.criterion) for i in scene.items if i.status == REVIEW)
        return wording.say("heading_review", items=_first_few(names))
    missing = {item.criterion for item in scene.items if item.status != REVIEW}
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
    lists = sorted(coverage.incomplete - {EVERY})
    whole = wording.say("coverage_missing", types=safe(", ".join(lists), 80)) if lists else ""
    if not lists or EVERY in coverage.incomplete:
        cut = wording.say("coverage_cut" if coverage.truncated else "coverage_whole")
        whole = f"{whole}; {cut}" if whole else cut
    brief = "coverage_least" if step.clipped and not (coverage.incomplete or coverage.truncated) else "coverage_short"
    return wording.say(
        brief if step.unsourced else "coverage",
        count=sum(coverage.resources.values()),
        earliest=coverage.earliest or undated,
        latest=coverage.latest or undated,
        newest=choice.course.newest or undated,
        whole=whole,
    )


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
