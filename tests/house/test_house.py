"""The repository itself: what a newcomer would trip over."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tracked(*patterns: str) -> list[Path]:
    """Files that git knows, or every file of an unpacked source archive."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def test_no_source_file_is_longer_than_400_lines() -> None:
    long = {
        str(p.relative_to(ROOT)): n
        for p in tracked("*.py")
        if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}


def test_no_file_names_a_machine_path_or_a_package_host() -> None:
    machine = re.compile(r"(^|[^A-Za-z0-9_.])/(work|farm|root|tmp)/[A-Za-z]")
    hosts = re.compile("|".join(["pypi" + r"\.org", "python" + r"hosted\.org", "registry" + r"\.npmjs"]))
    found = []
    for path in tracked():
        if path.suffix in (".png", ".svg", ".ico", ".woff2"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            if machine.search(line) or hosts.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}")
    assert found == []


def test_the_top_level_is_what_the_readme_promises() -> None:
    for name in (
        "cds_service",
        "rules",
        "fhir_samples",
        "tests",
        "Dockerfile",
        "pyproject.toml",
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "LICENSE",
        "NOTICE",
        "Makefile",
        ".ci/run",
    ):
        assert (ROOT / name).exists(), name


def test_every_direct_dependency_is_pinned_with_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pinned = {
        line.partition("==")[0].partition("[")[0].lower().replace("_", "-").replace(".", "-")
        for line in (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    for wanted in project["project"]["dependencies"]:
        name = re.split(r"[\[<>=!~; ]", wanted)[0].lower().replace("_", "-").replace(".", "-")
        assert name in pinned
    text = (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8")
    assert text.count("--hash=sha256:") >= len(pinned)
