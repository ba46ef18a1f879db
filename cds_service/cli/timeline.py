"""``cart-cds timeline``: the history of a patient as a picture."""

from __future__ import annotations

from pathlib import Path

import click

from cds_service.cli import about_file
from cds_service.cli.evaluate import record_of
from cds_service.cli.options import as_of_option, day_of, rules_folder
from cds_service.errors import UnreadableInput
from cds_service.oncology import describe
from cds_service.oncology.knowledge import load_knowledge
from cds_service.pipeline import shipped_rules

FORMATS = (".svg", ".png", ".pdf")


@click.command()
@click.argument("file", metavar="FILE|-")
@click.option("--out", required=True, metavar="FILE", help="Picture to write: .svg, .png or .pdf.")
@as_of_option
@about_file
def timeline(file: str, out: str, as_of: str | None) -> None:
    """Draw the history: a swim-lane for each drug, lines shaded, disease status, transplant and CAR-T marked."""
    target = Path(out)
    if target.suffix.lower() not in FORMATS:
        raise UnreadableInput(f"expected a name ending in {', '.join(FORMATS)}", "--out")
    day = day_of(as_of)
    _, record = record_of(file)
    picture = describe(record, day, load_knowledge(rules_folder() or shipped_rules()))
    family = next(iter((*picture.families.values(), *picture.hypothetical.values())), None)
    if family is None or family.course is None:
        raise UnreadableInput("no blood cancer that a CAR-T label could name; there is no history to draw")
    from cds_service.cli.timeline_chart import draw

    try:
        draw(family, day, target)
    except OSError as error:
        raise UnreadableInput(f"cannot be written ({error.strerror})", out) from None
