"""OpenTelemetry: spans go to the collector that the standard variables name, and nowhere without one (R-07, R-51)."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from cds_service.cdshooks import tracing
from tests.service.conftest import AS_OF, PATIENT_VIEW, hook_call
from tests.service.test_server import Server

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
MARKERS = (b"dlbcl-third-line", b"haem-1", b"Zebedee", b"asOf", AS_OF.encode(), b"s3cr3t", b"rituximab", b"C83")
"""Patient id, user, name, query, token, drug, diagnosis: none may be in a span."""


class Collector:
    """A tiny OTLP/HTTP receiver."""

    def __init__(self) -> None:
        received: list[tuple[str, bytes]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.received = received
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def spans(self) -> list[Any]:
        requests = [ExportTraceServiceRequest.FromString(body) for _, body in self.received]
        return [span for r in requests for of in r.resource_spans for scope in of.scope_spans for span in scope.spans]


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    running = Collector()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture(scope="module")
def traced(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Collector:
    """The collector after a service with it as endpoint answered a card, a refusal and a missing route, and stopped."""
    service = Server(
        tmp_path_factory.mktemp("traced"),
        workers=1,
        CART_CDS_SANDBOX="on",
        CART_CDS_AUTH="off",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
    )
    try:
        service.wait()
        call = hook_call()
        call["prefetch"]["patient"]["name"] = [{"family": "Zebedee"}]
        call["fhirAuthorization"] = {"access_token": "s3cr3t-token", "token_type": "Bearer"}
        headers = {"Content_Type": "application/json", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        headers["Authorization"] = "Bearer s3cr3t.jwt.value"
        assert service.ask("POST", f"{PATIENT_VIEW}?asOf={AS_OF}", json.dumps(call).encode(), **headers)[0] == 200
        assert service.ask("POST", PATIENT_VIEW, b"{}", **headers)[0] == 400
        assert service.ask("GET", "/charts/of/Zebedee")[0] == 404
    finally:
        service.stop()
    return collector


def test_a_worker_that_stops_sends_what_it_has(traced: Collector) -> None:
    """The batch would else wait five seconds, and be lost."""
    assert traced.spans()


def test_spans_name_the_route_and_the_status(traced: Collector) -> None:
    assert {path for path, _ in traced.received} == {"/v1/traces"}
    seen = {
        (span.name, next(a.value.int_value for a in span.attributes if a.key == "http.response.status_code"))
        for span in traced.spans()
    }
    assert {(PATIENT_VIEW, 200), (PATIENT_VIEW, 400), ("unmatched", 404)} <= seen


def test_a_span_continues_the_trace_of_the_caller(traced: Collector) -> None:
    hooks = [span for span in traced.spans() if span.name == PATIENT_VIEW]
    assert {span.trace_id.hex() for span in hooks} == {TRACE}


def test_r_07_no_patient_content_and_no_token_in_spans(traced: Collector) -> None:
    sent = b"".join(body for _, body in traced.received)
    assert [marker for marker in MARKERS if marker in sent] == []
    attributes = {attribute.key for span in traced.spans() for attribute in span.attributes}
    assert attributes <= {"http.route", "http.request.method", "http.response.status_code", "cart_cds.request_id"}


@pytest.mark.soak
def test_a_collector_that_is_away_delays_nobody(tmp_path: Path) -> None:
    service = Server(
        tmp_path,
        workers=1,
        CART_CDS_SANDBOX="on",
        CART_CDS_AUTH="off",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1",
        OTEL_EXPORTER_OTLP_TIMEOUT="1",
    )
    try:
        service.wait()
        assert service.ask("GET", "/cds-services")[0] == 200
    finally:
        assert service.stop() == 0


def test_without_an_endpoint_there_is_no_span_and_no_sdk(
    app_for: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "cds_service.cdshooks.spans", raising=False)
    app_for()
    assert "cds_service.cdshooks.spans" not in sys.modules

    def app(_: Any, __: Any) -> list[bytes]:
        return []

    assert tracing.traced(app) is app
