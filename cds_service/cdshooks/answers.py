"""JSON answers."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response

JSON = "application/json"


def json_response(body: Any, status: int = 200, media_type: str = JSON) -> Response:
    """A JSON response of a JSON-ready value."""
    return Response(orjson.dumps(body), status=status, mimetype=media_type)
