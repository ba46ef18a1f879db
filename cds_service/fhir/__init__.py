"""FHIR R4, R4B, R5, STU3 in any container to one version-free, deduplicated record of one patient.

This room knows no disease and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cds_service.errors import TooComplex
from cds_service.fhir.collect import collect
from cds_service.fhir.entries import Converter
from cds_service.fhir.model import DataIssue, Record
from cds_service.fhir.text import TOO_DEEP
from cds_service.fhir.wire import Resource

__all__ = ["read_record"]


def read_record(
    resources: Iterable[Resource],
    issues: Iterable[DataIssue] = (),
    incomplete: Iterable[str] = (),
    known: Callable[[str, str], bool] | None = None,
) -> Record:
    """The record of the one patient these resources speak of.

    ``issues`` are problems met while decoding, ``incomplete`` resource types whose list is known to be missing or to
    have failed. With ``known`` (system, code) only Observations that ask a known question, or name what they are about,
    become entries. Raises MixedPatients, NoPatient or TooComplex.
    """
    try:
        collected = collect(resources, issues)
    except RecursionError:
        raise TooComplex(TOO_DEEP) from None
    missing = set(incomplete)
    collected.incomplete |= missing
    collected.truncated = collected.truncated or bool(missing)
    converter = Converter(collected, known)
    return Record(converter.patient, converter)
