"""Small resources to build records from, and the corpus where it is at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from cds_service.fhir import read_record
from cds_service.fhir.dates import Interval
from cds_service.fhir.decode import decode_record
from cds_service.fhir.model import Record

LISTS = (
    "conditions",
    "medications",
    "procedures",
    "observations",
    "numbers",
    "immunizations",
    "orders",
    "plans",
    "coverage",
    "issues",
)
SCT = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1960-05-17"}


def corpus_folder() -> Path | None:
    """The folder of real FHIR files: ``CART_CDS_CORPUS``, else one beside the repository; None when there is none."""
    named = os.environ.get("CART_CDS_CORPUS")
    folder = Path(named) if named else Path(__file__).resolve().parents[3] / "shared" / "fhir-corpus"
    return folder if folder.is_dir() else None


def resource(kind: str, name: str | None = None, **elements: Any) -> dict[str, Any]:
    """A resource about the patient p1."""
    made: dict[str, Any] = {"resourceType": kind, "subject": {"reference": "Patient/p1"}}
    if name is not None:
        made["id"] = name
    return made | elements


def coded(code: str, system: str = SCT, **more: Any) -> dict[str, Any]:
    """A CodeableConcept with one coding."""
    return {"coding": [{"system": system, "code": code}], **more}


def bundle(*resources: Any, **elements: Any) -> dict[str, Any]:
    """A collection of these resources."""
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]} | elements


def read(content: Any, *more: str) -> Record:
    """The record of a JSON value, or of bytes as they are."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    decoded = decode_record(body)
    return read_record(decoded.resources, decoded.issues, more)


def all_of(record: Record) -> dict[str, Any]:
    """Every list of the record, and its patient."""
    return {"patient": record.patient} | {name: getattr(record, name) for name in LISTS}


def problems(record: Record) -> list[str]:
    """The problems of the record, after everything was read."""
    all_of(record)
    return [issue.problem for issue in record.issues]


def text(interval: Interval | None) -> str | None:
    """A date as it was written."""
    return None if interval is None else interval.text
