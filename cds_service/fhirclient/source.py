"""The source of missing data: all queries at once, within one time and size budget, from listed servers only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic

import httpx

from cds_service.cdshooks.seams import Fetched, FetchRequest
from cds_service.fhir.model import DataIssue
from cds_service.fhir.wire import Resource
from cds_service.fhirclient.search import Answer, Server, read_query
from cds_service.outbound.addresses import Resolver
from cds_service.outbound.origins import allowed_url
from cds_service.outbound.transport import guarded_client
from cds_service.settings import Settings

THREADS = 10
"""Queries of one call that run at the same time."""
GRACE_SECONDS = 0.2
"""How long after the deadline an answer that is being read may still come in."""


class FhirSource:
    """Fetches with the client's bearer token. ``resolver`` replaces the system's name resolution."""

    active = True

    def __init__(self, settings: Settings, resolver: Resolver | None = None) -> None:
        self._origins = settings.fhir_origins
        self._networks = settings.fhir_private_networks
        self._sandbox = settings.sandbox
        self._max_bytes = settings.max_body_bytes
        self._resolver = resolver
        self._http: httpx.Client | None = None

    def fetch(self, request: FetchRequest) -> Fetched:
        """What could be had in time; nothing from a server that is not listed, nor without a token.

        Plain http and calls without a token are for the sandbox only (decision 48).
        """
        own = request.caller.fhir_origins
        origins = self._origins if own is None else own
        base = allowed_url(request.fhir_server, origins, plain_http=self._sandbox)
        if base is None or base.query or not (request.token or self._sandbox) or request.seconds <= 0:
            return Fetched()
        deadline = monotonic() + request.seconds
        server = Server(self._client(), base, request.token, deadline, self._max_bytes)
        tasks: dict[str, Callable[[], Answer | None]] = {}
        for key, query in request.queries.items():
            tasks[key] = _task(server, query, relative=True)
        for key, page in request.pages.items():
            tasks[key] = _task(server, page, relative=False)
        return _together(_run(tasks, deadline))

    def _client(self) -> httpx.Client:
        """Made when first needed, by the worker that needs it."""
        if self._http is None:
            self._http = guarded_client(self._networks, self._resolver)
        return self._http


def _task(server: Server, text: str, *, relative: bool) -> Callable[[], Answer | None]:
    return lambda: read_query(server, text, relative=relative)


def _run(tasks: Mapping[str, Callable[[], Answer | None]], deadline: float) -> dict[str, Answer]:
    """Every task in a thread; those that are late are left behind and end by their own timeouts."""
    pool = ThreadPoolExecutor(min(THREADS, len(tasks) or 1), thread_name_prefix="fhir")
    try:
        waiting: dict[str, Future[Answer | None]] = {key: pool.submit(task) for key, task in tasks.items()}
        found: dict[str, Answer] = {}
        for key, future in waiting.items():
            try:
                answer = future.result(max(0.0, deadline + GRACE_SECONDS - monotonic()))
            except TimeoutError:
                continue
            if answer is not None:
                found[key] = answer
        return found
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _together(answers: Mapping[str, Answer]) -> Fetched:
    resources: dict[str, Sequence[Resource]] = {}
    issues: list[DataIssue] = []
    for key, answer in answers.items():
        resources[key] = (answer.resource,)
        issues += answer.issues
    incomplete = frozenset(key for key, answer in answers.items() if answer.incomplete)
    return Fetched(resources=resources, incomplete=incomplete, issues=tuple(issues))
