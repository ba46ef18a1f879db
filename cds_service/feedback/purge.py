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
        if engine.dialect.name == "sqlite":
            # Overwrite what is deleted, in the file and in its log.
            connection.exec_driver_sql("PRAGMA secure_delete=ON")
        counts = forget(connection, before if math.isfinite(before) else 1e300)
        connection.commit()
        _empty_log(connection)
    return counts


def _empty_log(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
