"""Diagnoses and lines of therapy as short phrases."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from cds_service.cards.choose import Choice
from cds_service.cards.markdown import safe
from cds_service.cards.wording import Wording
from cds_service.oncology.model import Diagnosis, FamilyPicture, Line

MAX_DIAGNOSES = 2
PHRASE = 90
_TAIL = re.compile(r"\s*\([^()]*\)$")
"""A remark in brackets at the end of a concept's label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brevity:
    """How far the kept parts have shrunk: decision 37, then kinds of source, then two steps for very long words."""

    counts: bool = False
    years: bool = False
    last_two: bool = False
    classes: bool = False
    unsourced: bool = False
    clipped: bool = False
    names: bool = False


_SHORT = Brevity(counts=True, years=True, last_two=True, classes=True)
STEPS = (
    Brevity(),
    Brevity(counts=True),
    Brevity(counts=True, years=True),
    Brevity(counts=True, years=True, last_two=True),
    _SHORT,
    replace(_SHORT, unsourced=True),
)
EMERGENCIES = (
    replace(_SHORT, unsourced=True, clipped=True),
    replace(_SHORT, unsourced=True, clipped=True, names=True),
)
"""Taken only where the kept parts alone are too long."""


def diagnosis_phrase(choice: Choice, wording: Wording, brevity: Brevity) -> str:
    """The diagnoses the card rests on, those that decided first: label, state, date; at most two."""
    deciding = {result.diagnosis_concept for result in choice.leading}
    standing = [d for d in choice.course.diagnoses if d.stands]
    standing.sort(key=lambda d: d.concept not in deciding)
    shown = [_diagnosis(d, wording, brevity) for d in standing[:MAX_DIAGNOSES]]
    if len(standing) > MAX_DIAGNOSES:
        shown.append(wording.say("diagnosis_more", count=len(standing) - MAX_DIAGNOSES))
    return "; ".join(shown)


def _diagnosis(diagnosis: Diagnosis, wording: Wording, brevity: Brevity) -> str:
    state = wording.word("states", diagnosis.state)
    certainty = wording.word("certainties", diagnosis.certainty)
    label = safe(_TAIL.sub("", diagnosis.label), 45 if brevity.clipped else PHRASE)
    words = ", ".join(word for word in (label, state, certainty) if word)
    date = diagnosis.onset.text if diagnosis.onset else ""
    return f"{words} ({date})" if date else words


def lines_phrase(course: FamilyPicture, wording: Wording, brevity: Brevity) -> str:
    """How many lines, and each with its dates."""
    history = course.history
    if not history.lines:
        return wording.say("lines_none")
    shown = history.lines[-2:] if brevity.last_two else history.lines
    parts = [line_phrase(line, wording, brevity) for line in shown]
    earlier = len(history.lines) - len(shown)
    if earlier:
        parts.insert(0, wording.say("lines_earlier_one" if earlier == 1 else "lines_earlier", count=earlier))
    count: object = history.count.n
    if history.count.min != history.count.max:
        count = wording.say("lines_range", count=history.count.n, least=history.count.min, most=history.count.max)
    return wording.say("lines", count=count, lines="; ".join(parts))


def line_phrase(line: Line, wording: Wording, brevity: Brevity) -> str:
    """One line: regimen, what belongs to it, start and end to the month (or the year)."""
    words = [_regimen(line, wording, brevity)]
    words += [word for part in line.includes if (word := wording.word("line_parts", part))]
    regimen = safe(", ".join(words), 45 if brevity.clipped else 120)
    length = 4 if brevity.years else 7
    start, end = (line.start or "")[:length], (line.end or "")[:length]
    if not start:
        return wording.say("line_undated", regimen=regimen)
    if not end:
        return wording.say("line_open", regimen=regimen, start=start)
    name = "line_day" if start == end else "line_span"
    return wording.say(name, regimen=regimen, start=start, **({"end": end} if start != end else {}))


def _regimen(line: Line, wording: Wording, brevity: Brevity) -> str:
    """The regimen's name; its drugs where the name is not verified (decision 39); their classes when room is short."""
    if line.regimen and not line.regimen_unverified and (not brevity.classes or len(line.regimen) <= 12):
        return line.regimen
    if brevity.classes and line.classes:
        return " + ".join(dict.fromkeys(wording.word("drug_classes", one) for one in line.classes))
    return " + ".join(agent.replace("_", " ") for agent in line.agents) or line.regimen
