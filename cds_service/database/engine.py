"""Opening the database: SQLite or PostgreSQL, brought up to date, safe for several workers.

Nothing stays connected after ``open_database``, so worker processes may be forked from the one that called it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from cds_service.database.migrate import upgrade
from cds_service.database.tables import Base
from cds_service.errors import SettingsError

VARIABLE = "CART_CDS_DATABASE_URL"
PATIENT_SECONDS = 5.0
"""How long feedback waits for a lock: it must not be lost."""
HASTY_SECONDS = 0.2
"""How long a card or a token waits for a lock: a clinician is waiting too."""
CONNECT_SECONDS = 2
POOL_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Database:
    """Two ways into one database: ``durable`` is on disk before a commit returns, ``quick`` gives up soon."""

    durable: Engine
    quick: Engine

    def dispose(self) -> None:
        """Close every connection."""
        self.durable.dispose()
        self.quick.dispose()


def open_database(url: str, *, must_exist: bool = False) -> Database:
    """The database of a URL with all tables; a SQLite file is made unless it ``must_exist``.

    Raises SettingsError that never shows the URL: it may hold a password.
    """
    parsed = _parsed(url)
    if must_exist and parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).is_file():
        raise SettingsError(f"{VARIABLE}: there is no database yet; nothing was stored, or it lies elsewhere")
    try:
        if parsed.get_backend_name() == "sqlite":
            _prepare_file(parsed)
        durable = _engine(parsed, PATIENT_SECONDS, durable=True)
        upgrade(durable)
        durable.dispose()
        return Database(durable, _engine(parsed, HASTY_SECONDS, durable=False))
    except (SQLAlchemyError, OSError) as error:
        kind = type(error.orig if isinstance(error, DBAPIError) and error.orig else error).__name__
        raise SettingsError(f"{VARIABLE}: the database cannot be opened or brought up to date ({kind})") from None


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise SettingsError(f"{VARIABLE}: not a database URL; expected sqlite:///file or postgresql://…") from None
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise SettingsError(f"{VARIABLE}: expected SQLite or PostgreSQL")
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise SettingsError(f"{VARIABLE}: a database in memory is not shared by workers; name a file")
    if parsed.get_backend_name() == "postgresql":
        try:
            __import__("psycopg")
        except ImportError:
            raise SettingsError(
                f"{VARIABLE}: PostgreSQL needs the driver psycopg; install cart-cds[postgresql]"
            ) from None
    return parsed


def _prepare_file(url: URL) -> None:
    """The folder and the file, readable by this user only; readers and one writer at a time (WAL)."""
    path = Path(str(url.database))
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    engine = create_engine(url)
    try:
        for attempt in range(20):
            try:
                with engine.connect() as connection:
                    connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                return
            except DBAPIError:
                # Another worker is switching it at this moment, and SQLite does not wait here.
                if attempt == 19:
                    raise
                sleep(0.1)
    finally:
        engine.dispose()


def _engine(url: URL, seconds: float, *, durable: bool) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(
            url,
            poolclass=QueuePool,
            pool_timeout=POOL_SECONDS,
            connect_args={"timeout": seconds, "check_same_thread": False},
        )
        event.listen(engine, "connect", _flush_always if durable else _flush_at_checkpoints)
        return engine
    wait = int(seconds * 1000)
    options = (
        f"-c lock_timeout={wait} -c statement_timeout={wait * 2} -c synchronous_commit={'on' if durable else 'off'}"
    )
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_timeout=POOL_SECONDS,
        connect_args={"connect_timeout": CONNECT_SECONDS, "options": options},
    )


def _flush_always(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA synchronous=FULL")


def _flush_at_checkpoints(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")


def insert_new(engine: Engine, table: type[Base]) -> Any:
    """An INSERT that leaves rows alone that are there already."""
    kind: Any = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
    return kind(table).on_conflict_do_nothing()


def insert_or_replace(engine: Engine, table: type[Base], newer: str = "") -> Any:
    """An INSERT that replaces the row with the same primary key; with ``newer``, unless it has a larger value there."""
    kind: Any = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
    statement = kind(table)
    keys = list(table.__table__.primary_key)
    others = {c.name: statement.excluded[c.name] for c in table.__table__.columns if not c.primary_key}
    where = table.__table__.c[newer] <= statement.excluded[newer] if newer else None
    return statement.on_conflict_do_update(index_elements=keys, set_=others, where=where)
