"""Which drug a medication resource means, how it is given, and why (drug identity; decisions 18, 23 to 25)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from cds_service.fhir.model import Coding, Concept, MedicationEntry, Reason, Record
from cds_service.oncology.evidence import CLINIC, SELF
from cds_service.oncology.parameters import LineParameters
from cds_service.terminology import Concepts
from cds_service.terminology.model import DrugMeaning

ANOTHER_DISEASE = "another_disease"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """``ingredients`` after F1, empty when no drug was recognised. ``problem``: "", conflict, unresolved or unknown.

    ``words`` are the texts that may name a drug which was not recognised.
    """

    ingredients: tuple[str, ...] = ()
    use: str = "systemic"
    form: str = ""
    problem: str = ""
    words: tuple[str, ...] = ()


Codings = tuple[Coding, ...]


class CodedDrugs:
    """What the codes of drugs mean, worked out once for each combination of codes, whatever record holds it."""

    def __init__(self, concepts: Concepts, parameters: LineParameters) -> None:
        self._concepts = concepts
        self._parameters = parameters
        self.identity = lru_cache(maxsize=8192)(self._identity)

    def _identity(self, drug: Codings, ingredients: tuple[Codings, ...]) -> Identity | None:
        """The drug by its code, else by every ingredient of the Medication; None when no code is a drug's."""
        concepts = self._concepts
        meanings = [m for m in (concepts.drug(Concept(drug)),) if m is not None]
        if not meanings:
            meanings = [m for m in map(concepts.drug, map(Concept, ingredients)) if m is not None]
        if not meanings and any(map(concepts.drug_conflict, map(Concept, (drug, *ingredients)))):
            return Identity(problem="conflict")
        return self.merged(meanings) if meanings else None

    def merged(self, meanings: list[DrugMeaning]) -> Identity:
        """Several meanings as one drug (F1)."""
        one = self._parameters.identity
        ingredients = dict.fromkeys(one.get(name, name) for meaning in meanings for name in meaning.ingredients)
        forms = {m.form for m in meanings}
        return Identity(
            ingredients=tuple(sorted(ingredients)),
            use=next((m.use for m in meanings if m.use != "systemic"), "systemic"),
            form=forms.pop() if len(forms) == 1 else "",
        )


class DrugReader:
    """Reads drugs, routes and stop reasons; answers for a concept are kept for the length of one record."""

    def __init__(self, concepts: Concepts, parameters: LineParameters, coded: CodedDrugs) -> None:
        self._concepts = concepts
        self._parameters = parameters
        self._coded = coded
        self._known: dict[tuple[Concept, tuple[Concept, ...], str, bool], Identity] = {}

    def identity(self, entry: MedicationEntry) -> Identity:
        """The drug: code first, then every ingredient of the Medication, then an exact unambiguous name."""
        key = (entry.drug, entry.ingredients, entry.label, entry.resolved)
        found = self._known.get(key)
        if found is None:
            found = self._identity(entry)
            if not found.ingredients:
                found = replace(found, words=_words(entry))
            self._known[key] = found
        return found

    def _identity(self, entry: MedicationEntry) -> Identity:
        coded = self._coded.identity(entry.drug.codings, tuple([c.codings for c in entry.ingredients]))
        if coded is not None:
            return coded
        named = self._by_name((*names_of(entry.drug), entry.label))
        if len(named) > 1:
            return Identity(problem="conflict")
        parts = named or [m for c in entry.ingredients for m in self._by_name(names_of(c))]
        if not parts:
            return Identity(problem="unknown" if entry.resolved else "unresolved")
        return self._coded.merged(parts)

    def _by_name(self, names: Iterable[str]) -> list[DrugMeaning]:
        """The drugs that these names mean exactly, each once."""
        found = [m for name in names if name and (m := self._concepts.drug_text(name)) is not None]
        return list({m.ingredients: m for m in found}.values())

    def route(self, entry: MedicationEntry, identity: Identity) -> str:
        """intravenous, subcutaneous, oral, intrathecal; "" when neither record nor product says it."""
        if not entry.route.codings and not entry.route.text:
            return "oral" if identity.form == "oral" else ""
        routes = self._parameters.routes
        for coding in entry.route.codings:
            found = routes.get(coding.code.lower()) or routes.get(coding.display.lower())
            if found:
                return found
        found = routes.get(entry.route.text.strip().lower())
        return found or ("oral" if identity.form == "oral" else "")

    def setting(self, ingredient: str, route: str) -> str:
        """Given in clinic or self-administered: a property of the drug, overridden by the route (decision 24)."""
        if route == "oral":
            return SELF
        if route in ("intravenous", "intrathecal"):
            return CLINIC
        drug = self._concepts.drugs.get(ingredient)
        return drug.setting if drug is not None and drug.setting in (CLINIC, SELF) else CLINIC

    def stop_reason(self, reasons: Iterable[Concept]) -> str:
        """not_tolerated, no_response, refused, completed; "" when no status reason is read."""
        known = self._parameters.stop_reasons
        for concept in reasons:
            for coding in concept.codings:
                if coding.code in known:
                    return known[coding.code]
            value = self._concepts.observation_value(concept)
            if value is not None and value.concept in known:
                return known[value.concept]
        return ""

    def supportive(self, intent: Concept) -> bool:
        """The mCODE intent says supportive (F4)."""
        return bool(intent.codings) and any(c.code in self._parameters.supportive_intents for c in intent.codings)


def names_of(concept: Concept) -> Iterator[str]:
    """The words of a drug or act none of whose codes is known: its text, and the displays of those codes."""
    yield concept.text
    for coding in concept.codings:
        yield coding.display


def _words(entry: MedicationEntry) -> tuple[str, ...]:
    texts = (*names_of(entry.drug), *(name for i in entry.ingredients for name in names_of(i)), entry.label)
    return tuple(text for text in texts if text)


class ReasonReader:
    """What diseases a reason names (A1, A2, decision 23)."""

    def __init__(self, record: Record, concepts: Concepts, parameters: LineParameters) -> None:
        self._concepts = concepts
        self._parameters = parameters
        self._record = record
        self._conditions: dict[str, frozenset[str]] | None = None
        self._coded: dict[Concept, frozenset[str]] = {}

    def named(self, reasons: Iterable[Reason]) -> frozenset[str]:
        """Disease concepts, and ``another_disease``; empty when nothing coded is said."""
        found: frozenset[str] = frozenset()
        for reason in reasons:
            if reason.concept.codings:
                found |= self.coded(reason.concept)
            if reason.reference:
                found |= self._by_reference().get(reason.reference, frozenset())
        return found

    def coded(self, concept: Concept) -> frozenset[str]:
        """The diseases one concept names."""
        known = self._coded.get(concept)
        if known is None:
            known = self._coded[concept] = self._read(concept)
        return known

    def _read(self, concept: Concept) -> frozenset[str]:
        if not any(c.code for c in concept.codings):
            return frozenset()
        names = {m.concept for m in self._concepts.diagnosis(concept)}
        if not names:
            return frozenset({ANOTHER_DISEASE})
        return frozenset(names - self._parameters.neutral_reasons)

    def _by_reference(self) -> dict[str, frozenset[str]]:
        if self._conditions is None:
            self._conditions = {
                c.reference: self.coded(c.code) | self._morphology(c.morphology) for c in self._record.conditions
            }
        return self._conditions

    def _morphology(self, concept: Concept) -> frozenset[str]:
        return frozenset(m.concept for m in self._concepts.diagnosis(concept)) if concept.codings else frozenset()
