"""Results that no rule reads cost nothing; every result that a rule reads is read."""

from __future__ import annotations

import csv
import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cds_service.fhir import read_record
from cds_service.fhir.decode import decode_record
from cds_service.oncology import describe
from cds_service.pipeline import Pipeline

ROOT = Path(__file__).resolve().parents[2]
AS_OF = date(2026, 11, 21)
TABLES = ROOT / "rules" / "terminology"
SAMPLES = sorted((ROOT / "fhir_samples").glob("*.json"))


@cache
def pipeline() -> Pipeline:
    return Pipeline(jurisdictions=())


def entries(*codings: tuple[str, str]) -> int:
    """How many entries an Observation with these codings becomes."""
    found: dict[str, Any] = {
        "resourceType": "Observation",
        "id": "o",
        "subject": {"reference": "Patient/p"},
        "status": "final",
        "code": {"coding": [{"system": system, "code": code} for system, code in codings]},
        "valueQuantity": {"value": 1},
    }
    decoded = decode_record(json.dumps([{"resourceType": "Patient", "id": "p"}, found]).encode())
    return len(read_record(decoded.resources, decoded.issues, known=pipeline().reads).observations)


def rows(table: str) -> list[dict[str, str]]:
    with (TABLES / f"{table}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def questions() -> list[tuple[str, str, str]]:
    """(concept, system, code) of every question of the observation tables."""
    uri = {row["key"]: row["uri"] for row in rows("systems")}
    found = [row for row in rows("observations") + rows("observations_snomed") if row["kind"] == "question"]
    return [(row["concept"], uri[row["system"]], row["code"]) for row in found]


def test_a_result_becomes_an_entry_exactly_when_a_rule_reads_its_question() -> None:
    read = {concept for concept, system, code in questions() if entries((system, code))}
    assert read == pipeline().knowledge.questions
    assert {"disease_status", "histology_or_diagnosis", "hbv_surface_antigen"} <= read
    unread = {concept for concept, _, _ in questions()} - read
    assert all(not entries((system, code)) for concept, system, code in questions() if concept in unread)


@pytest.mark.parametrize(
    ("sentence", "codings", "count"),
    [
        ("a pulse", [("http://loinc.org", "8867-4")], 0),
        ("a code that no table holds", [("urn:local", "1234")], 0),
        ("a result without a code", [], 0),
        ("a disease status under a second coding", [("urn:local", "1234"), ("http://loinc.org", "97509-4")], 1),
        ("a number of lines", [("http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl", "C133518")], 1),
        ("a number of lines, the system as an OID", [("urn:oid:2.16.840.1.113883.3.26.1.1", "C133518")], 1),
    ],
)
def test_which_results_are_read(sentence: str, codings: list[tuple[str, str]], count: int) -> None:
    assert entries(*codings) == count, sentence


@pytest.mark.parametrize("sample", SAMPLES, ids=[path.stem for path in SAMPLES])
def test_leaving_results_out_changes_no_picture(sample: Path) -> None:
    decoded = decode_record(sample.read_bytes())
    knowledge = pipeline().knowledge
    whole = describe(read_record(decoded.resources, decoded.issues), AS_OF, knowledge)
    read = describe(read_record(decoded.resources, decoded.issues, known=pipeline().reads), AS_OF, knowledge)
    assert read == whole


def test_codes_without_end_do_not_fill_the_memory() -> None:
    fresh = Pipeline(jurisdictions=())
    for number in range(20000):
        assert not fresh.reads("urn:local", str(number))
    assert not fresh.reads("urn:local", "9" * 100_000)
    assert len(fresh._reads) == fresh._reads.MOST
    assert fresh.reads("http://loinc.org", "97509-4")
