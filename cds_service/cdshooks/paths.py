"""Paths of requests in one spelling."""

from __future__ import annotations


def canonical(path: str) -> str:
    """One form of a path, so that no client is ever redirected: single slashes, none at the end."""
    while "//" in path:
        path = path.replace("//", "/")
    return path.rstrip("/") or "/"
