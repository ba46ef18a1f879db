"""The sentence behind each criterion: what the record says, what the label asks, what would settle an unknown."""

from __future__ import annotations

from collections.abc import Mapping

from cds_service.labels.birthdays import birthday_words, near_birthday
from cds_service.labels.criteria import SUPERSEDED, UNSETTLED, Clause
from cds_service.labels.model import CriterionResult
from cds_service.labels.packs import Criterion
from cds_service.oncology.model import (
    INFERRED,
    MET,
    NOT_MET,
    RECORDED,
    REVIEW,
    UNKNOWN,
    ClinicalPicture,
    Diagnosis,
    Fact,
    FamilyPicture,
)

FAMILY_WORDS = {
    "lbcl": "large B-cell lymphoma",
    "fl": "follicular lymphoma",
    "mzl": "marginal zone lymphoma",
    "mcl": "mantle cell lymphoma",
    "cll_sll": "chronic lymphocytic leukaemia or small lymphocytic lymphoma",
    "b_all": "B-cell acute lymphoblastic leukaemia",
    "multiple_myeloma": "multiple myeloma",
}
_CLASS_WORDS = {
    "exposed_imid": "an immunomodulatory drug",
    "exposed_pi": "a proteasome inhibitor",
    "exposed_cd38": "an anti-CD38 antibody",
    "exposed_btki": "a BTK inhibitor",
    "exposed_bcl2i": "a BCL-2 inhibitor",
}
_STANDS_AS = {
    "provisional": "stands as provisional, differential or unconfirmed; a confirmed diagnosis would settle it",
    "indirect": "stands only as the reason of a treatment; a diagnosis of its own would settle it",
    "text": "stands only as text; a coded diagnosis would settle it",
    UNSETTLED: "stands beside large B-cell lymphoma, and no date says which came first; dates would settle it",
}
_STATEMENTS: Mapping[str, tuple[str, ...]] = {
    "relapsed_or_refractory": ("rr",),
    "first_line_failure": ("first_line",),
    "refractory_to_lenalidomide": ("len_refractory",),
    "progressed_on_last_therapy": ("progressed_last",),
    "refractory_or_second_relapse": ("ball_refractory", "relapses", "after_allo"),
    "transplant_ineligible": ("transplant_ineligible",),
}
NOT_READ = "not judged: the record holds no diagnosis of this disease; a coded diagnosis would settle it"
DISAGREED = "could not be determined: the two evaluators of the rule did not agree; this is a fault of the service"


def label_asks(criterion: Criterion) -> str:
    """The criterion in the words of the label's reading, without a verb of advice."""
    params = criterion.params
    match criterion.kind:
        case "age":
            return _age_span(params.get("min_years"), params.get("max_years"))
        case "prior_lines":
            return f"{params['min']} or more"
        case "relapsed_or_refractory":
            if params["from"] == "course":
                return "relapsed or refractory disease now"
            return f"{_first_line_failed(params.get('first_line_within_days'))}, and not in remission since"
        case "first_line_failure":
            return _first_line_failed(params.get("within_days"))
        case "exposed":
            return f"{_CLASS_WORDS.get(params['signal'], params['signal'])} in any line"
        case "refractory_to_lenalidomide":
            return "refractory to lenalidomide in any line"
        case "progressed_on_last_therapy":
            return "progression on the last therapy"
        case "refractory_or_second_relapse":
            return f"refractory, or {params['min_relapses']} or more relapses"
        case "transplant_ineligible":
            return "not eligible for a transplant because of comorbidity or age"
    return "named disease"


def age_result(criterion: Criterion, status: str, picture: ClinicalPicture) -> CriterionResult:
    """The age criterion; the reference of the patient is its evidence. A near birthday is told, whatever the status."""
    asks = label_asks(criterion)
    if picture.age is None:
        told = picture.age_because or "no usable birth date; a birth date would settle it"
        return CriterionResult(id=criterion.id, status=status, because=f"{told}; label: {asks}")
    least, most = picture.age
    told = f"{least} years" if least == most else f"{least} to {most} years"
    if status == UNKNOWN:
        told += ", the day of birth would settle it"
    grade = None if status == UNKNOWN else RECORDED
    evidence = () if status == UNKNOWN else (picture.patient_reference,)
    near = near_birthday(criterion, picture)
    return CriterionResult(
        id=criterion.id,
        status=status,
        because="; ".join((told, f"label: {asks}", *([birthday_words(near)] if near else []))),
        grade=grade,
        evidence=evidence,
        birthday=near,
    )


