"""``cart-cds codes``: the codes of a record and what each was read as."""

from __future__ import annotations

import sys

import click
import orjson
from rich.console import Console
from rich.table import Table

from cds_service.cli import about_file
from cds_service.cli.evaluate import record_of
from cds_service.cli.options import rules_folder
from cds_service.pipeline import shipped_rules
from cds_service.terminology import load_concepts
from cds_service.terminology.report import CodeRow, code_report


@click.command()
@click.argument("file", metavar="FILE|-")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@about_file
def codes(file: str, form: str) -> None:
    """List the codes of a record, what each was read as, and those that no table knows, most frequent first."""
    _, record = record_of(file)
    report = code_report(record, load_concepts(rules_folder() or shipped_rules()))
    if form == "json":
        rows = {"mapped": [_json(r) for r in report.mapped], "unmapped": [_json(r) for r in report.unmapped]}
        sys.stdout.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    console = Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else 160)
    console.print(_table("read", report.mapped) if report.mapped else "no code of this record is in the tables")
    console.print()
    console.print(_table("not in any table", report.unmapped) if report.unmapped else "no unmapped codes")


def _json(row: CodeRow) -> dict[str, object]:
    return {
        "system": row.system,
        "code": row.code,
        "display": row.display,
        "count": row.count,
        "readAs": row.read_as or None,
        "otherSystem": row.misplaced,
    }


def _table(title: str, rows: tuple[CodeRow, ...]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in ("count", "code", "system"):
        table.add_column(name, no_wrap=True, justify="right" if name == "count" else "left")
    table.add_column("as sent", max_width=40)
    table.add_column("read as", overflow="fold")
    for row in rows:
        read = row.read_as + (" (a code of another system under this address)" if row.misplaced else "")
        table.add_row(str(row.count), row.code, row.system or "no system", row.display, read)
    return table
