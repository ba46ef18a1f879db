"""Where each rule of the line-of-therapy method lives: found by its id in docstrings, comments and explanations."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

from cds_service.rule_files import read_yaml
from docs_parts import ROOT
from docs_parts.tables import table

METHOD = {"E": (1, 8), "D": (1, 7), "U": (1, 3), "A": (1, 4), "F": (1, 7), "L": (1, 20), "X": (0, 10), "Q": (1, 5)}
RULES = [f"{letter}{number}" for letter, (first, last) in METHOD.items() for number in range(first, last + 1)]
ROOMS = ("oncology", "fhir")
NOT_HERE = {"A3": ("cds_service/oncology/course.py",)}
"""Places where the same letters name something else (a question of a label)."""
BY_NAME = {
    "D1": "cds_service/fhir/medications.py:_request",
    "D2": "cds_service/oncology/spans.py:is_after",
    "U2": "cds_service/oncology/treatment.py:_GONE",
    "D7": "rules/lines_of_therapy.yaml:windows",
}
"""Where a reader looks first: the plainest of many places, or the value that carries out a rule without a function."""
MOST = 4


@lru_cache
def places() -> dict[str, list[str]]:
    """Rule id -> ``file`` or ``file:function`` of every place that names it, the line method before the reader."""
    found: dict[str, list[str]] = {rule: [] for rule in RULES}
    for room in ROOMS:
        for path in sorted((ROOT / "cds_service" / room).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            for rule, function in _named(path):
                if rule in found and name not in NOT_HERE.get(rule, ()):
                    place = f"{name}:{function}" if function else name
                    found[rule] += [place] if place not in found[rule] else []
    for rule, place in BY_NAME.items():
        found[rule] = [place, *(one for one in found[rule] if one != place)]
    return found


def _named(path: Path) -> list[tuple[str, str]]:
    """(rule id, innermost function or class) of each mention in a file, in order."""
    text = path.read_text(encoding="utf-8")
    owners: list[tuple[int, int, str]] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            owners.append((node.lineno, node.end_lineno or node.lineno, node.name))
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        for letter, first, last in re.findall(r"\b([EDUAFLXQ])(\d{1,2})(?:b?\b)(?: to \1(\d{1,2}))?", line):
            inside = [owner for owner in owners if owner[0] <= number <= owner[1]]
            owner = min(inside, key=lambda o: o[1] - o[0])[2] if inside else ""
            for value in range(int(first), int(last or first) + 1):
                found.append((f"{letter}{value}", owner))
    return found


def rule_table() -> str:
    """The table of the page on lines of therapy."""
    says = read_yaml(ROOT / "docs" / "rules-of-the-method.yaml", "rules-of-the-method.yaml").content
    rows = []
    for rule, where in places().items():
        functions = [p for p in where if ":" in p] or where
        shown = ", ".join(f"`{p.removeprefix('cds_service/')}`" for p in functions[:MOST])
        more = f" and {len(functions) - MOST} more" if len(functions) > MOST else ""
        rows.append((rule, says[rule], shown + more))
    return table(("Rule", "What it decides", "Where"), rows)
