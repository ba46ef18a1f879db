"""OpenTelemetry, only when an endpoint is configured by the standard OTEL variables."""

from __future__ import annotations

import importlib
import os

from cds_service.cdshooks.edge import Wsgi

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def traced(app: Wsgi) -> Wsgi:
    """The application inside spans, or as it is when no endpoint is configured: the SDK is not even imported then."""
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return app
    wrapped: Wsgi = importlib.import_module("cds_service.cdshooks.spans").Traced(app)
    return wrapped
