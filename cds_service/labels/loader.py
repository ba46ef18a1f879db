"""Label packs from YAML: what stands in ``rules/labels/`` becomes a ``Ruleset``, or the load stops with a line number.

Nothing is dropped: an unknown key, a concept no code table holds, a source that is not listed, a criterion of a kind
that Python does not know are load errors (requirement R-36).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cds_service.labels.cases import case_signals
from cds_service.labels.loader_checks import Known, sense_problems
from cds_service.labels.loader_schema import schema_problems
from cds_service.labels.packs import Ambiguity, Case, Criterion, Indication, Product, Ruleset, Source
from cds_service.labels.yaml_lines import Document, RuleFileError, read_yaml

JURISDICTIONS = ("us", "eu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """One pack file: its product and every dated wording of its indications."""

    product: Product
    indications: tuple[Indication, ...]
    document: Document


def load_ruleset(rules: Path, jurisdiction: str) -> Ruleset:
    """Every pack of ``jurisdiction`` under ``rules/labels/``, products by brand, indications by id and date.

    Raises RuleFileError at the first thing that is wrong in any file, ValueError for an unknown jurisdiction.
    """
    if jurisdiction not in JURISDICTIONS:
        raise ValueError(f"jurisdiction is one of {', '.join(JURISDICTIONS)}, not '{jurisdiction}'")
    version = ruleset_version(rules)
    known = known_concepts(rules)
    packs = [load_pack(path, rules, known) for path in pack_files(rules, jurisdiction)]
    if not packs:
        raise RuleFileError(
            f"labels/{jurisdiction}", 0, "the folder holds no label pack", "add one YAML file for each product"
        )
    for problem in brand_twins(packs):
        raise problem
    indications = sorted((i for pack in packs for i in pack.indications), key=lambda i: (i.id, i.effective_from))
    products = sorted((pack.product for pack in packs), key=lambda product: product.brand)
    return Ruleset(jurisdiction=jurisdiction, version=version, products=tuple(products), indications=tuple(indications))


def pack_files(rules: Path, jurisdiction: str) -> list[Path]:
    """The pack files of a jurisdiction, by name."""
    return sorted((rules / "labels" / jurisdiction).glob("*.yaml"))


def ruleset_version(rules: Path) -> str:
    """The version in ``labels/ruleset.yaml``. Raises RuleFileError."""
    document = read_yaml(rules / "labels" / "ruleset.yaml", "labels/ruleset.yaml")
    for problem in schema_problems(document, rules / "schema" / "ruleset.schema.json"):
        raise problem
    return str(document.content["version"])


def load_pack(path: Path, rules: Path, known: Known) -> Pack:
    """The pack at ``path``. Raises RuleFileError at its first problem."""
    document = read_yaml(path, path.relative_to(rules).as_posix())
    for problem in pack_problems(document, rules, known):
        raise problem
    return make_pack(document)


def pack_problems(document: Document, rules: Path, known: Known) -> list[RuleFileError]:
    """Everything wrong with one pack: its shape, or, when the shape is right, its sense."""
    shape = schema_problems(document, rules / "schema" / "label.schema.json")
    return shape or sense_problems(document, known)


def known_concepts(rules: Path) -> Known:
    """The disease and drug concepts of ``rules/terminology/``; a table that is not there is not checked against."""
    return Known(
        diseases=_column(rules / "terminology" / "concepts.csv"),
        drugs=_column(rules / "terminology" / "drugs.csv"),
    )


def _column(path: Path) -> frozenset[str] | None:
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", newline="") as table:
        return frozenset(row["concept"] for row in csv.DictReader(table) if row.get("concept"))


def brand_twins(packs: list[Pack]) -> list[RuleFileError]:
    """Packs of one jurisdiction whose brand an earlier one already has."""
    brands: dict[str, str] = {}
    problems = []
    for pack in packs:
        first = brands.setdefault(pack.product.brand.casefold(), pack.document.file)
        if first != pack.document.file:
            problem = f"the brand '{pack.product.brand}' already has a pack, {first}"
            problems.append(pack.document.error(("brand",), problem, "keep one file for each product"))
    return problems


def make_pack(document: Document) -> Pack:
    """The values of a document in which ``pack_problems`` found nothing."""
    content = document.content
    product = _product(content, document.file)
    indications = tuple(
        _indication(one, product, document.line(("indications", number)))
        for number, one in enumerate(content["indications"])
    )
    return Pack(product=product, indications=indications, document=document)


def _product(content: Mapping[str, Any], file: str) -> Product:
    label, safety = content["label"], content["safety"]
    return Product(
        name=content["product"],
        brand=content["brand"],
        short_name=content["short_name"],
        concept=content["concept"],
        jurisdiction=content["jurisdiction"],
        holder=content["holder"],
        target=content["target"],
        first_approved=date.fromisoformat(content["first_approved"]),
        label_revision=label["revision"],
        label_change=label["change"],
        read_on=date.fromisoformat(label["read_on"]),
        review_by=date.fromisoformat(label["review_by"]),
        expires=date.fromisoformat(label["expires"]),
        reviewer=label["reviewer"],
        page=label["page"],
        boxed=tuple(safety.get("boxed", ())),
        risks=tuple(safety.get("risks", ())),
        notes=tuple(safety["notes"]),
        sources={
            name: Source(id=name, title=one["title"], url=one.get("url", ""))
            for name, one in content["sources"].items()
        },
        file=file,
    )


def _indication(content: Mapping[str, Any], product: Product, line: int) -> Indication:
    until = content["until"]
    return Indication(
        id=content["id"],
        product=product,
        family=content["family"],
        title=content["title"],
        text=content["text"],
        section=content["section"],
        effective_from=date.fromisoformat(content["effective_from"]),
        until=None if until is None else date.fromisoformat(until),
        approval=content["approval"],
        trial=content["trial"],
        evidence=content["evidence"],
        sources=tuple(content["sources"]),
        criteria=tuple(_criterion(one) for one in content["criteria"]),
        ambiguities=tuple(Ambiguity(id=one["id"], reading=one["reading"]) for one in content.get("ambiguities", ())),
        cases=tuple(_case(one, content["example"]) for one in content["cases"]),
        line=line,
    )


def _criterion(content: Mapping[str, Any]) -> Criterion:
    params = {key: tuple(value) if isinstance(value, list) else value for key, value in content.items()}
    del params["id"], params["kind"]
    return Criterion(id=content["id"], kind=content["kind"], params=params)


def _case(content: Mapping[str, Any], example: Mapping[str, Any]) -> Case:
    return Case(
        says=content["says"],
        signals=case_signals(example, content.get("but")),
        status=content["status"],
        criteria=dict(content.get("criteria", {})),
    )
