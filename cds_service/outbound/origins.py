"""URLs as they may be called: one parser both checks them and makes the call, so the two cannot differ."""

from __future__ import annotations

from collections.abc import Collection

import httpx

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_URL = 8000
FORBIDDEN = frozenset('\\<>"^`{}| ')


def parse_url(text: str) -> httpx.URL | None:
    """An absolute http or https URL; None for anything odd: user names, fragments, dot segments, other letters."""
    if not text.isascii() or not text.isprintable() or len(text) > MAX_URL or not FORBIDDEN.isdisjoint(text):
        return None
    try:
        url = httpx.URL(text)
        usable = url.scheme in DEFAULT_PORTS and bool(url.host) and url.port != 0
    except (httpx.InvalidURL, ValueError):
        return None
    if not usable or url.userinfo or "@" in url.netloc.decode("ascii", "replace") or url.fragment or "#" in text:
        return None
    segments = url.path.split("/")
    return None if "." in segments or ".." in segments or "%" in url.host else url


def origin_of(url: httpx.URL) -> str:
    """Scheme, host and port in one spelling: lower case, the scheme's own port left out."""
    host = f"[{url.host}]" if ":" in url.host else url.host
    port = url.port
    written = "" if port is None or port == DEFAULT_PORTS.get(url.scheme) else f":{port}"
    return f"{url.scheme}://{host.lower()}{written}"


def allowed_url(text: str, origins: Collection[str], *, plain_http: bool) -> httpx.URL | None:
    """The URL when its origin is among ``origins`` and it is https (http only where ``plain_http``), else None."""
    url = parse_url(text)
    if url is None or (url.scheme != "https" and not plain_http):
        return None
    known = {origin_of(parsed) for parsed in map(parse_url, origins) if parsed is not None}
    return url if origin_of(url) in known else None


def is_below(url: httpx.URL, base: httpx.URL) -> bool:
    """True when ``url`` lies under ``base``: same origin, and the path is the base's or continues it."""
    root = base.path.rstrip("/")
    return origin_of(url) == origin_of(base) and (url.path.rstrip("/") == root or url.path.startswith(root + "/"))
