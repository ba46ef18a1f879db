"""Spans of requests, sent to the collector that the OTEL variables name. Imported only when they name one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from multiprocessing.util import Finalize
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind

from cds_service.cdshooks.edge import NOTES, Notes, Start, Wsgi

FLUSH_SECONDS = 3.0


class Traced:
    """A WSGI application inside spans: route, status, request id; never a path, a query or a body."""

    def __init__(self, app: Wsgi, exporter: SpanExporter | None = None) -> None:
        self._app = app
        self.provider = TracerProvider(resource=Resource.create({"service.name": "cart-cds"}))
        self.provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
        self._tracer = self.provider.get_tracer("cart-cds")
        self._process = 0

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        """Answer one request inside a span."""
        if self._process != os.getpid():
            self._flush_at_exit()
        parent = extract({"traceparent": environ.get("HTTP_TRACEPARENT", "")})
        status = 0

        def start(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal status
            status = int(line[:3])
            return start_response(line, headers)

        with self._tracer.start_as_current_span("request", context=parent, kind=SpanKind.SERVER) as span:
            body = self._app(environ, start)
            seen: Notes | None = environ.get(NOTES)
            if seen is not None:
                span.update_name(seen.route)
                span.set_attribute("http.route", seen.route)
                span.set_attribute("cart_cds.request_id", seen.request_id)
            span.set_attribute("http.response.status_code", status)
        return body

    def _flush_at_exit(self) -> None:
        """Worker processes are forked, and end without the interpreter's own exit functions."""
        self._process = os.getpid()
        Finalize(None, self._flush, exitpriority=1)

    def _flush(self) -> None:
        """Send what waits; a collector that is away holds no stop up for long."""
        flush = threading.Thread(target=self.provider.force_flush, daemon=True)
        flush.start()
        flush.join(FLUSH_SECONDS)
