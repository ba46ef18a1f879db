"""The safety file: requirements and hazards traced to the tests that prove them, from ``docs/safety/trace.yaml``."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import Any

from cds_service.rule_files import read_yaml
from docs_parts import ROOT
from docs_parts.tables import table

NOT_COVERED = "**not covered**"


def trace() -> dict[str, Any]:
    """``docs/safety/trace.yaml``."""
    content: dict[str, Any] = read_yaml(ROOT / "docs" / "safety" / "trace.yaml", "trace.yaml").content
    return content


@lru_cache
def tests_by_name() -> dict[str, str]:
    """Name of each test function -> the file it stands in, relative to ``tests/``; files may move, names stay."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.setdefault(node.name, path.relative_to(ROOT / "tests").as_posix())
    return found


def missing_tests() -> list[str]:
    """Names in the mapping that no test has."""
    content = trace()
    named = {name for part in ("requirements", "hazards") for one in content[part].values() for name in one["tests"]}
    return sorted(named - tests_by_name().keys())


def _tests(one: dict[str, Any]) -> str:
    cells = [f"`{tests_by_name().get(name, '?')}::{name}`" for name in one["tests"]]
    text = "<br>".join(cells) if cells else NOT_COVERED
    return f"{text}<br>{one['note']}" if "note" in one else text


def requirements() -> str:
    """Table of the requirements."""
    rows = [(name, one["says"], _tests(one)) for name, one in trace()["requirements"].items()]
    return table(("Id", "Requirement", "Tests"), rows)


def hazards() -> str:
    """Table of the hazards."""
    rows = [(name, one["hazard"], one["control"], _tests(one)) for name, one in trace()["hazards"].items()]
    return table(("Id", "Hazard", "Control in the software", "Tests"), rows)


def summary() -> str:
    """How much is covered, and what is not."""
    lines = []
    for part in ("requirements", "hazards"):
        entries = trace()[part]
        open_ones = [name for name, one in entries.items() if not one["tests"]]
        names = ", ".join(open_ones) or "none"
        have = f"{len(entries) - len(open_ones)} of {len(entries)} have tests"
        lines.append(f"- {part.capitalize()}: {have}; none for: {names}.")
    return "\n".join(lines) + "\n"
