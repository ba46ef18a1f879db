"""Statements to diagnoses: one disease from several resources is one, a vague one beside a named one is that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from cds_service.fhir.dates import Interval
from cds_service.fhir.model import DataIssue
from cds_service.oncology.diagnosis_statements import (
    ACTIVE,
    CONFIRMED,
    HISTORY,
    INACTIVE,
    INDIRECT,
    INFERRED,
    PROVISIONAL,
    REFUTED,
    RELAPSE,
    REMISSION,
    RESOLVED,
    RETRACTED,
    TEXT,
    WORDS_ONLY,
    Statement,
)
from cds_service.oncology.model import Diagnosis
from cds_service.terminology import Concepts

STANDING = (ACTIVE, RELAPSE, REMISSION, INACTIVE)
FALLEN = (RESOLVED, HISTORY, REFUTED, RETRACTED)
"""States that do not stand, the one that says most first."""
CERTAINTIES = (CONFIRMED, INFERRED, PROVISIONAL, INDIRECT, TEXT)
SURE = (CONFIRMED, INFERRED)

Groups = dict[str, list[Statement]]


def grouped(statements: Iterable[Statement]) -> Groups:
    """Statements by concept, in an order that no order of resources changes."""
    groups: Groups = {}
    for statement in sorted(statements, key=lambda s: (s.concept, s.reference, s.certainty, s.state)):
        groups.setdefault(statement.concept, []).append(statement)
    return groups


def narrowed(groups: Groups, concepts: Concepts) -> Groups:
    """Standing statements of a vague concept moved to the named disease on record that its codes also stand for.

    An ambiguous concept always moves. A named one moves to a kind of it, unless one is an earlier stage of the other,
    the kind is itself unclear, the two are dated apart, or only its own precise code says it and the kind is excluded.
    """
    finer = {coarse: [f for f in sorted(groups) if _narrows(f, coarse, groups, concepts)] for coarse in sorted(groups)}
    kept: list[Statement] = []
    for name, group in groups.items():
        last = [fine for fine in finer[name] if not finer[fine]]
        for statement in group:
            if not last or statement.state not in STANDING:
                kept.append(statement)
                continue
            kept += [replace(statement, concept=f, certainty=_certainty(_standing(groups[f]))) for f in last]
    return grouped(kept)


def merged(group: Sequence[Statement], concepts: Concepts) -> tuple[Diagnosis, list[DataIssue]]:
    """One diagnosis of all statements of one concept."""
    disease = concepts.disease(group[0].concept)
    standing = _standing(group)
    issues: list[DataIssue] = []
    if standing:
        state, certainty, used = _state(standing), _certainty(standing), standing
        if certainty in SURE and _refuted_later(group, standing):
            certainty = PROVISIONAL
            issues.append(DataIssue(used[0].reference, f"{disease.name} is stated here and refuted later"))
    else:
        state = min((s.state for s in group), key=FALLEN.index)
        used = [s for s in group if s.state == state]
        certainty = _certainty(used)
    may_be = disease.may_be
    if certainty == TEXT or disease.name == WORDS_ONLY:
        may_be = tuple(sorted({family for s in used for family in s.may_be}))
    diagnosis = Diagnosis(
        concept=disease.name,
        label=disease.label,
        family=disease.family,
        role=disease.role,
        state=state,
        certainty=certainty,
        onset=_onset(used),
        evidence=tuple(sorted({s.reference for s in used})),
        may_be=may_be,
        speaks_when_ambiguous=disease.speaks_when_ambiguous and not all(s.mute for s in used),
        note=next((s.note for s in used if s.note), ""),
        recorded=_earliest(s.recorded for s in used),
    )
    return diagnosis, issues


def _standing(group: Sequence[Statement]) -> list[Statement]:
    return [s for s in group if s.state in STANDING]


def _certainty(group: Sequence[Statement]) -> str:
    return min((s.certainty for s in group), key=CERTAINTIES.index)


def _narrows(fine: str, coarse: str, groups: Groups, concepts: Concepts) -> bool:
    kind, vague = concepts.disease(fine), concepts.disease(coarse)
    here, there = _standing(groups[coarse]), _standing(groups[fine])
    if fine == coarse or not here or not there or not vague.haematological or not kind.haematological:
        return False
    if _certainty(there) not in SURE:
        return False
    if coarse == WORDS_ONLY:
        return bool({f for s in here for f in s.may_be} & ({kind.family} | set(kind.may_be)))
    if not concepts.narrows(fine, coarse):
        return False
    if vague.role == "ambiguous":
        return kind.role != "ambiguous" or bool(kind.may_be) <= bool(vague.may_be)
    if vague.role != "indication" or kind.may_be or fine == vague.transforms_to or coarse == kind.transforms_to:
        return False
    if kind.role == "exclusion" and not all(s.coarse for s in here):
        return False
    return not before(_onset(here), _onset(there))


def _refuted_later(group: Sequence[Statement], standing: Sequence[Statement]) -> bool:
    """A refutation recorded after everything that states the disease (R-10: the conflict is shown, nothing fires)."""
    stated = [s.recorded or s.onset for s in standing]
    known = [when for when in stated if when is not None]
    if len(known) < len(stated):
        return False
    return any(
        s.recorded is not None and all(before(when, s.recorded) for when in known) for s in group if s.state == REFUTED
    )


def _state(standing: Sequence[Statement]) -> str:
    """Written states go before assumed ones; relapse and remission before active, unless that was recorded later."""
    written = [s for s in standing if s.said]
    special = [s for s in written if s.state in (RELAPSE, REMISSION)]
    active = [s for s in written if s.state == ACTIVE]
    if special:
        best = max(special, key=lambda s: (_day(s), s.state == RELAPSE))
        newer = [s for s in active if best.recorded is not None and before(best.recorded, s.recorded)]
        return ACTIVE if newer else best.state
    return ACTIVE if active or not written else INACTIVE


def _day(statement: Statement) -> date:
    return statement.recorded.last if statement.recorded is not None else date.min


def _onset(group: Sequence[Statement]) -> Interval | None:
    """The earliest onset that Conditions give; else the earliest pathology result."""
    return _earliest(s.onset for s in group if s.certainty != INFERRED) or _earliest(s.onset for s in group)


def _earliest(dates: Iterable[Interval | None]) -> Interval | None:
    return min((d for d in dates if d is not None), key=lambda d: (d.first, d.last, d.text), default=None)


def before(one: Interval | None, other: Interval | None) -> bool:
    """True when the first provably ends before the second begins."""
    return one is not None and other is not None and one.last < other.first
