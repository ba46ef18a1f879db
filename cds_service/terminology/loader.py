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


def load_concepts(rules: Path) -> Concepts:
    """The terminology of a rules folder. Raises RuleFileError.

    Files of licensed systems (SNOMED CT, CPT, ATC, the WHO classifications) may be absent: their codes are unmapped then.
    """
    folder = rules / "terminology"
    systems = Systems(read_tables(folder, "systems"))
    diseases = _diseases(read_tables(folder, "concepts"))
    drugs = _drugs(read_tables(folder, "drugs")[:1])
    codes = Codes(diagnoses={}, diagnosis_prefixes={}, drugs={}, procedures={}, procedure_prefixes={}, observations={})
    _diagnosis_codes(read_tables(folder, "diagnoses"), systems, diseases, codes)
    names, texts = DrugNames(salts=_words(read_tables(folder, "salts"))), {}
    _drug_codes(read_tables(folder, "drug_codes"), systems, drugs, codes, names, texts)
    _drug_products(read_tables(folder, "drug_products"), drugs, codes, names, texts)
    _procedure_codes(read_tables(folder, "procedures"), systems, codes)
    _observation_codes(read_tables(folder, "observations"), systems, codes)
    disease_names = _aliases(read_tables(folder, "aliases"), diseases, drugs, names, texts)
    return Concepts(
        systems=systems,
        codes=codes,
        diseases=diseases,
        drugs=drugs,
        drug_names=names,
        drug_texts=texts,
        disease_names=disease_names,
        lineage=_lineage(read_tables(folder, "lineage"), drugs),
    )


def _refuse(table: Table, line: int, what: str, known: str) -> RuleFileError:
    return RuleFileError(table.name, line, what, known)


def _one_of(table: Table, line: int, column: str, value: str, allowed: Container[str], listed: str) -> None:
    if value not in allowed:
        raise RuleFileError(table.name, line, f"'{value}' in the column '{column}' is not known", f"use {listed}")


