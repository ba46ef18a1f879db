"""Alembic's entrance: runs the migrations on the connection it is given."""

from __future__ import annotations

from alembic import context

from cds_service.database.tables import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()
