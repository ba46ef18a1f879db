"""``make demo``: the service with the sandbox on and authentication off, and its answers to the sample patients.

Set DEMO_PORT for another port than 8080, DEMO_STOP=yes to stop after the sample patients.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import orjson

from cds_service.ehr import hook_request
from cds_service.rule_files import read_yaml

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
PORT = int(os.environ.get("DEMO_PORT", "8080"))
BASE = f"http://{HOST}:{PORT}"


def main() -> int:
    """Start, show, wait; the exit code of the service."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, PORT))
        except OSError:
            print(
                f"demo: port {PORT} is in use; stop what listens there or run: make demo DEMO_PORT=8081",
                file=sys.stderr,
            )
            return 2
    settings = {"CART_CDS_SANDBOX": "on", "CART_CDS_AUTH": "off", "CART_CDS_LOG_LEVEL": "warning"}
    command = [sys.executable, "-m", "cds_service.cli", "serve", "--host", HOST, "--port", str(PORT)]
    service = subprocess.Popen([*command, "--workers", "2"], env={**os.environ, **settings}, start_new_session=True)

    def stop(number: int, frame: FrameType | None) -> None:
        service.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if not _answers(service):
        print("demo: the service did not start", file=sys.stderr)
        service.terminate()
        return service.wait() or 1
    _show_samples()
    print(f"\nThe sandbox is open at {BASE}/   (stop with Ctrl-C)", flush=True)
    if os.environ.get("DEMO_STOP") == "yes":
        service.terminate()
    service.wait()
    return 0


def _answers(service: subprocess.Popen[bytes]) -> bool:
    for _ in range(300):
        try:
            if httpx.get(f"{BASE}/readyz", timeout=2, trust_env=False).is_success:
                return True
        except httpx.HTTPError:
            pass
        if service.poll() is not None:
            return False
        time.sleep(0.1)
    return False


def _show_samples() -> None:
    told = read_yaml(ROOT / "fhir_samples" / "patients.yaml", "patients.yaml").content
    with httpx.Client(base_url=BASE, timeout=30, trust_env=False) as http:
        services = http.get("/cds-services").json()["services"]
        service = next(s for s in services if s["hook"] == "patient-view")
        print(f"\nThe sample patients on {told['as_of']}, US label rules:\n")
        for patient in told["patients"]:
            bundle = orjson.loads((ROOT / "fhir_samples" / f"{patient['id']}.json").read_bytes())
            request = hook_request("patient-view", service, bundle)
            address = f"/cds-services/{service['id']}"
            answer = http.post(address, json=request, params={"asOf": told["as_of"]})
            print(f"  {patient['id']:34} {_summary(answer)}", flush=True)


def _summary(answer: httpx.Response) -> str:
    if not answer.is_success:
        return f"answered {answer.status_code}"
    cards: list[dict[str, Any]] = answer.json()["cards"]
    return "; ".join(card["summary"] for card in cards) or "silent"


if __name__ == "__main__":
    sys.exit(main())
