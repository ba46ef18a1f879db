"""Tokens that were used, remembered by all workers until they expire (SEC-08)."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from time import time

from sqlalchemy import delete
from sqlalchemy.exc import SQLAlchemyError

from cds_service.cdshooks.errors import Refusal
from cds_service.database.engine import Database, insert_new
from cds_service.database.tables import UsedToken
from cds_service.security.tokens import LEEWAY_SECONDS

PURGE_SECONDS = 60.0


class ReplayStore:
    """Lets each token through once. Expired ones are deleted every minute, so the table stays as small as the traffic.

    A row is the digest of issuer and ``jti``: of one size, whatever the client sends.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time) -> None:
        self._engine = database.quick
        self._clock = clock
        self._purged = 0.0
        self._insert = insert_new(self._engine, UsedToken).execution_options(preserve_rowcount=True)

    def first_use(self, issuer: str, jti: str, expires: float) -> bool:
        """True the first time. Raises Refusal(503) when that cannot be known."""
        digest = sha256(f"{len(issuer)}:{issuer}{jti}".encode("utf-8", "surrogatepass")).digest()
        now = self._clock()
        try:
            with self._engine.begin() as connection:
                row = {"digest": digest, "expires": expires + LEEWAY_SECONDS}
                new = connection.execute(self._insert, row).rowcount == 1
                if now - self._purged > PURGE_SECONDS:
                    connection.execute(delete(UsedToken).where(UsedToken.expires < now))
                    self._purged = now
        except SQLAlchemyError:
            raise Refusal(503, "calls cannot be authenticated now; try again") from None
        return new
