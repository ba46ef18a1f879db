"""Blood cancers on record: which, in what state, how sure. Several live side by side; nothing is guessed.

Readings: decisions 8 to 14, 22, 26b, 54, 56, 58, 62 to 66; family history, refuted and retracted entries never count.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import partial

from cds_service.fhir.dates import Interval
from cds_service.fhir.model import ConditionEntry, DataIssue, Record
from cds_service.oncology.diagnosis_course import with_lineage, with_transformation
from cds_service.oncology.diagnosis_merge import grouped, merged, narrowed
from cds_service.oncology.diagnosis_statements import (
    Statement,
    asks_histology,
    condition_statements,
    is_histology_question,
    observation_statements,
    reason_statements,
    telling,
)
from cds_service.oncology.knowledge import Knowledge
from cds_service.oncology.model import FAMILIES, Diagnosis
from cds_service.terminology import Concepts


def find_diagnoses(
    record: Record,
    knowledge: Knowledge,
    as_of: date,
    given_drugs: frozenset[str] = frozenset(),
    *,
    told: Iterable[ConditionEntry] | None = None,
) -> tuple[tuple[Diagnosis, ...], tuple[DataIssue, ...]]:
    """(diagnoses, data issues) known on ``as_of``; families in the order of decision 29, diseases of no family last.

    ``given_drugs``: ingredients the patient received; they tell the lineage of a leukaemia whose code does not (9c).
    ``told``: the record's Conditions that state something (``telling``), where the caller has them already.
    """
    concepts = knowledge.concepts
    statements: list[Statement] = []
    issues: list[DataIssue] = []
    for entry in telling(record.conditions, concepts) if told is None else told:
        found, problems = condition_statements(entry, concepts)
        statements += found
        issues += problems
    statements += observation_statements(record, concepts)
    coded = {s.concept for s in statements}
    statements += [s for s in reason_statements(record, concepts) if s.concept not in coded]
    groups = narrowed(grouped(s for s in statements if _known_by(s, as_of)), concepts)
    diagnoses = []
    for group in groups.values():
        diagnosis, problems = merged(group, concepts)
        diagnoses.append(diagnosis)
        issues += problems
    named = with_transformation(with_lineage(diagnoses, given_drugs, concepts), concepts)
    return tuple(sorted(named, key=_order)), tuple(sorted(set(issues), key=lambda i: (i.reference, i.problem)))


def may_hold_haematological(
    record: Record, concepts: Concepts, *, told: Iterable[ConditionEntry] | None = None
) -> bool:
    """The cheap first question: could this chart hold a blood cancer, present, ambiguous, in words, or a CAR-T history?

    A chart for which it is False has no diagnosis of any family; nothing else of it needs reading.
    """
    if any(_hints(entry, concepts) for entry in (telling(record.conditions, concepts) if told is None else told)):
        return True
    if record.asks(partial(is_histology_question, concepts=concepts)) and any(
        True for _ in observation_statements(record, concepts)
    ):
        return True
    return record.states_reasons and any(True for _ in reason_statements(record, concepts))


def _hints(entry: ConditionEntry, concepts: Concepts) -> bool:
    """Of a Condition that tells something: by its codes when one is known, else its words or body site told it."""
    coded = [m.concept for part in (entry.code, entry.morphology) for m in concepts.diagnosis(part)]
    return not coded or any(concepts.disease(name).haematological or name == "history_car_t" for name in coded)


def _known_by(statement: Statement, as_of: date) -> bool:
    """D5: what provably begins after the assessment date is not yet known."""
    begun = statement.onset or statement.recorded
    return begun is None or _first(begun) <= as_of


def _first(when: Interval) -> date:
    return when.first


def _order(diagnosis: Diagnosis) -> tuple[int, str, str]:
    family = FAMILIES.index(diagnosis.family) if diagnosis.family in FAMILIES else len(FAMILIES)
    return family, diagnosis.concept, diagnosis.state


__all__ = ["asks_histology", "find_diagnoses", "may_hold_haematological"]
