"""The outermost layer around the Flask application: path forms, CORS, headers, one log line and metrics a request.

A plain WSGI wrapper rather than before/after hooks: it also sees the framework's own errors, and costs less.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import orjson

from cds_service.cdshooks.body import Drained, unread
from cds_service.cdshooks.errors import operation_outcome
from cds_service.cdshooks.logs import where
from cds_service.cdshooks.metrics import Metrics
from cds_service.cdshooks.paths import canonical
from cds_service.settings import Settings

NOTES = "cart_cds.notes"
CDS = "/cds-services"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Routes polled by machines: logged at debug level."""
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
Start = Callable[..., Any]
Wsgi = Callable[[dict[str, Any], Start], Iterable[bytes]]


@dataclass(slots=True)
class Notes:
    """What a view tells the log about its request; ``fields`` are names that ``logs.FIELDS`` lists."""

    request_id: str
    route: str = "unmatched"
    version: str = ""
    fields: dict[str, Any] = field(default_factory=dict)


def notes(environ: dict[str, Any]) -> Notes:
    """The notes of this request."""
    found: Notes = environ[NOTES]
    return found


class Edge:
    """Wraps a WSGI application. ``version`` is the value of ``X-Cart-Cds-Version``."""

    def __init__(self, app: Wsgi, settings: Settings, version: str, metrics: Metrics, logger: Any) -> None:
        self._app = app
        self._version = version
        self._metrics = metrics
        self._log = logger
        self._origins = frozenset(settings.allowed_origins)
        public = urlsplit(settings.public_url)
        self._host = public.netloc or "localhost"
        self._headers: tuple[tuple[str, str], ...] = HEADERS
        if public.scheme == "https":
            self._headers += (("Strict-Transport-Security", "max-age=31536000"),)

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        """Answer one request."""
        began = perf_counter()
        path = canonical(environ.get("PATH_INFO") or "/")
        environ["PATH_INFO"] = path
        environ["HTTP_HOST"] = self._host
        seen = environ[NOTES] = Notes(os.urandom(16).hex())
        status = 500
        cors = self._cors(environ, path)

        def start(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal status
            status = int(line[:3])
            return start_response(line, [*self._complete(headers, seen), *cors])

        if environ.get("REQUEST_METHOD") == "OPTIONS" and _is_cds(path):
            seen.route = "preflight"
            body = self._preflight(start, path)
        else:
            body = self._answer(environ, start, seen)
        self._record(environ, seen, status, perf_counter() - began)
        return Drained(body, environ) if status >= 400 and unread(environ) else body

    def _answer(self, environ: dict[str, Any], start: Start, seen: Notes) -> list[bytes]:
        try:
            answer = self._app(environ, start)
            if isinstance(answer, list):
                return answer
            try:
                return [b"".join(answer)]
            finally:
                close = getattr(answer, "close", None)
                if close is not None:
                    close()
        except Exception as error:
            seen.fields.update(error_type=type(error).__name__, where=where(error))
            body = orjson.dumps(operation_outcome(500, "internal error; the log has its request id"))
            start(
                "500 INTERNAL SERVER ERROR", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
            )
            return [body]

    def _preflight(self, start: Start, path: str) -> list[bytes]:
        start("204 NO CONTENT", [("Allow", "GET, HEAD, OPTIONS" if path == CDS else "POST, OPTIONS")])
        return []

    def _cors(self, environ: dict[str, Any], path: str) -> list[tuple[str, str]]:
        """CORS headers, on everything under /cds-services also when it fails, nowhere else (COR-01, COR-02)."""
        if not self._origins or not _is_cds(path):
            return []
        origin = environ.get("HTTP_ORIGIN")
        if "*" in self._origins:
            allowed = [("Access-Control-Allow-Origin", "*")]
        elif origin in self._origins:
            allowed = [("Access-Control-Allow-Origin", str(origin)), ("Vary", "Origin")]
        else:
            return [("Vary", "Origin")]
        if environ.get("REQUEST_METHOD") == "OPTIONS":
            allowed += [
                ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
                ("Access-Control-Allow-Headers", "authorization, content-type"),
                ("Access-Control-Max-Age", "3600"),
            ]
        else:
            allowed.append(("Access-Control-Expose-Headers", "X-Cart-Cds-Version, X-Request-Id"))
        return allowed

    def _complete(self, headers: list[tuple[str, str]], seen: Notes) -> list[tuple[str, str]]:
        names = {name.lower() for name, _ in headers}
        complete = [*headers, *self._headers]
        if "content-security-policy" not in names:
            complete.append(("Content-Security-Policy", PAGE_POLICY))
        if "cache-control" not in names:
            complete.append(("Cache-Control", "no-store"))
        complete.append(("X-Cart-Cds-Version", seen.version or self._version))
        complete.append(("X-Request-Id", seen.request_id))
        return complete

    def _record(self, environ: dict[str, Any], seen: Notes, status: int, seconds: float) -> None:
        method = environ.get("REQUEST_METHOD", "")
        method = method if method in METHODS else "other"
        self._metrics.answered(seen.route, method, status, seconds)
        quiet = status < 400 and seen.route in QUIET
        level = "error" if status >= 500 else "debug" if quiet else "info"
        getattr(self._log, level)(
            "request",
            request_id=seen.request_id,
            method=method,
            route=seen.route,
            status=status,
            ms=round(seconds * 1000, 2),
            **seen.fields,
        )


def _is_cds(path: str) -> bool:
    return path == CDS or path.startswith(CDS + "/")
