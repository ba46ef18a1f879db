"""Used tokens, keys, cards sent, feedback, snoozes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "used_token",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("expires", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_used_token"),
    )
    op.create_index("ix_used_token_expires", "used_token", ["expires"])
    op.create_table(
        "secret",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("value", sa.LargeBinary(64), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_secret"),
    )
    op.create_table(
        "sent_card",
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("tenant", sa.String(128), nullable=False),
        sa.Column("card", sa.String(200), nullable=False),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("family", sa.String(32), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("jurisdiction", sa.String(8), nullable=False),
        sa.Column("ruleset", sa.String(32), nullable=False),
        sa.Column("indications", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(32), nullable=False),
        sa.Column("sent", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "tenant", "card", name="pk_sent_card"),
    )
    op.create_index("ix_sent_card_sent", "sent_card", ["sent"])
    op.create_table(
        "feedback",
        sa.Column("entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("tenant", sa.String(128), nullable=False),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("card", sa.String(200), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("suggestions", sa.Text(), nullable=False),
        sa.Column("reason_system", sa.String(200), nullable=False),
        sa.Column("reason_code", sa.String(200), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("received", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("entry", name="pk_feedback"),
    )
    op.create_index("uq_feedback_entry", "feedback", ["issuer", "tenant", "card", "outcome", "at"], unique=True)
    op.create_index("ix_feedback_received", "feedback", ["received"])
    op.create_table(
        "snooze",
        sa.Column("fingerprint", sa.LargeBinary(32), nullable=False),
        sa.Column("decided", sa.Float(53), nullable=False),
        sa.Column("until", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_snooze"),
    )
    op.create_index("ix_snooze_until", "snooze", ["until"])


def downgrade() -> None:
    """Remove the tables."""
    for table in ("snooze", "feedback", "sent_card", "secret", "used_token"):
        op.drop_table(table)
