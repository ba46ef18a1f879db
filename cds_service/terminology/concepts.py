"""Concepts: what codes and exact names mean. Built once by ``load_concepts``, then only read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

from cds_service.fhir.model import Coding, Concept, Record
from cds_service.terminology.model import (
    DiagnosisMeaning,
    DiseaseConcept,
    Drug,
    DrugMeaning,
    Meaning,
    ObservationMeaning,
    ProcedureMeaning,
    TextMeaning,
)
from cds_service.terminology.systems import Systems
from cds_service.terminology.words import DiseaseNames, DrugNames, spoken

CACHED = 65_536
CACHED_TEXTS = 4_096
MAX_CODE = 64
ROLE_ORDER = {"indication": 0, "exclusion": 1, "ambiguous": 2, "context": 3}
NOT_SYSTEMIC = ("local", "non_oncology_brand")

Place = tuple[str, str]


@dataclass(slots=True, kw_only=True)
class Codes:
    """The code tables by (system key, code as compared); prefix rows apart."""

    diagnoses: dict[Place, DiagnosisMeaning]
    diagnosis_prefixes: dict[Place, DiagnosisMeaning]
    drugs: dict[Place, DrugMeaning]
    procedures: dict[Place, ProcedureMeaning]
    procedure_prefixes: dict[Place, ProcedureMeaning]
    observations: dict[Place, ObservationMeaning]


class Concepts:
    """The terminology. Match is always on system and code together; text only ever by exact names."""

    def __init__(
        self,
        *,
        systems: Systems,
        codes: Codes,
        diseases: Mapping[str, DiseaseConcept],
        drugs: Mapping[str, Drug],
        drug_names: DrugNames,
        drug_texts: Mapping[str, DrugMeaning],
        disease_names: DiseaseNames,
        lineage: Mapping[str, str],
    ) -> None:
        self.systems = systems
        self.diseases = diseases
        self.drugs = drugs
        self.lineage = lineage
        """Drugs that speak for B or T lineage (decision 9c)."""
        self._codes = codes
        self._drug_names = drug_names
        self._drug_texts = drug_texts
        self._disease_names = disease_names
        self._find = lru_cache(maxsize=CACHED)(self._resolve)
        self._meant = lru_cache(maxsize=CACHED_TEXTS)(disease_names.meaning)
        self._doubted = lru_cache(maxsize=CACHED_TEXTS)(disease_names.doubted)
        self.under = _descent(diseases)

    # --- codes ------------------------------------------------------------------------------------------------------
    def lookup(self, system: str, code: str) -> Meaning | None:
        """What a code of a system means, None when it is in no table."""
        return self._find(system, code)[0]

    def misplaced(self, system: str, code: str) -> bool:
        """True when a code was found, but not in the system it was sent under (a data issue)."""
        place = self._find(system, code)[1]
        return bool(place) and place != self.systems.home(system)

    def _resolve(self, system: str, code: str) -> tuple[Meaning | None, str]:
        codes = self._codes
        if len(code) > MAX_CODE:
            return None, ""
        for place in self.systems.places(system, code):
            diagnosis = codes.diagnoses.get(place) or _prefixed(codes.diagnosis_prefixes, place, 3)
            procedure = codes.procedures.get(place) or _prefixed(codes.procedure_prefixes, place, 1)
            drug, observation = codes.drugs.get(place), codes.observations.get(place)
            if diagnosis or procedure or drug or observation:
                return (
                    Meaning(diagnosis=diagnosis, drug=drug, procedure=procedure, observation=observation),
                    place[0],
                )
        return None, ""

    # --- diagnoses --------------------------------------------------------------------------------------------------
    def disease(self, name: str) -> DiseaseConcept:
        """A disease concept. Raises KeyError."""
        return self.diseases[name]

    def diagnosis(self, concept: Concept) -> tuple[DiagnosisMeaning, ...]:
        """What the codings mean, most specific first: a vague code beside one that says more is dropped.

        More than one haematological meaning in the answer is a conflict, for the caller to report.
        """
        found = [
            meaning.diagnosis
            for coding in concept.codings
            if coding.code and (meaning := self.lookup(coding.system, coding.code)) and meaning.diagnosis
        ]
        return self.refined(found) if len(found) > 1 else tuple(found)

    def refined(self, meanings: Iterable[DiagnosisMeaning]) -> tuple[DiagnosisMeaning, ...]:
        """Meanings without repeats and without those another one narrows; a state said by any of them is kept."""
        by_name: dict[str, DiagnosisMeaning] = {}
        for meaning in meanings:
            known = by_name.get(meaning.concept)
            by_name[meaning.concept] = _with_status(known, meaning.disease_status) if known else meaning
        for coarse in tuple(by_name.values()):
            finer = [m for m in by_name.values() if self.narrows(m.concept, coarse.concept)]
            if finer:
                del by_name[coarse.concept]
                for meaning in finer:
                    by_name[meaning.concept] = _with_status(by_name[meaning.concept], coarse.disease_status)
        return tuple(sorted(by_name.values(), key=lambda m: (ROLE_ORDER.get(m.role, 9), m.concept)))

    def narrows(self, fine: str, coarse: str) -> bool:
        """True when ``fine`` says more than ``coarse``: a kind of it, or a concept that its codes also stand for."""
        if fine == coarse:
            return False
        return coarse in self.under.get(fine, ()) or fine in self.diseases[coarse].may_hold

    def diagnosis_text(self, text: str) -> TextMeaning:
        """What a diagnosis that stands only as text can mean (decisions 63 and 66)."""
        return self._meant(text)

    def disease_named(self, text: str) -> str:
        """The concept that a display or text names exactly; "" when it names none, or not surely."""
        return self._meant(text).concept

    def denied(self, text: str) -> bool:
        """True when a text negates, doubts, looks back or speaks of the family."""
        return self._disease_names.denied(text)

    def doubted(self, text: str) -> bool:
        """True when a text begins with such a word: "history of …", "rule out …"."""
        return self._doubted(text)

    # --- drugs ------------------------------------------------------------------------------------------------------
    def drug_info(self, name: str) -> Drug:
        """An ingredient. Raises KeyError."""
        return self.drugs[name]

    def drug_label(self, name: str) -> str:
        """An ingredient for a sentence; the name with blanks where the table has no label."""
        drug = self.drugs.get(name)
        return drug.label if drug is not None and drug.label else name.replace("_", " ")

    def drugs_of_class(self, drug_class: str) -> frozenset[str]:
        """Every ingredient of a class."""
        return frozenset(d.name for d in self.drugs.values() if d.drug_class == drug_class)

    def drug(self, concept: Concept) -> DrugMeaning | None:
        """What the codings mean together; None when none maps, or they name different drugs (``drug_conflict``)."""
        return self._merged(self._drug_codings(concept))

    def drug_conflict(self, concept: Concept) -> bool:
        """True when codings name different drugs."""
        found = self._drug_codings(concept)
        return bool(found) and self._merged(found) is None

    def drug_text(self, text: str) -> DrugMeaning | None:
        """The drug that the whole text names exactly and without ambiguity (decision 18)."""
        name = self._drug_names.find(text)
        return self._drug_texts[name] if name else None

    def drugs_mentioned(self, text: str) -> frozenset[str]:
        """Ingredients whose names stand anywhere in a text: no proof of anything, but nothing to pass over either."""
        return frozenset(i for name in self._drug_names.mentioned(text) for i in self._drug_texts[name].ingredients)

    def spoken_of(self, text: str, parts: Iterable[str]) -> bool:
        """True when one of the parts of words stands in the text, as phrases are compared."""
        said = spoken(text)
        return any(part in said for part in parts)

    def _drug_codings(self, concept: Concept) -> list[DrugMeaning]:
        return [
            meaning.drug
            for coding in concept.codings
            if coding.code and (meaning := self.lookup(coding.system, coding.code)) and meaning.drug
        ]

    def _merged(self, found: list[DrugMeaning]) -> DrugMeaning | None:
        """One meaning; a code of the plain ingredient beside one of its liposomal form means the form (F1)."""
        if len(found) < 2:
            return found[0] if found else None
        sets = {m.ingredients for m in found}
        plain = {(self.drugs[n].form_of,) for m in found for n in m.ingredients if self.drugs[n].form_of}
        sets -= plain
        if len(sets) != 1:
            return None
        kept = [m for m in found if m.ingredients in sets]
        forms = {m.form for m in kept} - {""}
        return DrugMeaning(
            ingredients=sets.pop(),
            use=next((m.use for m in kept if m.use in NOT_SYSTEMIC), "systemic"),
            complete=all(m.complete for m in kept),
            form=forms.pop() if len(forms) == 1 else "",
        )

    # --- procedures, observations -----------------------------------------------------------------------------------
    def procedure(self, concept: Concept) -> ProcedureMeaning | None:
        """What the codings mean; of several, one that names the product."""
        found = [
            meaning.procedure
            for coding in concept.codings
            if coding.code and (meaning := self.lookup(coding.system, coding.code)) and meaning.procedure
        ]
        return min(found, key=lambda m: (not m.product, m.concept, m.product)) if found else None

    def observation_question(self, concept: Concept) -> ObservationMeaning | None:
        """What is asked (Observation.code)."""
        return self._observation(concept, ("question",))

    def observation_value(self, concept: Concept) -> ObservationMeaning | None:
        """What is answered (Observation.value, a stop reason, a clinical status), or the method of a staging."""
        return self._observation(concept, ("value", "method"))

    def observation_concepts(self, kind: str) -> frozenset[str]:
        """Every concept that a code of this kind (question, value, method) stands for."""
        return frozenset(m.concept for m in self._codes.observations.values() if m.kind == kind)

    def _observation(self, concept: Concept, kinds: tuple[str, ...]) -> ObservationMeaning | None:
        for coding in concept.codings:
            meaning = self.lookup(coding.system, coding.code) if coding.code else None
            if meaning is not None and meaning.observation is not None and meaning.observation.kind in kinds:
                return meaning.observation
        return None

    # --- what was not understood ------------------------------------------------------------------------------------
    def unmapped(self, record: Record) -> list[tuple[str, str, str, int]]:
        """(system, code, display, count) of the record's codes that are in no table, most frequent first."""
        counts: Counter[Place] = Counter()
        names: dict[Place, str] = {}
        for coding in record_codings(record):
            place = (coding.system, coding.code)
            if coding.code and self.lookup(*place) is None:
                counts[place] += 1
                names[place] = max(names.get(place, ""), coding.display)
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [(system, code, names[system, code], count) for (system, code), count in ordered]


