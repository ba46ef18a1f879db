"""Applications with authentication on, and stub servers that are stopped afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cds_service.app import Application
from cds_service.database.engine import Database, open_database
from tests.security.kit import BASE, Clock, Json, Reply, Stub, write_clients
from tests.security.postgres import Postgres, find_postgres
from tests.service.conftest import _no_settings_from_outside, app_for, pipeline

__all__ = ["_no_settings_from_outside", "app_for", "pipeline"]


@pytest.fixture
def guarded(app_for: Callable[..., Application], tmp_path: Path) -> Callable[..., Application]:
    """Applications with authentication on, in production or in the sandbox, over one database."""

    def make(clients: list[Json] | None = None, **settings: Any) -> Application:
        chosen = {
            "sandbox": False,
            "auth": "jwt",
            "public_url": BASE,
            "clients": write_clients(tmp_path, clients),
            "database_url": f"sqlite:///{tmp_path / 'cart-cds.db'}",
            **settings,
        }
        return app_for(**chosen)

    return make


@pytest.fixture
def stub() -> Iterator[Callable[..., Stub]]:
    """Makes stub servers and stops them afterwards."""
    running: list[Stub] = []

    def make(answer: Callable[[str], Reply] | None = None, tls: Any = None) -> Stub:
        running.append(Stub(answer, tls))
        return running[-1]

    yield make
    for server in running:
        server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres | None]:
    programs = find_postgres()
    if programs is None:
        yield None
        return
    server = Postgres(programs)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'var' / 'cart-cds.db'}"
    server: Postgres | None = request.getfixturevalue("postgres")
    if server is None:
        pytest.skip("no PostgreSQL server on this machine")
    return server.new_database()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = open_database(url)
    yield opened
    opened.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()
