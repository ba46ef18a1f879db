"""``cart-cds feedback report`` and ``purge``: the numbers of a small site, counted by hand."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cds_service.cdshooks.seams import Caller, FeedbackEntry
from cds_service.cli import main
from cds_service.database.engine import Database, insert_or_replace, open_database
from cds_service.database.tables import SentCard
from cds_service.feedback.snooze import load_snooze
from cds_service.feedback.store import DAY, SqlFeedbackStore
from tests.service.conftest import ROOT

OLD, NEW = time.time() - 100 * DAY, time.time() - DAY


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'cart-cds.db'}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Five cards: two accepted, one overridden with a reason, one changed from accepted to overridden, one ignored."""
    opened = open_database(url)
    for number, (family, rules) in enumerate(
        [
            ("lbcl", "us/yescarta/lbcl-3l us/kymriah/lbcl-3l"),
            ("lbcl", "us/yescarta/lbcl-3l"),
            ("lbcl", "us/yescarta/lbcl-3l"),
            ("b_all", "us/kymriah/all-ped-ya"),
            ("b_all", "us/kymriah/all-ped-ya"),
        ]
    ):
        row = {
            "issuer": "",
            "tenant": "",
            "card": f"card-{number}",
            "service": "cart-referral-patient-view",
            "family": family,
            "status": "met",
            "jurisdiction": "us",
            "ruleset": "1",
            "indications": rules,
            "fingerprint": bytes([number]) * 32,
            "sent": OLD if number == 0 else NEW,
        }
        with opened.quick.begin() as connection:
            connection.execute(insert_or_replace(opened.quick, SentCard), row)
    store = SqlFeedbackStore(opened, b"k" * 32, load_snooze(ROOT / "rules"), clock=lambda: OLD)
    store.keep("s", [FeedbackEntry(card="card-0", outcome="accepted", timestamp=stamp(OLD))], Caller())
    store = SqlFeedbackStore(opened, b"k" * 32, load_snooze(ROOT / "rules"), clock=lambda: NEW)
    store.keep(
        "s",
        [
            FeedbackEntry(card="card-1", outcome="accepted", timestamp=stamp(NEW)),
            FeedbackEntry(card="card-2", outcome="overridden", timestamp=stamp(NEW), reason_code="=1+1"),
            FeedbackEntry(card="card-3", outcome="accepted", timestamp=stamp(NEW)),
            FeedbackEntry(card="card-3", outcome="overridden", timestamp=stamp(NEW + 5)),
            FeedbackEntry(card="stray", outcome="overridden", timestamp=stamp(NEW + 5)),
        ],
        Caller(),
    )
    yield opened
    opened.dispose()


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, ["feedback", *arguments], env=environment)


def numbers(url: str) -> dict[tuple[str, str, str], tuple[int, str]]:
    result = run("report", "--format", "csv", CART_CDS_DATABASE_URL=url)
    assert result.exit_code == 0, result.output
    rows = csv.DictReader(io.StringIO(result.stdout))
    return {(row["group"], row["measure"], row["reason"]): (int(row["cards"]), row["share"]) for row in rows}


def test_rates_by_family_by_indication_and_by_reason(database: Database, url: str) -> None:
    found = numbers(url)
    assert found["lbcl", "sent", ""] == (3, "1.0000")
    assert found["lbcl", "answered", ""] == (3, "1.0000")
    assert found["lbcl", "accepted", ""] == (2, "0.6667")
    assert found["lbcl", "overridden", ""] == (1, "0.3333")
    assert found["lbcl", "overridden", "'=1+1"] == (1, "0.3333")
    assert found["us/kymriah/lbcl-3l", "accepted", ""] == (1, "1.0000")
    assert found["us/yescarta/lbcl-3l", "sent", ""] == (3, "1.0000")
    assert found["b_all", "answered", ""] == (1, "0.5000")
    assert found["b_all", "accepted", ""] == (0, "0.0000")
    assert found["b_all", "overridden", "no reason given"] == (1, "1.0000")
    assert found["cards not on record", "overridden", ""] == (1, "1.0000")
    assert found["all cards", "sent", ""] == (6, "1.0000")


def test_the_table_and_the_chart(database: Database, url: str, tmp_path: Path) -> None:
    chart = tmp_path / "rates.svg"
    result = run("report", "--database", url, "--chart", str(chart))
    assert result.exit_code == 0, result.output
    assert "us/yescarta/lbcl-3l" in result.stdout and "67%" in result.stdout and "no reason given" in result.stdout
    first = chart.read_bytes()
    assert b"lbcl" in first and b"overridden" in first
    run("report", "--database", url, "--chart", str(chart))
    assert chart.read_bytes() == first


def test_purge_of_what_is_old(database: Database, url: str) -> None:
    result = run("purge", "--older-than", "30", CART_CDS_DATABASE_URL=url)
    assert result.stdout == "deleted: 1 feedback entries, 1 cards, 1 snoozes\n"
    assert numbers(url)["lbcl", "sent", ""][0] == 2


def test_purge_of_everything_leaves_nothing_in_the_file(database: Database, url: str, tmp_path: Path) -> None:
    database.dispose()
    result = run("purge", "--all", CART_CDS_DATABASE_URL=url)
    assert result.stdout == "deleted: 6 feedback entries, 5 cards, 4 snoozes\n"
    assert numbers(url) == {("all cards", m, ""): (0, "") for m in ("sent", "answered", "accepted", "overridden")}
    assert all(b"card-1" not in path.read_bytes() for path in tmp_path.glob("cart-cds.db*"))


@pytest.mark.parametrize("arguments", [[], ["--all", "--older-than", "3"], ["--older-than", "-1"]])
def test_purge_wants_one_clear_order(database: Database, url: str, arguments: list[str]) -> None:
    assert run("purge", "--database", url, *arguments).exit_code == 2


@pytest.mark.parametrize("command", [["report"], ["purge", "--all"]])
def test_no_database_is_said_and_none_is_made(tmp_path: Path, command: list[str]) -> None:
    result = run(*command, CART_CDS_DATABASE_URL=f"sqlite:///{tmp_path / 'none.db'}")
    assert result.exit_code == 2
    assert "there is no database yet" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_chart_of_an_unknown_kind_is_refused(database: Database, url: str, tmp_path: Path) -> None:
    result = run("report", "--database", url, "--chart", str(tmp_path / "rates.xyz"))
    assert result.exit_code == 2
    assert "--chart" in result.stderr
