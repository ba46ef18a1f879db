"""Waiting for a service that was just started."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

import httpx

TRIES = 600


def until_ready(
    base: str, service: subprocess.Popen[bytes], why: Callable[[], str] = lambda: "the service stopped while starting"
) -> None:
    """Return when ``/readyz`` answers; fail with ``why`` when the process ends first."""
    for _ in range(TRIES):
        assert service.poll() is None, why()
        try:
            if httpx.get(f"{base}/readyz", timeout=10, trust_env=False).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
