"""A linter for label packs: what loads, and yet is probably not what its author meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cds_service.labels.check_findings import ERROR, WARNING, Finding, finding
from cds_service.labels.lint_cases import case_findings
from cds_service.labels.loader import Pack
from cds_service.labels.loader_checks import CONCEPT_LISTS, named_diagnoses
from cds_service.labels.yaml_lines import Document, Place

_ABSENT = ("of", "review_for", "unknown_for")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the linter holds a pack against; an empty member is not checked against.

    ``reachable``: concepts that a code, an alias or another concept can lead to. ``ambiguous``: concepts too unspecific
    to tell. ``drugs``: CAR-T concepts of the drug table. ``safety_terms``: keys that the card wording knows. ``as_of``:
    the day review dates are compared with.
    """

    reachable: frozenset[str] = frozenset()
    ambiguous: frozenset[str] = frozenset()
    drugs: frozenset[str] = frozenset()
    safety_terms: frozenset[str] = frozenset()
    as_of: date | None = None


def lint_pack(pack: Pack, around: Surroundings) -> Iterator[Finding]:
    """Every finding in one pack."""
    document = pack.document
    yield from _dates(pack, around.as_of)
    yield from _links(document)
    yield from _words(document)
    yield from _safety_terms(document, around.safety_terms)
    if around.drugs and document.content["concept"] not in around.drugs:
        problem = f"the drug table has no '{document.content['concept']}', so an infusion of it is not recognised"
        remedy = "add it with its codes to terminology/drugs.csv"
        yield finding(document, ("concept",), WARNING, problem, remedy)
    for number, one in enumerate(document.content["indications"]):
        place: Place = ("indications", number)
        yield from _contradictions(document, place, one)
        yield from _value_sets(document, place, one, around.reachable)
        yield from _unnamed(document, place, one, around.ambiguous)
        yield from case_findings(document, place, one)


def lint_together(packs: Mapping[str, list[Pack]], concepts: Mapping[str, str]) -> Iterator[Finding]:
    """Findings that need every pack: products with a pack in one jurisdiction only, label diseases no pack names.

    ``concepts`` are the diseases that may satisfy a label, with their family ("" for none).
    """
    for jurisdiction, own in packs.items():
        for other, theirs in packs.items():
            brands = {pack.product.brand for pack in theirs}
            for pack in own:
                if other != jurisdiction and pack.product.brand not in brands:
                    problem = f"{pack.product.brand} has no pack in '{other}'"
                    remedy = "right while it is not approved there; else add one"
                    yield finding(pack.document, ("brand",), WARNING, problem, remedy)
    named = set()
    for own in packs.values():
        for pack in own:
            for indication in pack.indications:
                for criterion in indication.criteria:
                    for name in CONCEPT_LISTS:
                        named.update(criterion.params.get(name, ()))
    families = {i.family for own in packs.values() for pack in own for i in pack.indications}
    for concept, family in sorted(concepts.items()):
        if family in families and concept not in named:
            problem = f"no pack names the label disease '{concept}', so it silently meets nothing"
            yield Finding(
                "terminology/concepts.csv", 0, WARNING, problem, "name it in a diagnosis list, or change its role"
            )


def _dates(pack: Pack, as_of: date | None) -> Iterator[Finding]:
    if as_of is None:
        return
    product = pack.product
    if as_of > product.expires:
        problem = f"the pack expired on {product.expires}; its indications make no card any more"
        yield finding(pack.document, ("label", "expires"), ERROR, problem, "read the current label and set new dates")
    elif as_of > product.review_by:
        problem = f"the review date {product.review_by} is past; every card says so"
        yield finding(pack.document, ("label", "review_by"), WARNING, problem, "read the current label, set new dates")


def _links(document: Document) -> Iterator[Finding]:
    places: list[tuple[Place, str]] = [(("label", "page"), document.content["label"]["page"])]
    places += [(("sources", name, "url"), one.get("url", "")) for name, one in document.content["sources"].items()]
    for place, url in places:
        if url.count("://") > 1 or "," in url.rpartition("/")[2].partition("?")[0]:
            problem = f"two links are fused into one: {url}"
            yield finding(document, place, WARNING, problem, "keep one, and give the other a source of its own")


@dataclass(slots=True)
class _Text:
    found: list[tuple[Place, str]] = field(default_factory=list)

    def read(self, value: Any, place: Place) -> None:
        if isinstance(value, str):
            self.found.append((place, value))
        elif isinstance(value, Mapping):
            for key, inner in value.items():
                self.read(inner, (*place, key))
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                self.read(inner, (*place, number))


def _words(document: Document) -> Iterator[Finding]:
    text = _Text()
    text.read(document.content, ())
    for place, words in text.found:
        if "unverified" in words.casefold():
            problem = "an unverified statement stands where a clinician may read it"
            yield finding(document, place, ERROR, problem, "verify it, or take it out")
        if document.content["jurisdiction"] == "eu" and "boxed" in words.casefold():
            problem = "'boxed' is a word of US labels"
            yield finding(document, place, ERROR, problem, "say it in the words of the EU product information")


