"""Processor time of reading a history: from decoded resources to the clinical picture, by the number of medications.

The patient is a made-up one with myeloma whose maintenance drug was given again and again, every dose a resource of its
own. Run with ``make bench``. The cost must grow in step with the number of doses.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from datetime import date, timedelta

import orjson

from benchmarks.charts import RXNORM, SNOMED, SUBJECT, Resource, coding, patient
from cds_service.fhir import read_record
from cds_service.fhir.decode import decode_record
from cds_service.oncology import describe
from cds_service.pipeline import Pipeline
from cds_service.serve import settle_memory

SIZES = (20, 200, 2_000, 20_000)
AS_OF = date(2026, 11, 21)
FIRST = date(2005, 1, 3)
EVERY = 4
"""Days between the days of treatment."""
DRUGS = (("bortezomib", "358258"), ("lenalidomide", "342369"), ("daratumumab", "1721947"))
A_DAY = 12
"""Most resources of one day, as wards record drugs hour by hour."""


def history(medications: int) -> bytes:
    """A Bundle of a patient with myeloma and that many medication resources."""
    resources = [patient(), _myeloma(), *_doses(medications)]
    entries = [{"resource": resource} for resource in resources]
    return orjson.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})


def _myeloma() -> Resource:
    return {
        "resourceType": "Condition",
        "id": "myeloma",
        "subject": SUBJECT,
        "clinicalStatus": coding("http://terminology.hl7.org/CodeSystem/condition-clinical", "active", "Active"),
        "code": coding(SNOMED, "109989006", "Multiple myeloma"),
        "onsetDateTime": "2004-12-06",
    }


def _doses(medications: int) -> Iterator[Resource]:
    days = (AS_OF - FIRST).days // EVERY
    for number in range(medications):
        name, code = DRUGS[number % len(DRUGS)]
        day = FIRST + timedelta(number // min(A_DAY, max(1, -(-medications // days))) % days * EVERY)
        yield {
            "resourceType": "MedicationAdministration",
            "id": f"dose-{number}",
            "status": "completed",
            "subject": SUBJECT,
            "medicationCodeableConcept": coding(RXNORM, code, name),
            "effectiveDateTime": day.isoformat(),
        }


def measure(pipeline: Pipeline, medications: int, rounds: int) -> float:
    """The least processor time of several rounds, in milliseconds: other load on the machine only ever adds."""
    decoded = decode_record(history(medications))
    least = float("inf")
    for _ in range(rounds):
        start = time.thread_time()
        describe(read_record(decoded.resources, known=pipeline.reads), AS_OF, pipeline.knowledge)
        least = min(least, time.thread_time() - start)
    return least * 1e3


def main() -> None:
    """Print the curve as a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=20, help="rounds; the least time is shown")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    pipeline = Pipeline(None, ("us",))
    settle_memory()
    measure(pipeline, SIZES[0], chosen.rounds)
    found = {size: measure(pipeline, size, chosen.rounds) for size in SIZES}
    if chosen.json:
        print(json.dumps([{"medications": size, "cpu": spent} for size, spent in found.items()], indent=1))
        return
    print("| medication resources | cpu ms | microseconds a resource |")
    print("|---|---|---|")
    for size, spent in found.items():
        print(f"| {size} | {spent:.2f} | {spent * 1e3 / size:.1f} |")


if __name__ == "__main__":
    main()
