"""Refractory to a drug or class in myeloma (X6, X7; decision 59).

Refractory: a failure between the start of the drug in a line and its last dose there + 60 days, or stable disease as
best response while it was given. A failure on the day the drug starts belongs to what came before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cds_service.fhir.dates import Interval
from cds_service.oncology.course import RANK, Course, evidence_of, today, unique
from cds_service.oncology.facts_exposure import CLASSES, TRIPLE, exposed, exposures_to, together
from cds_service.oncology.facts_first_line import untreated_fact
from cds_service.oncology.first_line import status_words
from cds_service.oncology.model import INFERRED, MET, NOT_MET, UNKNOWN, Fact
from cds_service.oncology.spans import days_between, is_after, later_by, latest, said, said_days
from cds_service.oncology.steps import GIVEN, Exposure, StatusEvent

LENALIDOMIDE = "lenalidomide"
MINIMAL = RANK["MR"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One drug in one line, from its first to its last dose there; ``following`` is the start of the next line."""

    drug: str
    start: Interval
    end: Interval
    estimated_end: bool
    following: Interval | None
    given: bool
    maintenance: bool
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The fact of one drug; ``review`` when the failure fell on day 61 to 90 after an estimated stop (decision 59)."""

    fact: Fact
    review: bool = False


def refractory_facts(course: Course, known: Verdict | None = None) -> Iterator[tuple[str, Fact]]:
    """``refractory_to_lenalidomide`` and ``triple_class_refractory``."""
    yield "refractory_to_lenalidomide", (known or lenalidomide(course)).fact
    if course.untreated:
        yield "triple_class_refractory", untreated_fact(course)
        return
    yield "triple_class_refractory", together([(CLASSES[name], _class(course, name)) for name in TRIPLE])


def lenalidomide(course: Course) -> Verdict:
    """Refractory to lenalidomide, any dose, any line, maintenance included (labels-us A16)."""
    if course.untreated:
        return Verdict(fact=untreated_fact(course))
    if LENALIDOMIDE not in course.by_drug:
        return Verdict(fact=_never_given(course, exposed(course, "imid", CLASSES["imid"])))
    if course.family != "multiple_myeloma":
        return Verdict(fact=Fact(status=UNKNOWN, because="defined for multiple myeloma only"))
    return _drug(course, LENALIDOMIDE)


def _never_given(course: Course, imid: Fact) -> Fact:
    """Another IMiD does not make lenalidomide; an unnamed drug or a gap leaves it open."""
    if imid.status == UNKNOWN:
        return imid
    if not course.gaps.complete:
        because = f"lenalidomide was not found, but treatment may be missing: {course.gaps.why}"
        return Fact(status=UNKNOWN, because=because)
    if "investigational" in course.by_drug:
        return Fact(status=UNKNOWN, because="a study or unnamed drug was given; its name would settle it")
    return Fact(
        status=NOT_MET, grade=INFERRED, because="lenalidomide is not among the drugs given", evidence=imid.evidence
    )


def _class(course: Course, name: str) -> Fact:
    """A class is refractory if one member is; not_met if it was never given, or each member given is not."""
    exposure = exposed(course, name, CLASSES[name])
    if exposure.status == NOT_MET:
        return exposure
    if course.family != "multiple_myeloma":
        return Fact(status=UNKNOWN, because="defined for multiple myeloma only")
    drugs = sorted({i for e in exposures_to(course, name) for i in e.ingredients if course.numbers.in_class(i, name)})
    facts = [_drug(course, drug).fact for drug in drugs]
    met = next((fact for fact in facts if fact.status == MET), None)
    if met is not None:
        return met
    if facts and all(fact.status == NOT_MET for fact in facts) and course.gaps.complete:
        evidence = unique(r for fact in facts for r in fact.evidence)
        return Fact(status=NOT_MET, grade=INFERRED, because="; ".join(f.because for f in facts), evidence=evidence)
    open_parts = [fact.because for fact in facts if fact.status == UNKNOWN]
    return Fact(status=UNKNOWN, because="; ".join(open_parts) or exposure.because)


def _drug(course: Course, drug: str) -> Verdict:
    """All episodes of one drug together."""
    verdicts = [_episode(course, episode) for episode in _episodes(course, drug)]
    name = course.numbers.label_of(drug)
    met = next((v for v in verdicts if v.fact.status == MET), None)
    if met is not None:
        return met
    review = next((v for v in verdicts if v.review), None)
    if review is not None and all(v.review or v.fact.status == NOT_MET for v in verdicts):
        return review
    unknown = next((v for v in verdicts if v.fact.status == UNKNOWN), None)
    if unknown is not None:
        return unknown
    if not verdicts:
        because = f"{name} is on record, but in no line; its dates would settle it"
        return Verdict(fact=Fact(status=UNKNOWN, because=because))
    if course.gaps.status_lists or course.gaps.medication_lists:
        absent = (*course.gaps.status_lists, *course.gaps.medication_lists)[0]
        return Verdict(
            fact=Fact(
                status=UNKNOWN, because=f"{verdicts[-1].fact.because}, but the list {absent} is missing or was cut off"
            )
        )
    return verdicts[-1]


def _episode(course: Course, episode: Episode) -> Verdict:
    window = course.numbers.windows.class_refractory
    limit = later_by(episode.end, window)
    name = course.numbers.label_of(episode.drug)
    seen = [(e, is_after(e.when, episode.start), is_after(e.when, limit)) for e in course.status]
    inside = [e for e, begun, over in seen if e.failure and begun is True and over is False]
    if inside:
        return Verdict(fact=_failed(episode, inside[0], name))
    doubtful = [e for e, begun, over in seen if e.failure and begun is not False and over is not True]
    if doubtful:
        days = said_days(days_between(episode.end, doubtful[0].when))
        told = f"{status_words(doubtful[0])} lies {days} after the last {name} ({said(episode.end)})"
        return Verdict(fact=Fact(status=UNKNOWN, because=f"{told}; a full date would settle it"))
    in_line = [e for e, begun, _ in seen if begun is not False and _not_after(e, episode.following)]
    better = [e for e in in_line if RANK[e.kind] >= MINIMAL]
    stable = [e for e, begun, over in seen if e.kind == "SD" and begun is True and over is False and e in in_line]
    if stable and not better and not course.gaps.status_lists:
        return Verdict(fact=_failed(episode, stable[0], name))
    return _not_failed(course, episode, in_line, name)


def _failed(episode: Episode, event: StatusEvent, name: str) -> Fact:
    """Refractory: given for certain, else only probable."""
    days = days_between(episode.end, event.when)
    when = f"{said_days(days)} after the last dose" if days[0] > 0 else "while it was given"
    told = f"{status_words(event)}, {name} {said(episode.start)} to {said(episode.end)}: {when}"
    if not episode.given:
        because = f"{told}, but that {name} was given is not certain; an administration or statement would settle it"
        return Fact(status=UNKNOWN, because=because)
    told += " (as maintenance)" if episode.maintenance else ""
    evidence = unique((*episode.evidence, *evidence_of(event)))
    return Fact(status=MET, grade=INFERRED, because=told, evidence=evidence)


def _not_failed(course: Course, episode: Episode, in_line: list[StatusEvent], name: str) -> Verdict:
    window = course.numbers.windows.class_refractory
    told = f"{name} {said(episode.start)} to {said(episode.end)}"
    late = [e for e in course.failures if is_after(e.when, later_by(episode.end, window)) is True]
    following = episode.following
    changed = following is not None and days_between(episode.end, following)[0] <= window
    if changed and not any(_not_after(e, following) for e in late):
        because = f"{told}: a further line started {said(following)} with no failure recorded before it"
        return Verdict(
            fact=Fact(status=UNKNOWN, because=f"{because}; a disease status between the lines would settle it")
        )
    if not in_line and not late:
        because = f"no response or failure recorded after {told}; a dated disease status would settle it"
        return Verdict(fact=Fact(status=UNKNOWN, because=because))
    evidence = unique((*episode.evidence, *evidence_of(*(late[:1] or in_line[-1:]))))
    if late:
        days = days_between(episode.end, late[0].when)
        because = f"{status_words(late[0])}, {said_days(days)} after the last {name} ({said(episode.end)})"
        review = episode.estimated_end and days[0] <= course.numbers.windows.estimated_stop_review
        because += ", whose end is estimated from the supply" if review else ""
        return Verdict(fact=_not_refractory(episode, because, evidence), review=review)
    because = f"{status_words(in_line[-1])} on {told} and no failure"
    return Verdict(fact=_not_refractory(episode, because, evidence))


def _not_refractory(episode: Episode, because: str, evidence: tuple[str, ...]) -> Fact:
    """An order alone does not say when the last dose was taken."""
    if not episode.given:
        told = "when it was last taken is known from orders only; an administration or statement would settle it"
        return Fact(status=UNKNOWN, because=f"{because}; {told}")
    return Fact(status=NOT_MET, grade=INFERRED, because=because, evidence=evidence)


def _not_after(event: StatusEvent, following: Interval | None) -> bool:
    """Not surely later than the start of the following line."""
    return following is None or is_after(event.when, following) is not True


def _episodes(course: Course, drug: str) -> Iterator[Episode]:
    lines = (*course.derivation.lines, *course.derivation.candidates)
    ordered = sorted(lines, key=lambda line: (line.start.first, line.start.last, line.number))
    for place, line in enumerate(ordered):
        parts = [part for part in line.parts if drug in part.exposure.ingredients]
        if not parts:
            continue
        doses = [part.exposure for part in parts]
        following = next((other.start for other in ordered[place + 1 :] if other.counted), None)
        last = max(doses, key=lambda e: (_end(course, e).last, e.reference))
        yield Episode(
            drug=drug,
            start=min((e.start for e in doses), key=lambda s: (s.last, s.first)),
            end=latest(_end(course, e) for e in doses) or today(course),
            estimated_end=last.estimated_end,
            following=following,
            given=any(e.grade == GIVEN for e in doses),
            maintenance=all(part.role == "maintenance" for part in parts),
            evidence=unique(last.evidence or (last.reference,)),
        )


def _end(course: Course, exposure: Exposure) -> Interval:
    if exposure.ongoing:
        return today(course)
    return exposure.end or exposure.start
