"""The tables of ``rules/terminology/`` to ``Concepts``: once, in well under a fifth of a second."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from cds_service.rule_files import RuleFileError
from cds_service.terminology.concepts import Codes, Concepts
from cds_service.terminology.model import (
    DiagnosisMeaning,
    DiseaseConcept,
    Drug,
    DrugMeaning,
    ObservationMeaning,
    ProcedureMeaning,
)
from cds_service.terminology.systems import Systems, comparable
from cds_service.terminology.tables import Table, read_tables
from cds_service.terminology.words import DiseaseNames, DrugNames

ROLES = ("indication", "exclusion", "ambiguous", "context")
STATES = ("", "in_remission", "in_relapse", "not_in_remission", "refractory", "relapse_or_refractory")
MATCHES = ("exact", "prefix")
USES = ("systemic", "local", "non_oncology_brand")
FORMS = ("", "oral", "injectable")
SETTINGS = ("clinic", "self")
KINDS = ("question", "value", "method")
LINEAGES = ("B", "T")
NAMED = ("rxnorm", "atc")
"""Systems whose displays are names of drugs; those of HCPCS are phrases of a price list."""


def load_concepts(rules: Path) -> Concepts:
    """The terminology of a rules folder. Raises RuleFileError.

    Files of licensed systems (SNOMED CT, CPT, ATC, WHO) may be absent; their codes are then unmapped.
    """
    return _Loader(rules / "terminology").load()


class _Loader:
    """Fills the tables one after the other; every word of a closed set and every concept is checked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.systems = Systems(read_tables(folder, "systems"))
        self.diseases: dict[str, DiseaseConcept] = {}
        self.drugs: dict[str, Drug] = {}
        self.lineage: dict[str, str] = {}
        self.codes = Codes(
            diagnoses={}, diagnosis_prefixes={}, drugs={}, procedures={}, procedure_prefixes={}, observations={}
        )
        salts = frozenset(word for table in self.tables("salts") for _, (word,) in table.pick("word"))
        self.drug_names = DrugNames(salts=salts)
        self.drug_texts: dict[str, DrugMeaning] = {}
        self.disease_names = DiseaseNames(self.diseases)

    def tables(self, stem: str) -> list[Table]:
        return read_tables(self.folder, stem)

    def load(self) -> Concepts:
        self.load_diseases()
        self.load_drugs()
        self.load_diagnosis_codes()
        self.load_drug_codes()
        self.load_drug_products()
        self.load_procedure_codes()
        self.load_observation_codes()
        self.load_aliases()
        return Concepts(
            systems=self.systems,
            codes=self.codes,
            diseases=self.diseases,
            drugs=self.drugs,
            drug_names=self.drug_names,
            drug_texts=self.drug_texts,
            disease_names=self.disease_names,
            lineage=self.lineage,
        )

    def load_diseases(self) -> None:
        columns = ("concept", "label", "family", "parent", "role", "may_be", "speaks_when_ambiguous", "may_hold")
        for table in self.tables("concepts"):
            for line, cells in table.pick(*columns, "transforms_to"):
                name, label, family, parent, role, may_be, speaks, may_hold, transforms_to = cells
                _check(table, line, role=(role, ROLES))
                if name in self.diseases:
                    raise RuleFileError(table.name, line, f"the concept '{name}' stands twice", "keep one of the rows")
                self.diseases[name] = DiseaseConcept(
                    name=name,
                    label=label,
                    family=family or None,
                    role=role,
                    parent=parent,
                    may_be=tuple(may_be.split()),
                    speaks_when_ambiguous=speaks == "yes",
                    may_hold=frozenset(may_hold.split()),
                    transforms_to=transforms_to,
                )
            for disease in self.diseases.values():
                for other in (disease.parent, disease.transforms_to, *sorted(disease.may_hold)):
                    if other and other not in self.diseases:
                        problem = f"'{disease.name}' names the concept '{other}', which has no row"
                        raise RuleFileError(table.name, 0, problem, "add its row")

    def load_drugs(self) -> None:
        classes = {word for table in self.tables("drug_classes") for _, (word,) in table.pick("class")}
        for table in self.tables("drugs"):
            for line, (name, label, drug_class, setting, form_of) in table.pick(
                "concept", "label", "class", "setting", "form_of"
            ):
                _check(table, line, setting=(setting, SETTINGS), **{"class": (drug_class, classes)})
                self.drugs[name] = Drug(name=name, label=label, drug_class=drug_class, setting=setting, form_of=form_of)
        for table in self.tables("lineage"):
            for line, (drug, lineage) in table.pick("drug", "lineage"):
                _check(table, line, drug=(drug, self.drugs), lineage=(lineage, LINEAGES))
                self.lineage[drug] = lineage

    def load_diagnosis_codes(self) -> None:
        made: dict[tuple[str, str, str], DiagnosisMeaning] = {}
        for table in self.tables("diagnoses"):
            for line, (concept, system, code, match, status, role) in table.pick(
                "concept", "system", "code", "match", "disease_status", "role"
            ):
                _check(table, line, concept=(concept, self.diseases), system=(system, self.systems.keys))
                _check(table, line, match=(match, MATCHES), disease_status=(status, STATES), role=(role, ROLES))
                meaning = made.get((concept, role, status))
                if meaning is None:
                    meaning = DiagnosisMeaning(concept=concept, role=role, disease_status=status)
                    made[concept, role, status] = meaning
                into = self.codes.diagnoses if match == "exact" else self.codes.diagnosis_prefixes
                into[system, comparable(system, code)] = meaning

    def load_drug_codes(self) -> None:
        for table in self.tables("drug_codes"):
            for line, (concept, system, code, display, use, form, other) in table.pick(
                "concept", "system", "code", "display", "use", "form", "other"
            ):
                _check(table, line, concept=(concept, self.drugs), system=(system, self.systems.keys))
                _check(table, line, use=(use, USES), form=(form, FORMS))
                key = self.drug_meaning(concept, use, form, other)
                self.codes.drugs[system, comparable(system, code)] = self.drug_texts[key]
                if system in NAMED:
                    self.drug_names.add(display, key)

    def load_drug_products(self) -> None:
        for table in self.tables("drug_products"):
            for line, (code, display, concept, use, form, other) in table.pick(
                "code", "display", "concept", "use", "form", "other"
            ):
                _check(table, line, concept=(concept, self.drugs), use=(use, USES), form=(form, FORMS))
                key = self.drug_meaning(concept, use, form, other)
                self.codes.drugs["rxnorm", code] = self.drug_texts[key]
                self.drug_names.add(display, key)

    def drug_meaning(self, concept: str, use: str = "systemic", form: str = "", other: str = "") -> str:
        """The key of a drug meaning, made when first needed."""
        key = f"{concept}|{use}|{form}|{'+' if other else ''}"
        if key not in self.drug_texts:
            self.drug_texts[key] = DrugMeaning(ingredients=(concept,), use=use, complete=not other, form=form)
        return key

    def load_procedure_codes(self) -> None:
        for table in self.tables("procedures"):
            for line, (concept, system, code, product, match) in table.pick(
                "concept", "system", "code", "product", "match"
            ):
                _check(table, line, system=(system, self.systems.keys), match=(match, MATCHES))
                into = self.codes.procedures if match == "exact" else self.codes.procedure_prefixes
                into[system, comparable(system, code)] = ProcedureMeaning(concept=concept, product=product)

    def load_observation_codes(self) -> None:
        for table in self.tables("observations"):
            for line, (concept, system, code, kind) in table.pick("concept", "system", "code", "kind"):
                _check(table, line, system=(system, self.systems.keys), kind=(kind, KINDS))
                self.codes.observations[system, comparable(system, code)] = ObservationMeaning(
                    concept=concept, kind=kind
                )

    def load_aliases(self) -> None:
        for table in self.tables("aliases"):
            for line, (concept, kind, alias, match, ambiguous) in table.pick(
                "concept", "kind", "alias", "match", "ambiguous"
            ):
                token, unsure = match == "token_case_sensitive", ambiguous == "yes"
                if kind == "negation":
                    self.disease_names.deny(alias)
                elif kind == "hint":
                    self.disease_names.hints += (alias,)
                elif kind == "disease":
                    _check(table, line, concept=(concept, self.diseases))
                    self.disease_names.add(alias, concept, token=token, ambiguous=unsure)
                else:
                    _check(table, line, kind=(kind, ("drug",)), concept=(concept, self.drugs))
                    key = self.drug_names.known(alias, concept) or self.drug_meaning(concept)
                    self.drug_names.add(alias, key, token=token, ambiguous=unsure)


def _check(table: Table, line: int, **columns: tuple[str, Container[str]]) -> None:
    """Refuse a word that its column does not know."""
    for column, (value, allowed) in columns.items():
        if value not in allowed:
            known = ", ".join(a for a in allowed if a) if isinstance(allowed, tuple) else "a key of its table"
            raise RuleFileError(
                table.name, line, f"'{value}' in the column '{column}' is not known", f"use {known}, or add it there"
            )
