"""What the oncology room knows beside the record: terminology, numbers of the line method, regimens, flags.

Read once at start from the rules folder; frozen; safe to share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cds_service.oncology.course_rules import CourseRules, read_course_rules
from cds_service.oncology.flag_rules import FlagRules, read_flag_rules
from cds_service.oncology.orders import FILE as ORDERS_FILE
from cds_service.oncology.orders import OrderRules, read_order_rules
from cds_service.oncology.parameters import LineParameters, Regimen
from cds_service.oncology.parameters_file import read_line_parameters, read_regimens
from cds_service.rule_files import read_yaml
from cds_service.terminology import Concepts, load_concepts

LINES_FILE, REGIMENS_FILE, FLAGS_FILE = "lines_of_therapy.yaml", "regimens.yaml", "flags.yaml"
COURSE_FILE = "course.yaml"
DISEASE_STATUS, HISTOLOGY = "disease_status", "histology_or_diagnosis"
"""Questions of the observation table that ask how the disease does (X1) and which it is (decision 64)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Everything loaded. ``flags`` is the content of ``rules/flags.yaml``, empty when there is none."""

    concepts: Concepts
    lines: LineParameters
    regimens: tuple[Regimen, ...]
    """In the order of table (d)."""
    flags: Mapping[str, Any]
    course: CourseRules
    flag_rules: FlagRules | None = None
    """The same file, typed; None when there is none."""
    order_rules: OrderRules | None = None
    """``rules/orders.yaml``; None when there is none."""
    questions: frozenset[str]
    """Every question of the observation table that a rule reads."""

    def counts_lines(self, system: str, code: str) -> bool:
        """True for a code that asks for the number of lines (Q1)."""
        return (self.concepts.systems.canonical(system), code.strip().upper()) in self.lines.recorded_count_codes

    def reads(self, system: str, code: str) -> bool:
        """True when a rule reads an Observation with this code."""
        meaning = self.concepts.lookup(system, code)
        asked = meaning.observation if meaning is not None else None
        known = asked is not None and asked.kind == "question" and asked.concept in self.questions
        return known or self.counts_lines(system, code)


def load_knowledge(rules: Path) -> Knowledge:
    """The knowledge of a rules folder. Raises RuleFileError."""
    concepts = load_concepts(rules)
    flags = read_yaml(rules / FLAGS_FILE, FLAGS_FILE) if (rules / FLAGS_FILE).is_file() else None
    orders = read_yaml(rules / ORDERS_FILE, ORDERS_FILE) if (rules / ORDERS_FILE).is_file() else None
    lines = read_line_parameters(read_yaml(rules / LINES_FILE, LINES_FILE), concepts)
    flag_rules = read_flag_rules(flags, concepts, lines.cd19_products) if flags else None
    return Knowledge(
        concepts=concepts,
        lines=lines,
        regimens=read_regimens(read_yaml(rules / REGIMENS_FILE, REGIMENS_FILE), concepts),
        flags=MappingProxyType(flags.content if flags else {}),
        course=read_course_rules(read_yaml(rules / COURSE_FILE, COURSE_FILE)),
        flag_rules=flag_rules,
        order_rules=read_order_rules(orders, concepts) if orders else None,
        questions=frozenset({DISEASE_STATUS, HISTOLOGY}) | (flag_rules.questions if flag_rules else frozenset()),
    )
