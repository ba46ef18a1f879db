"""The commands of the README, run as they stand there."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.serving import until_ready

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BASE = "http://127.0.0.1:8080"
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)


def block(start: str) -> str:
    """The shell block of the README that begins so."""
    return next(text for text in BLOCKS if text.startswith(start))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working folder of the service, empty before it starts."""
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[str]:
    """The service as ``make demo`` runs it, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CART_CDS_", "PROMETHEUS_", "OTEL_"))}
    chosen = {"CART_CDS_SANDBOX": "on", "CART_CDS_AUTH": "off", "CART_CDS_LOG_LEVEL": "error"}
    command = [sys.executable, "-m", "cds_service.cli", "serve", "--port", str(port), "--workers", "1"]
    service = subprocess.Popen(command, env={**kept, **chosen}, stdout=subprocess.DEVNULL, cwd=folder)
    base = f"http://127.0.0.1:{port}"
    try:
        until_ready(base, service)
        yield base
    finally:
        service.terminate()
        service.wait(timeout=30)


def shell(command: str, **more: str) -> str:
    """What a command prints that was pasted at the root of the repository."""
    done = subprocess.run(
        ["sh", "-ec", command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **more},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_curl_example_answers_with_a_card(served: str) -> None:
    answer = json.loads(shell(block("curl").replace(BASE, served), no_proxy="127.0.0.1"))
    assert [card["summary"][:30] for card in answer["cards"]] == ["Suggest CAR-T referral review:"]


@pytest.mark.parametrize("hook", ["patient-view", "order-select"])
def test_the_request_files_are_answered_with_a_card(served: str, hook: str) -> None:
    body = (ROOT / "fhir_samples" / "hooks" / f"{hook}.json").read_bytes()
    path = f"{served}/cds-services/cart-referral-{hook}?asOf=2026-11-21"
    headers = {"Content-Type": "application/json"}
    answer = httpx.post(path, content=body, headers=headers, timeout=30, trust_env=False)
    assert answer.status_code == 200
    assert len(answer.json()["cards"]) == 1


def test_a_running_service_writes_nothing(served: str, folder: Path) -> None:
    body = (ROOT / "fhir_samples" / "hooks" / "patient-view.json").read_bytes()
    path = f"{served}/cds-services/cart-referral-patient-view?asOf=2026-11-21"
    answer = httpx.post(path, content=body, headers={"Content-Type": "application/json"}, timeout=30, trust_env=False)
    card = answer.json()["cards"][0]
    feedback = {
        "feedback": [{"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-11-21T10:00:00Z"}]
    }
    given = httpx.post(path.replace("?asOf=2026-11-21", "/feedback"), json=feedback, timeout=30, trust_env=False)
    assert given.status_code in (200, 204)
    assert [p.name for p in folder.rglob("*")] == []


def test_the_command_line_examples_run(tmp_path: Path) -> None:
    executable = Path(sys.executable).parent / "cart-cds"
    commands = block(".venv/bin/cart-cds evaluate").replace(".venv/bin/cart-cds", str(executable))
    report = shell(commands.replace("history.svg", str(tmp_path / "history.svg")))
    assert "us/yescarta/lbcl-3l" in report
    assert (tmp_path / "history.svg").read_text(encoding="utf-8").lstrip().startswith("<?xml")
