"""The last calls that reached /cds-services, with what was answered: for the page of the sandbox, in memory only.

The ring lies in anonymous memory made before the worker processes are forked, so that each of them sees the calls of
all; nothing of it is ever written to a disk, and it is gone when the service stops. Header fields are not kept: no
token can be in it.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from multiprocessing import get_all_start_methods, get_context
from time import perf_counter
from typing import Any

import orjson

SLOTS, SLOT_BYTES = 40, 512 * 1024
MAX_BODY = 8 * 1024 * 1024
"""Larger bodies are not kept, only their size."""
COUNTER = struct.Struct("<Q")
LENGTH = struct.Struct("<I")
WAIT_SECONDS = 1.0
CDS = "/cds-services"
HOST = "cart_cds.host"
"""The name by which the client called us: what stands behind this layer sees the public name only."""
Start = Callable[..., Any]
Wsgi = Callable[[dict[str, Any], Start], Iterable[bytes]]


class Calls:
    """A ring of calls, shared by the processes forked after it was made."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, COUNTER.size + SLOTS * SLOT_BYTES)
        self._lock = get_context("fork" if "fork" in get_all_start_methods() else None).Lock()

    def add(self, call: dict[str, Any]) -> None:
        """Keep one call; without its bodies when they do not fit. Never raises for want of room or time."""
        packed = zlib.compress(orjson.dumps(call), 1)
        if len(packed) > SLOT_BYTES - LENGTH.size:
            packed = zlib.compress(orjson.dumps({**call, "request": None, "response": None}), 1)
        if not self._lock.acquire(timeout=WAIT_SECONDS):
            return
        try:
            number = self._count() + 1
            place = self._place(number)
            self._memory[place : place + LENGTH.size] = LENGTH.pack(len(packed))
            self._memory[place + LENGTH.size : place + LENGTH.size + len(packed)] = packed
            self._memory[: COUNTER.size] = COUNTER.pack(number)
        finally:
            self._lock.release()

    def newest(self) -> list[dict[str, Any]]:
        """The calls kept, newest first, each with its ``number`` since the start and without bodies."""
        return [{**call, "request": None, "response": None} for call in self._all()]

    def one(self, number: int) -> dict[str, Any] | None:
        """One call with its bodies; None when it is no longer kept."""
        return next((call for call in self._all() if call["number"] == number), None)

    def clear(self) -> None:
        """Forget everything."""
        if self._lock.acquire(timeout=WAIT_SECONDS):
            try:
                self._memory[:] = bytes(len(self._memory))
            finally:
                self._lock.release()

    def _all(self) -> list[dict[str, Any]]:
        packed: list[tuple[int, bytes]] = []
        if not self._lock.acquire(timeout=WAIT_SECONDS):
            return []
        try:
            last = self._count()
            for number in range(last, max(last - SLOTS, 0), -1):
                place = self._place(number)
                (length,) = LENGTH.unpack(self._memory[place : place + LENGTH.size])
                packed.append((number, self._memory[place + LENGTH.size : place + LENGTH.size + length]))
        finally:
            self._lock.release()
        return [{"number": number, **orjson.loads(zlib.decompress(body))} for number, body in packed]

    def _count(self) -> int:
        (count,) = COUNTER.unpack(self._memory[: COUNTER.size])
        return int(count)

    @staticmethod
    def _place(number: int) -> int:
        return COUNTER.size + (number - 1) % SLOTS * SLOT_BYTES


class Listening:
    """A WSGI application whose calls to /cds-services are kept in ``calls``."""

    def __init__(self, app: Wsgi, calls: Calls) -> None:
        self._app = app
        self._calls = calls

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        """Answer one request."""
        environ[HOST] = str(environ.get("HTTP_HOST") or "")
        path = str(environ.get("PATH_INFO") or "/")
        if not path.startswith(CDS) or environ.get("REQUEST_METHOD") == "OPTIONS":
            return self._app(environ, start_response)
        heard = _Heard(environ.get("wsgi.input"))
        environ["wsgi.input"] = heard
        method, query = str(environ.get("REQUEST_METHOD")), str(environ.get("QUERY_STRING") or "")
        began = perf_counter()
        status = 0

        def start(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal status
            status = int(line[:3])
            return start_response(line, headers)

        answer = self._app(environ, start)
        body = b"".join(answer)
        self._calls.add(
            {
                "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "method": method,
                "path": path[:300],
                "query": query[:100],
                "status": status,
                "ms": round((perf_counter() - began) * 1000, 1),
                "bytes": heard.size,
                "request": _text(heard.read_so_far()),
                "response": _text(body),
            }
        )
        return [body] if isinstance(answer, list) else answer


class _Heard:
    """A request body that remembers what was read of it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._pieces: list[bytes] = []
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        """Read as from the stream itself."""
        piece = bytes(self._stream.read(size))
        self.size += len(piece)
        if self.size <= MAX_BODY:
            self._pieces.append(piece)
        return piece

    def read_so_far(self) -> bytes:
        """What was read; empty when it was too large to keep."""
        return b"".join(self._pieces) if self.size <= MAX_BODY else b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _text(body: bytes) -> str | None:
    return body.decode("utf-8", "replace") if 0 < len(body) <= MAX_BODY else None
