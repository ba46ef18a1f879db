"""The database: several workers, trouble of every kind, used tokens; R-50, SEC-08, decisions 44 and 49."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cds_service.app import Application
from cds_service.cdshooks.errors import Refusal
from cds_service.database.engine import Database, open_database
from cds_service.database.tables import Base, UsedToken
from cds_service.errors import SettingsError
from cds_service.feedback.store import feedback_key
from cds_service.security.replay import ReplayStore
from tests.security.kit import FEEDBACK, NOW, Clock, cards, count
from tests.service.conftest import (
    hook_call,
)


def test_the_tables_are_those_of_the_migrations(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.durable.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_several_workers_may_start_at_once(url: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(6) as pool:
        opened = list(pool.map(lambda _: open_database(url), range(6)))
        keys = set(pool.map(lambda each: feedback_key(each, ""), opened))
    for each in opened:
        each.dispose()
    assert len(keys) == 1


def test_a_configured_key_is_used_and_none_is_made(database: Database) -> None:
    from cds_service.database.tables import Secret

    assert feedback_key(database, "x" * 32) != feedback_key(database, "y" * 32)
    assert count(database, Secret) == 0


@pytest.fixture
def real(app_for: Callable[..., Application], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Application:
    """The application as configured, on SQLite, with less patience than in life."""
    monkeypatch.setattr("cds_service.database.engine.PATIENT_SECONDS", 0.3)
    monkeypatch.setattr("cds_service.database.engine.HASTY_SECONDS", 0.1)
    return app_for(feedback=True, database_url=f"sqlite:///{tmp_path / 'cart-cds.db'}")


def send(app: Application, number: int = 1) -> Any:
    said = {"card": f"c{number}", "outcome": "overridden", "outcomeTimestamp": "2026-11-21T10:00:00Z"}
    return app.test_client().post(FEEDBACK, json={"feedback": [said]})


def test_a_locked_database_holds_no_card_back_and_loses_no_feedback(real: Application, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "cart-cds.db", isolation_level=None) as lock:
        lock.execute("BEGIN IMMEDIATE")
        assert len(cards(real, hook_call())) == 1
        assert len(cards(real, hook_call())) == 1
        response = send(real)
        assert response.status_code == 503
        assert response.headers["Retry-After"]
        assert response.get_json()["issue"][0]["code"] == "transient"
        assert "sqlite" not in response.text.lower()
        lock.execute("ROLLBACK")
    lock.close()
    assert send(real).status_code == 204
    assert real.cart_cds.metrics.total("cart_cds_feedback_failures") >= 1
    assert real.cart_cds.metrics.total("cart_cds_cards_unrecorded") >= 2


def test_a_full_disk_holds_no_card_back_and_is_told_honestly(real: Application, tmp_path: Path) -> None:
    store = real.cart_cds.store
    for engine in (store._database.durable, store._database.quick):  # type: ignore[attr-defined]
        with engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    statuses = {send(real, number).status_code for number in range(300)}
    assert statuses == {204, 503}
    assert len(cards(real, hook_call())) == 1


def test_a_database_that_is_gone_holds_no_card_back(real: Application, tmp_path: Path) -> None:
    real.cart_cds.store._database.dispose()  # type: ignore[attr-defined]
    for path in tmp_path.glob("cart-cds.db*"):
        path.unlink()
    assert len(cards(real, hook_call())) == 1
    assert send(real).status_code == 503


def test_feedback_is_on_disk_before_it_is_acknowledged(real: Application) -> None:
    with real.cart_cds.store._database.durable.connect() as connection:  # type: ignore[attr-defined]
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"


def test_r_50_nothing_is_written_by_default(
    app_for: Callable[..., Application], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = app_for()
    assert cards(app, hook_call())
    assert send(app).status_code == 204
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_for_this_user_only(real: Application, tmp_path: Path) -> None:
    assert {path.stat().st_mode & 0o077 for path in tmp_path.glob("cart-cds.db*")} == {0}


@pytest.mark.parametrize(
    "bad",
    [
        "nonsense",
        "mysql://user:canary-password@db/x",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://user:canary-password@127.0.0.1:1/none",
        "sqlite:////proc/none/x.db",
    ],
)
def test_a_database_that_cannot_be_used_stops_the_start_and_shows_no_password(bad: str) -> None:
    with pytest.raises(SettingsError, match="CART_CDS_DATABASE_URL") as caught:
        open_database(bad)
    assert "canary" not in str(caught.value)


def test_no_connection_is_open_when_workers_are_forked(app_for: Callable[..., Application], tmp_path: Path) -> None:
    app = app_for(feedback=True, database_url=f"sqlite:///{tmp_path / 'cart-cds.db'}")
    database = app.cart_cds.store._database  # type: ignore[attr-defined]
    assert (database.durable.pool.checkedin(), database.quick.pool.checkedin()) == (0, 0)


def test_a_folder_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(SettingsError, match="CART_CDS_DATABASE_URL"):
        open_database(f"sqlite:///{blocked / 'x.db'}")


def test_sec_08_used_tokens_are_shared_and_forgotten_after_their_end(url: str, clock: Clock) -> None:
    first, second = open_database(url), open_database(url)
    here, there = ReplayStore(first, clock), ReplayStore(second, clock)
    assert here.first_use("https://ehr.example.org", "j1", NOW + 300)
    assert not there.first_use("https://ehr.example.org", "j1", NOW + 300)
    assert there.first_use("https://other.example.org", "j1", NOW + 300)
    assert there.first_use("https://ehr.example.org", "j" * 500, NOW + 300)
    clock.now += 400
    assert here.first_use("https://ehr.example.org", "j2", clock.now + 300)
    assert count(first, UsedToken) == 1
    first.dispose()
    second.dispose()


def test_a_replay_store_that_fails_is_503_and_lets_nobody_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cds_service.database.engine.HASTY_SECONDS", 0.1)
    database = open_database(f"sqlite:///{tmp_path / 'used.db'}")
    store = ReplayStore(database)
    with sqlite3.connect(tmp_path / "used.db", isolation_level=None) as lock:
        lock.execute("BEGIN IMMEDIATE")
        with pytest.raises(Refusal) as caught:
            store.first_use("https://ehr.example.org", "j1", NOW)
        assert caught.value.status == 503
        lock.execute("ROLLBACK")
    lock.close()
    assert store.first_use("https://ehr.example.org", "j1", NOW)
    database.dispose()
