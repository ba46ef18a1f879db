"""The assessment as JSON (contract section 2), and cut down to one family for a card (contract section 3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cds_service.labels.model import Assessment, IndicationResult
from cds_service.oncology import facts_without_family
from cds_service.oncology.model import (
    FACT_NAMES,
    NOT_MET,
    ClinicalPicture,
    Diagnosis,
    Fact,
    FamilyPicture,
    Line,
)

SCHEMA = "cart-cds.assessment/1"


def as_json(assessment: Assessment, family: str | None = None) -> dict[str, Any]:
    """The assessment with the members in the order of the contract; nothing left out.

    With ``family`` the part a card carries: that family's diagnoses, lines, facts and the indications whose diagnosis
    is not ``not_met``, without ``null`` and empty members at any depth.
    """
    picture = assessment.picture
    lead = family or picture.lead
    course = _course(picture, lead)
    whole: dict[str, Any] = {
        "schema": SCHEMA,
        "serviceVersion": assessment.service_version,
        "ruleset": {"jurisdiction": assessment.jurisdiction, "version": assessment.ruleset_version},
        "asOf": picture.as_of,
        "patient": _patient(picture),
        "family": lead,
        "diagnoses": _diagnoses(picture.diagnoses, family),
        "linesOfTherapy": _lines(course),
        "facts": _facts(course),
        "indications": _indications(assessment.indications, family),
        "flags": [
            {"id": flag.id, "status": flag.status, "because": flag.because, "evidence": list(flag.evidence)}
            for flag in picture.flags
        ],
        "dataIssues": _issues(picture),
        "coverage": {
            "resources": dict(sorted(picture.coverage.resources.items())),
            "earliest": picture.coverage.earliest,
            "latest": picture.coverage.latest,
            "truncated": picture.coverage.truncated,
        },
    }
    if family is not None:
        return dict(without_empty(whole))
    whole["otherFamilies"] = [
        {"family": name, "linesOfTherapy": _lines(other), "facts": _facts(other)}
        for name, other in picture.families.items()
        if name != lead
    ]
    return whole


def _course(picture: ClinicalPicture, family: str | None) -> FamilyPicture | None:
    if family is None:
        return None
    return picture.families.get(family) or picture.hypothetical.get(family)


def _patient(picture: ClinicalPicture) -> dict[str, Any]:
    age = None if picture.age is None else {"min": picture.age[0], "max": picture.age[1]}
    return {"reference": picture.patient_reference, "ageYears": age, "deceased": picture.deceased}


def _diagnoses(diagnoses: Iterable[Diagnosis], family: str | None) -> list[dict[str, Any]]:
    found = [
        {
            "concept": one.concept,
            "family": one.family,
            "state": one.state,
            "onset": one.onset.text or None if one.onset else None,
            "evidence": list(one.evidence),
        }
        for one in diagnoses
        if family is None or one.family == family or family in one.may_be
    ]
    return sorted(found, key=lambda one: (str(one["family"] or "~"), str(one["concept"]), one["evidence"] or []))


def _lines(course: FamilyPicture | None) -> dict[str, Any]:
    if course is None:
        count: dict[str, int | None] = {"n": 0, "min": 0, "max": 0, "sinceTransformation": None}
        return {"count": count, "recorded": None, "lines": [], "setAside": []}
    history = course.history
    count = {
        "n": history.count.n,
        "min": history.count.min,
        "max": history.count.max,
        "sinceTransformation": history.count.since_transformation,
    }
    set_aside = sorted({(one.reference, one.why) for one in history.set_aside})
    return {
        "count": count,
        "recorded": history.recorded,
        "lines": [_line(line) for line in history.lines],
        "setAside": [{"reference": reference, "why": why} for reference, why in set_aside],
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "number": line.number,
        "family": line.family,
        "regimen": line.regimen,
        "agents": list(line.agents),
        "start": line.start,
        "end": line.end,
        "includes": list(line.includes),
        "bestResponse": line.best_response,
        "modified": line.modified,
        "because": line.because,
        "evidence": list(line.evidence),
    }


def _facts(course: FamilyPicture | None) -> dict[str, Any]:
    known: Mapping[str, Fact] = {**facts_without_family(), **(course.facts if course else {})}
    return {name: _fact(known[name]) for name in FACT_NAMES}


def _fact(fact: Fact) -> dict[str, Any]:
    return {"status": fact.status, "grade": fact.grade, "because": fact.because, "evidence": list(fact.evidence)}


def _indications(results: Iterable[IndicationResult], family: str | None) -> list[dict[str, Any]]:
    found = []
    for result in results:
        if family is not None:
            diagnosis = result.criterion("diagnosis")
            if result.family != family or diagnosis is None or diagnosis.status == NOT_MET:
                continue
        product = result.indication.product
        found.append(
            {
                "id": result.indication.id,
                "product": product.name,
                "brand": product.brand,
                "status": result.status,
                "criteria": [
                    {
                        "id": one.id,
                        "status": one.status,
                        "grade": one.grade,
                        "because": one.because,
                        "evidence": list(one.evidence),
                    }
                    for one in result.criteria
                ],
            }
        )
    return found


def _issues(picture: ClinicalPicture) -> list[dict[str, str]]:
    issues = sorted({(issue.reference, issue.problem) for issue in picture.issues})
    return [{"reference": reference, "problem": problem} for reference, problem in issues]


_NUMBERS = (bool, int, float)
_NESTED = (dict, list, tuple)


def without_empty(value: Any) -> Any:
    """The value without ``null``, empty text, empty lists and empty objects, at every depth (contract 2.11)."""
    if type(value) is dict:
        kept = {}
        for name, one in value.items():
            kind = type(one)
            whole = without_empty(one) if one and kind in _NESTED else one
            if whole or kind in _NUMBERS:
                kept[name] = whole
        return kept
    if type(value) not in _NESTED:
        return value
    items = []
    for one in value:
        kind = type(one)
        whole = without_empty(one) if one and kind in _NESTED else one
        if whole or kind in _NUMBERS:
            items.append(whole)
    return items
