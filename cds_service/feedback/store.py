"""The feedback store: nothing acknowledged is lost, and no failure of the database holds a card back."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from time import monotonic, time
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import SQLAlchemyError

from cds_service.cards import Card
from cds_service.cdshooks.errors import Refusal
from cds_service.cdshooks.seams import Caller, CardCall, FeedbackEntry
from cds_service.database.engine import VARIABLE, Database, insert_new, insert_or_replace
from cds_service.database.tables import CARD, CODE, GivenFeedback, Secret, SentCard, Snooze
from cds_service.errors import SettingsError
from cds_service.feedback.fingerprint import KEY_BYTES, fingerprint
from cds_service.feedback.snooze import LONGEST_DAYS, SnoozeTable
from cds_service.fhir.model import Record

DAY = 86400.0
PURGE_SECONDS = 3600.0
REST_SECONDS = 5.0
"""After a failure cards pass without the database for this long, so that a hanging one slows only a few of them."""
MAX_COMMENT = 4000
Row = dict[str, Any]


def feedback_key(database: Database, configured: str) -> bytes:
    """The key of the fingerprints: from the configuration, else made once and kept in the database.

    Leaves no connection open, for worker processes are forked afterwards. Raises SettingsError.
    """
    if configured:
        return sha256(configured.encode()).digest()
    row = {"name": "fingerprint", "value": secrets.token_bytes(KEY_BYTES)}
    try:
        with database.durable.begin() as connection:
            connection.execute(insert_new(database.durable, Secret), row)
            found = connection.execute(select(Secret.value).where(Secret.name == "fingerprint")).scalar_one()
    except SQLAlchemyError as error:
        raise SettingsError(f"{VARIABLE}: the database cannot be written ({type(error).__name__})") from None
    finally:
        database.dispose()
    return bytes(found)


class SqlFeedbackStore:
    """Keeps feedback and what was sent in the database, each row for at most 180 days (R-55).

    ``failed`` is told the kind of every failure that was swallowed for the sake of a card.
    """

    def __init__(
        self,
        database: Database,
        key: bytes,
        snooze: SnoozeTable,
        *,
        comments: bool = False,
        failed: Callable[[str], None] = lambda kind: None,
        clock: Callable[[], float] = time,
    ) -> None:
        self._database = database
        self._key = key
        self._snooze = snooze
        self._comments = comments
        self._failed = failed
        self._clock = clock
        self._purged = 0.0
        self._rest_until = 0.0
        self._new_feedback = insert_new(database.durable, GivenFeedback)
        self._new_snooze = insert_or_replace(database.durable, Snooze, newer="decided")
        self._new_card = insert_or_replace(database.quick, SentCard)

    def keep(self, service: str, entries: Sequence[FeedbackEntry], caller: Caller) -> None:
        """Store the entries; they are on disk when this returns. Raises Refusal(503)."""
        now = self._clock()
        # In one order in every process, so that no two of them wait for each other.
        rows = sorted((self._row(service, entry, caller, now) for entry in entries), key=_order)
        try:
            with self._database.durable.begin() as connection:
                connection.execute(self._new_feedback, rows)
                snoozes = self._snoozes(rows, self._fingerprints(connection, rows, caller), now)
                if snoozes:
                    connection.execute(self._new_snooze, snoozes)
                if now - self._purged > PURGE_SECONDS:
                    expire(connection, now)
                    self._purged = now
        except SQLAlchemyError:
            raise Refusal(503, "feedback cannot be stored now; send it again later") from None

    def awake(self, cards: Sequence[Card], record: Record, call: CardCall) -> list[Card]:
        """The cards that are not snoozed, recorded as sent. Never raises: without a database every card is awake."""
        if monotonic() < self._rest_until:
            self._failed("Resting")
            return list(cards)
        marks = {card.uuid: fingerprint(card, record, call, self._key) for card in cards}
        awake = list(cards)
        try:
            asleep = self._asleep(marks.values())
            awake = [card for card in cards if marks[card.uuid] not in asleep]
            rows = sorted(
                (self._sent(card, marks[card.uuid], call) for card in awake), key=lambda row: str(row["card"])
            )
            if rows:
                with self._database.quick.begin() as connection:
                    connection.execute(self._new_card, rows)
        except SQLAlchemyError as error:
            self._rest_until = monotonic() + REST_SECONDS
            self._failed(type(error).__name__)
        return awake

    def _asleep(self, marks: Iterable[bytes]) -> set[bytes]:
        query = select(Snooze.fingerprint).where(Snooze.fingerprint.in_(list(marks)), Snooze.until > self._clock())
        with self._database.quick.connect() as connection:
            return {bytes(found) for found in connection.execute(query).scalars()}

    def _row(self, service: str, entry: FeedbackEntry, caller: Caller, now: float) -> Row:
        comment = clean(entry.comment, MAX_COMMENT) if self._comments and entry.comment else None
        return {
            "issuer": caller.issuer,
            "tenant": caller.tenant,
            "service": service,
            "card": card_name(entry.card),
            "outcome": entry.outcome,
            "at": entry.timestamp,
            "suggestions": " ".join(clean(suggestion, CARD) for suggestion in entry.suggestions),
            "reason_system": clean(entry.reason_system, CODE),
            "reason_code": clean(entry.reason_code, CODE),
            "comment": comment,
            "received": now,
        }

    def _sent(self, card: Card, mark: bytes, call: CardCall) -> Row:
        return {
            "issuer": call.caller.issuer,
            "tenant": call.caller.tenant,
            "card": card.uuid,
            "service": call.service,
            "family": card.family,
            "status": card.status,
            "jurisdiction": call.jurisdiction,
            "ruleset": card.ruleset,
            "indications": " ".join(card.rules),
            "fingerprint": mark,
            "sent": self._clock(),
        }

    def _fingerprints(self, connection: Connection, rows: Sequence[Row], caller: Caller) -> dict[str, bytes]:
        """Card -> fingerprint, of the cards that were sent to this caller."""
        query = select(SentCard.card, SentCard.fingerprint).where(
            SentCard.issuer == caller.issuer,
            SentCard.tenant == caller.tenant,
            SentCard.card.in_({row["card"] for row in rows}),
        )
        return {card: bytes(found) for card, found in connection.execute(query)}

    def _snoozes(self, rows: Sequence[Row], marks: Mapping[str, bytes], now: float) -> list[Row]:
        """One row a fingerprint, by its latest answer; a time in the future counts as now."""
        latest: dict[bytes, Row] = {}
        for row in rows:
            mark = marks.get(row["card"])
            if mark is None:
                continue
            decided = min(datetime.fromisoformat(row["at"]).timestamp(), now)
            if mark not in latest or decided >= latest[mark]["decided"]:
                days = self._snooze.days(row["outcome"], row["reason_code"])
                latest[mark] = {"fingerprint": mark, "decided": decided, "until": decided + days * DAY}
        return [latest[mark] for mark in sorted(latest)]


def expire(connection: Connection, now: float) -> None:
    """Delete what is older than 180 days, and snoozes that are over."""
    forget(connection, now - LONGEST_DAYS * DAY)
    connection.execute(delete(Snooze).where(Snooze.until <= now))


def forget(connection: Connection, before: float) -> dict[str, int]:
    """Delete what came before a time; how many rows of each table."""
    conditions = {SentCard: SentCard.sent < before, GivenFeedback: GivenFeedback.received < before}
    counts = {
        table.__tablename__: connection.execute(delete(table).where(condition)).rowcount
        for table, condition in conditions.items()
    }
    counts[Snooze.__tablename__] = connection.execute(delete(Snooze).where(Snooze.decided < before)).rowcount
    return counts


def clean(text: str, limit: int) -> str:
    """Text from outside as any database takes it: printable, of limited length."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:limit])


def card_name(text: str) -> str:
    """A card's uuid as it is compared: in lower case; what is no uuid stays as it is."""
    return clean(text.strip().removeprefix("urn:uuid:").lower(), CARD)


def _order(row: Row) -> tuple[str, str, str]:
    return row["card"], row["outcome"], row["at"]
