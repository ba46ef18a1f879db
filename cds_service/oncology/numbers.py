"""What the facts of one disease family take from ``rules/lines_of_therapy.yaml``: windows, its column, drug classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cds_service.oncology.knowledge import Knowledge
from cds_service.oncology.parameters import FamilyParameters, Windows


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseNumbers:
    """``windows`` are the same for every family, ``family`` is its column of table c2.

    ``drugs_of`` gives the ingredients of each class of fact ("imid", "pi" …, "cytotoxic"), ``label_of`` the name of a
    drug for people.
    """

    windows: Windows
    family: FamilyParameters
    cycles_for_stable_disease: int
    drugs_of: Mapping[str, frozenset[str]]
    cd19_products: frozenset[str]
    label_of: Callable[[str], str]

    def in_class(self, ingredient: str, fact_class: str) -> bool:
        """True when the ingredient belongs to that class of fact."""
        return ingredient in self.drugs_of.get(fact_class, ())


def course_numbers(knowledge: Knowledge, family: str) -> CourseNumbers:
    """The numbers of ``family`` from the loaded rules."""
    lines = knowledge.lines
    return CourseNumbers(
        windows=lines.windows,
        family=lines.families[family],
        cycles_for_stable_disease=knowledge.course.cycles_for_stable_disease,
        drugs_of=lines.drugs_of,
        cd19_products=lines.cd19_products,
        label_of=knowledge.concepts.drug_label,
    )
