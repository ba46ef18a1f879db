"""One worker over many unlike requests: each is answered, and memory does not grow."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import psutil
import pytest

from benchmarks import charts
from tests.service.conftest import AS_OF, PATIENT_VIEW, SAMPLES, hook_call
from tests.service.test_server import Server

PATH = f"{PATIENT_VIEW}?asOf={AS_OF}"
HUGE = 20_000
GROWTH_MB = 12.0
"""Between the middle and the last third of the requests: nothing that keeps growing stays below it."""
GIVEN_BACK_MB = 60.0
"""Between the second and the fifth chart of 20,000 resources."""
ANSWERED = {200, 400, 413, 422}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path, workers=1, CART_CDS_SANDBOX="on", CART_CDS_AUTH="off")
    try:
        running.wait()
        yield running
    finally:
        running.stop()


def bodies(seed: int) -> Iterator[bytes]:
    """Sample patients, charts of many sizes, texts never seen before, two patients at once, cut and broken JSON."""
    chance = random.Random(seed)
    samples = [json.dumps(hook_call(path.stem)).encode() for path in sorted(SAMPLES.glob("*.json"))]
    sized = [charts.request(n, blood_cancer) for n in (20, 200, 1_500) for blood_cancer in (False, True)]
    strange = [b"", b"{", b"[]", b'{"hook": NaN}', b'{"hook":"patient-view"}', b"\xff\xfe", b'{"a":' * 500]
    while True:
        kind = chance.random()
        if kind < 0.5:
            yield chance.choice(samples)
        elif kind < 0.7:
            yield chance.choice(sized)
        elif kind < 0.85:
            new = chance.randbytes(8).hex().encode()
            yield chance.choice(samples).replace(b"rituximab", b"drug " + new).replace(b"lymphoma", b"disease " + new)
        elif kind < 0.92:
            body = chance.choice(samples)
            yield body[: chance.randrange(len(body))]
        else:
            yield chance.choice(strange)


def resident(server: Server) -> float:
    """Megabytes of the workers."""
    workers = psutil.Process(server.process.pid).children(recursive=True)
    return sum(float(w.memory_info().rss) for w in workers) / 2**20


def curve(server: Server, requests: int) -> list[float]:
    """Resident memory after each tenth of a third of that many requests."""
    found, step = [], requests // 30
    for number, body in zip(range(requests), bodies(5), strict=False):
        status, answer, _ = server.ask("POST", PATH, body, Content_Type="application/json")
        assert status in ANSWERED, (status, answer[:300])
        assert status != 200 or isinstance(json.loads(answer)["cards"], list)
        if number % step == step - 1:
            found.append(resident(server))
    return found


def level(found: list[float]) -> None:
    """The last third lies no higher than the middle one."""
    third = len(found) // 3
    middle, last = median(found[third : 2 * third]), median(found[2 * third :])
    print(f"RSS of one worker in MB: {', '.join(f'{mb:.0f}' for mb in found)}")
    assert last - middle < GROWTH_MB, found


def test_memory_of_a_worker_stays_level_over_mixed_requests(server: Server) -> None:
    level(curve(server, 300))


def test_twenty_thousand_resources_in_one_request_are_answered_and_given_back(server: Server) -> None:
    huge = {blood_cancer: charts.request(HUGE, blood_cancer) for blood_cancer in (False, True)}
    after = []
    for blood_cancer in (False, True, False, True, True):
        status, answer, _ = server.ask("POST", PATH, huge[blood_cancer], Content_Type="application/json")
        assert status == 200
        assert bool(json.loads(answer)["cards"]) is blood_cancer
        after.append(resident(server))
    assert after[-1] - after[1] < GIVEN_BACK_MB


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_memory_of_a_worker_stays_level_over_ten_thousand_requests(server: Server) -> None:
    level(curve(server, 10_000))
