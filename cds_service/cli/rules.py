"""``cart-cds labels`` and ``cart-cds check-rules``: what the rule packs say, and whether they can be trusted."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from cds_service.cli.options import rules_folder
from cds_service.errors import CartCdsError, UnreadableInput
from cds_service.labels.loader import load_ruleset
from cds_service.labels.packs import Indication, Ruleset
from cds_service.pipeline import JURISDICTIONS, shipped_rules
from cds_service.rule_files import RuleFileError

if TYPE_CHECKING:
    from cds_service.labels.check_findings import Finding


@click.command()
@click.option("--jurisdiction", type=click.Choice(JURISDICTIONS), help="Default: all.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def labels(jurisdiction: str | None, form: str) -> None:
    """List every indication: status, approval, label revision, read-on and review-by dates, source."""
    rules = rules_folder() or shipped_rules()
    rulesets = [load_ruleset(rules, j) for j in ((jurisdiction,) if jurisdiction else JURISDICTIONS)]
    today = datetime.now(UTC).date()
    rows = [_row(ruleset, indication, today) for ruleset in rulesets for indication in ruleset.indications]
    if form == "json":
        sys.stdout.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    _print_table(rows)


def _row(ruleset: Ruleset, indication: Indication, today: Any) -> dict[str, Any]:
    product = indication.product
    status = "in force" if indication.in_force(today) else "not yet" if indication.effective_from > today else "past"
    return {
        "id": indication.id,
        "product": product.name,
        "shortName": product.short_name,
        "brand": product.brand,
        "family": indication.family,
        "title": indication.title,
        "status": status,
        "approval": indication.approval,
        "effectiveFrom": indication.effective_from.isoformat(),
        "until": indication.until.isoformat() if indication.until else None,
        "labelRevision": product.label_revision,
        "readOn": product.read_on.isoformat(),
        "reviewBy": product.review_by.isoformat(),
        "expires": product.expires.isoformat(),
        "source": product.page,
        "ruleset": {"jurisdiction": ruleset.jurisdiction, "version": ruleset.version},
    }


def _print_table(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("indication", "product", "status", "approval", "from", "until", "label", "read on", "review by"):
        table.add_column(name, no_wrap=True)
    table.add_column("source", overflow="fold")
    for row in rows:
        table.add_row(
            row["id"],
            f"{row['shortName']} ({row['brand']})",
            row["status"],
            row["approval"],
            row["effectiveFrom"],
            row["until"] or "",
            row["labelRevision"],
            row["readOn"],
            row["reviewBy"],
            row["source"],
            style="dim" if row["status"] != "in force" else "",
        )
    console = Console(soft_wrap=True) if sys.stdout.isatty() else Console(width=260)
    console.print(table)


@click.command("check-rules")
@click.argument("folder", required=False, metavar="[DIR]")
def check_rules(folder: str | None) -> None:
    """Validate rule packs, run the cases embedded in them and lint them; exit 1 on any error.

    Every other file of the folder is read as the service reads it at start.
    """
    from cds_service.labels.check import check_rules as check

    rules = Path(folder) if folder else rules_folder() or shipped_rules()
    if not rules.is_dir():
        raise UnreadableInput("expected the path of a rules folder; there is none", str(folder))
    try:
        report = sorted({*check(rules, datetime.now(UTC).date()), *_of_other_rooms(rules)})
    except CartCdsError as error:
        print(f"error  {error}")
        sys.exit(1)
    errors = 0
    for finding in report:
        errors += finding.level == "error"
        place = f"{finding.file}, line {finding.line}" if finding.line else finding.file
        print(f"{finding.level}  {place}: {finding.problem}. {finding.remedy}.")
    print(f"{rules.name}: {errors} errors, {len(report) - errors} warnings")
    sys.exit(1 if errors else 0)


def _of_other_rooms(rules: Path) -> Iterator[Finding]:
    """Files that other rooms read: the words of cards, the prefetch templates, how long an answered card stays away."""
    from cds_service.cards.wording import load_wording
    from cds_service.cdshooks.prefetch import load_templates
    from cds_service.feedback.snooze import load_snooze
    from cds_service.labels.check_findings import error_finding

    loaders: tuple[Callable[[Path], object], ...] = (load_wording, load_templates, load_snooze)
    for load in loaders:
        try:
            load(rules)
        except RuleFileError as error:
            yield error_finding(error)
