"""``rules/lines_of_therapy.yaml`` and ``rules/regimens.yaml``, read and checked; what is wrong is named by its line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from types import MappingProxyType
from typing import Any

from cds_service.oncology.drug_classes import class_members
from cds_service.oncology.model import FAMILIES
from cds_service.oncology.parameters import FamilyParameters, LineParameters, Regimen, Windows
from cds_service.rule_files import Document, Place
from cds_service.terminology import Concepts

CLASS = "class:"
"""In lists of drugs, ``class:x`` stands for every ingredient of the class x of the drug table."""
NOT_DRUGS = frozenset({"total_body_irradiation", "radioimmunotherapy"})
"""Parts of regimens that are procedures."""
DAYS = ("_days", "_days_after_transplant")
WORD_SETS = ("treatment_words", "local_words", "supportive_intents", "neutral_reasons", "other_reasons")
DRUG_SETS = (
    "mobilisation_drugs",
    "lymphodepletion_drugs",
    "after_allo_drugs",
    "never_alone",
    "radioimmunotherapy",
    "cd19_products",
)
FAMILY_DRUGS = ("maintenance", "lead_in_from", "lead_in_to", "protocol", "salvage", "cns_prophylaxis")


def read_line_parameters(document: Document, concepts: Concepts) -> LineParameters:
    """The parameters of the line method. Raises RuleFileError with line and remedy."""
    return _Reader(document, concepts).lines()


def read_regimens(document: Document, concepts: Concepts) -> tuple[Regimen, ...]:
    """The named regimens in table order. Raises RuleFileError with line and remedy."""
    reader = _Reader(document, concepts)
    found = tuple(
        reader.regimen(row, ("regimens", at)) for at, row in enumerate(document.content.get("regimens") or ())
    )
    if not found:
        raise document.error((), "no regimen in the file", "restore it from the shipped rules")
    return found


class _Reader:
    """Values with their place."""

    def __init__(self, document: Document, concepts: Concepts) -> None:
        self.document, self.concepts = document, concepts

    def lines(self) -> LineParameters:
        try:
            return self._lines()
        except (KeyError, TypeError, AttributeError, ValueError) as problem:
            raise self.document.error(
                (), f"a value is missing or not understood ({problem})", "compare it with the shipped file"
            ) from problem

    def _lines(self) -> LineParameters:
        classes = {name: self.drug_classes("classes", name) for name in self.value("classes")}
        drugs_of = {
            name: frozenset(drug for kind in kinds for drug in self.concepts.drugs_of_class(kind))
            for name, kinds in classes.items()
        }
        return LineParameters(
            families=MappingProxyType({family: self.family(family) for family in FAMILIES}),
            windows=self.windows(),
            classes=MappingProxyType(classes),
            drugs_of=MappingProxyType(drugs_of),
            equivalents=self.groups("equivalents"),
            one_ingredient=self.groups("one_ingredient"),
            regimen_procedures=MappingProxyType(dict(self.value("regimen_procedures"))),
            recorded_count_codes=frozenset(self.count_codes()),
            other_cancer_regimens=tuple(frozenset(drugs) for drugs in self.value("other_cancer_regimens")),
            other_cancer_codes=frozenset(self.chapters()),
            routes=_meanings(self.value("routes")),
            stop_reasons=_meanings(self.value("stop_reasons")),
            transformation=MappingProxyType({n: frozenset(o) for n, o in self.value("transformation").items()}),
            **{name: self.drugs(name) for name in DRUG_SETS},
            **{name: frozenset(self.words(name)) for name in WORD_SETS},
        )

    def family(self, family: str) -> FamilyParameters:
        at = ("families", family)
        known = {f.name: f for f in fields(FamilyParameters) if f.name != "name"}
        given: dict[str, Any] = dict(self.value(*at))
        self.only(given, known, at)
        for name, column in known.items():
            if column.default is MISSING:
                self.value(*at, name)
            if name in given and name in FAMILY_DRUGS:
                given[name] = self.drugs(*at, name)
            elif name in given and name.endswith(DAYS):
                given[name] = self.days(*at, name)
        if given["assembly_days"] is None:
            raise self.document.error((*at, "assembly_days"), "the assembly window has no value", "give days")
        if "within_class" in given:
            given["within_class"] = frozenset(self.drug_classes(*at, "within_class"))
        return FamilyParameters(name=family, **given)

    def chapters(self) -> Iterable[tuple[str, str]]:
        for n, row in enumerate(self.value("other_cancer_codes")):
            key = self.concepts.systems.key(row["system"])
            if not key or len(row["chapter"]) != 1:
                at = ("other_cancer_codes", n)
                raise self.document.error(at, "no known system with the letter of a chapter", "name both")
            yield key, row["chapter"]

    def count_codes(self) -> Iterable[tuple[str, str]]:
        for row in self.value("recorded_count_codes"):
            yield self.concepts.systems.canonical(row["system"]), row["code"].upper()
            if row.get("also_without_system") is True:
                yield "", row["code"].upper()

    def windows(self) -> Windows:
        given = self.value("windows")
        names = [f.name for f in fields(Windows)]
        self.only(given, names, ("windows",))
        for name in names:
            found = self.value("windows", name)
            if isinstance(found, bool) or not isinstance(found, int | float):
                raise self.document.error(("windows", name), f"'{found}' is no number", "write a number")
        return Windows(**given)

    def only(self, given: Iterable[str], known: Iterable[str], place: Place) -> None:
        for name in sorted(set(given) - set(known)):
            raise self.document.error((*place, name), f"the key '{name}' means nothing here", "remove it")

    def value(self, *place: str) -> Any:
        found: Any = self.document.content
        for number, key in enumerate(place):
            if not isinstance(found, Mapping) or key not in found:
                raise self.document.error(
                    place[:number], f"'{'.'.join(place)}' is absent", "restore it from the shipped file"
                )
            found = found[key]
        return found

    def days(self, *place: str) -> int | None:
        found = self.value(*place)
        if found is not None and (isinstance(found, bool) or not isinstance(found, int)):
            raise self.document.error(place, f"'{found}' is no number of days", "write a whole number or null")
        return found

    def words(self, *place: str) -> list[str]:
        found = self.value(*place)
        if not isinstance(found, list):
            raise self.document.error(place, "a list is expected here", "write [one, two]")
        return [str(word) for word in found]

    def drugs(self, *place: str) -> frozenset[str]:
        return frozenset(drug for word in self.words(*place) for drug in self.members(word, place))

    def drug_classes(self, *place: str) -> tuple[str, ...]:
        """Names of classes, each of which some drug belongs to."""
        found = tuple(self.words(*place))
        for name in found:
            class_members(name, self.concepts, self.document, place)
        return found

    def groups(self, *place: str) -> tuple[tuple[str, ...], ...]:
        """Sets of drugs in the order given: the first stands for the set."""
        return tuple(tuple(d for word in group for d in self.members(word, place)) for group in self.value(*place))

    def members(self, word: str, place: Place) -> Iterable[str]:
        if word.startswith(CLASS):
            found = sorted(self.concepts.drugs_of_class(word.removeprefix(CLASS)))
        else:
            found = [word] if word in self.concepts.drugs or word in NOT_DRUGS else []
        if not found:
            raise self.document.error(
                place, f"'{word}' is no drug or class", "use a concept of terminology/drugs.csv, or class:<class>"
            )
        return found

    def regimen(self, row: Mapping[str, Any], place: Place) -> Regimen:
        try:
            regimen = Regimen(
                number=row["number"],
                name=row["name"],
                families=tuple(row["families"]),
                core=tuple(row["core"]),
                optional=tuple(row.get("optional", ())),
                role=row["role"],
                type=row["type"],
                multi_part=bool(row.get("multi_part", False)),
                unverified=bool(row.get("unverified", False)),
            )
        except (KeyError, TypeError, AttributeError) as error:
            remedy = "give number, name, families, core, role, type"
            raise self.document.error(place, f"a regimen without {error}", remedy) from None
        for name in sorted({*regimen.core, *regimen.optional} - set(self.concepts.drugs) - NOT_DRUGS):
            raise self.document.error(
                place, f"regimen '{regimen.name}' names '{name}'", "use a concept of terminology/drugs.csv"
            )
        return regimen


def _meanings(rows: Mapping[str, list[str]]) -> Mapping[str, str]:
    return MappingProxyType({str(word).lower(): meaning for meaning, words in rows.items() for word in words})
