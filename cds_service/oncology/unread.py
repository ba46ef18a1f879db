"""Treatment in words or codes that no table knows: told, never counted, never passed over (decisions 18, 25; X0)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cds_service.fhir.coverage import gathered
from cds_service.fhir.model import Concept, DataIssue, MedicationEntry, ProcedureEntry
from cds_service.oncology.evidence import procedure_class
from cds_service.oncology.identity import Identity, names_of
from cds_service.oncology.steps import GIVEN, PROBABLE

if TYPE_CHECKING:
    from cds_service.oncology.method import LineRules

NO_NAME = "holds no drug code that is known, and no name; it may be a cancer drug, not counted"
NOT_THERE = "its drug is a Medication that is not in the record, and no name is given; not counted"
CONFLICT = "its codes or names mean different drugs; not counted (section b)"
TREATS = "its words speak of cancer treatment, but no code is known; not counted"
_EDGES = ".,;:()[]"


@dataclass(slots=True)
class Unread:
    """What could not be read, of one record. ``gaps`` are references of what may well be treatment of the disease."""

    rules: LineRules
    issues: list[DataIssue] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    _named_by: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    """Drugs by the words of a resource: charts repeat few names many times. Kept for one record only."""

    def drug(self, entry: MedicationEntry, identity: Identity) -> None:
        """A drug that was probably given, or a live order of one, and was not recognised."""
        texts = identity.words
        named = self._named_by.get(texts)
        if named is None:
            named = self._named_by[texts] = self._named(texts)
        if identity.problem == "conflict":
            self._tell(entry.reference, CONFLICT)
        elif named:
            self._tell(entry.reference, _words_only(named))
        elif not texts:
            self._tell(entry.reference, NO_NAME if entry.resolved else NOT_THERE)
        else:
            self.others.append(entry.reference)

    def procedures(self, unknown: Iterable[ProcedureEntry], followed: frozenset[str]) -> None:
        """Procedures without a known code. ``followed``: those whose drugs are recorded as parts of them."""
        told: dict[Concept, tuple[tuple[str, ...], bool]] = {}
        for entry in unknown:
            if entry.reference in followed or procedure_class(entry) not in (GIVEN, PROBABLE):
                continue
            said = told.get(entry.code)
            if said is None:
                texts = [text for text in names_of(entry.code) if text]
                said = told[entry.code] = self._named(texts), any(map(self._speaks_of_treatment, texts))
            named, treats = said
            if named:
                self._tell(entry.reference, _words_only(named))
            elif treats:
                self.issues.append(DataIssue(entry.reference, TREATS))

    def told(self) -> tuple[DataIssue, ...]:
        """The issues, those of other medicines as one."""
        issues = list(self.issues)
        if self.others:
            count = len(self.others)
            which = "one medication names" if count == 1 else f"{count} medications name"
            problem = f"{which} no cancer drug by a known code or name; read as other medicine"
            issues.append(DataIssue(min(self.others), problem))
        return gathered(issues)

    def _tell(self, reference: str, problem: str) -> None:
        self.issues.append(DataIssue(reference, problem))
        self.gaps.append(reference)

    def _named(self, texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(frozenset[str]().union(*map(self._names_in, texts))))

    def _names_in(self, text: str) -> frozenset[str]:
        rules = self.rules
        if rules.concepts.spoken_of(text, rules.parameters.local_words):
            return frozenset()
        drugs = [rules.label(i) for i in rules.concepts.drugs_mentioned(text) if rules.treats(i)]
        return rules.regimen_names.intersection(word.strip(_EDGES) for word in text.split()).union(drugs)

    def _speaks_of_treatment(self, text: str) -> bool:
        return self.rules.concepts.spoken_of(text, self.rules.parameters.treatment_words)


def _words_only(named: tuple[str, ...]) -> str:
    return f"its words name {', '.join(named)}, but no code or exact name is known; not counted (decision 18)"
