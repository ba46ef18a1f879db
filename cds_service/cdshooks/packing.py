"""What browsers get from us: compressed where they take gzip, and files under addresses that change with them.

Hook answers are left as they are.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path

import flask
from flask import Response

from cds_service.cdshooks.errors import Refusal

SMALLEST = 1000
"""Below this many bytes nothing is gained."""
FAST, BEST = 1, 9
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
FOREVER = "public, max-age=31536000, immutable"


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


class StaticFiles:
    """The style sheets, scripts, pictures and fonts of a folder, read once.

    ``seconds`` is how long a browser may keep one that it asked for without its mark.
    """

    def __init__(self, folder: Path, seconds: int) -> None:
        self._kept = f"public, max-age={seconds}"
        self._files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in TYPES}
        self.marks: Mapping[str, str] = {
            name: hashlib.sha256(body).hexdigest()[:12] for name, body in self._files.items()
        }
        """A mark of what each file holds: part of its address, so that a browser never uses an old one."""
        self._packed = {name: pack(body, BEST) for name, body in self._files.items() if not _is_packed(name)}

    def answer(self, name: str) -> Response:
        """The file; for long under its mark. Raises Refusal(404)."""
        body = self._files.get(name)
        if body is None:
            raise Refusal(404, "no such file")
        lasting = flask.request.args.get("v") == self.marks[name]
        headers = {"Cache-Control": FOREVER if lasting else self._kept}
        response = Response(body, mimetype=TYPES[Path(name).suffix], headers=headers)
        return packed(response, self._packed[name]) if name in self._packed else response


def _is_packed(name: str) -> bool:
    """Fonts are compressed already."""
    return name.endswith(".woff2")
