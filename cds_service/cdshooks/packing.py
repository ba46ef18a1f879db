"""Pages, styles and scripts compressed on the way to browsers that take gzip. Hook answers are left as they are."""

from __future__ import annotations

import gzip

import flask
from flask import Response

SMALLEST = 1000
"""Below this many bytes nothing is gained."""
FAST, BEST = 1, 9


def packed(response: Response, ready: bytes | None = None) -> Response:
    """The response, compressed where the browser takes gzip; ``ready`` is its body compressed before."""
    response.vary.add("Accept-Encoding")
    body = response.get_data()
    if len(body) >= SMALLEST and flask.request.accept_encodings.quality("gzip") > 0:
        response.set_data(ready if ready is not None else pack(body))
        response.headers["Content-Encoding"] = "gzip"
    return response


def pack(body: bytes, level: int = FAST) -> bytes:
    """The body compressed: the same bytes for the same body."""
    return gzip.compress(body, compresslevel=level, mtime=0)
