"""``cart-cds feedback``: how cards were answered, and the end of their records."""

from __future__ import annotations

import math
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cds_service.errors import SettingsError, UnreadableInput

if TYPE_CHECKING:
    from cds_service.feedback.report import Group

DAY = 86400.0
DATABASE = "CART_CDS_DATABASE_URL"
database_option = click.option(
    "--database", "url", metavar="URL", help=f"SQLAlchemy URL of the database. Default: {DATABASE}."
)


@click.group()
def feedback() -> None:
    """Acceptance and override rates of cards; deletion of what is stored."""


@feedback.command()
@database_option
@click.option("--format", "form", type=click.Choice(["table", "csv"]), default="table", show_default=True)
@click.option("--chart", "chart", metavar="FILE.svg", help="Draw the rates too; the suffix says the format.")
def report(url: str | None, form: str, chart: str | None) -> None:
    """How often cards were accepted or overridden, by disease family, by indication and by reason.

    A card counts once, by its latest answer. Cards that were ignored send no feedback.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from cds_service.feedback.report import as_csv, collect

    database = _open(url)
    try:
        groups = collect(database.durable)
    except SQLAlchemyError as error:
        raise _failed(error) from None
    finally:
        database.dispose()
    if chart is not None:
        _draw(groups, Path(chart))
    if form == "csv":
        sys.stdout.write(as_csv(groups))
    else:
        _table(groups)


@feedback.command()
@database_option
@click.option("--older-than", "days", type=click.IntRange(0), metavar="DAYS", help="Delete what is older than this.")
@click.option("--all", "everything", is_flag=True, help="Delete all of it.")
def purge(url: str | None, days: int | None, everything: bool) -> None:
    """Delete feedback, the record of cards sent, and snoozes. What is older than 180 days goes by itself."""
    from sqlalchemy.exc import SQLAlchemyError

    from cds_service.feedback.purge import purge as delete

    if (days is None) == (not everything):
        raise UnreadableInput("give one of --older-than DAYS and --all")
    database = _open(url)
    try:
        counts = delete(database.durable, math.inf if days is None else time.time() - days * DAY)
    except SQLAlchemyError as error:
        raise _failed(error) from None
    finally:
        database.dispose()
    print(f"deleted: {counts['feedback']} feedback entries, {counts['sent_card']} cards, {counts['snooze']} snoozes")


def _open(url: str | None) -> Any:
    from cds_service.database.engine import open_database
    from cds_service.settings import Settings

    chosen = url or os.environ.get(DATABASE) or str(Settings.model_fields["database_url"].default)
    return open_database(chosen, must_exist=True)


def _failed(error: Exception) -> SettingsError:
    return SettingsError(f"{DATABASE}: the database cannot be used now ({type(error).__name__}); try again")


def _table(groups: list[Group]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from cds_service.feedback.report import share

    table = Table(title="Cards and how they were answered", title_justify="left")
    for name in ("", "sent", "answered", "accepted", "overridden"):
        table.add_column(name, justify="right" if name else "left")
    for group in groups:
        cells = [
            str(group.sent),
            _with_share(group.answered, share(group.answered, group.sent)),
            _with_share(group.accepted, share(group.accepted, group.answered)),
            _with_share(group.overridden, share(group.overridden, group.answered)),
        ]
        table.add_row(Text(group.name, style="bold" if group.kind != "indication" else ""), *cells)
        for reason, count in group.reasons.most_common():
            table.add_row(Text(f"    {reason}"), "", "", "", _with_share(count, share(count, group.answered)))
    Console(width=None if sys.stdout.isatty() else 110).print(table)


def _with_share(count: int, part: float | None) -> str:
    return str(count) if part is None else f"{count}  {part:>4.0%}"


def _draw(groups: list[Group], target: Path) -> None:
    from cds_service.cli.feedback_chart import draw

    try:
        draw(groups, target)
    except (OSError, ValueError) as error:
        kind = getattr(error, "strerror", None) or "expected a file name that ends in .svg, .png or .pdf"
        raise UnreadableInput(f"the chart cannot be written: {kind}", "--chart") from None
