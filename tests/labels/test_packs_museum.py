"""Spoiled label packs: each file of the museum breaks in one place, and the error must say where, what and what next.

The first lines of each file are the words its error must contain (``# says:``) and a part of the line it must name
(``# at:``). ``# found: check`` marks mistakes that load and that ``check-rules`` finds.
"""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from cds_service.labels.check import check_rules
from cds_service.labels.loader import load_ruleset
from cds_service.labels.yaml_lines import RuleFileError

RULES = Path(__file__).parents[2] / "rules"
MUSEUM = Path(__file__).parent / "museum"
TODAY = date(2026, 11, 22)


def _label(path: Path, name: str) -> list[str]:
    start = f"# {name}: "
    return [
        line.removeprefix(start) for line in path.read_text(encoding="utf-8").splitlines() if line.startswith(start)
    ]


def _files(found: str) -> list[Path]:
    files = [path for path in sorted(MUSEUM.glob("*.yaml")) if path.stem != "sound"]
    return [path for path in files if (_label(path, "found") or ["load"])[0] == found]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rules folder that holds one pack only."""
    rules = tmp_path_factory.mktemp("museum") / "rules"
    for part in ("schema", "terminology"):
        shutil.copytree(RULES / part, rules / part)
    shutil.copy(RULES / "wording.yaml", rules / "wording.yaml")
    (rules / "labels" / "us").mkdir(parents=True)
    shutil.copy(RULES / "labels" / "ruleset.yaml", rules / "labels" / "ruleset.yaml")
    return rules


def _hang(folder: Path, path: Path) -> str:
    target = folder / "labels" / "us" / "exempla.yaml"
    shutil.copy(path, target)
    return target.read_text(encoding="utf-8")


def test_the_sound_pack_loads_and_its_cases_hold(folder: Path) -> None:
    _hang(folder, MUSEUM / "sound.yaml")
    ruleset = load_ruleset(folder, "us")
    assert [(i.id, i.approval) for i in ruleset.in_force(date(2024, 3, 31))] == [("us/exempla/mcl-2l", "accelerated")]
    assert [(i.id, i.approval) for i in ruleset.in_force(date(2024, 4, 1))] == [("us/exempla/mcl-2l", "regular")]
    about_the_pack = [finding for finding in check_rules(folder, TODAY) if finding.file == "labels/us/exempla.yaml"]
    assert [finding.problem.split(",")[0] for finding in about_the_pack] == [
        "Exempla has no pack in 'eu'",
        "the drug table has no 'exemplaleucel'",
    ]


@pytest.mark.parametrize("path", _files("load"), ids=lambda path: path.stem)
def test_a_spoiled_pack_does_not_load_and_says_where_what_and_what_next(path: Path, folder: Path) -> None:
    text = _hang(folder, path)
    with pytest.raises(RuleFileError) as caught:
        load_ruleset(folder, "us")
    error = caught.value
    assert error.file == "labels/us/exempla.yaml"
    assert error.remedy
    for words in _label(path, "says"):
        assert words in str(error)
    for part in _label(path, "at"):
        assert part in text.splitlines()[error.line - 1]


@pytest.mark.parametrize("path", _files("check"), ids=lambda path: path.stem)
def test_a_doubtful_pack_is_found_by_check_rules(path: Path, folder: Path) -> None:
    text = _hang(folder, path)
    load_ruleset(folder, "us")
    says, at = _label(path, "says"), _label(path, "at")
    findings = check_rules(folder, TODAY)
    found = [f for f in findings if all(words in f"{f.problem}. {f.remedy}" for words in says)]
    assert found, [f.problem for f in findings]
    for part in at:
        assert any(part in text.splitlines()[f.line - 1] for f in found)


def test_the_museum_shows_every_kind_of_mistake() -> None:
    assert len(_files("load")) >= 45
    assert len(_files("check")) >= 15
    assert all(_label(path, "says") for path in MUSEUM.glob("*.yaml") if path.stem != "sound")
