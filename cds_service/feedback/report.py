"""Acceptance and override rates, by disease family, by indication and by reason."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import StringIO

from sqlalchemy import Engine, select

from cds_service.database.tables import GivenFeedback, SentCard

ACCEPTED, OVERRIDDEN = "accepted", "overridden"
NO_REASON = "no reason given"
UNKNOWN_CARD = "cards not on record"
"""Feedback whose card was not recorded when it was sent, or is deleted already."""


@dataclass(slots=True)
class Group:
    """Cards of one family or indication. A card counts once, by its latest answer."""

    kind: str
    name: str
    sent: int = 0
    accepted: int = 0
    overridden: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def answered(self) -> int:
        """Cards with any feedback; clients send none for a card that was ignored (FBK-06)."""
        return self.accepted + self.overridden

    def add(self, answer: tuple[str, str] | None) -> None:
        """Count one card with its outcome and reason; None for one without an answer."""
        self.sent += 1
        if answer is None:
            return
        outcome, reason = answer
        if outcome == ACCEPTED:
            self.accepted += 1
        else:
            self.overridden += 1
            self.reasons[reason or NO_REASON] += 1


def collect(engine: Engine) -> list[Group]:
    """All cards, then families, then indications, each sorted by name. Raises SQLAlchemyError."""
    groups: dict[tuple[str, str], Group] = {("all", "all cards"): Group("all", "all cards")}
    with engine.connect() as connection:
        answers: dict[tuple[str, str, str], tuple[str, str]] = {}
        given = select(
            GivenFeedback.issuer,
            GivenFeedback.tenant,
            GivenFeedback.card,
            GivenFeedback.outcome,
            GivenFeedback.reason_code,
        ).order_by(GivenFeedback.at, GivenFeedback.entry)
        for issuer, tenant, card, outcome, reason in connection.execute(given):
            answers[issuer, tenant, card] = (outcome, reason)
        sent = select(SentCard.issuer, SentCard.tenant, SentCard.card, SentCard.family, SentCard.indications)
        for issuer, tenant, card, family, indications in connection.execute(sent):
            answer = answers.pop((issuer, tenant, card), None)
            for group in _of(groups, family, indications.split()):
                group.add(answer)
    for answer in answers.values():
        groups["all", "all cards"].add(answer)
        groups.setdefault(("family", UNKNOWN_CARD), Group("family", UNKNOWN_CARD)).add(answer)
    order = {"all": 0, "family": 1, "indication": 2}
    return sorted(groups.values(), key=lambda group: (order[group.kind], group.name))


def _of(groups: dict[tuple[str, str], Group], family: str, indications: Iterable[str]) -> Iterator[Group]:
    yield groups["all", "all cards"]
    for key in [("family", family), *(("indication", indication) for indication in indications)]:
        yield groups.setdefault(key, Group(*key))


def share(part: int, whole: int) -> float | None:
    """Part of the whole, None of nothing."""
    return part / whole if whole else None


def as_csv(groups: Iterable[Group]) -> str:
    """One row a number: group_kind, group, measure, reason, cards, share.

    The share of ``answered`` is of the cards sent, that of ``accepted`` and ``overridden`` of the cards answered.
    """
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("group_kind", "group", "measure", "reason", "cards", "share"))
    for group in groups:
        rows: list[tuple[str, str, int, int]] = [
            ("sent", "", group.sent, group.sent),
            ("answered", "", group.answered, group.sent),
            (ACCEPTED, "", group.accepted, group.answered),
            (OVERRIDDEN, "", group.overridden, group.answered),
            *((OVERRIDDEN, reason, count, group.answered) for reason, count in group.reasons.most_common()),
        ]
        for measure, reason, cards, whole in rows:
            of_whole = share(cards, whole)
            written = "" if of_whole is None else f"{of_whole:.4f}"
            writer.writerow((group.kind, group.name, measure, _harmless(reason), cards, written))
    return out.getvalue()


def _harmless(text: str) -> str:
    """Reasons are words of the client: no spreadsheet may take one for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
