"""Processor time and latency of the patient-view call, beside an endpoint that only parses the same body.

Everything is measured in one run on one machine, so ratios hold where absolute times do not. The two take turns, and
the ratio shown is the median of those of the rounds. Run with ``make bench``.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import time
from dataclasses import dataclass

import psutil

from benchmarks.charts import PATIENT_VIEW, request
from benchmarks.servers import free_port, noop_command, processor_seconds, running, service_command

SIZES = (20, 111, 2_000, 20_000)


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds: processor time a request, and quantiles of the latency on one connection."""

    cpu: float
    p50: float
    p95: float
    p99: float


def measure(server: psutil.Process, port: int, path: str, body: bytes, calls: int) -> Measured:
    """``calls`` requests one after the other on one kept-alive connection, after a warm-up."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/json"}

    def once() -> float:
        start = time.perf_counter()
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}")
        return time.perf_counter() - start

    for _ in range(max(3, calls // 10)):
        once()
    before = processor_seconds(server)
    times = sorted(once() for _ in range(calls))
    spent = processor_seconds(server) - before
    connection.close()
    cut = statistics.quantiles(times, n=100, method="inclusive")
    return Measured(spent / calls * 1e3, cut[49] * 1e3, cut[94] * 1e3, cut[98] * 1e3)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", type=float, default=1.0, help="share of the usual number of calls")
    options.add_argument("--rounds", type=int, default=3, help="rounds; the median of each figure is shown")
    options.add_argument("--size", type=int, choices=SIZES, action="append", help="only charts of that many resources")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    rows = []
    port, other = free_port(), free_port()
    command, environment = service_command(port)
    with running(command, port, **environment) as service, running(noop_command(other), other) as noop:
        for size in chosen.size or SIZES:
            calls = max(10, int(chosen.scale * min(600, 400_000 // size)))
            for cancer in (True, False):
                body = request(size, cancer)
                ours, parse = [], []
                for _ in range(chosen.rounds):  # turn about, so that a slow minute hurts both
                    parse.append(measure(noop, other, "/", body, calls))
                    ours.append(measure(service, port, f"/cds-services/{PATIENT_VIEW}", body, calls))
                ratio = statistics.median(o.cpu / p.cpu if p.cpu else 0.0 for o, p in zip(ours, parse, strict=True))
                rows.append(_row(size, cancer, len(body), ratio, _median(ours), _median(parse)))
    if chosen.json:
        print(json.dumps(rows, indent=1))
        return
    print("| resources | blood cancer | body kB | cpu ms | no-op cpu ms | ratio | p50 ms | p95 ms | p99 ms | p99/p50 |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for r in rows:
        print(
            f"| {r['resources']} | {'yes' if r['cancer'] else 'no'} | {r['kB']} | {r['cpu']:.2f} | {r['noop']:.2f} "
            f"| {r['ratio']:.2f} | {r['p50']:.2f} | {r['p95']:.2f} | {r['p99']:.2f} | {r['p99'] / r['p50']:.1f} |"
        )


def _median(found: list[Measured]) -> Measured:
    return Measured(*(statistics.median(getattr(m, name) for m in found) for name in ("cpu", "p50", "p95", "p99")))


def _row(
    size: int, cancer: bool, length: int, ratio: float, ours: Measured, parse: Measured
) -> dict[str, float | bool]:
    return {
        "resources": size,
        "cancer": cancer,
        "kB": length // 1000,
        "cpu": ours.cpu,
        "noop": parse.cpu,
        "ratio": ratio,
        "p50": ours.p50,
        "p95": ours.p95,
        "p99": ours.p99,
    }


if __name__ == "__main__":
    main()
