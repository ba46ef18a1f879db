"""The numbers and drug classes that the facts of one disease family use, from ``rules/lines_of_therapy.yaml``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cds_service.oncology.knowledge import Knowledge


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseNumbers:
    """Windows in days unless named otherwise; None where the family has none (table c2 and decisions 36, 54, 57 to 60).

    ``drugs_of`` gives the ingredients of each class of fact ("imid", "pi" …, "cytotoxic"), ``label_of`` the name of a
    drug for people.
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
    drugs_of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    cd19_products: frozenset[str] = frozenset()
    label_of: Callable[[str], str] = lambda name: name.replace("_", " ")

    def in_class(self, ingredient: str, fact_class: str) -> bool:
        """True when the ingredient belongs to that class of fact."""
        return ingredient in self.drugs_of.get(fact_class, ())


def course_numbers(knowledge: Knowledge, family: str) -> CourseNumbers:
    """The numbers of ``family`` from the loaded rules."""
    lines = knowledge.lines
    own, windows = lines.families[family], lines.windows
    return CourseNumbers(
        twelve_months=windows.twelve_months,
        response_after_completion=windows.response_after_completion,
        class_refractory=windows.class_refractory,
        estimated_stop_review=windows.estimated_stop_review,
        stale_months=windows.stale_months,
        first_line_under_way=windows.first_line_under_way,
        cycles_for_complete_course=windows.cycles_for_complete_course,
        cycle_days=windows.cycle_days,
        diagnosis_leeway=windows.diagnosis_leeway,
        referral_silence=windows.referral_silence,
        refractory_days=own.refractory_days,
        treated_within_days=own.treated_within_days,
        untreated_after_days=own.untreated_after_days,
        cycles_for_stable_disease=knowledge.course.cycles_for_stable_disease,
        drugs_of=lines.drugs_of,
        cd19_products=lines.cd19_products,
        label_of=knowledge.concepts.drug_label,
    )
