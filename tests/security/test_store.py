"""Feedback kept, cards snoozed: FBK-01 to FBK-11, R-21, R-50, R-55, decisions 44 and 49.

On SQLite, and on PostgreSQL where the machine has a server.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from cds_service.app import Application
from cds_service.cdshooks.seams import Caller, FeedbackEntry
from cds_service.database.engine import Database, open_database
from cds_service.database.tables import Base, GivenFeedback, SentCard, Snooze, UsedToken
from cds_service.errors import SettingsError
from cds_service.feedback.snooze import load_snooze
from cds_service.feedback.store import DAY, SqlFeedbackStore, feedback_key
from cds_service.rule_files import RuleFileError
from cds_service.security.replay import ReplayStore
from tests.security.postgres import Postgres, find_postgres
from tests.service.conftest import (
    ORDER_SIGN,
    PATIENT_VIEW,
    ROOT,
    Json,
    ask,
    draft,
    hook_call,
    orders,
    prefetch_of,
    resources,
)

RULES = ROOT / "rules"
FEEDBACK = f"{PATIENT_VIEW}/feedback"
SYSTEM = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
NOW = 1_795_000_000.0


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


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: Database, clock: Clock) -> SqlFeedbackStore:
    return SqlFeedbackStore(database, b"k" * 32, load_snooze(RULES), clock=clock)


@pytest.fixture
def app(app_for: Callable[..., Application], store: SqlFeedbackStore) -> Application:
    """A sandbox over the store."""
    return app_for(store=store)


def count(database: Database, table: type[Base]) -> int:
    with database.durable.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def entry(
    card: str = "c1", outcome: str = "overridden", at: str = "2026-11-21T10:00:00Z", **more: Any
) -> FeedbackEntry:
    return FeedbackEntry(card=card, outcome=outcome, timestamp=at, **more)


def cards(app: Application, call: Json, path: str = PATIENT_VIEW) -> list[Json]:
    response = ask(app.test_client(), call, path)
    assert response.status_code == 200, response.text
    found: list[Json] = response.get_json()["cards"]
    return found


def answer(app: Application, card: Json, outcome: str = "overridden", code: str = "", at: str = "") -> None:
    said: Json = {"card": card["uuid"], "outcome": outcome, "outcomeTimestamp": at or "2026-11-01T10:00:00Z"}
    if outcome == "accepted":
        said["acceptedSuggestions"] = [{"id": card["suggestions"][0]["uuid"]}]
    if code:
        said["overrideReason"] = {"reason": {"code": code, "system": SYSTEM}}
    assert app.test_client().post(FEEDBACK, json={"feedback": [said]}).status_code == 204


def stamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


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


def test_fbk_07_the_same_entry_again_is_the_same_entry(store: SqlFeedbackStore, database: Database) -> None:
    store.keep("s", [entry(), entry(), entry("c2")], Caller())
    store.keep("s", [entry("c2"), entry()], Caller())
    assert count(database, GivenFeedback) == 2
    store.keep("s", [entry(outcome="accepted"), entry(at="2026-11-21T10:00:01Z")], Caller())
    store.keep("s", [entry()], Caller(issuer="https://ehr.example.org"))
    assert count(database, GivenFeedback) == 5


def test_odd_text_is_kept_in_a_form_every_database_takes(store: SqlFeedbackStore, database: Database) -> None:
    odd = "a\x00b\ud800c\n" + "é" * 500
    store.keep("s", [entry(odd[:200], reason_code=odd, reason_system=odd, suggestions=(odd,))], Caller())
    with database.durable.connect() as connection:
        row = connection.execute(select(GivenFeedback)).one()
    assert row.reason_code.startswith("a\ufffdb\ufffdc\ufffdé") and len(row.reason_code) == 200


@pytest.mark.parametrize("comments", [False, True])
def test_fbk_11_a_comment_is_kept_only_where_the_operator_says_so(
    database: Database, url: str, tmp_path: Path, comments: bool
) -> None:
    store = SqlFeedbackStore(database, b"k" * 32, load_snooze(RULES), comments=comments)
    store.keep("s", [entry(comment="canary comment")], Caller())
    with database.durable.connect() as connection:
        kept = connection.execute(select(GivenFeedback.comment)).scalar_one()
    assert kept == ("canary comment" if comments else None)
    if url.startswith("sqlite") and not comments:
        database.dispose()
        assert all(b"canary" not in path.read_bytes() for path in (tmp_path / "var").iterdir())


def test_each_card_sent_is_recorded_without_the_patient(app: Application, database: Database) -> None:
    (card,) = cards(app, hook_call())
    cards(app, hook_call())
    with database.durable.connect() as connection:
        row = connection.execute(select(SentCard)).one()
    assert (row.card, row.family, row.service) == (card["uuid"], "lbcl", "cart-referral-patient-view")
    assert "us/yescarta/lbcl-3l" in row.indications.split()
    assert len(row.fingerprint) == 32
    assert "dlbcl-third-line" not in repr(tuple(row))


@pytest.mark.parametrize(
    ("outcome", "code", "days"),
    [
        ("accepted", "", 180),
        ("overridden", "action-completed", 180),
        ("overridden", "prefers-alternative", 180),
        ("overridden", "cds-not-applicable", 180),
        ("overridden", "patient-ineligible", 180),
        ("overridden", "risk-benefit-ratio", 180),
        ("overridden", "action-not-priority", 30),
        ("overridden", "need-more-info", 30),
        ("overridden", "not-convenient-feasible", 30),
        ("overridden", "a-code-of-the-site", 30),
        ("overridden", "", 30),
    ],
)
def test_an_answered_card_stays_away_as_decision_44_says(
    app: Application, clock: Clock, outcome: str, code: str, days: int
) -> None:
    (card,) = cards(app, hook_call())
    answer(app, card, outcome, code, stamp(NOW))
    assert cards(app, hook_call()) == []
    clock.now = NOW + days * DAY - 60
    assert cards(app, hook_call()) == []
    clock.now = NOW + days * DAY + 60
    assert cards(app, hook_call()) == [card]


def test_new_evidence_wakes_the_card(app: Application) -> None:
    (card,) = cards(app, hook_call())
    answer(app, card, code="cds-not-applicable")
    assert cards(app, hook_call()) == []
    found = resources("dlbcl-third-line")
    progression = next(r for r in found if r["id"] == "o3")
    progression["effectiveDateTime"] = "2026-11-10"
    assert len(cards(app, {**hook_call(), "prefetch": prefetch_of(found)})) == 1


def test_what_is_no_evidence_does_not_wake_it(app: Application) -> None:
    (card,) = cards(app, hook_call())
    answer(app, card)
    found = resources("dlbcl-third-line")
    pain = {"coding": [{"system": "http://snomed.info/sct", "code": "22253000"}]}
    subject = {"reference": "Patient/dlbcl-third-line"}
    found.append({"resourceType": "Condition", "id": "later", "code": pain, "subject": subject})
    assert cards(app, {**hook_call(), "prefetch": prefetch_of(found)}) == []


def test_an_answer_at_chart_opening_counts_at_ordering(app: Application) -> None:
    (card,) = cards(app, hook_call())
    drugs = orders(draft("2105", "cyclophosphamide"), draft("1597582", "obinutuzumab"), draft("121191", "rituximab"))
    call = hook_call(hook="order-sign", draftOrders=drugs)
    spoken = cards(app, call, ORDER_SIGN)
    answer(app, card)
    assert len(spoken) == 1
    assert cards(app, call, ORDER_SIGN) == []


def test_another_patient_another_tenant_and_an_unknown_card_are_not_snoozed(
    app: Application, store: SqlFeedbackStore, database: Database
) -> None:
    (card,) = cards(app, hook_call())
    store.keep("s", [entry(card["uuid"])], Caller(issuer="https://ehr.example.org"))
    store.keep("s", [entry(card["uuid"])], Caller(tenant="north"))
    store.keep("s", [entry("unknown")], Caller())
    assert count(database, Snooze) == 0
    assert cards(app, hook_call()) == [card]
    answer(app, card)
    assert len(cards(app, hook_call("dlbcl-early-relapse"))) == 1


def test_the_latest_answer_counts_whenever_it_arrives(app: Application, clock: Clock) -> None:
    """The sandbox client sends accepted and then overridden for one card; batches arrive late."""
    (card,) = cards(app, hook_call())
    answer(app, card, "overridden", "need-more-info", stamp(NOW))
    answer(app, card, "accepted", at=stamp(NOW - 3600))
    clock.now = NOW + 31 * DAY
    assert cards(app, hook_call()) == [card]


def test_an_answer_from_the_future_snoozes_no_longer_than_one_of_now(app: Application, clock: Clock) -> None:
    (card,) = cards(app, hook_call())
    answer(app, card, at="2099-01-01T00:00:00Z")
    clock.now = NOW + 30 * DAY + 60
    assert cards(app, hook_call()) == [card]


def test_a_late_answer_snoozes_from_when_it_was_given(app: Application) -> None:
    (card,) = cards(app, hook_call())
    answer(app, card, at=stamp(NOW - 31 * DAY))
    assert cards(app, hook_call()) == [card]


def test_r_55_everything_is_gone_after_180_days(app: Application, database: Database, clock: Clock) -> None:
    (card,) = cards(app, hook_call())
    answer(app, card, "accepted", at=stamp(NOW))
    clock.now = NOW + 181 * DAY
    answer(app, {**card, "uuid": "another"}, at=stamp(clock.now))
    assert (count(database, SentCard), count(database, Snooze), count(database, GivenFeedback)) == (0, 0, 1)


def test_fbk_09_epics_form_is_kept_with_its_reason(app: Application, database: Database) -> None:
    said = {
        "card": "not-a-uuid",
        "outcome": "overridden",
        "outcomeTimestamp": "2026-11-21T10:00:00Z",
        "overrideReasons": {
            "extension": {
                "com.epic.cdshooks.feedback.overrideReason.code": "7",
                "com.epic.cdshooks.feedback.overrideReason.system": "urn:oid:1.2.3",
            }
        },
    }
    assert app.test_client().post(FEEDBACK, json={"feedback": [said]}).status_code == 204
    with database.durable.connect() as connection:
        row = connection.execute(select(GivenFeedback)).one()
    assert (row.card, row.reason_code, row.reason_system) == ("not-a-uuid", "7", "urn:oid:1.2.3")


def test_a_card_in_upper_case_is_the_same_card(app: Application) -> None:
    (card,) = cards(app, hook_call())
    answer(app, {**card, "uuid": card["uuid"].upper()})
    assert cards(app, hook_call()) == []


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
        began = time.monotonic()
        assert len(cards(real, hook_call())) == 1
        assert len(cards(real, hook_call())) == 1
        assert time.monotonic() - began < 2
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


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"accepted": "200"}, 5),
        ({"accepted": "-1"}, 5),
        ({"accepted": "soon"}, 5),
        ({"longest_days": "400"}, 4),
        ({"accepted": None}, 1),
        ({"extra": "1"}, 1),
    ],
)
def test_a_snooze_table_that_cannot_be_used_names_its_line(tmp_path: Path, change: Json, line: int) -> None:
    text = (RULES / "snooze.yaml").read_text()
    for key, value in change.items():
        lines = [row for row in text.splitlines() if not row.startswith(f"{key}:")]
        place = next((n for n, row in enumerate(text.splitlines()) if row.startswith(f"{key}:")), len(lines))
        if value is not None:
            lines.insert(place, f"{key}: {value}")
        text = "\n".join(lines)
    (tmp_path / "snooze.yaml").write_text(text)
    with pytest.raises(RuleFileError) as caught:
        load_snooze(tmp_path)
    assert caught.value.line >= 1 and (line == 1 or caught.value.line == line)


def test_every_reason_a_card_offers_has_a_time(pipeline: Any) -> None:
    table = load_snooze(RULES)
    offered = {reason.code for reason in pipeline.wording.override_reasons}
    assert set(table.overridden) <= offered
    assert {table.days("overridden", code) for code in offered} == {30, 180}


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
