"""Facts about transplants and cell therapy: prior HSCT, CAR-T, anti-CD19 (X8, X9), disease after allogeneic transplant
(X5, decision 21), transplant ineligibility (decision 1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cds_service.fhir.model import ProcedureEntry
from cds_service.oncology.course import Course, evidence_of, unique
from cds_service.oncology.course_rules import CourseRules
from cds_service.oncology.facts_exposure import exposed
from cds_service.oncology.facts_first_line import untreated_fact
from cds_service.oncology.first_line import completion_of, status_words
from cds_service.oncology.model import INFERRED, MET, NOT_MET, RECORDED, UNKNOWN, Diagnosis, Fact
from cds_service.oncology.spans import is_after, said
from cds_service.oncology.steps import GIVEN, TreatmentEvent
from cds_service.terminology import Concepts

AUTO, ALLO, EITHER, CAR_T = "auto_hsct", "allo_hsct", "hsct", "car_t"
TRANSPLANTS = (AUTO, ALLO, EITHER)
_NAMES = {
    AUTO: "autologous transplant",
    ALLO: "allogeneic transplant",
    EITHER: "stem cell transplant of unstated donor",
    CAR_T: "CAR-T infusion",
}
_HISTORY = {
    CAR_T: ("history_car_t",),
    AUTO: (),
    ALLO: (),
    EITHER: ("status_stem_cell_transplant", "complication_stem_cell_transplant"),
}


def cell_facts(course: Course) -> Iterator[tuple[str, Fact]]:
    """``prior_auto_hsct``, ``prior_allo_hsct``, ``prior_car_t``, ``prior_cd19_therapy``, ``rr_after_allo``."""
    yield "prior_auto_hsct", _prior(course, AUTO)
    yield "prior_allo_hsct", _prior(course, ALLO)
    yield "prior_car_t", _prior(course, CAR_T)
    yield "prior_cd19_therapy", _cd19(course)
    yield "rr_after_allo", after_allo(course)


def after_allo(course: Course) -> Fact:
    """A failure after an allogeneic transplant."""
    if course.untreated:
        return untreated_fact(course)
    prior = _prior(course, ALLO)
    if prior.status != MET:
        return prior
    transplant = next(e for e in course.events if e.kind == ALLO and e.grade == GIVEN)
    failures = course.failures_after(transplant.when)
    certain = [f.event for f in failures if f.certain]
    if certain:
        because = f"{status_words(certain[0])} after allogeneic transplant ({said(transplant.when)})"
        evidence = unique((*evidence_of(transplant), *evidence_of(certain[0])))
        return Fact(status=MET, grade=INFERRED, because=because, evidence=evidence)
    later = [s.event for s in course.after(transplant.when, ("CR", "VGPR", "PR", "IMPROVED", "MR", "SD")) if s.certain]
    if later and not failures and not course.gaps.status_lists:
        because = f"{status_words(later[-1])} and no failure after allogeneic transplant ({said(transplant.when)})"
        evidence = unique((*evidence_of(transplant), *evidence_of(later[-1])))
        return Fact(status=NOT_MET, grade=INFERRED, because=because, evidence=evidence)
    because = (
        f"no clear disease status after allogeneic transplant ({said(transplant.when)}); a dated one would settle it"
    )
    return Fact(status=UNKNOWN, because=because)


def transplant_ineligible(
    course: Course, procedures: Iterable[ProcedureEntry], concepts: Concepts, rules: CourseRules
) -> Fact:
    """Decision 1: a transplant not done for a coded medical reason, after the first line; a later one undoes it."""
    refused = [p for p in procedures if p.status == "not-done" and _is_transplant(p, concepts, rules)]
    stated = [p for p in refused if _coded_reason(p, concepts, rules)]
    end = completion_of(course, course.lines[0]) if course.lines else None
    counted = [p for p in stated if end is not None and p.start is not None and is_after(p.start, end) is True]
    if not counted:
        return Fact(status=UNKNOWN, because=_looked_for(refused, stated))
    last = max(counted, key=lambda p: (p.start.last if p.start else None, p.reference))
    later = [
        e for e in course.events if e.kind in TRANSPLANTS and last.start and is_after(e.when, last.start) is not False
    ]
    certain = [e for e in later if e.grade == GIVEN and last.start and is_after(e.when, last.start) is True]
    if certain:
        because = f"{_NAMES[certain[0].kind]} performed {said(certain[0].when)}, after it was recorded as not possible"
        return Fact(status=NOT_MET, grade=RECORDED, because=because, evidence=evidence_of(certain[0]))
    if later:
        because = f"the transplant of {said(later[0].when)} may be later than that; a full date would settle it"
        return Fact(status=UNKNOWN, because=because)
    because = f"transplant not done for a coded medical reason ({said(last.start)}), after the first line"
    return Fact(status=MET, grade=RECORDED, because=because, evidence=(last.reference,))


def _looked_for(refused: list[ProcedureEntry], stated: list[ProcedureEntry]) -> str:
    wanted = "a transplant procedure not done, with a coded medical reason, dated after the first line, would settle it"
    if stated:
        return f"a transplant not done for a medical reason is on record, but not dated after the first line; {wanted}"
    if refused:
        return f"a transplant not done is on record without a coded medical reason; {wanted}"
    return f"no clinician's statement about transplant was found; {wanted}"


def _is_transplant(entry: ProcedureEntry, concepts: Concepts, rules: CourseRules) -> bool:
    meaning = concepts.procedure(entry.code)
    return meaning is not None and meaning.concept in rules.transplant_concepts


def _coded_reason(entry: ProcedureEntry, concepts: Concepts, rules: CourseRules) -> bool:
    """True for a reason of the value set, however the sender spells its code system."""
    canonical = concepts.systems.canonical
    reasons = {(canonical(system), code) for system, code in rules.transplant_reasons}
    return any(
        (canonical(coding.system), coding.code.strip()) in reasons
        for reason in entry.status_reasons
        for coding in reason.codings
    )


def _prior(course: Course, kind: str) -> Fact:
    """Met when performed; never not_met while the record may lack it or does not say which kind it was."""
    found = [e for e in course.events if e.kind == kind]
    given = [e for e in found if e.grade == GIVEN]
    if given:
        because = f"{_NAMES[kind]} {said(given[0].when)}"
        return Fact(status=MET, grade=RECORDED, because=because, evidence=evidence_of(given[0]))
    stated = _history(course.diagnoses, _HISTORY[kind])
    if stated is not None:
        return Fact(status=MET, grade=RECORDED, because=f"{stated.label}, without a date", evidence=stated.evidence)
    if found:
        because = f"{_NAMES[kind]} of {said(found[0].when)} is not certain; its procedure record would settle it"
        return Fact(status=UNKNOWN, because=because)
    unclear = _unclear_transplant(course) if kind in (AUTO, ALLO) else None
    if unclear is not None:
        return unclear
    if not course.gaps.complete:
        because = f"{_NAMES[kind]} was not found, but treatment may be missing: {course.gaps.why}"
        return Fact(status=UNKNOWN, because=because)
    return Fact(status=NOT_MET, grade=INFERRED, because=f"no {_NAMES[kind]} on record", evidence=course.openers())


def _unclear_transplant(course: Course) -> Fact | None:
    unstated = next((e for e in course.events if e.kind == EITHER), None)
    if unstated is not None:
        because = f"{_NAMES[EITHER]} {said(unstated.when)}; the donor would settle it"
        return Fact(status=UNKNOWN, because=because)
    stated = _history(course.diagnoses, _HISTORY[EITHER])
    if stated is not None:
        return Fact(status=UNKNOWN, because=f"{stated.label}; the transplant procedure would settle it")
    return None


def _cd19(course: Course) -> Fact:
    drug = exposed(course, "cd19", "an anti-CD19 therapy")
    if drug.status == MET:
        return drug
    infusions = [e for e in course.events if e.kind == CAR_T]
    named = [e for e in infusions if e.product in course.numbers.cd19_products]
    if any(e.grade == GIVEN for e in named):
        return _product(course, next(e for e in named if e.grade == GIVEN))
    unsure = named or [e for e in infusions if not e.product]
    if unsure:
        because = (
            f"the target of the CAR-T infusion of {said(unsure[0].when)} is not certain; its product would settle it"
        )
        return Fact(status=UNKNOWN, because=because)
    stated = _history(course.diagnoses, _HISTORY[CAR_T])
    if stated is not None:
        return Fact(status=UNKNOWN, because=f"{stated.label}, without a product; its product would settle it")
    return drug


def _product(course: Course, event: TreatmentEvent) -> Fact:
    because = f"{course.numbers.label_of(event.product)} {said(event.when)}"
    return Fact(status=MET, grade=RECORDED, because=because, evidence=evidence_of(event))


def _history(diagnoses: Iterable[Diagnosis], concepts: tuple[str, ...]) -> Diagnosis | None:
    stands = (d for d in diagnoses if d.concept in concepts and d.state not in ("refuted", "entered_in_error"))
    return next(stands, None)
