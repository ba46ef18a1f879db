"""Several worker processes behind one port: replay protection is shared, and a killed worker loses nothing."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.kit import FEEDBACK, bearer, claims, token, write_clients
from tests.service.conftest import AS_OF, PATIENT_VIEW, hook_call
from tests.service.test_server import Server


def body(card: str) -> bytes:
    entry = {"card": card, "outcome": "overridden", "outcomeTimestamp": "2026-11-21T10:00:00Z"}
    return json.dumps({"feedback": [entry]}).encode()


def workers_of(server: Server) -> list[int]:
    """The processes that answer: children that listen, not helpers of the interpreter."""
    found = subprocess.run(["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


@pytest.fixture
def guarded_server(tmp_path: Path) -> Iterator[Server]:
    server = Server(
        tmp_path,
        workers=2,
        CART_CDS_CLIENTS=str(write_clients(tmp_path)),
        CART_CDS_PUBLIC_URL="https://cds.example.org",
        CART_CDS_DATABASE_URL=f"sqlite:///{tmp_path / 'var' / 'used.db'}",
    )
    try:
        server.wait(90)
        yield server
    finally:
        server.stop()


def test_sec_08_a_token_is_good_for_one_of_all_workers(guarded_server: Server) -> None:
    for _ in range(4):
        header = bearer(token(claims()))
        statuses: list[int] = []

        def post(header: dict[str, str] = header, statuses: list[int] = statuses) -> None:
            answer = guarded_server.ask("POST", FEEDBACK, body("c"), Content_Type="application/json", **header)
            statuses.append(answer[0])

        threads = [threading.Thread(target=post) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Counter(statuses) == {204: 1, 401: 9}


def test_sec_08_a_token_stays_used_when_every_worker_is_new(guarded_server: Server) -> None:
    header = bearer(token(claims(PATIENT_VIEW)))
    call = json.dumps(hook_call()).encode()
    path = f"{PATIENT_VIEW}?asOf={AS_OF}"
    assert guarded_server.ask("POST", path, call, Content_Type="application/json", **header)[0] == 200
    for worker in workers_of(guarded_server):
        os.kill(worker, signal.SIGKILL)
    time.sleep(0.5)
    guarded_server.wait(90)
    assert guarded_server.ask("POST", path, call, Content_Type="application/json", **header)[0] == 401
    logged = guarded_server.out.read_text() + guarded_server.err.read_text()
    assert header["Authorization"].split()[1].split(".")[2] not in logged


def _kill_during_posts(folder: Path, posts: int, kills: int, pause: float = 0.0) -> None:
    database = folder / "feedback.db"
    server = Server(
        folder,
        workers=2,
        CART_CDS_SANDBOX="on",
        CART_CDS_AUTH="off",
        CART_CDS_FEEDBACK="on",
        CART_CDS_DATABASE_URL=f"sqlite:///{database}",
    )
    acknowledged: set[str] = set()
    failed: list[str] = []
    numbers = iter(range(posts))
    lock = threading.Lock()

    def post() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            card = f"card-{number}"
            try:
                status, _, _ = server.ask("POST", FEEDBACK, body(card), Content_Type="application/json")
            except OSError:
                status = 0
            except Exception:  # a connection cut in the middle of an answer
                status = 0
            with lock:
                (acknowledged.add if 200 <= status < 300 else failed.append)(card)
            time.sleep(pause if status else pause + 0.05)

    try:
        server.wait(90)
        threads = [threading.Thread(target=post) for _ in range(6)]
        for thread in threads:
            thread.start()
        killed = 0
        for part in range(1, kills + 1):
            while len(acknowledged) + len(failed) < posts * part // (kills + 1):
                time.sleep(0.005)
            workers = workers_of(server)
            os.kill(workers[part % len(workers)], signal.SIGKILL)
            killed += 1
            time.sleep(0.2)
        for thread in threads:
            thread.join()
    finally:
        # All at once, as in a power cut; children first, while they can still be found by their parent.
        server.process.send_signal(signal.SIGSTOP)
        left = workers_of(server)
        for process in (*left, server.process.pid):
            os.kill(process, signal.SIGKILL)
        server.process.wait(30)
    assert killed == kills
    assert len(acknowledged) > posts // 2
    with sqlite3.connect(database) as found:
        kept = {card for (card,) in found.execute("SELECT card FROM feedback")}
        assert found.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    found.close()
    assert acknowledged <= kept
    assert kept <= acknowledged | set(failed)


def test_every_post_answered_with_2xx_is_in_the_database_though_workers_are_killed(tmp_path: Path) -> None:
    _kill_during_posts(tmp_path, 240, 2)


@pytest.mark.soak
def test_a_thousand_posts_and_many_killed_workers(tmp_path: Path) -> None:
    """More than 6 s between kills: the server takes a worker that dies twice in 5.5 s for a crash loop and ends."""
    _kill_during_posts(tmp_path, 1000, 4, pause=0.25)
