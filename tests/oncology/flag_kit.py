"""Charts for tests of the flags: two lines of treatment for a lymphoma, and results beside them."""

from __future__ import annotations

import csv
import json
from datetime import date
from functools import cache
from typing import Any

from line_kit import AS_OF, RULES, dose, history, knowledge, resources, status

from cds_service.fhir import read_record
from cds_service.fhir.decode import decode_record
from cds_service.oncology import describe
from cds_service.oncology.model import ClinicalPicture, Flag

R_CHOP = ("rituximab", "cyclophosphamide", "doxorubicin", "vincristine", "prednisone")
R_GDP = ("rituximab", "gemcitabine", "dexamethasone", "cisplatin")
COURSE = (
    dose("2023-01-09", *R_CHOP, n=6),
    status("2023-06-12", "CR"),
    status("2024-10-07", "REL"),
    dose("2024-10-28", *R_GDP, n=3),
    status("2025-07-27", "PD"),
)
UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
Json = dict[str, Any]


@cache
def base() -> str:
    """A patient with two lines for diffuse large B-cell lymphoma, as JSON."""
    return json.dumps(resources(history("LBCL", *COURSE, dx="2022-12-26")))


@cache
def code_of(concept: str, kind: str = "question") -> tuple[str, str]:
    """(system, code) of the first row of an observation concept."""
    systems = {
        "loinc": LOINC,
        "snomed": "http://snomed.info/sct",
        "nci-thesaurus": "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl",
    }
    for name in ("observations", "observations_snomed"):
        with (RULES / "terminology" / f"{name}.csv").open(encoding="utf-8", newline="") as table:
            for row in csv.DictReader(table):
                if (row["concept"], row["kind"]) == (concept, kind):
                    return systems[row["system"]], row["code"]
    raise LookupError(concept)


def result(concept: str, on: str | None, key: str = "", **value: Any) -> Json:
    """An Observation of a concept; ``value`` are its further elements."""
    system, code = code_of(concept)
    made: Json = {
        "resourceType": "Observation",
        "id": key or f"{concept.replace('_', '-')}-{on}",
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": system, "code": code}]},
    }
    if on is not None:
        made["effectiveDateTime"] = on
    return made | value


def lab(concept: str, on: str | None, value: float, unit: str | None, **more: Any) -> Json:
    """A number with a UCUM unit; ``unit`` None leaves it out. ``comparator`` and ``high`` (of normal) may be given."""
    quantity: Json = {"value": value}
    if unit is not None:
        quantity |= {"unit": unit, "system": UCUM, "code": unit}
    if "comparator" in more:
        quantity["comparator"] = more.pop("comparator")
    made = result(concept, on, valueQuantity=quantity)
    if "high" in more:
        made["referenceRange"] = [{"high": {**quantity, "value": more.pop("high")}}]
    return made | more


def answer(concept: str, on: str | None, value: str, **more: Any) -> Json:
    """A coded answer, by concept of the value."""
    system, code = code_of(value, "value")
    return result(concept, on, valueCodeableConcept={"coding": [{"system": system, "code": code}]}, **more)


def told(concept: str, on: str | None, words: str, **more: Any) -> Json:
    """An answer in words."""
    return result(concept, on, valueString=words, **more)


def picture(
    *more: Json, missing: tuple[str, ...] = (), chart: list[Json] | None = None, as_of: date = AS_OF
) -> ClinicalPicture:
    """The clinical picture of the base chart (or ``chart``) with these resources beside it."""
    entries = [*(json.loads(base()) if chart is None else chart), *more]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in entries]}
    decoded = decode_record(json.dumps(bundle).encode())
    return describe(read_record(decoded.resources, decoded.issues, missing), as_of, knowledge())


def flag(name: str, *more: Json, **options: Any) -> Flag:
    """One flag of that chart."""
    return next(f for f in picture(*more, **options).flags if f.id == name)
