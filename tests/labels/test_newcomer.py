"""What a newcomer does with a rules folder of their own: add a product, change a number, make mistakes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cds_service.cli import main

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = str(ROOT / "fhir_samples" / "mantle-cell-without-btk.json")
DAY = ("--as-of", "2026-11-21")


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "rules", tmp_path / "rules")
    return tmp_path / "rules"


def run(rules: Path, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, arguments, env={"CART_CDS_RULES": str(rules)})
    assert result.exit_code == code, result.output
    return result.output


def changed(rules: Path, file: str, old: str, new: str) -> str:
    """What ``check-rules`` says after that change of one file."""
    text = (rules / file).read_text(encoding="utf-8")
    assert old in text
    (rules / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return run(rules, "check-rules", str(rules), code=1)


def results(rules: Path, day: str = "2026-11-21", sample: str = SAMPLE) -> dict[str, str]:
    found: dict[str, Any] = json.loads(run(rules, "evaluate", sample, "--as-of", day, "--format", "json"))
    return {one["id"]: one["status"] for one in found["indications"]}


def test_a_product_added_in_yaml_alone_is_in_the_labels_the_assessment_and_the_card(rules: Path) -> None:
    page = (ROOT / "docs" / "adding-a-product.md").read_text(encoding="utf-8")
    pack = page.partition("```yaml\n")[2].partition("```")[0]
    (rules / "labels" / "us" / "exempla.yaml").write_text(pack, encoding="utf-8")
    assert "0 errors, 2 warnings" in run(rules, "check-rules", str(rules))
    listed = json.loads(run(rules, "labels", "--jurisdiction", "us", "--format", "json"))
    assert "us/exempla/mcl-2l" in [one["id"] for one in listed]
    assert results(rules)["us/exempla/mcl-2l"] == "met"
    (card,) = json.loads(run(rules, "evaluate", SAMPLE, *DAY, "--format", "cards"))["cards"]
    assert "exe-cel (Exempla)" in card["detail"]
    assert any(link["url"].endswith("/rules/us/exempla/mcl-2l") for link in card["links"])


def test_a_new_wording_of_a_label_holds_from_its_day_and_the_old_one_before(rules: Path) -> None:
    file = rules / "labels" / "us" / "tecartus.yaml"
    head, mark, old = file.read_text(encoding="utf-8").partition("  - id: us/tecartus/ball-adult\n")
    new = old.replace("effective_from: 2021-10-01", "effective_from: 2026-10-01")
    for was, now in (
        ("min_years: 18", "min_years: 23"),
        ("{age: 17}", "{age: 22}"),
        ("{age: 18}", "{age: 23}"),
        ("{age: [17, 18]}", "{age: [22, 23]}"),
    ):
        assert was in new
        new = new.replace(was, now)
    file.write_text(head + mark + old.replace("until: null", "until: 2026-09-30", 1) + mark + new, encoding="utf-8")
    run(rules, "check-rules", str(rules))
    young = str(ROOT / "fhir_samples" / "b-all-young-adult-first-relapse.json")
    assert results(rules, "2026-09-30", young)["us/tecartus/ball-adult"] == "met"
    assert results(rules, "2026-10-01", young)["us/tecartus/ball-adult"] == "not_met"


def test_a_changed_number_is_held_against_the_cases_of_the_pack(rules: Path) -> None:
    said = changed(rules, "labels/us/kymriah.yaml", "max_years: 25", "max_years: 24")
    assert "'turns 26 tomorrow' expects met, and it is not_met" in said
    assert "no case stands at age 24, a boundary of 'age'" in said


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("labels/us/abecma.yaml", "effective_from:", "effective_form:", "did you mean 'effective_from'?"),
        ("labels/us/abecma.yaml", "brand: Abecma", "brand: Abecma\nbrand: Abecma", "stands twice (first on line"),
        ("labels/us/abecma.yaml", "read_on: 2026-11-21", "read_on: 21.11.2026", "no ISO date. write year-month-day"),
        ("labels/us/abecma.yaml", "sources: [", "sources: [S999, ", "the source 'S999' is not listed"),
        ("labels/us/kymriah.yaml", "max_years: 25, ", "", "says nothing without min_years or max_years. add"),
        ("wording.yaml", "  heading_met:", "  heading_mett:", "the sentence 'heading_met' is missing"),
        ("wording.yaml", "{drugs}", "{drug}", "words in braces nobody fills in. use {drugs}"),
        ("snooze.yaml", "accepted: 180", "acepted: 180", "the key 'acepted' means nothing here"),
        ("prefetch.yaml", "    query:", "    qery:", "a missing or unknown key. give it"),
        ("orders.yaml", "- alkylator", "- alkylater", "no drug of class alkylater"),
        ("terminology/drugs.csv", "btk_inhibitor,self", "btk_inhibitor,slef", "use clinic, self, or add it there"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_remedy(rules: Path, file: str, old: str, new: str, said: str) -> None:
    lines = changed(rules, file, old, new).splitlines()
    told = next(line for line in lines if said in line)
    assert told.startswith(f"error  {file}, line ")
