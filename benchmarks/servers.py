"""The two servers of the benchmark: this service, and a Flask endpoint that only parses the same body."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
from flask import Flask, Response, request

noop = Flask("noop")


@noop.post("/")
def _parse() -> Response:
    import orjson

    orjson.loads(request.get_data())
    return Response(b'{"cards":[]}', mimetype="application/json")


@noop.get("/healthz")
def _alive() -> str:
    return "ok"


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, **environment: str) -> Iterator[psutil.Process]:
    """The server process once it answers; stopped afterwards."""
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=2, trust_env=False).raise_for_status()
                break
            except httpx.HTTPError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the server did not start: {' '.join(command)}") from None
                time.sleep(0.1)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def service_command(port: int) -> tuple[list[str], dict[str, str]]:
    """This service with one worker, as it runs in production but for authentication."""
    command = [sys.executable, "-m", "cds_service.cli", "serve", "--port", str(port), "--workers", "1"]
    return command, {"CART_CDS_AUTH": "off", "CART_CDS_AUTH_OFF_CONFIRMED": "yes"}


def noop_command(port: int) -> list[str]:
    """The endpoint that only parses: gunicorn, one worker with threads."""
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "--worker-class",
        "gthread",
        "--threads",
        "4",
        "--workers",
        "1",
        "--keep-alive",
        "75",
        "--bind",
        f"127.0.0.1:{port}",
        "benchmarks.servers:noop",
    ]


def processor_seconds(process: psutil.Process) -> float:
    """Processor time of the server and its workers so far."""
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        try:
            times = one.cpu_times()
            total += times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return total
