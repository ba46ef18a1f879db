"""Differential check: a file validated and rebuilt by fhir.resources gives the assessment of the raw file."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from cds_service.errors import InputError
from cds_service.fhir import read_record
from cds_service.fhir.decode import decode_record
from cds_service.labels import as_json
from cds_service.pipeline import Pipeline

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = sorted((ROOT / "fhir_samples").glob("*.json"))
AS_OF = date(2026, 11, 21)
LARGEST = 100_000
"""Bytes of a corpus file that is rebuilt: validation costs half a second a megabyte."""


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline()


def corpus() -> list[Path]:
    named = os.environ.get("CART_CDS_CORPUS")
    folder = Path(named) if named else ROOT.parent / "shared" / "fhir-corpus"
    return sorted(p for p in folder.rglob("*.json") if p.stat().st_size <= LARGEST) if folder.is_dir() else []


def assessed(pipeline: Pipeline, body: bytes, jurisdiction: str) -> Any:
    """The assessment, or the refusal."""
    try:
        decoded = decode_record(body)
        record = read_record(decoded.resources, decoded.issues, known=pipeline.reads)
        return as_json(pipeline.assessment(record, AS_OF, jurisdiction))
    except InputError as error:
        return str(error)


def rebuilt(body: bytes) -> bytes | None:
    """The file as fhir.resources (R4B) writes it after validation; None when it does not accept it."""
    try:
        content = json.loads(body)
        found = get_fhir_model_class(content["resourceType"]).model_validate(content)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    written: str = found.model_dump_json()
    return written.encode()


@pytest.mark.parametrize("jurisdiction", ["us", "eu"])
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_rebuilt_by_a_strict_library_gives_the_same_assessment(
    pipeline: Pipeline, path: Path, jurisdiction: str
) -> None:
    body = path.read_bytes()
    other = rebuilt(body)
    assert other is not None and other != body
    assert assessed(pipeline, other, jurisdiction) == assessed(pipeline, body, jurisdiction)


@pytest.mark.skipif(not corpus(), reason="no corpus: set CART_CDS_CORPUS to a folder of FHIR files")
def test_corpus_files_rebuilt_by_a_strict_library_give_the_same_assessment(pipeline: Pipeline) -> None:
    compared, unlike = 0, []
    for path in corpus():
        body = path.read_bytes()
        other = rebuilt(body)
        if other is None:
            continue
        compared += 1
        if assessed(pipeline, other, "us") != assessed(pipeline, body, "us"):
            unlike.append(path.name)
    assert unlike == []
    assert compared > len(corpus()) / 2
