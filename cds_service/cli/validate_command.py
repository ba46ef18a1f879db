"""``cart-cds validate``."""

from __future__ import annotations

import sys

import click
import msgspec

from cds_service.cli.source import read_source
from cds_service.cli.validate import RELEASES, validate_content
from cds_service.errors import UnreadableInput


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--release", type=click.Choice(RELEASES), help="Judge by this release. Default: the one that fits best.")
def validate(files: tuple[str, ...], release: str | None) -> None:
    """Show the FHIR problems of files by fhir.resources, resource by resource; exit 1 when there are any.

    R4 is judged by the R4B models.
    """
    bad = 0
    for file in files:
        body = read_source(file)
        for number, content in _contents(file, body):
            for report in validate_content(content, release):
                if report.problems:
                    bad += 1
                    where = ": ".join(p for p in (file, number, report.place, report.reference) if p)
                    print(f"{where} ({report.release or 'no release'})")
                    for problem in report.problems:
                        print(f"  {problem}")
    print(f"{bad} resources with problems" if bad else "no problems")
    sys.exit(1 if bad else 0)


def _contents(file: str, body: bytes) -> list[tuple[str, object]]:
    body = body.removeprefix(b"\xef\xbb\xbf").strip()
    try:
        return [("", msgspec.json.decode(body))]
    except RecursionError:
        raise UnreadableInput("the JSON is nested too deeply", file) from None
    except msgspec.DecodeError as error:
        lines = [line for line in body.splitlines() if line.strip()]
        try:
            return [(f"line {n}", msgspec.json.decode(line)) for n, line in enumerate(lines, start=1)] if lines else []
        except (msgspec.DecodeError, RecursionError):
            raise UnreadableInput(f"not JSON: {error}", file) from None
