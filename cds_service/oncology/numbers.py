"""The numbers and drug classes that the facts of one disease family use, from ``rules/lines_of_therapy.yaml``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseNumbers:
    """Windows in days unless named otherwise; None where the family has none (table c2 and decisions 36, 54, 57 to 60).

    ``classes`` gives the drug classes of the drug table for each class of fact ("imid", "pi" …, "cytotoxic");
    ``class_of`` the class of an ingredient, "" when it is not tabled.
    """

    twelve_months: int
    response_after_completion: int
    class_refractory: int
    estimated_stop_review: int
    stale_months: int
    first_line_under_way: int
    cycles_for_complete_course: int
    cycle_days: int
    diagnosis_leeway: int
    referral_silence: int
    refractory_days: int | None = None
    treated_within_days: int | None = None
    untreated_after_days: int | None = None
    cycles_for_stable_disease: int = 4
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cd19_products: frozenset[str] = frozenset()
    class_of: Callable[[str], str] = lambda name: ""
    label_of: Callable[[str], str] = lambda name: name.replace("_", " ")

    def in_class(self, ingredient: str, fact_class: str) -> bool:
        """True when the ingredient belongs to that class of fact."""
        return self.class_of(ingredient) in self.classes.get(fact_class, ())
