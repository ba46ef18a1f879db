"""The production server: granian over WSGI, several worker processes.

Processes rather than threads, since the inference engine holds the interpreter lock; a few threads a process keep slow
clients from blocking others. ``application`` is the factory for any other WSGI server:
``gunicorn "cds_service.serve:application()"``.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from cds_service.cdshooks.logs import make_logger
from cds_service.errors import SettingsError
from cds_service.settings import PREFIX, Settings, load_settings

if TYPE_CHECKING:
    from cds_service.app import Application

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
"""Read by prometheus_client when it is first imported, so nothing here may import it before it is set."""

THREADS = 4
"""Threads of a worker process."""
GRACE_SECONDS = 20
"""How long a stopping worker may finish its requests."""
COLLECT_EVERY_SECONDS = 30.0
FOLDERS: tuple[str | None, ...] = ("/dev/shm", None)  # noqa: S108 - a folder of our own is made inside
"""Where worker processes may share metrics: memory first, then the temporary folder."""
YOUNG, MIDDLE, NEVER = 50_000, 20, 1_000_000
"""Thresholds of the garbage collector; the last one keeps full collections out of requests."""

_ready: Application | None = None


def application() -> Application:
    """The application of this process for its environment. Raises SettingsError or RuleFileError."""
    app = _ready or _create(load_settings())
    settle_memory()
    return app


def settle_memory(every: float = COLLECT_EVERY_SECONDS) -> None:
    """Freeze what was loaded, and keep full collections out of requests.

    Cycles that grow old are collected by a thread of its own, while the frozen rules are not walked at all.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, NEVER)
    threading.Thread(target=_collect, args=(every, threading.Event().wait), name="collector", daemon=True).start()


def _collect(every: float, wait: Callable[[float], bool]) -> None:
    while not wait(every):
        gc.collect()


def serve(host: str, port: int, workers: int | None = None) -> None:
    """Serve until stopped by SIGTERM or SIGINT; requests under way are finished.

    ``workers`` None means one process a core. Raises SettingsError or RuleFileError before anything listens.
    """
    global _ready  # noqa: PLW0603 - handed to the workers that are forked from this process
    os.environ.setdefault(f"{PREFIX}PUBLIC_URL", _url(host, port))
    count = workers or _cores()
    settings = load_settings()
    # Until the server takes over the signals, so that a stop during the start cleans up too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with _SharedMetrics(count):
        _ready = _create(settings)
        gc.collect()
        gc.freeze()
        _announce(settings, host, port, count)
        server: Any = Server(
            "cds_service.serve:application",
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            factory=True,
            workers=count,
            blocking_threads=THREADS,
            respawn_failed_workers=True,
            workers_kill_timeout=GRACE_SECONDS,
            websockets=False,
            log_level=LogLevels.warning,
        )
        try:
            server.serve()
        except OSError as error:
            raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror or type(error).__name__}") from None


def _create(settings: Settings) -> Application:
    from cds_service.app import create_app  # noqa: PLC0415 - imports prometheus_client, see MULTIPROCESS

    return create_app(settings)


def _cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _url(host: str, port: int) -> str:
    """The URL of the listening address; the unspecified address is named localhost."""
    name = "localhost" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared, not bound
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


class _SharedMetrics:
    """A temporary folder in which worker processes share their metrics; none for one process or a read-only disk."""

    def __init__(self, workers: int) -> None:
        self._wanted = workers > 1 and MULTIPROCESS not in os.environ
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> None:
        if not self._wanted:
            return
        for parent in FOLDERS:
            try:
                self._folder = tempfile.TemporaryDirectory(prefix="cart-cds-metrics-", dir=parent)
            except OSError:
                continue
            os.environ[MULTIPROCESS] = self._folder.name
            return
        sys.stderr.write("cart-cds: no writable temporary folder: /metrics counts one worker process at a time\n")

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            os.environ.pop(MULTIPROCESS, None)
            self._folder.cleanup()


def _announce(settings: Settings, host: str, port: int, workers: int) -> None:
    lines = [f"cart-cds listens on http://{host}:{port}, {workers} worker processes, rules: {_rules(settings)}"]
    lines += warnings_at_start(settings)
    banner = "\n".join(f"  {line}" for line in lines)
    bar = "=" * 100
    sys.stderr.write(f"{bar}\n{banner}\n{bar}\n")
    sys.stderr.flush()
    make_logger(settings.log_level).info(
        "start", workers=workers, settings={"sandbox": settings.sandbox, "auth": settings.auth}
    )


def warnings_at_start(settings: Settings) -> list[str]:
    """What is not as it has to be where real patients are, one sentence each (GEN-02 for the address)."""
    lines = []
    if settings.sandbox:
        lines.append("SANDBOX: test pages and /api/assessment are on, cards say TEST ONLY. Not for real patients.")
    elif settings.public_url.startswith("http:"):
        lines.append("THE PUBLIC ADDRESS IS NOT HTTPS: set CART_CDS_PUBLIC_URL to the https address that clients call.")
    if settings.auth == "off":
        lines.append("AUTHENTICATION IS OFF: anyone who can reach this port can call the service.")
    return lines


def _rules(settings: Settings) -> str:
    folder = Path(settings.rules).name if settings.rules else "shipped"
    return f"{folder}, {settings.jurisdiction}"
