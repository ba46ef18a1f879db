"""Deleting feedback and what was recorded of cards sent (R-55)."""

from __future__ import annotations

import math

from sqlalchemy import Connection, Engine

from cds_service.feedback.store import forget


def purge(engine: Engine, before: float) -> dict[str, int]:
    """Delete what came before a time (seconds since 1970; infinity for all); how many rows of each table.

    Raises SQLAlchemyError.
    """
    with engine.connect() as connection:
        counts = forget(connection, before if math.isfinite(before) else 1e300)
        connection.commit()
        if engine.dialect.name == "sqlite":
            _shred(connection)
    return counts


def _shred(connection: Connection) -> None:
    """Rewrite the file and empty its log, so that deleted rows are in neither."""
    connection.exec_driver_sql("VACUUM")
    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
