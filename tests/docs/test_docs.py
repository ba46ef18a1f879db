"""README and docs say what is so: generated parts are current, commands exist, links lead somewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import click
import pytest

from cds_service.app import create_app
from cds_service.cli import main as cart_cds
from cds_service.labels.check import check_rules
from cds_service.pipeline import Pipeline
from cds_service.settings import Settings, settings_table

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import build_docs  # noqa: E402
from docs_parts import hooks, rule_ids, tables, trace  # noqa: E402

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = build_docs.pages()
REMEDY = "run .venv/bin/python scripts/build_docs.py"


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture(scope="module")
def outputs(pipeline: Pipeline) -> dict[Path, str]:
    return build_docs.outputs(pipeline)


def words(text: str) -> str:
    return " ".join(text.split())


def test_generated_parts_are_current(outputs: dict[Path, str]) -> None:
    stale = [p.relative_to(ROOT).as_posix() for p, text in outputs.items() if p.read_text(encoding="utf-8") != text]
    assert stale == [], REMEDY


def test_a_part_that_is_out_of_date_would_be_found(outputs: dict[Path, str]) -> None:
    assert outputs[ROOT / "README.md"] == README
    shorter = re.sub(r"\| `us/yescarta/lbcl-3l`.*\n", "", README)
    assert shorter != README
    assert outputs[ROOT / "README.md"] != shorter


def test_every_indication_in_force_stands_in_the_readme(pipeline: Pipeline) -> None:
    for ruleset in pipeline.rulesets.values():
        for indication in ruleset.in_force(tables.told_on()):
            assert f"`{indication.id}`" in README


def test_the_intended_use_is_the_same_sentence_everywhere(pipeline: Pipeline) -> None:
    sentence = words(pipeline.wording.intended_use)
    client = create_app(Settings(sandbox=True, auth="off", log_level="error"), pipeline=pipeline).test_client()
    assert sentence in words(README)
    assert sentence in words((ROOT / "docs" / "safety" / "index.md").read_text(encoding="utf-8"))
    for service in client.get("/cds-services").get_json()["services"]:
        assert sentence in words(service["description"])
    assert sentence in words(client.get("/rules/us/lbcl").text)
    assert sentence == words(client.get("/about").get_json()["intendedUse"])


def test_the_readme_lists_the_known_limits() -> None:
    limits = README.partition("\n## Limits\n")[2].partition("\n## ")[0]
    for heading in ("Outside-pharmacy gaps", "Unstructured histology", "Regional scope", "No trial matching"):
        assert f"\n### {heading}\n" in limits


def test_the_readme_says_that_it_is_no_medical_device() -> None:
    use = README.partition("\n## Intended use\n")[2].partition("\n## ")[0]
    for word in ("not a medical device", "FDA", "520(o)(1)(E)", "CE mark", "2017/745", "No prospective evaluation"):
        assert word in words(use)


def test_every_sample_patient_has_its_story_in_the_gallery() -> None:
    gallery = (ROOT / "fhir_samples" / "README.md").read_text(encoding="utf-8")
    for patient in tables.story()["patients"]:
        assert patient["story"] in gallery
        assert (ROOT / "fhir_samples" / f"{patient['id']}.json").is_file()


@pytest.mark.parametrize("rule", rule_ids.RULES)
def test_every_rule_of_the_line_method_is_found_in_the_code(rule: str) -> None:
    found = rule_ids.places()[rule]
    assert found, f"no docstring or comment of {' or '.join(rule_ids.ROOMS)} names {rule}"


def test_the_place_a_reader_looks_first_for_a_rule_is_there() -> None:
    for rule, place in rule_ids.BY_NAME.items():
        file, _, name = place.partition(":")
        assert re.search(rf"^(?:def )?{name}\b", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), rule


def test_every_test_that_the_safety_file_names_exists() -> None:
    assert trace.missing_tests() == []


def test_the_safety_file_holds_every_requirement_and_hazard() -> None:
    content = trace.trace()
    assert list(content["requirements"]) == [f"R-{n:02}" for n in range(1, 61)]
    assert list(content["hazards"]) == [f"H{n:02}" for n in range(1, 47)]


def test_a_name_that_no_test_has_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"requirements": {"R-01": {"says": "", "tests": ["test_of_nothing"]}}, "hazards": {}}
    monkeypatch.setattr(trace, "trace", lambda: made)
    assert trace.missing_tests() == ["test_of_nothing"]


def test_the_made_up_product_of_the_page_works_as_written(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "adding-a-product.md").read_text(encoding="utf-8")
    pack = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert pack
    rules = tmp_path / "rules"
    shutil.copytree(ROOT / "rules", rules)
    (rules / "labels" / "us" / "exempla.yaml").write_text(pack[1], encoding="utf-8")
    findings = check_rules(rules, date(2026, 11, 21))
    assert [f for f in findings if f.level == "error"] == []
    assert len([f for f in findings if f.file == "labels/us/exempla.yaml"]) == 2, "the page promises two warnings"
    own = Pipeline(rules, ["us"])
    assert "us/exempla/mcl-2l" in [i.id for i in own.rulesets["us"].in_force(date(2026, 11, 21))]
    service = hooks.Service.__new__(hooks.Service)
    settings = Settings(sandbox=True, auth="off", log_level="error", rules=rules)
    service.client = create_app(settings, pipeline=own).test_client()
    service.services = service.client.get("/cds-services").get_json()["services"]
    assert "exe-cel (Exempla)" in service.card("patient-view", "mantle-cell-with-btk")["detail"]
    assert service.client.get("/rules/us/exempla/mcl-2l").status_code == 200


def test_the_page_names_every_kind_of_criterion() -> None:
    schema = (ROOT / "rules" / "schema" / "label.schema.json").read_text(encoding="utf-8")
    kinds = re.findall(r'"kind": \{"const": "([a-z_]+)"', schema)
    page = (ROOT / "docs" / "adding-a-product.md").read_text(encoding="utf-8")
    assert kinds
    assert [kind for kind in dict.fromkeys(kinds) if f"| `{kind}` |" not in page] == []


def _commands() -> Iterator[str]:
    for page in PAGES:
        yield from re.findall(r"cart-cds (?!cart-cds)([a-z][a-z-]+)", page.read_text(encoding="utf-8"))


def test_every_command_the_pages_name_exists() -> None:
    assert isinstance(cart_cds, click.Group)
    known = set(cart_cds.list_commands(click.Context(cart_cds)))
    said = set(_commands())
    assert said & known, "the pages name no command at all"
    prose = {"reads", "answers"}
    assert said - known - prose == set()


def test_every_make_target_the_pages_name_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        said = set(re.findall(r"(?:`|^)make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
        assert said <= targets, page.name


def test_every_setting_the_pages_name_exists() -> None:
    known = {row[0] for row in settings_table()}
    for page in PAGES:
        said = set(re.findall(r"CART_CDS_[A-Z_]+[A-Z]", page.read_text(encoding="utf-8")))
        assert said <= known, page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'src="([^"]+)"', text)
    gone = [t for t in targets if not t.startswith(("http://", "https://")) and not (page.parent / t).exists()]
    assert gone == []


def test_the_site_calls_no_third_party() -> None:
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "font: false" in config
    for word in ("repo_url", "analytics", "extra_javascript", "extra_css", "emoji", "mermaid"):
        assert word not in config


def test_every_page_is_in_the_menu() -> None:
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        assert page.relative_to(ROOT / "docs").as_posix() in config


def test_the_site_builds_strictly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    start = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    outside = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?:[^"]+)', start)
    assert outside == []


def test_pictures_are_drawn_and_hold_the_words_of_the_card(pipeline: Pipeline) -> None:
    card: dict[str, Any] = hooks.Service(pipeline).card("patient-view", hooks.PICTURED)
    drawn = re.sub(r"<[^>]+>", "", (ROOT / "docs" / "images" / "card.svg").read_text(encoding="utf-8"))
    for word in re.findall(r"[A-Za-z]{5,}", card["summary"] + card["detail"]):
        assert word in drawn
    assert "<script" not in (ROOT / "docs" / "images" / "timeline.svg").read_text(encoding="utf-8")