def _safety_terms(document: Document, known: frozenset[str]) -> Iterator[Finding]:
    for name in ("boxed", "risks"):
        for number, term in enumerate(document.content["safety"].get(name, ())):
            if known and term not in known:
                problem = f"the card wording has no words for '{term}'"
                remedy = "add it to 'safety_terms' in wording.yaml"
                yield finding(document, ("safety", name, number), ERROR, problem, remedy)


def _contradictions(document: Document, place: Place, one: Mapping[str, Any]) -> Iterator[Finding]:
    by_kind = {criterion["kind"]: (number, criterion) for number, criterion in enumerate(one["criteria"])}
    met: set[str] = set()
    if "diagnosis" in by_kind:
        number, criterion = by_kind["diagnosis"]
        met = set(criterion["met"])
        yield from _twice(document, (*place, "criteria", number), criterion, ("met", "review", "unknown"))
    if "absent_diagnosis" in by_kind:
        number, criterion = by_kind["absent_diagnosis"]
        here: Place = (*place, "criteria", number)
        yield from _twice(document, here, criterion, _ABSENT)
        for concept in sorted(met & {name for key in _ABSENT for name in criterion.get(key, ())}):
            problem = f"'{concept}' meets the diagnosis and is excluded by '{criterion['id']}', so nobody can have both"
            yield finding(document, here, ERROR, problem, "take it out of one of the two")
    if "relapsed_or_refractory" in by_kind:
        number, criterion = by_kind["relapsed_or_refractory"]
        yield from _first_line(document, (*place, "criteria", number), criterion, by_kind.get("first_line_failure"))
    else:
        problem = "the indication does not ask for relapsed or refractory disease, as every one does (decision 5)"
        yield finding(document, (*place, "criteria"), WARNING, problem, "add a criterion 'relapsed_or_refractory'")
    for kind in ("age", "diagnosis"):
        if kind not in by_kind:
            problem = f"the indication has no criterion of the kind '{kind}'"
            yield finding(document, (*place, "criteria"), WARNING, problem, "add it: every label says who and what")


def _first_line(
    document: Document, place: Place, criterion: Mapping[str, Any], failure: tuple[int, Mapping[str, Any]] | None
) -> Iterator[Finding]:
    if criterion["from"] == "course":
        return
    remedy = "give both the same days"
    if failure is None:
        yield finding(document, place, ERROR, "'from: first_line' needs a criterion 'first_line_failure'", "add it")
        return
    other = failure[1]
    pairs = [("first_line_within_days", "within_days")] + [(n, n) for n in ("review_from_day", "review_to_day")]
    for mine, theirs in pairs:
        if criterion.get(mine) != other.get(theirs):
            problem = f"'{mine}' is {criterion.get(mine)} here and '{theirs}' is {other.get(theirs)} in '{other['id']}'"
            yield finding(document, place, ERROR, problem, remedy)


def _twice(document: Document, place: Place, criterion: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name in names:
        for number, concept in enumerate(criterion.get(name, ())):
            if concept in seen:
                problem = f"'{concept}' stands under '{seen[concept]}' and under '{name}'"
                yield finding(document, (*place, name, number), ERROR, problem, "keep it in one of the two")
            seen.setdefault(concept, name)


def _value_sets(
    document: Document, place: Place, one: Mapping[str, Any], reachable: frozenset[str]
) -> Iterator[Finding]:
    for position, criterion in enumerate(one["criteria"]):
        if criterion["kind"] not in ("diagnosis", "absent_diagnosis"):
            continue
        here: Place = (*place, "criteria", position)
        for name in CONCEPT_LISTS:
            for number, concept in enumerate(criterion.get(name, ())):
                if reachable and concept not in reachable:
                    problem = f"no code, alias or transformation leads to '{concept}': its value set is empty"
                    yield finding(document, (*here, name, number), WARNING, problem, "add codes, or take it out")
            if name in criterion and not criterion[name]:
                yield finding(
                    document, (*here, name), WARNING, f"the value set '{name}' is empty", "fill it or drop it"
                )


def _unnamed(document: Document, place: Place, one: Mapping[str, Any], ambiguous: frozenset[str]) -> Iterator[Finding]:
    named = {c for criterion in one["criteria"] for name in CONCEPT_LISTS for c in _concepts(criterion, name)}
    for row, case in enumerate(one["cases"]):
        here: Place = (*place, "cases", row)
        for concept in named_diagnoses(case.get("but", {}).get("diagnosis")):
            if concept in ambiguous and concept not in named:
                problem = f"the case turns on '{concept}', which no criterion names and a record leaves open (unknown)"
                yield finding(document, here, WARNING, problem, "name it under 'unknown' or 'review' of the diagnosis")


def _concepts(criterion: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(criterion.get(name, ())) if criterion["kind"] in ("diagnosis", "absent_diagnosis") else ()
