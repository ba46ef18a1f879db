"""Which codes of a record were understood, and which not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cds_service.fhir import read_record
from cds_service.fhir.decode import decode_record
from cds_service.fhir.model import Record
from cds_service.terminology import load_concepts
from cds_service.terminology.report import code_report

CONCEPTS = load_concepts(Path(__file__).parents[2] / "rules")
ICD10, RXNORM = "http://hl7.org/fhir/sid/icd-10", "http://www.nlm.nih.gov/research/umls/rxnorm"


def resource(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": kind, "id": name, "subject": {"reference": "Patient/p1"}, **more}


def coded(system: str, code: str, display: str = "") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def record() -> Record:
    resources = [
        {"resourceType": "Patient", "id": "p1"},
        resource("Condition", "c1", code=coded(ICD10, "C90.02")),
        resource("Condition", "c2", code=coded("http://example.org/local", "X1", "something local")),
        resource("Condition", "c3", code=coded("http://example.org/local", "X1")),
        resource("Procedure", "p1", status="completed", code=coded("http://example.org/local", "A1")),
        resource("MedicationStatement", "m1", status="active", medicationCodeableConcept=coded(RXNORM, "2390950")),
    ]
    decoded = decode_record(json.dumps(resources).encode())
    return read_record(decoded.resources, decoded.issues)


def test_unmapped_codes_come_most_frequent_first() -> None:
    report = code_report(record(), CONCEPTS)
    assert [(row.code, row.count, row.display) for row in report.unmapped] == [
        ("X1", 2, "something local"),
        ("A1", 1, ""),
    ]
    assert CONCEPTS.unmapped(record()) == [
        ("http://example.org/local", "X1", "something local", 2),
        ("http://example.org/local", "A1", "", 1),
    ]


def test_mapped_codes_say_what_they_were_read_as() -> None:
    rows = {row.code: row for row in code_report(record(), CONCEPTS).mapped}
    assert rows["C90.02"].read_as == "diagnosis multiple_myeloma (indication, in relapse)"
    assert rows["C90.02"].misplaced
    assert rows["2390950"].read_as == "drug ofatumumab (anti_cd20, non oncology brand)"
    assert not rows["2390950"].misplaced


def test_a_code_without_a_display_is_listed_under_the_text_of_its_drug() -> None:
    ndc = coded("http://hl7.org/fhir/sid/ndc", "59572041028") | {"text": "Revlimid 10 mg capsule"}
    resources = [
        {"resourceType": "Patient", "id": "p1"},
        resource("MedicationDispense", "d1", status="completed", medicationCodeableConcept=ndc),
    ]
    decoded = decode_record(json.dumps(resources).encode())
    (row,) = code_report(read_record(decoded.resources, decoded.issues), CONCEPTS).unmapped
    assert row.display == "Revlimid 10 mg capsule"
