"""Can these rules be trusted? What ``cart-cds check-rules`` and the tests ask of a rules folder.

The card wording is checked by the room that prints it; here stand the label packs and what they rest on.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from cds_service.labels.check_cases import run_cases
from cds_service.labels.check_findings import Finding, error_finding
from cds_service.labels.lint import Surroundings, lint_pack, lint_together
from cds_service.labels.loader import (
    JURISDICTIONS,
    Pack,
    brand_twins,
    known_concepts,
    make_pack,
    pack_files,
    pack_problems,
    ruleset_version,
)
from cds_service.labels.loader_checks import Known
from cds_service.labels.loader_schema import schema_problems
from cds_service.labels.yaml_lines import RuleFileError, read_yaml
from cds_service.oncology.knowledge import load_knowledge

__all__ = ["Finding", "check_rules"]


def check_rules(rules: Path, as_of: date | None = None) -> list[Finding]:
    """Everything to correct (error) or look at (warning) in the rules folder, by file and line.

    Reads every label pack, runs its cases through both evaluators and lints it; reads the other rule files and code
    tables. ``as_of`` is the day that review dates are compared with; without it they are not.
    """
    findings: list[Finding] = []
    try:
        ruleset_version(rules)
    except RuleFileError as error:
        findings.append(error_finding(error))
    known = known_concepts(rules)
    packs: dict[str, list[Pack]] = {}
    for jurisdiction in JURISDICTIONS:
        packs[jurisdiction] = good = []
        for path in pack_files(rules, jurisdiction):
            found = _read(path, rules, known)
            if isinstance(found, Pack):
                good.append(found)
            else:
                findings += [error_finding(error) for error in found]
        findings += [error_finding(error) for error in brand_twins(good)]
    concepts = _rows(rules / "terminology" / "concepts.csv")
    around = _surroundings(rules, concepts, as_of)
    for good in packs.values():
        for pack in good:
            findings += lint_pack(pack, around)
            findings += run_cases(pack)
    labels = {row["concept"]: row["family"] for row in concepts if row["role"] == "indication"}
    findings += lint_together(packs, labels)
    findings += _other_files(rules)
    return sorted(set(findings))


def _read(path: Path, rules: Path, known: Known) -> Pack | list[RuleFileError]:
    try:
        document = read_yaml(path, path.relative_to(rules).as_posix())
        problems = pack_problems(document, rules, known)
    except RuleFileError as error:
        return [error]
    return problems or make_pack(document)


def _other_files(rules: Path) -> Iterator[Finding]:
    """YAML files beside the packs against the schema of their kind, where there is one; then everything together."""
    sound = True
    for path in sorted(rules.glob("*.yaml")):
        schema = rules / "schema" / f"{path.stem}.schema.json"
        try:
            document = read_yaml(path, path.name)
            problems = schema_problems(document, schema) if schema.is_file() else []
        except RuleFileError as error:
            problems = [error]
        yield from map(error_finding, problems)
        sound = sound and not problems
    if sound:
        try:
            load_knowledge(rules)
        except RuleFileError as error:
            yield error_finding(error)


def _surroundings(rules: Path, concepts: list[dict[str, str]], as_of: date | None) -> Surroundings:
    folder = rules / "terminology"
    reachable = {row["concept"] for path in sorted(folder.glob("diagnoses*.csv")) for row in _rows(path)}
    reachable |= {row.get("concept", "") for row in _rows(folder / "aliases.csv")}
    for row in concepts:
        reachable.update((row.get("transforms_to") or "").split())
    drugs = {row["concept"] for row in _rows(folder / "drugs.csv") if row.get("class") == "car_t"}
    return Surroundings(
        reachable=frozenset(reachable) if concepts else frozenset(),
        drugs=frozenset(drugs),
        ambiguous=frozenset(row["concept"] for row in concepts if row["role"] == "ambiguous"),
        safety_terms=frozenset(_safety_terms(rules)),
        as_of=as_of,
    )


def _safety_terms(rules: Path) -> Iterator[str]:
    if (rules / "wording.yaml").is_file():
        yield from read_yaml(rules / "wording.yaml", "wording.yaml").content.get("safety_terms", ())


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))
