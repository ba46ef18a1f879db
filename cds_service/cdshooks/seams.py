"""Interfaces of what may stand behind the hooks: who may call, where missing data come from, where feedback goes.

Each has an implementation that does nothing; ``app.create_app`` chooses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cds_service.cards import Card
from cds_service.fhir.model import DataIssue, Record
from cds_service.fhir.wire import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The authenticated client. ``issuer`` is "" without authentication; ``fhir_origins`` None: the general list."""

    issuer: str = ""
    tenant: str = ""
    fhir_origins: tuple[str, ...] | None = None


NOBODY = Caller()


class Authenticator(Protocol):
    """Decides who may call."""

    def caller(self, authorization: str | None, path: str) -> Caller | None:
        """The caller whose ``Authorization`` header this is; None is answered with a bare 401.

        ``path`` is the canonical path of the route ("/cds-services/<id>"); the audience is ``public_url`` + path.
        Raises Refusal(503) when a good token cannot be told from a used one, for the replay store cannot be reached.
        """
        ...


class OpenDoor:
    """Everybody may call: authentication is off."""

    def caller(self, authorization: str | None, path: str) -> Caller | None:
        """Nobody in particular."""
        return NOBODY


class ClosedDoor:
    """Nobody may call."""

    def caller(self, authorization: str | None, path: str) -> Caller | None:
        """No caller."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
    """What is missing and how to reach it. ``token`` lives as long as this request and never shows in a ``repr``.

    ``queries`` are relative FHIR queries by key, ``pages`` absolute URLs of next pages by key; the answers come under
    the same keys. ``seconds`` is the time there is for all of it.
    """

    fhir_server: str
    token: str = field(repr=False)
    queries: Mapping[str, str] = field(default_factory=dict, repr=False)
    pages: Mapping[str, str] = field(default_factory=dict, repr=False)
    seconds: float
    caller: Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Resources by prefetch key. A key that is asked for and absent here could not be had."""

    resources: Mapping[str, Sequence[Resource]] = field(default_factory=dict)
    incomplete: frozenset[str] = frozenset()
    """Keys whose list was cut off."""
    issues: tuple[DataIssue, ...] = ()
    """What of the answers could not be read."""


class PrefetchSource(Protocol):
    """Fetches what the client did not send."""

    active: bool
    """False: never called."""

    def fetch(self, request: FetchRequest) -> Fetched:
        """The missing resources, within a time budget. Never raises for a server that fails: its keys stay absent."""
        ...


class NoFetching:
    """No outbound call, the default."""

    active = False

    def fetch(self, request: FetchRequest) -> Fetched:
        """Nothing."""
        return Fetched()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackEntry:
    """One checked feedback entry. ``comment`` is free text and may hold patient data: never log it."""

    card: str
    outcome: str
    timestamp: str
    suggestions: tuple[str, ...] = ()
    reason_system: str = ""
    reason_code: str = ""
    comment: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardCall:
    """The hook call that cards are about to answer."""

    service: str
    hook_instance: str
    patient_id: str = field(repr=False)
    jurisdiction: str
    ruleset_version: str
    caller: Caller


class FeedbackStore(Protocol):
    """Keeps feedback, and silences cards that were answered (decision 44)."""

    def keep(self, service: str, entries: Sequence[FeedbackEntry], caller: Caller) -> None:
        """Store durably before returning; idempotent on (card, outcome, timestamp). Raises Refusal(503)."""
        ...

    def awake(self, cards: Sequence[Card], record: Record, call: CardCall) -> list[Card]:
        """The cards that are not snoozed, recorded as sent. Never raises: a failing store holds no card back."""
        ...


class NoStore:
    """Nothing is stored, the default."""

    def keep(self, service: str, entries: Sequence[FeedbackEntry], caller: Caller) -> None:
        """Nothing."""

    def awake(self, cards: Sequence[Card], record: Record, call: CardCall) -> list[Card]:
        """Every card."""
        return list(cards)
