"""Migrations, run by ``cds_service.database.migrate``."""
