"""What the oncology room knows beside the record: terminology, numbers of the line method, regimens, flags.

Read once at start from the rules folder; frozen; safe to share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cds_service.oncology.course_rules import CourseRules, read_course_rules
from cds_service.oncology.flag_rules import FlagRules, read_flag_rules
from cds_service.oncology.model import FAMILIES
from cds_service.rule_files import Document, RuleFileError, read_yaml
from cds_service.terminology import Concepts, load_concepts

LINES_FILE, REGIMENS_FILE, FLAGS_FILE = "lines_of_therapy.yaml", "regimens.yaml", "flags.yaml"
COURSE_FILE = "course.yaml"
CLASS = "class:"
"""In lists of drugs, ``class:x`` stands for every ingredient of the class x of the drug table."""

Days = int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyParameters:
    """The numbers of one disease family (lines-of-therapy.md c2), in days; None = has no such limit or window.

    Lists of drugs are ingredient names, classes spelled out. ``more`` holds further values of the file by their key.
    """

    family: str
    assembly_days: int
    same_drugs_gap_days: Days
    maintenance_days: Days
    maintenance: frozenset[str]
    replacement: str
    refractory_days: Days
    treated_within_days: Days
    untreated_after_days: Days
    same_drugs_ambiguous_days: Days = None
    lead_in_days: Days = None
    lead_in_from: frozenset[str] = frozenset()
    lead_in_to: frozenset[str] = frozenset()
    protocol_days: Days = None
    protocol_days_after_transplant: Days = None
    protocol: frozenset[str] = frozenset()
    salvage: frozenset[str] = frozenset()
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineParameters:
    """``rules/lines_of_therapy.yaml``.

    ``classes``: names of class groups (imid, cytotoxic …) to the classes of the drug table they mean; ``drugs_of`` the
    same as ingredients. ``equivalents``: sets of ingredients that count as one another (L6). ``windows``: days by name.
    ``data``: the whole file, classes not spelled out.
    """

    families: Mapping[str, FamilyParameters]
    windows: Mapping[str, Any]
    classes: Mapping[str, frozenset[str]]
    drugs_of: Mapping[str, frozenset[str]]
    equivalents: tuple[frozenset[str], ...]
    mobilisation_drugs: frozenset[str]
    lymphodepletion_drugs: frozenset[str]
    after_allo_drugs: frozenset[str]
    never_alone: frozenset[str]
    cd19_products: frozenset[str]
    regimen_procedures: Mapping[str, str]
    recorded_count_codes: frozenset[tuple[str, str]]
    disease_status_codes: frozenset[tuple[str, str]]
    other_cancer_regimens: tuple[frozenset[str], ...]
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Regimen:
    """A named regimen (lines-of-therapy.md d). ``unverified``: its name is not shown to a clinician (decision 39)."""

    number: int
    name: str
    families: frozenset[str]
    core: frozenset[str]
    order: tuple[str, ...]
    """The core drugs in the order of the table."""
    role: str
    type: str
    optional: frozenset[str] = frozenset()
    multi_part: bool = False
    unverified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Everything loaded. ``flags`` is the content of ``rules/flags.yaml``, empty when there is none."""

    concepts: Concepts
    lines: LineParameters
    regimens: tuple[Regimen, ...]
    flags: Mapping[str, Any]
    course: CourseRules
    flag_rules: FlagRules | None = None
    """The same file, typed; None when there is none."""


def load_knowledge(rules: Path) -> Knowledge:
    """The knowledge of a rules folder. Raises RuleFileError."""
    concepts = load_concepts(rules)
    reader = _Reader(read_yaml(rules / LINES_FILE, LINES_FILE), concepts)
    flags = read_yaml(rules / FLAGS_FILE, FLAGS_FILE) if (rules / FLAGS_FILE).is_file() else None
    lines = reader.lines()
    return Knowledge(
        concepts=concepts,
        lines=lines,
        regimens=_regimens(read_yaml(rules / REGIMENS_FILE, REGIMENS_FILE), concepts),
        flags=MappingProxyType(flags.content if flags else {}),
        course=read_course_rules(read_yaml(rules / COURSE_FILE, COURSE_FILE).content),
        flag_rules=read_flag_rules(flags, concepts, lines.cd19_products) if flags else None,
    )


