"""The real server in processes of its own: start, banner, several workers, signals, bodies over a socket."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from cds_service.serve import warnings_at_start
from cds_service.settings import Settings
from tests.service.conftest import AS_OF, PATIENT_VIEW, ROOT, hook_call

START = "from cds_service.serve import serve; serve('127.0.0.1', {port}, {workers})"


class Server:
    """A running service."""

    def __init__(self, folder: Path, workers: int = 2, **environment: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("CART_CDS_", "PROMETHEUS_", "OTEL_"))}
        self.out, self.err = folder / "out.txt", folder / "err.txt"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-c", START.format(port=self.port, workers=workers)],
                env={**clean, "PYTHONPATH": str(ROOT), **environment},
                cwd=folder,
                stdout=out,
                stderr=err,
            )

    def wait(self, seconds: float = 60) -> None:
        """Until it answers."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(self.err.read_text())
            try:
                if self.ask("GET", "/healthz")[0] == 200:
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the service did not start: " + self.err.read_text())

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        """Status, body, headers of one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            response = connection.getresponse()
            return response.status, response.read(), dict(response.getheaders())
        finally:
            connection.close()

    def stop(self) -> int:
        """Ask it to stop and give its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    running = Server(folder, CART_CDS_SANDBOX="on", CART_CDS_AUTH="off", CART_CDS_MAX_BODY_MB="1")
    try:
        running.wait()
        yield running
    finally:
        running.stop()


def call_bytes(name: str = "dlbcl-third-line") -> bytes:
    return json.dumps(hook_call(name)).encode()


def test_an_ehr_discovers_and_calls_and_gets_a_card(server: Server) -> None:
    status, body, headers = server.ask("GET", "/cds-services")
    assert status == 200 and headers["content-type"] == "application/json"
    assert [s["hook"] for s in json.loads(body)["services"]] == ["patient-view", "order-select", "order-sign"]
    path = f"{PATIENT_VIEW}?asOf={AS_OF}"
    status, body, headers = server.ask("POST", path, call_bytes(), Content_Type="application/json")
    assert status == 200
    (card,) = json.loads(body)["cards"]
    assert card["source"]["url"] == f"http://127.0.0.1:{server.port}/rules/us/lbcl"
    assert headers["x-cart-cds-version"]
    status, page, _ = server.ask("GET", "/rules/us/lbcl")
    assert status == 200 and b"Yescarta" in page


