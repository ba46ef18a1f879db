"""The worked cases of the reference, when its folder stands beside the repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from line_kit import ROOT, derive

CASES = ROOT.parent / "shared" / "reference" / "lot-cases.yaml"
WORKED: list[dict[str, Any]] = yaml.safe_load(CASES.read_text(encoding="utf-8"))["cases"] if CASES.is_file() else []


@pytest.mark.skipif(not WORKED, reason=f"no reference cases at ../{CASES.relative_to(Path(ROOT).parent)}")
@pytest.mark.parametrize("case", WORKED, ids=[f"{c['id']} {c['title']}" for c in WORKED])
def test_worked_case(case: dict[str, Any]) -> None:
    answer = derive(case)
    count = case["expect"]["count"]
    assert answer.count == (count["n"], count["min"], count["max"])
    expected = [(str(line["start"]), str(line["end"]) if line["end"] else None) for line in case["expect"]["lines"]]
    assert [(start, end) for _, start, end in answer.lines] == expected
    assert [name for name, _, _ in answer.lines] == [line["regimen"] for line in case["expect"]["lines"]]