def _diseases(tables: list[Table]) -> dict[str, DiseaseConcept]:
    found: dict[str, DiseaseConcept] = {}
    for table in tables:
        rows = table.pick(
            "concept",
            "label",
            "family",
            "parent",
            "role",
            "may_be",
            "speaks_when_ambiguous",
            "may_hold",
            "transforms_to",
        )
        for line, (name, label, family, parent, role, may_be, speaks, may_hold, transforms_to) in rows:
            _one_of(table, line, "role", role, ROLES, ", ".join(ROLES))
            if name in found:
                raise _refuse(table, line, f"the concept '{name}' stands twice", "keep one of the rows")
            found[name] = DiseaseConcept(
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
        for disease in found.values():
            for other in (disease.parent, disease.transforms_to, *disease.may_hold):
                if other and other not in found:
                    raise _refuse(
                        table, 0, f"'{disease.name}' names the concept '{other}', which has no row", "add its row"
                    )
    return found


def _drugs(tables: list[Table]) -> dict[str, Drug]:
    found: dict[str, Drug] = {}
    for table in tables:
        for line, (name, label, drug_class, setting, form_of) in table.pick(
            "concept", "label", "class", "setting", "form_of"
        ):
            _one_of(table, line, "setting", setting, SETTINGS, "clinic or self")
            found[name] = Drug(name=name, label=label, drug_class=drug_class, setting=setting, form_of=form_of)
    return found


def _diagnosis_codes(tables: list[Table], systems: Systems, diseases: dict[str, DiseaseConcept], codes: Codes) -> None:
    made: dict[tuple[str, str, str], DiagnosisMeaning] = {}
    for table in tables:
        for line, (concept, system, code, match, status, role) in table.pick(
            "concept", "system", "code", "match", "disease_status", "role"
        ):
            _one_of(table, line, "concept", concept, diseases, "a concept of concepts.csv")
            _one_of(table, line, "system", system, systems.keys, "a key of systems.csv")
            _one_of(table, line, "match", match, MATCHES, "exact or prefix")
            _one_of(table, line, "disease_status", status, STATES, ", ".join(STATES[1:]))
            _one_of(table, line, "role", role, ROLES, ", ".join(ROLES))
            meaning = made.get((concept, role, status))
            if meaning is None:
                meaning = DiagnosisMeaning(concept=concept, role=role, disease_status=status)
                made[concept, role, status] = meaning
            into = codes.diagnoses if match == "exact" else codes.diagnosis_prefixes
            into[system, comparable(system, code)] = meaning


def _drug_codes(
    tables: list[Table],
    systems: Systems,
    drugs: dict[str, Drug],
    codes: Codes,
    names: DrugNames,
    texts: dict[str, DrugMeaning],
) -> None:
    for table in tables:
        for line, (concept, system, code, display, use, form, other) in table.pick(
            "concept", "system", "code", "display", "use", "form", "other"
        ):
            _one_of(table, line, "concept", concept, drugs, "a concept of drugs.csv")
            _one_of(table, line, "system", system, systems.keys, "a key of systems.csv")
            _one_of(table, line, "use", use, USES, ", ".join(USES))
            meaning = _drug_meaning(concept, use, form, other, texts)
            codes.drugs[system, comparable(system, code)] = texts[meaning]
            if system in ("rxnorm", "atc"):
                names.add(display, meaning)


def _drug_products(
    tables: list[Table],
    drugs: dict[str, Drug],
    codes: Codes,
    names: DrugNames,
    texts: dict[str, DrugMeaning],
) -> None:
    for table in tables:
        for line, (code, display, concept, use, form, other) in table.pick(
            "code", "display", "concept", "use", "form", "other"
        ):
            _one_of(table, line, "concept", concept, drugs, "a concept of drugs.csv")
            _one_of(table, line, "use", use, USES, ", ".join(USES))
            _one_of(table, line, "form", form, FORMS, "oral, injectable or nothing")
            meaning = _drug_meaning(concept, use, form, other, texts)
            codes.drugs["rxnorm", code] = texts[meaning]
            names.add(display, meaning)


def _drug_meaning(concept: str, use: str, form: str, other: str, texts: dict[str, DrugMeaning]) -> str:
    """The key of a drug meaning, made when first needed."""
    key = f"{concept}|{use}|{form}|{'+' if other else ''}"
    if key not in texts:
        texts[key] = DrugMeaning(ingredients=(concept,), use=use, complete=not other, form=form)
    return key


def _procedure_codes(tables: list[Table], systems: Systems, codes: Codes) -> None:
    for table in tables:
        for line, (concept, system, code, product, match) in table.pick(
            "concept", "system", "code", "product", "match"
        ):
            _one_of(table, line, "system", system, systems.keys, "a key of systems.csv")
            _one_of(table, line, "match", match, MATCHES, "exact or prefix")
            into = codes.procedures if match == "exact" else codes.procedure_prefixes
            into[system, comparable(system, code)] = ProcedureMeaning(concept=concept, product=product)


def _observation_codes(tables: list[Table], systems: Systems, codes: Codes) -> None:
    for table in tables:
        for line, (concept, system, code, kind) in table.pick("concept", "system", "code", "kind"):
            _one_of(table, line, "system", system, systems.keys, "a key of systems.csv")
            _one_of(table, line, "kind", kind, KINDS, ", ".join(KINDS))
            codes.observations[system, comparable(system, code)] = ObservationMeaning(concept=concept, kind=kind)


def _aliases(
    tables: list[Table],
    diseases: dict[str, DiseaseConcept],
    drugs: dict[str, Drug],
    names: DrugNames,
    texts: dict[str, DrugMeaning],
) -> DiseaseNames:
    found = DiseaseNames(diseases)
    for table in tables:
        for line, (concept, kind, alias, match, ambiguous) in table.pick(
            "concept", "kind", "alias", "match", "ambiguous"
        ):
            token = match == "token_case_sensitive"
            if kind == "negation":
                found.deny(alias)
            elif kind == "disease":
                _one_of(table, line, "concept", concept, diseases, "a concept of concepts.csv")
                found.add(alias, concept, token=token, ambiguous=ambiguous == "yes")
            else:
                _one_of(table, line, "concept", concept, drugs, "a concept of drugs.csv")
                meaning = names.known(alias, concept) or _drug_meaning(concept, "systemic", "", "", texts)
                names.add(alias, meaning, token=token, ambiguous=ambiguous == "yes")
    return found


def _lineage(tables: list[Table], drugs: dict[str, Drug]) -> dict[str, str]:
    found: dict[str, str] = {}
    for table in tables:
        for line, (drug, lineage) in table.pick("drug", "lineage"):
            _one_of(table, line, "drug", drug, drugs, "a concept of drugs.csv")
            _one_of(table, line, "lineage", lineage, ("B", "T"), "B or T")
            found[drug] = lineage
    return found


def _words(tables: list[Table]) -> frozenset[str]:
    return frozenset(word for table in tables for _, (word,) in table.pick("word"))