def test_chunked_bodies_are_read_and_limited(server: Server) -> None:
    path = f"{PATIENT_VIEW}?asOf={AS_OF}"
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    body = call_bytes()
    pieces = (body[i : i + 1000] for i in range(0, len(body), 1000))
    connection.request("POST", path, pieces, {"Content-Type": "application/json"}, encode_chunked=True)
    response = connection.getresponse()
    assert response.status == 200
    assert json.loads(response.read())["cards"]
    connection.close()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    long = (b" " * 65536 for _ in range(20))
    connection.request("POST", path, long, {"Content-Type": "application/json"}, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()


def test_an_announced_length_over_the_limit_is_refused_without_reading(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        lines = [f"POST {PATIENT_VIEW} HTTP/1.1", "Host: x", "Content-Type: application/json"]
        lines.append("Content-Length: 99999999")
        raw.sendall("\r\n".join((*lines, "", "")).encode())
        assert raw.recv(64).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("path", ["//cds-services", "/cds-services/", "/cds-services//"])
def test_no_form_of_the_path_is_redirected(server: Server, path: str) -> None:
    assert server.ask("GET", path)[0] == 200


def test_head_and_options(server: Server) -> None:
    assert server.ask("HEAD", "/cds-services")[:2] == (200, b"")
    status, _, headers = server.ask("OPTIONS", PATIENT_VIEW, Origin="https://ehr.example.org")
    assert status == 204 and headers["access-control-allow-origin"] == "*"


def test_the_banner_says_loudly_what_is_off(server: Server) -> None:
    banner = server.err.read_text()
    assert "SANDBOX" in banner and "AUTHENTICATION IS OFF" in banner
    assert f"127.0.0.1:{server.port}" in banner


@pytest.mark.parametrize(
    ("sandbox", "url", "said"),
    [
        (False, "http://cds.example.org", ["THE PUBLIC ADDRESS IS NOT HTTPS"]),
        (False, "https://cds.example.org", []),
        (True, "http://127.0.0.1:8080", ["SANDBOX"]),
    ],
)
def test_gen_02_outside_the_sandbox_a_public_address_without_tls_is_told_at_start(
    sandbox: bool, url: str, said: list[str]
) -> None:
    settings = Settings(sandbox=sandbox, auth="off", auth_off_confirmed="yes", public_url=url)
    told = [line.partition(":")[0] for line in warnings_at_start(settings)]
    assert told == [*said, "AUTHENTICATION IS OFF"]


def test_log_lines_are_json_on_standard_output(server: Server) -> None:
    server.ask("GET", "/about")
    lines = [json.loads(line) for line in server.out.read_text().splitlines()]
    assert any(line.get("route") == "/about" for line in lines)


def test_metrics_are_those_of_all_workers(server: Server) -> None:
    def count() -> float:
        text = server.ask("GET", "/metrics")[1].decode()
        found = re.search(r'cart_cds_requests_total\{method="GET",route="/openapi.json",status="200"\} ([0-9.]+)', text)
        return float(found.group(1)) if found else 0.0

    before = count()
    for _ in range(24):
        assert server.ask("GET", "/openapi.json")[0] == 200
    assert {count() for _ in range(6)} == {before + 24}


def test_it_stops_when_asked_and_leaves_no_folder_behind(tmp_path: Path) -> None:
    running = Server(tmp_path, CART_CDS_SANDBOX="on", CART_CDS_AUTH="off")
    running.wait()
    assert running.stop() == 0
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("after", [0.2, 0.8])
def test_a_stop_during_the_start_leaves_no_folder_behind(tmp_path: Path, after: float) -> None:
    """The folder is made in a place of this test's own, so that no other service is looked at."""
    shared = tmp_path / "shared"
    shared.mkdir()
    code = (
        "import cds_service.serve as s, pathlib, threading, os, signal\n"
        f"s.FOLDERS = ({str(shared)!r},)\n"
        f"threading.Timer({after}, os.kill, (os.getpid(), signal.SIGTERM)).start()\n"
        "s.serve('127.0.0.1', 1, 2)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CART_CDS_SANDBOX": "on", "CART_CDS_AUTH": "off"}
    command = [sys.executable, "-c", code]
    subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, timeout=40, check=False)
    assert list(shared.iterdir()) == []


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    running = Server(tmp_path, workers=1, CART_CDS_SANDBOX="on", CART_CDS_AUTH="off")
    try:
        running.wait()
        found = subprocess.run(["pgrep", "-P", str(running.process.pid)], capture_output=True, text=True, check=True)
        os.kill(int(found.stdout.split()[0]), signal.SIGKILL)
        time.sleep(0.3)
        running.wait()
    finally:
        running.stop()


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "CART_CDS_CLIENTS"),
        ({"CART_CDS_SANDBOX": "on", "CART_CDS_AUTH": "off", "CART_CDS_SANDBX": "1"}, "CART_CDS_SANDBX"),
    ],
)
def test_bad_settings_stop_the_start(tmp_path: Path, environment: dict[str, str], words: str) -> None:
    running = Server(tmp_path, **environment)
    assert running.process.wait(30) != 0
    assert words in running.err.read_text()


@pytest.mark.parametrize("path", [PATIENT_VIEW, PATIENT_VIEW + "/feedback", "/api/assessment", "/nowhere"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_sends_all_before_it_reads_gets_its_refusal(server: Server, path: str, chunked: bool) -> None:
    """Fifty megabytes over a limit of one: the answer is 413 or 404, not a broken connection."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    body = b" " * 50_000_000
    pieces: Iterable[bytes] | bytes = (body[i : i + 65536] for i in range(0, len(body), 65536)) if chunked else body
    connection.request("POST", path, pieces, {"Content-Type": "text/plain"}, encode_chunked=chunked)
    response = connection.getresponse()
    assert response.status == (404 if path == "/nowhere" else 413)
    assert json.loads(response.read())["resourceType"] == "OperationOutcome"
    connection.close()
