"""schemathesis over /openapi.json against the real server: valid and invalid requests of every route (ERR-01).

No 5xx, no status or media type that the document does not name, bodies as their schemas say, invalid requests refused.
Valid calls may be refused (412: the generated prefetch holds no Patient), so acceptance of valid data is not asked for.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service.test_server import Server

TOOL = Path(sys.executable).with_name("schemathesis")


def found_by_schemathesis(folder: Path, seconds: int, phases: str) -> str:
    """Its report when it found something, else ""."""
    service = Server(folder, CART_CDS_SANDBOX="on", CART_CDS_AUTH="off")
    try:
        service.wait()
        command = [TOOL, "run", f"http://127.0.0.1:{service.port}/openapi.json", "--phases", phases, "--seed", "1"]
        command += ["--checks", "all", "--exclude-checks", "positive_data_acceptance", "--continue-on-failure"]
        command += ["--max-time", str(seconds), "--workers", "1", "--suppress-health-check", "all"]
        environment = {**os.environ, "NO_COLOR": "1"}
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds + 90, check=False
        )
    finally:
        service.stop()
    assert "Tested:" in done.stdout, done.stdout + done.stderr
    return "" if done.returncode == 0 else done.stdout


def test_the_service_keeps_to_its_openapi_document(tmp_path: Path) -> None:
    found = found_by_schemathesis(tmp_path, 35, "coverage,fuzzing")
    assert not found, found


@pytest.mark.soak
def test_the_service_keeps_to_its_openapi_document_for_ten_minutes(tmp_path: Path) -> None:
    found = found_by_schemathesis(tmp_path, 600, "coverage,fuzzing,stateful")
    assert not found, found
