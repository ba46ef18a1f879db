"""Prometheus metrics: counts and times, never anything about a patient.

Several worker processes share their numbers through the files of ``PROMETHEUS_MULTIPROC_DIR``, a temporary folder that
``cart-cds serve`` makes; with one process they stay in memory.
"""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The metrics of one application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        make = self._registry
        self._answered: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.requests = Counter("cart_cds_requests", "Requests answered", ("route", "method", "status"), registry=make)
        self.seconds = Histogram(
            "cart_cds_request_seconds", "Time to answer a request", ("route",), buckets=SECONDS, registry=make
        )
        self.cards = Counter("cart_cds_cards", "Cards sent", ("service", "indicator"), registry=make)
        self.silent = Counter(
            "cart_cds_silent", "Hook calls answered without a card", ("service", "why"), registry=make
        )
        self.disagreements = Counter(
            "cart_cds_evaluator_disagreements", "Indications on which the two evaluators differed", registry=make
        )
        self.feedback = Counter("cart_cds_feedback", "Feedback entries", ("service", "outcome"), registry=make)
        self.unrecorded = Counter(
            "cart_cds_cards_unrecorded", "Answers sent without the feedback store, because it failed", registry=make
        )
        self.feedback_failures = Counter("cart_cds_feedback_failures", "Feedback that could not be kept", registry=make)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer. Routes, methods and statuses are closed sets, so the labelled children are kept."""
        key = (route, method, status)
        children = self._answered.get(key)
        if children is None:
            children = self.requests.labels(route, method, str(status)), self.seconds.labels(route)
            self._answered[key] = children
        children[0].inc()
        children[1].observe(seconds)

    def _source(self) -> CollectorRegistry:
        folder = os.environ.get(MULTIPROCESS)
        if not folder or not Path(folder).is_dir():
            # A cleaner of temporary files may have taken the folder; this process still knows its own numbers.
            return self._registry
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]  # registers itself
        return shared

    def text(self) -> bytes:
        """The numbers of all worker processes in the text format of Prometheus."""
        return generate_latest(self._source())

    def total(self, name: str) -> float:
        """The sum of a counter over its labels and all worker processes."""
        return sum(
            sample.value
            for family in self._source().collect()
            for sample in family.samples
            if sample.name == f"{name}_total"
        )
