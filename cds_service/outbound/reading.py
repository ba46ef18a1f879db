"""An answer read within limits of size and time."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic

import httpx


class Unreadable(Exception):
    """The answer is not a plain 200, or is too large, too late or cut off. Says which, never what it held."""


def read_url(
    client: httpx.Client, url: httpx.URL, headers: Mapping[str, str], *, deadline: float, max_bytes: int
) -> bytes:
    """The body of a GET that answers 200. ``deadline`` is a time of ``monotonic``. Raises Unreadable."""
    left = deadline - monotonic()
    if left <= 0:
        raise Unreadable("too late")
    try:
        with client.stream("GET", url, headers=dict(headers), timeout=left) as answer:
            if answer.status_code != httpx.codes.OK:
                raise Unreadable(f"status {answer.status_code}")
            if answer.headers.get("content-encoding", "identity").lower() != "identity":
                raise Unreadable("compressed")
            announced = answer.headers.get("content-length", "")
            if announced.isdigit() and len(announced) < 19 and int(announced) > max_bytes:
                raise Unreadable("too large")
            return _collect(answer, deadline, max_bytes)
    except httpx.HTTPError as error:
        raise Unreadable(type(error).__name__) from None


def _collect(answer: httpx.Response, deadline: float, max_bytes: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    for piece in answer.iter_raw():
        size += len(piece)
        if size > max_bytes:
            raise Unreadable("too large")
        if monotonic() > deadline:
            raise Unreadable("too late")
        pieces.append(piece)
    return b"".join(pieces)
