"""Facts about drug classes given (X8) and classes together (X7, exposure part)."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.oncology.course import Course, unique
from cds_service.oncology.model import INFERRED, MET, NOT_MET, RECORDED, UNKNOWN, Fact
from cds_service.oncology.spans import said
from cds_service.oncology.steps import GIVEN, Exposure

CLASSES = {
    "imid": "an immunomodulatory drug (IMiD)",
    "pi": "a proteasome inhibitor",
    "cd38": "an anti-CD38 antibody",
    "btki": "a BTK inhibitor",
    "bcl2i": "a BCL-2 inhibitor",
    "anti_cd20": "an anti-CD20 antibody",
    "anthracycline": "an anthracycline",
    "alkylator": "an alkylating agent",
}
DOUBLE, TRIPLE = ("pi", "imid"), ("pi", "imid", "cd38")
UNKNOWN_DRUG = "investigational"
SETTINGS = frozenset({"bridging", "conditioning", "lymphodepletion", "mobilisation"})


def exposures_to(course: Course, fact_class: str) -> tuple[Exposure, ...]:
    """Exposures of the family to a drug of that class, given or probable, in order."""
    drugs = course.numbers.drugs_of.get(fact_class, frozenset())
    given = {place: e for drug in drugs & course.by_drug.keys() for place, e in course.by_drug[drug]}
    return tuple(given[place] for place in sorted(given))


def exposure_facts(course: Course) -> Iterator[tuple[str, Fact]]:
    """``exposed_<class>`` for each class, ``double_class_exposed``, ``triple_class_exposed``."""
    single = {name: exposed(course, name, label) for name, label in CLASSES.items()}
    for name, fact in single.items():
        yield f"exposed_{name}", fact
    yield "double_class_exposed", together([(CLASSES[n], single[n]) for n in DOUBLE])
    yield "triple_class_exposed", together([(CLASSES[n], single[n]) for n in TRIPLE])


def exposed(course: Course, fact_class: str, label: str) -> Fact:
    """Met on any given systemic exposure for the disease; never not_met from an incomplete record."""
    found = exposures_to(course, fact_class)
    given = [e for e in found if e.grade == GIVEN]
    if given:
        first = given[0]
        drug = next(i for i in first.ingredients if course.numbers.in_class(i, fact_class))
        because = f"{course.numbers.label_of(drug)} given from {said(first.start)}{_setting(course, first)}"
        return Fact(status=MET, grade=RECORDED, because=because, evidence=unique(first.evidence or (first.reference,)))
    if found:
        one = found[0]
        drug = next(i for i in one.ingredients if course.numbers.in_class(i, fact_class))
        because = (
            f"{course.numbers.label_of(drug)} of {said(one.start)} is known only from {one.reference}, which does not "
            "prove that it was given; an administration or statement would settle it"
        )
        return Fact(status=UNKNOWN, because=because)
    if UNKNOWN_DRUG in course.by_drug:
        trial = course.by_drug[UNKNOWN_DRUG][0][1]
        because = f"a study or unnamed drug was given from {said(trial.start)}; its name would settle it"
        return Fact(status=UNKNOWN, because=because)
    if not course.gaps.complete:
        because = f"{label} was not found, but treatment may be missing: {course.gaps.why}"
        return Fact(status=UNKNOWN, because=because)
    return Fact(
        status=NOT_MET,
        grade=INFERRED,
        because=f"{label} is not among the drugs given",
        evidence=course.openers(),
    )


def _setting(course: Course, exposure: Exposure) -> str:
    """Where the exposure counts for the class but not as treatment of its own (X8 asks to flag the setting)."""
    roles = {
        p.role for line in course.derivation.lines for p in line.parts if p.exposure.reference == exposure.reference
    }
    special = sorted(roles & SETTINGS)
    return f" (as {special[0]})" if special and roles == set(special) else ""


def together(parts: list[tuple[str, Fact]]) -> Fact:
    """All classes (X7): met when each is, not_met when one is not, else unknown."""
    missing = [fact for _, fact in parts if fact.status == NOT_MET]
    if missing:
        fact = missing[0]
        return Fact(status=NOT_MET, grade=fact.grade, because=fact.because, evidence=fact.evidence)
    open_parts = [fact.because for _, fact in parts if fact.status == UNKNOWN]
    if open_parts:
        return Fact(status=UNKNOWN, because="; ".join(open_parts))
    grades = {fact.grade for _, fact in parts}
    return Fact(
        status=MET,
        grade=RECORDED if grades == {RECORDED} else INFERRED,
        because="; ".join(dict.fromkeys(fact.because for _, fact in parts)),
        evidence=unique(r for _, fact in parts for r in fact.evidence),
    )
