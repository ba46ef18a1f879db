"""``cart-cds evaluate``: one patient in, the assessment out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date

import click
import orjson

from cds_service.cli import about_file
from cds_service.cli.options import as_of_option, day_of, jurisdiction_option, rules_folder
from cds_service.cli.source import read_source
from cds_service.fhir import read_record
from cds_service.fhir.decode import Decoded, decode_record
from cds_service.fhir.model import Record
from cds_service.pipeline import Pipeline

NIL = "00000000-0000-0000-0000-000000000000"


@click.command()
@click.argument("file", metavar="FILE|-")
@as_of_option
@jurisdiction_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "cards"]),
    default="text",
    show_default=True,
    help="A report to read, the assessment, or what the patient-view hook would answer.",
)
@about_file
def evaluate(file: str, as_of: str | None, jurisdiction: str, form: str) -> None:
    """Judge one patient's record: a FHIR Bundle, a resource, a list, NDJSON, Parameters or a CDS Hooks request."""
    day = day_of(as_of)
    pipeline = Pipeline(rules_folder(), (jurisdiction,))
    decoded, record = record_of(file, pipeline.reads)
    if form == "cards":
        _print_json(_cards(pipeline, decoded, record, day, jurisdiction))
        return
    assessment = pipeline.assessment(record, day, jurisdiction)
    if form == "json":
        from cds_service.labels import as_json

        _print_json(as_json(assessment))
        return
    from cds_service.cli.text_report import print_report

    print_report(assessment)


def record_of(file: str, known: Callable[[str, str], bool] | None = None) -> tuple[Decoded, Record]:
    """The decoded input and the record it holds, ``known`` as in ``fhir.read_record``. Raises InputError."""
    decoded = decode_record(read_source(file))
    return decoded, read_record(decoded.resources, decoded.issues, known=known)


def _cards(pipeline: Pipeline, decoded: Decoded, record: Record, day: date, jurisdiction: str) -> object:
    from cds_service.cards import CardOptions, HookView, card_json

    instance = decoded.hook.hookInstance if decoded.hook and decoded.hook.hookInstance else NIL
    hook = HookView(hook="patient-view", hook_instance=instance, service_id="cart-referral-patient-view")
    options = CardOptions(base_url="http://127.0.0.1:8080")
    assessment = pipeline.assessment(record, day, jurisdiction)
    return {"cards": [card_json(card) for card in pipeline.cards(assessment, hook, options)]}


def _print_json(value: object) -> None:
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
