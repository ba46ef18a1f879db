"""Logs: one JSON object a line on standard output. Ids, counts, results, times; never what a record says.

Only this module writes to the log, and only fields of ``FIELDS``: a field that nobody listed cannot slip in.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

FIELDS = frozenset(
    {
        "event",
        "level",
        "time",
        "request_id",
        "method",
        "route",
        "status",
        "ms",
        "bytes",
        "hook",
        "service",
        "hook_instance",
        "jurisdiction",
        "ruleset",
        "version",
        "issuer",
        "tenant",
        "cards",
        "rules",
        "silent_because",
        "resources",
        "incomplete",
        "data_issues",
        "disagreements",
        "entries",
        "outcomes",
        "error_type",
        "where",
        "settings",
        "workers",
        "trace_id",
    }
)
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def _only_listed(_: Any, __: str, event: Any) -> Any:
    return {name: value for name, value in event.items() if name in FIELDS}


def _stamp(_: Any, level: str, event: Any) -> Any:
    event["level"] = level
    event["time"] = datetime.now(UTC).isoformat(timespec="milliseconds")
    return event


class _Lines:
    """Writes each line to standard output as it is at that moment, so that a redirected one is honoured."""

    def msg(self, line: bytes) -> None:
        sys.stdout.buffer.write(line + b"\n") if hasattr(sys.stdout, "buffer") else sys.stdout.write(
            line.decode() + "\n"
        )
        sys.stdout.flush()

    debug = info = warning = error = critical = exception = msg


def make_logger(level: str) -> Any:
    """A logger with ``debug``, ``info``, ``warning`` and ``error``."""
    return structlog.wrap_logger(
        _Lines(),
        processors=[_stamp, _only_listed, _render],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        context_class=dict,
        cache_logger_on_first_use=True,
    )


def _render(_: Any, __: str, event: Any) -> bytes:
    return orjson.dumps(event, default=str)


def where(error: BaseException) -> str:
    """Module and line where an error was raised. Its message is left out: it may quote a record."""
    trace = error.__traceback__
    place = "unknown"
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if module.startswith("cds_service"):
            place = f"{module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
