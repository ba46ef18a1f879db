"""What diagnoses become beside one another: transformation (decisions 13, 62) and lineage from treatment (9c)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from cds_service.fhir.dates import Interval
from cds_service.oncology.diagnosis_merge import SURE, before
from cds_service.oncology.diagnosis_statements import ACTIVE, INFERRED, REFUTED, RELAPSE, RETRACTED
from cds_service.oncology.model import Diagnosis
from cds_service.terminology import Concepts

TARGETS = ("dlbcl_nos", "high_grade_b_cell_lymphoma", "high_grade_b_cell_lymphoma_double_hit")
"""Diseases that an indolent lymphoma transforms into."""
UNNAMED = "dlbcl_nos"
"""Takes the name of the transformation; high-grade lymphoma keeps its own name and notes its origin."""
RICHTER, CLL = "richter_transformation", "cll_sll"
FROM_FOLLICULAR = "transformed_follicular_lymphoma"
ACTIVE_STATES = (ACTIVE, RELAPSE)
B_LINEAGE = {
    "all_unspecified_lineage": "b_all",
    "lymphoblastic_lymphoma_unspecified": "b_lymphoblastic_lymphoma",
}


def with_lineage(
    diagnoses: Iterable[Diagnosis], given_drugs: frozenset[str], concepts: Concepts
) -> tuple[Diagnosis, ...]:
    """ALL of unstated lineage: drugs of B lineage make it B-ALL, inferred; nelarabine leaves it open (9c)."""
    by_lineage: dict[str, list[str]] = {"B": [], "T": []}
    for name in sorted(given_drugs):
        if name in concepts.lineage:
            by_lineage[concepts.lineage[name]].append(concepts.drug_info(name).label)
    return tuple(_lineage(d, by_lineage, concepts) for d in diagnoses)


def _lineage(diagnosis: Diagnosis, by_lineage: dict[str, list[str]], concepts: Concepts) -> Diagnosis:
    name = B_LINEAGE.get(diagnosis.concept)
    if name is None or not diagnosis.stands or diagnosis.certainty not in SURE:
        return diagnosis
    if by_lineage["T"]:
        return replace(diagnosis, note=f"{by_lineage['T'][0]} given: speaks for T lineage")
    if not by_lineage["B"]:
        return diagnosis
    disease = concepts.disease(name)
    return replace(
        diagnosis,
        concept=name,
        label=disease.label,
        role=disease.role,
        certainty=INFERRED,
        may_be=disease.may_be,
        speaks_when_ambiguous=False,
        note=f"B lineage inferred from treatment with {by_lineage['B'][0]}",
    )


def with_transformation(diagnoses: Sequence[Diagnosis], concepts: Concepts) -> tuple[Diagnosis, ...]:
    """Large B-cell lymphoma after follicular, marginal zone lymphoma or CLL named as what it is; the origin stays.

    An indolent lymphoma beside it without a date that says which came first is marked: what was given and what came of
    it may belong to either.
    """
    origins = [d for d in diagnoses if _transforms(d, concepts)]
    targets = [d for d in diagnoses if d.concept in TARGETS and d.state in ACTIVE_STATES and d.certainty in SURE]
    return tuple(
        replace(d, may_have_transformed=d in origins and any(_order_open(d, t, concepts) for t in targets))
        for d in (_transformed(d, origins, concepts) for d in diagnoses)
    )


def _order_open(origin: Diagnosis, target: Diagnosis, concepts: Concepts) -> bool:
    """Neither is provably first; CLL has its own rule (62)."""
    if concepts.disease(origin.concept).transforms_to == RICHTER:
        return False
    return not before(_when(origin), _when(target)) and not before(target.onset, origin.onset)


def _transforms(diagnosis: Diagnosis, concepts: Concepts) -> bool:
    return (
        bool(concepts.disease(diagnosis.concept).transforms_to)
        and diagnosis.state not in (REFUTED, RETRACTED)
        and diagnosis.certainty in SURE
    )


def _transformed(diagnosis: Diagnosis, origins: Sequence[Diagnosis], concepts: Concepts) -> Diagnosis:
    if diagnosis.concept == RICHTER:
        return replace(diagnosis, origin=CLL)
    if diagnosis.concept not in TARGETS or not diagnosis.stands:
        return diagnosis
    found = [
        (concepts.disease(origin.concept).transforms_to, origin)
        for origin in origins
        if _precedes(origin, diagnosis, concepts)
    ]
    if not found:
        return diagnosis
    name, origin = min(found, key=lambda f: (f[0] != RICHTER, f[0] != FROM_FOLLICULAR, f[1].concept))
    note = f"after {origin.label}" + (f", {origin.onset.text}" if origin.onset and origin.onset.text else "")
    if not before(_when(origin), _when(diagnosis)):
        note = f"{origin.label} on record; that it came first cannot be excluded"
    if diagnosis.concept != UNNAMED and name != RICHTER:
        return replace(diagnosis, origin=origin.concept, note=note)
    disease = concepts.disease(name)
    return replace(diagnosis, concept=name, label=disease.label, role=disease.role, origin=origin.concept, note=note)


def _precedes(origin: Diagnosis, target: Diagnosis, concepts: Concepts) -> bool:
    """CLL precedes unless the large cell lymphoma is provably first (62), and so does marginal zone lymphoma.

    Labels treat those origins unlike the disease without one. Follicular lymphoma must provably precede: no label does.
    """
    if concepts.disease(origin.concept).transforms_to == FROM_FOLLICULAR:
        return before(_when(origin), _when(target))
    return not before(target.onset, origin.onset)


def _when(diagnosis: Diagnosis) -> Interval | None:
    return diagnosis.onset or diagnosis.recorded