def record_codings(record: Record) -> Iterable[Coding]:
    """Every coding of the record that a rule could read, as often as it stands there; a lone one bears the text."""
    for condition in record.conditions:
        yield from _worded(condition.code)
        yield from condition.morphology.codings
    for medication in record.medications:
        yield from _worded(medication.drug, medication.label)
        for ingredient in medication.ingredients:
            yield from _worded(ingredient)
        for reason in medication.reasons:
            yield from _worded(reason.concept)
    for procedure in record.procedures:
        yield from _worded(procedure.code)
        for used in procedure.used:
            yield from _worded(used)
    for observation in record.observations:
        yield from _worded(observation.code)
        yield from _worded(observation.value)
    for immunization in record.immunizations:
        yield from _worded(immunization.code)
    for order in record.orders:
        yield from _worded(order.code)


def _worded(concept: Concept, label: str = "") -> Iterable[Coding]:
    """The codings, those without a display under the text of the concept: a bare NDC says nothing to a reader."""
    text = concept.text or label
    for coding in concept.codings:
        yield coding if coding.display or not text else Coding(coding.system, coding.code, text)


def _with_status(meaning: DiagnosisMeaning, status: str) -> DiagnosisMeaning:
    if status and meaning.disease_status in ("", "not_in_remission"):
        return replace(meaning, disease_status=status)
    return meaning


M = TypeVar("M")


def _prefixed(table: Mapping[Place, M], place: Place, shortest: int) -> M | None:
    if not table:
        return None
    key, code = place
    for length in range(len(code), shortest - 1, -1):
        found = table.get((key, code[:length]))
        if found is not None:
            return found
    return None


def _descent(diseases: Mapping[str, DiseaseConcept]) -> dict[str, frozenset[str]]:
    """Each concept's ancestors."""
    above: dict[str, frozenset[str]] = {}
    for name, disease in diseases.items():
        line: list[str] = []
        parent = disease.parent
        while parent and parent not in line:
            line.append(parent)
            parent = diseases[parent].parent
        above[name] = frozenset(line)
    return above
