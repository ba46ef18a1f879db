"""The request body, read up to the limit: by Content-Length before reading, by count while reading."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cds_service.cdshooks.errors import Refusal

JSON_TYPES = frozenset({"application/json", "application/fhir+json"})
NDJSON_TYPES = frozenset({"application/x-ndjson", "application/fhir+ndjson"})
PIECE = 1 << 20
READ = "cart_cds.body_read"
"""In the WSGI environment once the body was read to its end."""
MAX_DRAIN = 512 << 20
"""Bytes of a refused body that are still taken and thrown away."""


def check_media_type(environ: dict[str, Any], allowed: frozenset[str]) -> None:
    """415 for any media type but the allowed ones, whatever its parameters, and for a compressed body."""
    sent = str(environ.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()
    if sent not in allowed:
        raise Refusal(415, f"send {' or '.join(sorted(allowed))}")
    coding = str(environ.get("HTTP_CONTENT_ENCODING") or "").strip().lower()
    if coding not in ("", "identity"):
        raise Refusal(415, "send the body without Content-Encoding", {"Accept-Encoding": "identity"})


def read_body(environ: dict[str, Any], limit: int) -> bytes:
    """The body of a WSGI request. Raises Refusal: 413 over ``limit`` bytes, 400 when it is cut short."""
    stream = environ["wsgi.input"]
    announced = str(environ.get("CONTENT_LENGTH") or "")
    if announced:
        if not (announced.isascii() and announced.isdigit()):
            raise Refusal(400, "Content-Length is not a number")
        length = int(announced) if len(announced) < 19 else limit + 1
        if length > limit:
            raise _too_large(limit)
        body = _read(stream, length)
    elif environ.get("wsgi.input_terminated"):
        body = _read(stream, limit + 1)
        if len(body) > limit:
            raise _too_large(limit)
    else:
        body = b""
    environ[READ] = True
    return body


def unread(environ: dict[str, Any]) -> bool:
    """True when the request has a body that nobody read to its end."""
    if READ in environ:
        return False
    return environ.get("CONTENT_LENGTH") not in (None, "", "0") or "HTTP_TRANSFER_ENCODING" in environ


class Drained:
    """An answer given before the request was read: the rest is taken and thrown away once the answer is out.

    A client that sends everything before it reads would else meet a closed connection in place of the answer. The
    server calls ``close``; the answer may be looked at any number of times before.
    """

    def __init__(self, answer: list[bytes], environ: dict[str, Any]) -> None:
        self._answer = answer
        self._environ = environ

    def __iter__(self) -> Iterator[bytes]:
        """The answer."""
        return iter(self._answer)

    def close(self) -> None:
        """Take what is left of the body, up to MAX_DRAIN bytes."""
        stream = self._environ["wsgi.input"]
        announced = str(self._environ.get("CONTENT_LENGTH") or "")
        left = min(int(announced), MAX_DRAIN) if announced.isascii() and announced.isdigit() else MAX_DRAIN
        while left > 0:
            piece = stream.read(min(left, PIECE))
            if not piece:
                return
            left -= len(piece)


def _read(stream: Any, size: int) -> bytes:
    """Up to ``size`` bytes; a stream may give fewer at a time. Asked for at once, a large body is copied once."""
    first = bytes(stream.read(size))
    if len(first) in (0, size):
        return first
    pieces = [first]
    left = size - len(first)
    while left > 0:
        piece = bytes(stream.read(left))
        if not piece:
            break
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _too_large(limit: int) -> Refusal:
    return Refusal(413, f"the body is larger than {limit / 1024 / 1024:g} MiB")
