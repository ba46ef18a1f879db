"""Coverage-guided fuzzing of the decoder: bytes of any kind either are read, or are refused by an error of ours.

Run by ``make fuzz``, or by hand: ``python tests/fuzz/fuzz_decoder.py FOLDER -max_total_time=60``. FOLDER keeps what was
found to reach new code.
"""

from __future__ import annotations

import sys
from contextlib import suppress

import atheris

with atheris.instrument_imports(include=["cds_service.fhir"]):
    from cds_service.errors import CartCdsError
    from cds_service.fhir import read_record
    from cds_service.fhir.decode import decode_hook, decode_record


def one_input(body: bytes) -> None:
    """A record, and a request of an EHR."""
    with suppress(CartCdsError):
        decoded = decode_record(body)
        record = read_record(decoded.resources, decoded.issues)
        _ = (record.conditions, record.medications, record.procedures, record.observations, record.numbers)
        _ = (record.immunizations, record.orders, record.plans, record.coverage, record.issues)
    with suppress(CartCdsError):
        decode_hook(body)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
