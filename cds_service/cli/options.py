"""Options that several commands share."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from cds_service.errors import UnreadableInput
from cds_service.fhir.dates import parse_date

as_of_option = click.option(
    "--as-of", "as_of", metavar="YYYY-MM-DD", help="Day the record is judged on. Default: today (CART_CDS_TIMEZONE)."
)
jurisdiction_option = click.option(
    "--jurisdiction", type=click.Choice(["us", "eu"]), default="us", show_default=True, help="Whose label rules."
)


def day_of(text: str | None) -> date:
    """The day meant by ``--as-of``; today in CART_CDS_TIMEZONE (else UTC) when absent. Raises UnreadableInput."""
    if text is None:
        name = os.environ.get("CART_CDS_TIMEZONE", "")
        try:
            zone = ZoneInfo(name) if name else UTC
        except (KeyError, ValueError, OSError):
            raise UnreadableInput("expected an IANA time zone like Europe/Berlin", "CART_CDS_TIMEZONE") from None
        return datetime.now(zone).date()
    found = parse_date(text)
    if found is None or not found.exact or found.text != text:
        raise UnreadableInput("expected a day as YYYY-MM-DD", "--as-of")
    return found.first


def rules_folder() -> Path | None:
    """The folder CART_CDS_RULES names; None for the shipped rules. Raises UnreadableInput."""
    name = os.environ.get("CART_CDS_RULES", "")
    if not name:
        return None
    if not Path(name).is_dir():
        raise UnreadableInput("expected the path of a folder; there is none", "CART_CDS_RULES")
    return Path(name)
