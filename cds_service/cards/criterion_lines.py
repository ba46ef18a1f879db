"""The criteria of a card, one line each, and which of them rest on inference (R-08, c.6)."""

from __future__ import annotations

from collections.abc import Iterable

from cds_service.cards.items import open_criteria
from cds_service.cards.markdown import safe
from cds_service.cards.scene import Scene
from cds_service.cards.therapy import Brevity, diagnosis_phrase, lines_phrase
from cds_service.cards.wording import Wording
from cds_service.labels.birthdays import birthday_words
from cds_service.labels.model import Birthday, CriterionResult
from cds_service.oncology.model import INFERRED, MET

SENTENCE = 170
CLIPPED = 70
ABSENT = "not_primary_cns"


def disease_lines(scene: Scene, step: Brevity) -> list[str]:
    """Diagnosis and lines of therapy: the first bullets of a card."""
    choice, wording = scene.choice, scene.wording
    evidence = [reference for line in choice.course.history.lines for reference in line.evidence]
    return [
        wording.say("diagnosis", diagnoses=diagnosis_phrase(choice, wording, step)),
        _cited(lines_phrase(choice.course, wording, step), evidence, wording, step),
    ]


def met_lines(scene: Scene, step: Brevity) -> list[str]:
    """Each criterion that is met with value, date and kind of source (R-08).

    Of the step only ``clipped`` and ``unsourced`` change anything.
    """
    wording = scene.wording
    lines: list[str] = []
    said: set[str] = set()
    drugs: list[CriterionResult] = []
    for criterion in _met_criteria(scene):
        if criterion.because in said or (step.unsourced and criterion.id == ABSENT):
            continue
        said.add(criterion.because)
        if criterion.id.startswith("exposed_"):
            drugs.append(criterion)
        else:
            evidence = [] if criterion.id == ABSENT else list(criterion.evidence)
            lines.append(_cited(_sentence(criterion, wording, step), evidence, wording, step))
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


def _met_criteria(scene: Scene) -> list[CriterionResult]:
    """Met criteria of the leading indications, each id once; diagnosis and lines have their bullets already.

    A criterion that another of these rules leaves open is told among the open items, not twice.
    """
    told = {"diagnosis", "prior_lines"}
    if scene.choice.status != MET:
        told |= open_criteria(scene.items)
    return [criterion for criterion in _met_of_leading(scene).values() if criterion.id not in told]


def _met_of_leading(scene: Scene) -> dict[str, CriterionResult]:
    found: dict[str, CriterionResult] = {}
    for result in scene.choice.leading:
        for criterion in result.criteria:
            if criterion.status == MET:
                found.setdefault(criterion.id, criterion)
    return found


def inferred_criteria(scene: Scene) -> list[str]:
    """Ids of the met criteria that were worked out, not recorded."""
    open_ones = frozenset() if scene.choice.status == MET else open_criteria(scene.items)
    met = _met_of_leading(scene).values()
    return [criterion.id for criterion in met if criterion.grade == INFERRED and criterion.id not in open_ones]


def confirm_line(scene: Scene) -> str:
    """What a reader is asked to confirm, "" when every criterion is recorded."""
    names = [scene.wording.criterion_name(name) for name in inferred_criteria(scene)]
    if not names:
        return ""
    return scene.wording.say("confirm", items="; ".join(names))


def birthday_lines(scene: Scene) -> list[str]:
    """The birthday that ends the age range of a rule the card names, while it is near; whichever rule leads."""
    choice, wording = scene.choice, scene.wording
    found: dict[Birthday, dict[str, None]] = {}
    for result in (*choice.leading, *choice.open_ones):
        for criterion in result.criteria:
            if criterion.birthday is not None:
                found.setdefault(criterion.birthday, {})[result.indication.product.short_name] = None
    return [_birthday(near, safe(", ".join(names), 80), wording) for near, names in found.items()]


def _birthday(near: Birthday, products: str, wording: Wording) -> str:
    if not near.sure:
        return wording.say("birthday_maybe", products=products, years=near.years, first=near.first)
    if near.first == near.last:
        return wording.say("birthday", products=products, years=near.years, date=near.first)
    return wording.say("birthday_between", products=products, years=near.years, first=near.first, last=near.last)


def _because(criterion: CriterionResult, wording: Wording) -> str:
    """Age with the label's bounds; a disease that is absent as "not found", never as a no (c.4).

    A near birthday has its own line.
    """
    if criterion.id == ABSENT:
        return wording.say("absent")
    if criterion.birthday is not None:
        return criterion.because.removesuffix(f"; {birthday_words(criterion.birthday)}")
    return criterion.because.rstrip(". ") if criterion.id == "age" else wording.reason(criterion.because)


def _cited(sentence: str, evidence: Iterable[str], wording: Wording, step: Brevity) -> str:
    """The sentence with the kinds of resource it rests on."""
    kinds = {reference.rsplit("/", 2)[-2] for reference in evidence if "/" in reference}
    if step.unsourced or not kinds:
        return sentence
    return wording.say("cited", sentence=sentence, kinds=safe(", ".join(sorted(kinds)[:2]), 60))
