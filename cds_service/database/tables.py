"""The tables. Times are seconds since 1970 (UTC); nothing here names a patient."""

from __future__ import annotations

from sqlalchemy import BigInteger, Float, Index, Integer, LargeBinary, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ISSUER, TENANT, CARD, CODE = 255, 128, 200, 200
"""Longest texts from outside, in characters."""


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(naming_convention={"pk": "pk_%(table_name)s", "ix": "ix_%(table_name)s_%(column_0_name)s"})


class UsedToken(Base):
    """A token that was used: the digest of its issuer and ``jti``, until it expires (SEC-08)."""

    __tablename__ = "used_token"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    expires: Mapped[float] = mapped_column(Float(53), index=True)


class Secret(Base):
    """A key made at first start when the configuration gives none (decision 44)."""

    __tablename__ = "secret"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary(64))


class SentCard(Base):
    """A card that was sent; ``fingerprint`` is a keyed hash, ``indications`` ids separated by blanks."""

    __tablename__ = "sent_card"

    issuer: Mapped[str] = mapped_column(String(ISSUER), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(TENANT), primary_key=True)
    card: Mapped[str] = mapped_column(String(CARD), primary_key=True)
    service: Mapped[str] = mapped_column(String(64))
    family: Mapped[str] = mapped_column(String(32))
    status: Mapped[str] = mapped_column(String(16))
    jurisdiction: Mapped[str] = mapped_column(String(8))
    ruleset: Mapped[str] = mapped_column(String(32))
    indications: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    sent: Mapped[float] = mapped_column(Float(53), index=True)


class GivenFeedback(Base):
    """One outcome of one card at one time; the same three again are the same entry (FBK-07).

    ``entry`` numbers the rows; ``suggestions`` are ids separated by blanks; ``at`` is the client's own time stamp as
    text, in UTC. ``comment`` is free text and stays null unless the operator switched it on (FBK-11).
    """

    __tablename__ = "feedback"
    __table_args__ = (Index("uq_feedback_entry", "issuer", "tenant", "card", "outcome", "at", unique=True),)

    entry: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    issuer: Mapped[str] = mapped_column(String(ISSUER))
    tenant: Mapped[str] = mapped_column(String(TENANT))
    service: Mapped[str] = mapped_column(String(64))
    card: Mapped[str] = mapped_column(String(CARD))
    outcome: Mapped[str] = mapped_column(String(16))
    at: Mapped[str] = mapped_column(String(40))
    suggestions: Mapped[str] = mapped_column(Text)
    reason_system: Mapped[str] = mapped_column(String(CODE))
    reason_code: Mapped[str] = mapped_column(String(CODE))
    comment: Mapped[str | None] = mapped_column(Text)
    received: Mapped[float] = mapped_column(Float(53), index=True)


class Snooze(Base):
    """A card that was answered stays away until ``until``; ``decided`` is when, so that the latest answer counts."""

    __tablename__ = "snooze"

    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    decided: Mapped[float] = mapped_column(Float(53))
    until: Mapped[float] = mapped_column(Float(53), index=True)
