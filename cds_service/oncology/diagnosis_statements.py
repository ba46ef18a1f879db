"""What single resources say about blood cancers: one statement a resource and disease, before anything is merged.

A Condition states a disease by its codes (the morphology extension counts like a coding), or only in words; a final
pathology result states it indirectly; a coded reason of treatment is the weakest (decisions 8, 10, 26b, 63, 64, 66).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from cds_service.fhir.dates import Interval
from cds_service.fhir.model import Concept, ConditionEntry, DataIssue, ObservationEntry, Reason, Record
from cds_service.oncology.knowledge import HISTOLOGY
from cds_service.terminology import Concepts
from cds_service.terminology.model import DiagnosisMeaning

CONFIRMED, PROVISIONAL, INFERRED, INDIRECT, TEXT = "confirmed", "provisional", "inferred", "indirect", "text"
ACTIVE, RELAPSE, REMISSION, INACTIVE, RESOLVED = "active", "relapse", "remission", "inactive", "resolved"
REFUTED, RETRACTED, HISTORY = "refuted", "entered_in_error", "history"

WORDS_ONLY = "haematological_text"
"""Concept of a diagnosis that words name, but not exactly (decision 63)."""
SPOKEN = frozenset({"final", "amended", "corrected"})
NOT_GIVEN = frozenset({"entered-in-error", "not-done", "not-taken", "cancelled", "draft"})
UNSURE = frozenset({"provisional", "differential", "unconfirmed"})
CLINICAL = {
    "active": ACTIVE,
    "recurrence": RELAPSE,
    "relapse": RELAPSE,
    "remission": REMISSION,
    "inactive": INACTIVE,
    "resolved": RESOLVED,
}
CODED_STATE = {"in_remission": REMISSION, "in_relapse": RELAPSE, "relapse_or_refractory": RELAPSE}
PAST = ("history_", "status_", "complication_stem_cell")
"""Beginnings of context concepts that tell of earlier disease or treatment."""
SOUNDS = (
    "its words sound like a lymphoma, leukaemia or myeloma, but hold no known code or name; not read as a diagnosis"
)
TAGS = frozenset({"disorder", "morphologic abnormality", "finding", "disease"})
COARSE = ("icd-10", "icd-10-cm", "icd-10-gm", "icd-10-am", "icd-10-who-browser")
"""Systems whose codes gather several entities (traps of the terminology reference)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One disease as one resource states it.

    ``said``: the state was written, not assumed. ``coarse``: only a classification says it. ``mute``: it may
    not speak as "cannot determine", whatever its concept.
    """

    reference: str
    concept: str
    role: str
    state: str = ACTIVE
    said: bool = False
    certainty: str = CONFIRMED
    onset: Interval | None = None
    recorded: Interval | None = None
    coarse: bool = False
    note: str = ""
    mute: bool = False
    may_be: tuple[str, ...] = ()


def telling(conditions: Iterable[ConditionEntry], concepts: Concepts) -> tuple[ConditionEntry, ...]:
    """Those whose code, words or body site some table of diseases knows; every other Condition states nothing."""
    return tuple([entry for entry in conditions if _tells(entry, concepts)])


def _tells(entry: ConditionEntry, concepts: Concepts) -> bool:
    for coded in (entry.code, entry.morphology):
        for coding in coded.codings:
            if _says(coding.system, coding.code, concepts):
                return True
    for text in texts_of(entry):
        meaning = concepts.diagnosis_text(text)
        if meaning.families or meaning.concept or meaning.hinted:
            return True
    return sites_name_cancer(entry, concepts)


def condition_statements(entry: ConditionEntry, concepts: Concepts) -> tuple[list[Statement], list[DataIssue]]:
    """What one Condition states, and what is wrong with it. Family history states nothing (R-28, H17)."""
    if of_family(entry):
        return [], []
    coded = Concept((*entry.code.codings, *entry.morphology.codings), entry.code.text)
    meanings = concepts.diagnosis(coded)
    if not meanings:
        return _in_words(entry, concepts)
    diseases = [m for m in meanings if concepts.disease(m.concept).haematological]
    statements = [_past(entry, m) for m in meanings if m.concept.startswith(PAST)]
    if not diseases:
        return statements, []
    issues = [DataIssue(entry.reference, text) for text in _misplaced(coded, concepts)]
    conflict = _conflict(diseases, concepts)
    if conflict:
        issues.append(DataIssue(entry.reference, conflict))
    coarse = all(concepts.systems.key(c.system) in COARSE for c in coded.codings if _says(c.system, c.code, concepts))
    for meaning in diseases:
        statement = _coded(entry, meaning, coarse=coarse)
        statement, problem = _against_words(statement, coded, concepts)
        if conflict and statement.certainty == CONFIRMED:
            statement = _doubtful(statement, "its codings name different diseases")
        issues += [DataIssue(entry.reference, problem)] if problem else []
        statements.append(statement)
    return statements, issues


def observation_statements(record: Record, concepts: Concepts) -> Iterator[Statement]:
    """Diagnoses that final pathology results give as a coded value (decision 64)."""
    for entry in record.observations:
        if entry.value.codings and entry.status in SPOKEN and asks_histology(entry, concepts):
            if concepts.denied(entry.value.text) or any(concepts.denied(c.display) for c in entry.value.codings):
                continue
            for meaning in _diseases(entry.value, concepts):
                yield Statement(
                    reference=entry.reference,
                    concept=meaning.concept,
                    role=meaning.role,
                    certainty=INFERRED,
                    onset=entry.date,
                    note="from a pathology result",
                )


def asks_histology(entry: ObservationEntry, concepts: Concepts) -> bool:
    """True for an Observation whose code asks for histology or diagnosis."""
    question = concepts.observation_question(entry.code)
    return question is not None and question.concept == HISTOLOGY


def is_histology_question(system: str, code: str, concepts: Concepts) -> bool:
    """True for a code that asks for histology or diagnosis."""
    meaning = concepts.lookup(system, code)
    return meaning is not None and meaning.observation is not None and meaning.observation.concept == HISTOLOGY


def reason_statements(record: Record, concepts: Concepts) -> Iterator[Statement]:
    """Diagnoses that stand as the coded reason of a treatment (decision 26b)."""
    for reference, reasons in _reasons(record):
        for reason in reasons:
            for meaning in _diseases(reason.concept, concepts):
                yield Statement(reference=reference, concept=meaning.concept, role=meaning.role, certainty=INDIRECT)


def _reasons(record: Record) -> Iterable[tuple[str, tuple[Reason, ...]]]:
    for medication in record.medications:
        if medication.reasons and medication.status not in NOT_GIVEN and not medication.do_not_perform:
            yield medication.reference, medication.reasons
    for procedure in record.procedures:
        if procedure.reasons and procedure.status not in NOT_GIVEN:
            yield procedure.reference, procedure.reasons


def _diseases(found: Concept, concepts: Concepts) -> list[DiagnosisMeaning]:
    """The blood cancer that the codings agree on; nothing when they name several."""
    if not found.codings:
        return []
    diseases = [m for m in concepts.diagnosis(found) if concepts.disease(m.concept).haematological]
    return [] if _conflict(diseases, concepts) else diseases


def of_family(entry: ConditionEntry) -> bool:
    """True for a Condition that its category marks as family history."""
    for category in entry.categories:
        words = (category.text, *(w for c in category.codings for w in (c.code, c.display)))
        if any("family" in word.casefold() for word in words):
            return True
    return False


def _says(system: str, code: str, concepts: Concepts) -> bool:
    meaning = concepts.lookup(system, code) if code else None
    return meaning is not None and meaning.diagnosis is not None


def _state(entry: ConditionEntry, disease_status: str = "") -> tuple[str, bool]:
    """(state, said). No clinicalStatus means active unless the Condition has ended; a code may carry a state (10)."""
    if entry.verification == "refuted":
        return REFUTED, True
    if entry.verification == "entered-in-error":
        return RETRACTED, True
    clinical = CLINICAL.get(entry.clinical)
    coded = CODED_STATE.get(disease_status)
    if coded and clinical in (None, ACTIVE):
        return coded, True
    if clinical:
        return clinical, True
    return (RESOLVED, True) if entry.has_abatement else (ACTIVE, False)


def _coded(entry: ConditionEntry, meaning: DiagnosisMeaning, *, coarse: bool) -> Statement:
    state, said = _state(entry, meaning.disease_status)
    return Statement(
        reference=entry.reference,
        concept=meaning.concept,
        role=meaning.role,
        state=state,
        said=said,
        certainty=PROVISIONAL if entry.verification in UNSURE else CONFIRMED,
        onset=entry.onset,
        recorded=entry.recorded,
        coarse=coarse,
        note="its code says refractory" if meaning.disease_status == "refractory" else "",
    )


def _past(entry: ConditionEntry, meaning: DiagnosisMeaning) -> Statement:
    state, _ = _state(entry)
    return Statement(
        reference=entry.reference,
        concept=meaning.concept,
        role=meaning.role,
        state=state if state in (REFUTED, RETRACTED) else HISTORY,
        said=True,
        certainty=PROVISIONAL if entry.verification in UNSURE else CONFIRMED,
        onset=entry.onset,
        recorded=entry.recorded,
    )


def _in_words(entry: ConditionEntry, concepts: Concepts) -> tuple[list[Statement], list[DataIssue]]:
    """A Condition without a usable code whose words name a blood cancer (decisions 63 and 66)."""
    hinted = False
    for text in texts_of(entry):
        meaning = concepts.diagnosis_text(text)
        hinted = hinted or meaning.hinted
        if not meaning.concept and not meaning.families:
            continue
        exact = concepts.disease(meaning.concept) if meaning.concept else None
        if exact is not None and not exact.haematological:
            continue
        named = exact is not None and exact.role == "indication"
        state, said = _state(entry)
        statement = Statement(
            reference=entry.reference,
            concept=exact.name if exact is not None else WORDS_ONLY,
            role=exact.role if exact is not None else "ambiguous",
            state=state,
            said=said,
            certainty=PROVISIONAL if entry.verification in UNSURE else TEXT,
            onset=entry.onset,
            recorded=entry.recorded,
            mute=not named or entry.verification in UNSURE,
            may_be=meaning.families,
        )
        problem = "text names a lymphoma, leukaemia or myeloma; no code" if meaning.families else ""
        return [statement], [DataIssue(entry.reference, problem)] if problem else []
    return [], [DataIssue(entry.reference, SOUNDS)] if hinted or sites_name_cancer(entry, concepts) else []


def sites_name_cancer(entry: ConditionEntry, concepts: Concepts) -> bool:
    """True for a Condition without code or words whose body site names a blood cancer: some feeds put it there."""
    if entry.code.codings or entry.code.text:
        return False
    texts = (w for site in entry.body_sites for w in (site.text, *(c.display for c in site.codings)) if w)
    return any(m.hinted or m.families or m.concept for m in map(concepts.diagnosis_text, texts))


def texts_of(entry: ConditionEntry) -> Iterator[str]:
    """The words of a Condition, its text first."""
    if entry.code.text:
        yield entry.code.text
    for coding in entry.code.codings:
        if coding.display and coding.display != entry.code.text:
            yield coding.display


def _misplaced(coded: Concept, concepts: Concepts) -> Iterator[str]:
    for coding in coded.codings:
        if coding.code and concepts.misplaced(coding.system, coding.code):
            yield f"the code {coding.code} is none of {coding.system}; it was read by its shape"


def _conflict(diseases: list[DiagnosisMeaning], concepts: Concepts) -> str:
    """Codings of one entry that name diseases of different families (R-10)."""
    if len(diseases) < 2:
        return ""
    families = {concepts.disease(m.concept).family or m.concept for m in diseases}
    if len(families) < 2:
        return ""
    return "its codings name different diseases: " + ", ".join(sorted(m.concept for m in diseases))


def _doubtful(statement: Statement, note: str) -> Statement:
    certainty = PROVISIONAL if statement.certainty == CONFIRMED else statement.certainty
    return replace(statement, certainty=certainty, mute=True, note=note)


def _against_words(statement: Statement, coded: Concept, concepts: Concepts) -> tuple[Statement, str]:
    """The code beside its words: they never make it say more, but they can take certainty from it.

    Words that exactly name another disease make it doubtful (reader contract: say so, and do not fire); words that name
    a kind which the code also holds and no label takes for granted are followed.
    """
    own = concepts.disease(statement.concept)
    for text in dict.fromkeys((coded.text, *(coding.display for coding in coded.codings))):
        if text and concepts.doubted(text):
            return _doubtful(
                statement, "its text doubts it or looks back"
            ), "code and text disagree: the text doubts it"
        name = concepts.disease_named(_untagged(text)) if text else ""
        if not name or name == own.name or not concepts.disease(name).haematological:
            continue
        other = concepts.disease(name)
        if concepts.narrows(own.name, name) or (own.role == other.role == "ambiguous"):
            continue
        if concepts.narrows(name, own.name):
            if other.role == "exclusion" and own.role == "indication":
                return _doubtful(statement, f"its text names {other.label}"), f"code says {own.name}, text {name}"
            if other.role == "exclusion":
                return replace(statement, mute=True, note=f"its text names {other.label}"), ""
            if other.role == "ambiguous" and own.role == "indication":
                return replace(statement, concept=name, role=other.role, note="as its text names it"), ""
            continue
        problem = f"code and display disagree: the code says {own.name}, the display {name}"
        return _doubtful(statement, f"code and display disagree ({other.label})"), problem
    return statement, ""


def _untagged(text: str) -> str:
    """A display without the tag of its kind: "(disorder)", "(morphologic abnormality)"."""
    head, bracket, tail = text.rpartition(" (")
    return head if bracket and tail.rstrip(")") in TAGS else text
