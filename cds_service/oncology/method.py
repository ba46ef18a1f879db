"""The line method's rules made ready for look-up: parameters with classes spelled out, regimens by family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cds_service.oncology.identity import CodedDrugs
from cds_service.oncology.knowledge import Knowledge
from cds_service.oncology.parameters import (
    PROCEDURE,
    FamilyParameters,
    LineParameters,
    Regimen,
    Windows,
)
from cds_service.terminology import Concepts

NOT_ANTICANCER = frozenset({"supportive", "steroid", "other_cell_therapy", "car_t"})
STEROID, CAR_T = "steroid", "car_t"
INVESTIGATIONAL = "investigational"
"""Ingredient of a study drug or of one that no table knows; it follows the same rules and counts (L19, E8)."""
SHORTEST_NAME = 3
_KEPT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRegimen:
    """A regimen as sets of drug keys without steroids, the way rules compare it (L6, F2)."""

    regimen: Regimen
    core: frozenset[str]
    all_drugs: frozenset[str]
    steroid: bool


class LineRules:
    """Everything the steps of the line method ask of the rules folder. Immutable once built."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self.concepts: Concepts = knowledge.concepts
        self.parameters: LineParameters = knowledge.lines
        self.windows: Windows = self.parameters.windows
        self.class_of: Mapping[str, str] = {d.name: d.drug_class for d in self.concepts.drugs.values()}
        self.steroids = frozenset(name for name, kind in self.class_of.items() if kind == STEROID)
        self.coded_drugs = CodedDrugs(self.concepts, self.parameters)
        self.same: Mapping[str, str] = self.parameters.same
        self.families: Mapping[str, FamilyParameters] = self.parameters.families
        self.regimens = tuple(self._known(regimen) for regimen in knowledge.regimens)
        self.regimen_names = frozenset(
            k.regimen.name
            for k in self.regimens
            if k.regimen.type != PROCEDURE and len(k.regimen.name) >= SHORTEST_NAME and " " not in k.regimen.name
        )
        """Names of regimens that can make a line and are one word of at least three letters, as looked for in texts."""
        self.by_family: Mapping[str, tuple[KnownRegimen, ...]] = {
            family: tuple(k for k in self.regimens if family in k.regimen.families) for family in self.families
        }

        asked = knowledge.flag_rules.ingredients if knowledge.flag_rules is not None else frozenset[str]()
        self.supportive_asked = frozenset(i for i in asked if not self.anticancer(i) and not self.steroid(i))
        """Drugs that a flag asks for and that are never part of a line."""

    def drug_class(self, ingredient: str) -> str:
        """The class column of the drug table, "" for what is not tabled."""
        return self.class_of.get(ingredient, "")

    def label(self, ingredient: str) -> str:
        """The name of a drug for people."""
        return self.concepts.drug_label(ingredient)

    def labels(self, ingredients: Iterable[str]) -> str:
        """Several names for a sentence, "a, b and c"."""
        names = [self.label(i) for i in ingredients]
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

    def anticancer(self, ingredient: str) -> bool:
        """True for a drug that can make a line (F2, F4)."""
        return self.class_of.get(ingredient, "") not in NOT_ANTICANCER

    def treats(self, ingredient: str) -> bool:
        """True for a drug or cell product that can make a line."""
        return self.anticancer(ingredient) or self.drug_class(ingredient) == CAR_T

    def steroid(self, ingredient: str) -> bool:
        """F2."""
        return ingredient in self.steroids

    def in_class(self, ingredient: str, group: str) -> bool:
        """True when the drug belongs to a class group of the parameters ("cytotoxic", "targeted", "btki" …)."""
        return self.drug_class(ingredient) in self.parameters.classes.get(group, ())

    def key(self, ingredient: str) -> str:
        """The drug, or the one it is equivalent to (L6)."""
        return self.same.get(ingredient, ingredient)

    def keys(self, ingredients: Iterable[str]) -> frozenset[str]:
        """Keys of several drugs, steroids left out."""
        same, steroids = self.same, self.steroids
        return frozenset(same.get(i, i) for i in ingredients if i not in steroids)

    def lineage(self, family: str) -> frozenset[str]:
        """The family and those it may have transformed from or to (A2)."""
        return frozenset({family}) | self.parameters.transformation.get(family, frozenset())

    def _known(self, regimen: Regimen) -> KnownRegimen:
        core = self.keys(regimen.core)
        return KnownRegimen(
            regimen=regimen,
            core=core,
            all_drugs=core | self.keys(regimen.optional),
            steroid=any(self.steroid(i) for i in regimen.core),
        )

    def fits(self, drugs: frozenset[str], family: str, *, conditioning: bool = False) -> bool:
        """The drugs are a regimen of the family: all its core drugs, and nothing beyond its drugs.

        With ``conditioning`` also one that is given only before cells.
        """
        return any(
            k.core and k.core <= drugs <= k.all_drugs
            for k in self.by_family[family]
            if conditioning or k.regimen.type != PROCEDURE
        )


_built: dict[int, LineRules] = {}


def rules_of(knowledge: Knowledge) -> LineRules:
    """The rules of that knowledge, built once for each knowledge loaded."""
    found = _built.get(id(knowledge))
    if found is None or found.knowledge is not knowledge:
        while len(_built) >= _KEPT:
            _built.pop(next(iter(_built)))
        found = _built[id(knowledge)] = LineRules(knowledge)
    return found