def diagnosis_result(
    criterion: Criterion,
    status: str,
    diagnosis: Diagnosis | None,
    *,
    certainty: str,
    others: tuple[Diagnosis, ...],
    family: str,
) -> CriterionResult:
    """The criterion ``diagnosis``. ``others`` are diagnoses near the family that fulfil no clause."""
    name = criterion.id
    if diagnosis is None:
        words = FAMILY_WORDS.get(family, family)
        if status == UNKNOWN:
            told = f"the list of conditions came in part and holds no {words}; the full list would settle it"
            return CriterionResult(id=name, status=status, because=told)
        if others:
            told = f"{'; '.join(sorted({o.label for o in others}))}: not a disease the label names"
            evidence = _together(others)
            return CriterionResult(id=name, status=status, because=told, grade=RECORDED, evidence=evidence)
        return CriterionResult(id=name, status=status, because=f"no diagnosis of {words} on record")
    told = f"{diagnosis.label}{_state(diagnosis)}"
    if status == MET:
        told += "; named by the label"
    elif status == REVIEW:
        told += "; the label leaves it to clinical judgement"
    elif status == NOT_MET and certainty == SUPERSEDED:
        told += " has transformed; the label does not name what it became"
    elif status == NOT_MET:
        told += "; not named by the label"
    elif certainty in _STANDS_AS:
        told += f" {_STANDS_AS[certainty]}"
    else:
        told += " does not say whether it is a disease the label names; subtype or lineage would settle it"
    if diagnosis.note:
        told += f" ({diagnosis.note})"
    grade = None if status == UNKNOWN else (INFERRED if certainty == INFERRED else RECORDED)
    return CriterionResult(id=name, status=status, because=told, grade=grade, evidence=diagnosis.evidence)


def absent_result(
    criterion: Criterion, status: str, diagnosis: Diagnosis | None, others: tuple[Diagnosis, ...]
) -> CriterionResult:
    """A disease the label excludes or leaves to a clinician: absent, present, or not clear."""
    name = criterion.id
    barred, judged = criterion.params.get("of", ()), criterion.params.get("review_for", ())
    does = "excludes" if barred else "leaves to clinical judgement"
    if diagnosis is not None:
        told = f"{diagnosis.label}{_state(diagnosis)}"
        if status == NOT_MET:
            told += "; the label excludes it"
        elif status == REVIEW:
            told += "; the label leaves it to clinical judgement"
        else:
            told += f"; whether it is what the label {does} is not stated"
        grade = None if status == UNKNOWN else RECORDED
        return CriterionResult(id=name, status=status, because=told, grade=grade, evidence=diagnosis.evidence)
    excluded = " or ".join(concept.replace("_", " ").replace("cns", "CNS") for concept in (*barred, *judged))
    if status == UNKNOWN:
        told = f"the list of conditions came in part; the full list would settle whether it holds {excluded}"
        return CriterionResult(id=name, status=status, because=told)
    told = f"no {excluded} on record; the label excludes it"
    if not barred:
        told = f"no {excluded} on record; the label leaves it to clinical judgement"
    return CriterionResult(id=name, status=status, because=told, grade=RECORDED, evidence=_together(others))


def course_result(criterion: Criterion, clause: Clause, course: FamilyPicture | None) -> CriterionResult:
    """A criterion about the course of the disease, from the statements of its family."""
    status = clause.status
    if course is None:
        return CriterionResult(id=criterion.id, status=status, because=NOT_READ)
    told, grade, evidence = _told(criterion, status, course)
    parts = [told] if told else []
    if clause.note and clause.note not in told:
        parts.append(clause.note)
    parts.append(f"label: {label_asks(criterion)}")
    if status == UNKNOWN:
        grade, evidence = None, ()
    elif grade is None:
        grade = INFERRED
    return CriterionResult(id=criterion.id, status=status, because="; ".join(parts), grade=grade, evidence=evidence)


def _told(criterion: Criterion, status: str, course: FamilyPicture) -> tuple[str, str | None, tuple[str, ...]]:
    """Sentence, grade and evidence of the record's half."""
    if criterion.kind == "prior_lines":
        spoken = [course.statements.get("lines")]
        fact = course.facts.get(f"prior_lines_ge_{criterion.params['min']}")
        if fact is not None and (status == UNKNOWN or spoken[0] is None):
            spoken = [fact]
    elif criterion.kind == "exposed":
        spoken = [course.statements.get(criterion.params["signal"])]
    elif criterion.kind == "relapsed_or_refractory" and criterion.params["from"] == "first_line":
        spoken = [course.statements.get("first_line"), course.statements.get("rr")]
        if course.signals.get("rr") == NOT_MET:
            spoken.reverse()
    else:
        spoken = [course.statements.get(name) for name in _STATEMENTS.get(criterion.kind, ())]
    return _joined([fact for fact in spoken if fact is not None], criterion, status)


def _joined(spoken: list[Fact], criterion: Criterion, status: str) -> tuple[str, str | None, tuple[str, ...]]:
    """Several statements as one: the first decides, the others stand beside it where they add something."""
    if not spoken:
        return "", None, ()
    if criterion.kind == "refractory_or_second_relapse" and status in (MET, REVIEW):
        spoken = [fact for fact in spoken if fact.status == MET] or spoken
    sentences = list(dict.fromkeys(fact.because for fact in spoken if fact.because))
    evidence = tuple(dict.fromkeys(reference for fact in spoken for reference in fact.evidence))
    grade = INFERRED if any(fact.grade == INFERRED for fact in spoken) else spoken[0].grade
    return "; ".join(sentences), grade, evidence


def _first_line_failed(window: int | None) -> str:
    clock = "at any time after it" if window is None else f"within {window} days of its end"
    return f"refractory to first-line chemoimmunotherapy, or relapse {clock}"


def _age_span(least: int | None, most: int | None) -> str:
    if most is None:
        return f"{least} or older"
    return f"{most} or younger" if least is None else f"{least} to {most}"


def _state(diagnosis: Diagnosis) -> str:
    return "" if diagnosis.state == "active" else f" ({diagnosis.state})"


def _together(diagnoses: tuple[Diagnosis, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(reference for one in diagnoses for reference in one.evidence))
