"""Real FHIR that nobody here wrote: read, or refused in one line, whole and broken."""

from __future__ import annotations

import copy
import dataclasses
import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fhir_kit import PATIENT, all_of, bundle, corpus_folder, read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.errors import InputError, MixedPatients, NoPatient
from cds_service.fhir import read_record
from cds_service.fhir.decode import decode_hook, decode_record

CORPUS = corpus_folder()
pytestmark = pytest.mark.skipif(CORPUS is None, reason="no corpus: set CART_CDS_CORPUS to a folder of FHIR files")


def files() -> list[Path]:
    return sorted(CORPUS.rglob("*.json")) if CORPUS else []


@cache
def small() -> tuple[bytes, ...]:
    """The files to break: none above 40 kB."""
    return tuple(path.read_bytes() for path in files() if path.stat().st_size < 40_000)


def walk(body: bytes) -> str:
    """Read everything there is; "" or the refusal. Anything else that is raised fails the test."""
    for decode in (decode_record, decode_hook):
        try:
            decoded = decode(body)
            found = all_of(read_record(decoded.resources, decoded.issues))
        except InputError as error:
            said = str(error)
            assert "\n" not in said
            assert len(said) < 400
            continue
        assert found["coverage"].resources
        for issue in found["issues"]:
            assert len(issue.problem) < 300
        if decode is decode_record:
            return ""
    return said


def test_every_file_of_the_corpus_is_read_or_refused() -> None:
    refused = sum(bool(walk(path.read_bytes())) for path in files())
    assert refused < len(files()) / 4


def people(value: Any) -> set[str]:
    """Every name a file gives a patient: ids of Patient resources, subjects, patients."""
    if isinstance(value, list):
        return {name for item in value for name in people(item)}
    if not isinstance(value, dict):
        return set()
    found = {str(value.get("id") or json.dumps(value))} if value.get("resourceType") == "Patient" else set()
    for key, inner in value.items():
        if key in ("subject", "patient"):
            held = inner if isinstance(inner, list) else [inner]
            found |= {str(one.get("reference") or one.get("identifier")) for one in held if isinstance(one, dict)}
        found |= people(inner)
    return {name.removeprefix("Patient/") for name in found}


def test_only_files_that_name_several_people_are_refused_as_mixed() -> None:
    refused = 0
    for path in files():
        body = path.read_bytes()
        try:
            read(body)
        except MixedPatients:
            refused += 1
            assert len(people(json.loads(body))) > 1, path.name
        except InputError:
            pass
    assert refused


def same(one: str, other: str, name: str, *apart: str) -> None:
    """Two files give the same entry, elements that the versions do not share set apart."""
    assert CORPUS is not None
    entries = []
    for file in (one, other):
        found = getattr(read((CORPUS / "version-pairs" / f"{file}.json").read_bytes()), name)
        assert len(found) == 1
        as_dict = dataclasses.asdict if dataclasses.is_dataclass(found[0]) else msgspec.structs.asdict
        entries.append(as_dict(found[0]))
    for key in apart:
        for entry in entries:
            entry.pop(key)
    assert entries[0] == entries[1]


@pytest.mark.parametrize(
    ("one", "other", "name", "apart"),
    [
        ("immunization_30_completed_notGiven", "immunization_40_not-done", "immunizations", ()),
        ("immunization_40_not-done_notGiven-extension", "immunization_40_not-done", "immunizations", ()),
        ("medication_request_30", "medication_request_40_converted_to_30", "medications", ()),
        # the DSTU2 file holds no status, and DSTU2 has no intent
        ("1_medication_request_10", "0_medication_request_40", "medications", ("intent", "status", "reference")),
        # STU3 says apart what R4 says with the status; the converter merged two lists of reasons
        (
            "medication_statement_30",
            "medication_statement_30_converted_to_40",
            "medications",
            ("status", "taken", "reasons", "status_reasons"),
        ),
    ],
)
def test_one_resource_in_two_versions_of_fhir_reads_the_same(
    one: str, other: str, name: str, apart: tuple[str, ...]
) -> None:
    same(one, other, name, *apart)


def test_medication_statements_of_r4_and_r5_give_the_same_drugs() -> None:
    assert CORPUS is not None
    pairs = json.loads((CORPUS / "version-pairs" / "medication-statement-tests.json").read_bytes())
    about = PATIENT | {"id": "123"}
    old = read(bundle(about, *pairs["r4_resources"])).medications
    new = read(bundle(about, *pairs["r5_resources"])).medications
    assert {m.status for m in old} >= {"active", "not-taken", "entered-in-error"}
    assert all(m.drug.text for m in (*old, *new))
    assert {m.status for m in new} <= {"recorded", "draft", "entered-in-error"}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


ODD: tuple[Any, ...] = (
    None,
    True,
    [],
    {},
    0,
    -1,
    10**30,
    1.5,
    "",
    "\ud800",
    "\x00",
    "2" * 300,
    [[]],
    [{}],
    {"coding": [{}]},
    {"reference": "Patient/other"},
    "a/" * 2000,
)


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A file of the corpus with up to four values dropped, doubled, moved, replaced or nested, or its bytes cut."""
    body = draw(st.sampled_from(small()))
    if draw(st.integers(0, 5)) == 0:
        return body[: draw(st.integers(0, len(body)))]
    try:
        value = json.loads(body)
    except ValueError:
        return body
    for _ in range(draw(st.integers(1, 4))):
        spots = places(value)
        if not spots:
            break
        path = draw(st.sampled_from(spots))
        holder = value
        for key in path[:-1]:
            holder = holder[key]
        change = draw(st.integers(0, 5))
        key, there = path[-1], holder[path[-1]]
        if change == 0:
            del holder[key]
        elif change == 1:
            holder[key] = [there, there]
        elif change == 2:
            other = draw(st.sampled_from(spots))
            moved = value
            for step in other:
                moved = moved[step]
            holder[key] = json.loads(json.dumps(moved))
        elif change == 3:
            holder[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
        elif change == 4:
            for _ in range(draw(st.sampled_from((1, 20, 150)))):
                there = (
                    {"resourceType": "Bundle", "entry": [{"resource": there}]} if isinstance(there, dict) else [there]
                )
            holder[key] = there
        else:
            holder[key] = str(there)
    text = json.dumps(value)
    for old, new in draw(st.lists(st.sampled_from(RAW), max_size=2)):
        text = text.replace(old, new, draw(st.integers(1, 3)))
    return text.encode()


RAW = (
    ('"value": ', '"value": NaN, "was": '),
    ('"value": ', '"value": 1e400, "was": '),
    ('"id": ', '"id": "twice", "id": '),
    ('"resourceType": ', '"resourceType": "Patient", "resourceType": '),
    ('"status": "', '"status": "\\udfff'),
    ('"system": "', '"system": "\\ud83d\\ude00'),
)


@given(broken())
@settings(max_examples=150, deadline=2000, suppress_health_check=list(HealthCheck))
def test_no_broken_file_breaks_the_reader(body: bytes) -> None:
    walk(body)


@given(st.data())
@settings(max_examples=40, deadline=2000, suppress_health_check=list(HealthCheck))
def test_no_flipped_byte_breaks_the_reader(data: st.DataObject) -> None:
    body = bytearray(data.draw(st.sampled_from(small())))
    for _ in range(data.draw(st.integers(1, 5))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    walk(bytes(body))


def test_a_file_without_a_patient_says_so() -> None:
    with pytest.raises(NoPatient):
        read({"resourceType": "CodeSystem", "id": "x"})
