"""One query: a read or a search with all its pages, from one server, within its budget."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from cds_service.errors import TooComplex, UnreadableInput
from cds_service.fhir.decode import decode_record
from cds_service.fhir.model import DataIssue
from cds_service.fhir.pages import severities
from cds_service.fhir.wire import Bundle, OperationOutcome, Resource
from cds_service.outbound.origins import is_below, parse_url
from cds_service.outbound.reading import Unreadable, read_url

MAX_PAGES = 50
"""Pages of one search; what lies beyond makes the list incomplete."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A resource, or a Bundle with the entries of every page; ``incomplete`` when pages are missing."""

    resource: Resource
    incomplete: bool = False
    issues: tuple[DataIssue, ...] = ()


@dataclass(slots=True)
class Server:
    """The FHIR server of one call, and what may still be read from it."""

    client: httpx.Client
    base: httpx.URL
    token: str = field(repr=False)
    deadline: float
    bytes_left: int
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def get(self, url: httpx.URL) -> bytes:
        """The body of a GET. Raises Unreadable."""
        headers = {"Accept": "application/fhir+json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        body = read_url(self.client, url, headers, deadline=self.deadline, max_bytes=self.bytes_left)
        with self._lock:
            self.bytes_left -= len(body)
        return body


def read_query(server: Server, text: str, *, relative: bool) -> Answer | None:
    """The answer to a query below the server's base, or to a page's URL; None when it could not be had."""
    url = _below(server.base, text) if relative else _page_url(server.base, _folder(server.base), text)
    first = _read(server, url) if url is not None else None
    if url is None or first is None:
        return None
    resource, issues = first
    if not isinstance(resource, Bundle):
        return None if isinstance(resource, OperationOutcome) else Answer(resource, issues=tuple(issues))
    answer = _with_pages(server, url, resource, issues)
    return None if _failed(resource) else answer


def _with_pages(server: Server, url: httpx.URL, first: Bundle, issues: list[DataIssue]) -> Answer:
    """The first page with the entries of those that follow; its link to the next goes when none is missing."""
    entries = list(first.entry or ())
    seen = {str(url)}
    page = first
    at = url
    for _ in range(MAX_PAGES):
        following = _next(page)
        if not following:
            break
        url_of_next = _page_url(server.base, at, following)
        if url_of_next is None or str(url_of_next) in seen:
            break
        found = _read(server, url_of_next)
        if found is None or not isinstance(found[0], Bundle):
            break
        page, at = found[0], url_of_next
        seen.add(str(at))
        entries += page.entry or ()
        issues += found[1]
    first.entry = entries
    incomplete = bool(_next(page))
    if not incomplete:
        first.link = None
    return Answer(first, incomplete, tuple(issues))


def _read(server: Server, url: httpx.URL) -> tuple[Resource, list[DataIssue]] | None:
    try:
        decoded = decode_record(server.get(url))
    except (Unreadable, UnreadableInput, TooComplex, UnicodeDecodeError):
        return None
    return (decoded.resources[0], decoded.issues) if len(decoded.resources) == 1 else None


def _failed(bundle: Bundle) -> bool:
    """No match but an error: the search failed, and its emptiness says nothing (PRE-13)."""
    resources = [entry.resource for entry in bundle.entry or () if entry is not None and entry.resource is not None]
    outcomes = [resource for resource in resources if isinstance(resource, OperationOutcome)]
    worst = set().union(*map(severities, outcomes)) if outcomes else set()
    return len(outcomes) == len(resources) and bool(worst & {"error", "fatal"})


def _next(bundle: Bundle) -> str:
    links: Sequence[str] = [
        link.url or "" for link in bundle.link or () if link is not None and link.relation == "next"
    ]
    return links[0] if links else ""


def _below(base: httpx.URL, query: str) -> httpx.URL | None:
    """``base/query``; None when the query would climb out of the base."""
    path = query.partition("?")[0]
    if not {".", "..", ""}.isdisjoint(path.split("/")):
        return None
    url = parse_url(f"{str(base).rstrip('/')}/{query}")
    return url if url is not None and is_below(url, base) else None


def _folder(base: httpx.URL) -> httpx.URL:
    return base.copy_with(path=base.path.rstrip("/") + "/")


def _page_url(base: httpx.URL, at: httpx.URL, text: str) -> httpx.URL | None:
    """Where a next link leads, when that is below the base (FHA-04); a relative one starts at its page."""
    if "\\" in text or not text.isascii() or not text.isprintable():
        return None
    try:
        joined = str(at.join(text))
    except (httpx.InvalidURL, ValueError):
        return None
    url = parse_url(joined)
    return url if url is not None and is_below(url, base) else None
