"""The value sets and numbers of the disease course, from ``rules/course.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.rule_files import RuleFileError


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseRules:
    """Codes as (system, code). ``referral_order`` is the code put into every suggestion (decision 35)."""

    cycles_for_stable_disease: int
    transplant_concepts: frozenset[str]
    transplant_reasons: frozenset[tuple[str, str]]
    referral_order: tuple[str, str]
    collection_concepts: frozenset[str]
    infusion_concepts: frozenset[str]


def read_course_rules(content: Mapping[str, Any]) -> CourseRules:
    """The typed content of ``rules/course.yaml``. Raises RuleFileError, which names what is missing."""
    try:
        order = content["referral_order"]
        return CourseRules(
            cycles_for_stable_disease=int(content["cycles_for_stable_disease"]),
            transplant_concepts=frozenset(content["transplant_concepts"]),
            transplant_reasons=frozenset((row["system"], row["code"]) for row in content["transplant_reasons"]),
            referral_order=(order["system"], order["code"]),
            collection_concepts=frozenset(content["collection_concepts"]),
            infusion_concepts=frozenset(content["infusion_concepts"]),
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise RuleFileError(
            "course.yaml", 0, f"a value is missing or not understood ({problem})", "compare it with the shipped file"
        ) from problem