class _Reader:
    """Values of lines_of_therapy.yaml with their place, so that a wrong one is named by its line."""

    def __init__(self, document: Document, concepts: Concepts) -> None:
        self.document, self.concepts = document, concepts
        self.content: Mapping[str, Any] = document.content
        self.by_class: dict[str, set[str]] = {}
        for drug in concepts.drugs.values():
            self.by_class.setdefault(drug.drug_class, set()).add(drug.name)

    def lines(self) -> LineParameters:
        classes = {name: frozenset(self.words("classes", name)) for name in self.value("classes")}
        return LineParameters(
            families=MappingProxyType({family: self.family(family) for family in FAMILIES}),
            windows=MappingProxyType({name: self.value("windows", name) for name in self.value("windows")}),
            classes=MappingProxyType(classes),
            drugs_of=MappingProxyType(
                {n: frozenset(d for c in kinds for d in self.by_class.get(c, ())) for n, kinds in classes.items()}
            ),
            equivalents=self.groups("equivalents"),
            mobilisation_drugs=self.drugs("mobilisation_drugs"),
            lymphodepletion_drugs=self.drugs("lymphodepletion_drugs"),
            after_allo_drugs=self.drugs("after_allo_drugs"),
            never_alone=self.drugs("never_alone"),
            cd19_products=self.drugs("cd19_products"),
            regimen_procedures=MappingProxyType(dict(self.value("regimen_procedures"))),
            recorded_count_codes=self.codes("recorded_count_codes"),
            disease_status_codes=self.codes("disease_status_codes"),
            other_cancer_regimens=tuple(frozenset(group) for group in self.value("other_cancer_regimens")),
            data=MappingProxyType(dict(self.content)),
        )

    def family(self, family: str) -> FamilyParameters:
        given = dict(self.value("families", family))
        at = ("families", family)
        lists = ("maintenance", "lead_in_from", "lead_in_to", "protocol", "salvage")
        names = {name: self.drugs(*at, name) for name in lists if name in given}
        days = {name: self.days(*at, name) for name in given if name.endswith(("_days", "_days_after_transplant"))}
        days |= {name: self.days(*at, name) for name in ("assembly_days", "same_drugs_gap_days", "maintenance_days")}
        if days["assembly_days"] is None:
            raise self.document.error((*at, "assembly_days"), "the assembly window has no value", "give days")
        known = set(FamilyParameters.__dataclass_fields__)
        values: dict[str, Any] = {"maintenance": frozenset()} | names
        values |= {name: value for name, value in days.items() if name in known}
        return FamilyParameters(
            family=family,
            replacement=str(self.value(*at, "replacement")),
            more=MappingProxyType({name: value for name, value in given.items() if name not in known}),
            **values,
        )

    def value(self, *place: str) -> Any:
        found: Any = self.content
        for number, key in enumerate(place):
            if not isinstance(found, Mapping) or key not in found:
                raise self.document.error(
                    place[:number], f"'{'.'.join(place)}' is absent", "restore it from the shipped file"
                )
            found = found[key]
        return found

    def days(self, *place: str) -> Days:
        found = self.value(*place)
        if found is not None and (isinstance(found, bool) or not isinstance(found, int)):
            raise self.document.error(place, f"'{found}' is no number of days", "write a whole number or null")
        return found

    def words(self, *place: str) -> Sequence[str]:
        found = self.value(*place)
        if not isinstance(found, list):
            raise self.document.error(place, "a list is expected here", "write [one, two]")
        return [str(word) for word in found]

    def drugs(self, *place: str) -> frozenset[str]:
        return frozenset(self._expanded(self.words(*place), place))

    def groups(self, *place: str) -> tuple[frozenset[str], ...]:
        return tuple(frozenset(self._expanded(group, place)) for group in self.value(*place))

    def _expanded(self, words: Sequence[str], place: tuple[str, ...]) -> set[str]:
        found: set[str] = set()
        for word in words:
            members = self.by_class.get(word.removeprefix(CLASS)) if word.startswith(CLASS) else {word}
            if not members or not members <= set(self.concepts.drugs):
                raise self.document.error(
                    place, f"'{word}' is no drug or class", "use a concept of terminology/drugs.csv, or class:<class>"
                )
            found |= members
        return found

    def codes(self, *place: str) -> frozenset[tuple[str, str]]:
        return frozenset((row["system"], row["code"]) for row in self.value(*place))


def _regimens(document: Document, concepts: Concepts) -> tuple[Regimen, ...]:
    found = []
    for at, row in enumerate(document.content.get("regimens") or ()):
        place = ("regimens", at)
        try:
            core, optional = tuple(row["core"]), frozenset(row.get("optional", ()))
            regimen = Regimen(
                number=row["number"],
                name=row["name"],
                families=frozenset(row["families"]),
                core=frozenset(core),
                order=core,
                role=row["role"],
                type=row["type"],
                optional=optional,
                multi_part=row.get("multi_part", False),
                unverified=row.get("unverified", False),
            )
        except (KeyError, TypeError) as error:
            remedy = "give number, name, families, core, role, type"
            raise document.error(place, f"a regimen without {error}", remedy) from None
        unknown = sorted({*core, *optional} - set(concepts.drugs) - NOT_DRUGS)
        if unknown:
            raise document.error(
                place, f"regimen '{regimen.name}' names '{unknown[0]}'", "use a concept of terminology/drugs.csv"
            )
        found.append(regimen)
    if not found:
        raise RuleFileError(REGIMENS_FILE, 1, "no regimen in the file", "restore it from the shipped rules")
    return tuple(found)


NOT_DRUGS = frozenset({"total_body_irradiation"})
"""Parts of regimens that are procedures."""
