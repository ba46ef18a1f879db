"""Feedback kept, cards snoozed: FBK-01 to FBK-11, R-21, R-55, decision 44.

On SQLite, and on PostgreSQL where the machine has a server.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cds_service.app import Application
from cds_service.cdshooks.seams import Caller, FeedbackEntry
from cds_service.database.engine import Database
from cds_service.database.tables import GivenFeedback, SentCard, Snooze
from cds_service.feedback.snooze import load_snooze
from cds_service.feedback.store import DAY, SqlFeedbackStore
from cds_service.rule_files import RuleFileError
from tests.security.kit import FEEDBACK, NOW, Clock, cards, count
from tests.service.conftest import (
    ORDER_SIGN,
    ROOT,
    Json,
    draft,
    hook_call,
    orders,
    prefetch_of,
    resources,
)

RULES = ROOT / "rules"
SYSTEM = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"


@pytest.fixture
def store(database: Database, clock: Clock) -> SqlFeedbackStore:
    return SqlFeedbackStore(database, b"k" * 32, load_snooze(RULES), clock=clock)


@pytest.fixture
def app(app_for: Callable[..., Application], store: SqlFeedbackStore) -> Application:
    """A sandbox over the store."""
    return app_for(store=store)


def entry(
    card: str = "c1", outcome: str = "overridden", at: str = "2026-11-21T10:00:00Z", **more: Any
) -> FeedbackEntry:
    return FeedbackEntry(card=card, outcome=outcome, timestamp=at, **more)


def answer(app: Application, card: Json, outcome: str = "overridden", code: str = "", at: str = "") -> None:
    said: Json = {"card": card["uuid"], "outcome": outcome, "outcomeTimestamp": at or "2026-11-01T10:00:00Z"}
    if outcome == "accepted":
        said["acceptedSuggestions"] = [{"id": card["suggestions"][0]["uuid"]}]
    if code:
        said["overrideReason"] = {"reason": {"code": code, "system": SYSTEM}}
    assert app.test_client().post(FEEDBACK, json={"feedback": [said]}).status_code == 204


def stamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


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
