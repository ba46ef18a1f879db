"""The fingerprint of a card: a keyed hash from which nobody can read a patient (c.3)."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from cds_service.cards import Card
from cds_service.cdshooks.seams import CardCall
from cds_service.fhir.dates import Interval
from cds_service.fhir.model import Record

KEY_BYTES = 32


def fingerprint(card: Card, record: Record, call: CardCall, key: bytes) -> bytes:
    """Hash of issuer and tenant, patient id, rule ids, rule version, sorted evidence with its dates.

    The same for every hook, so that an answer at chart opening also counts at ordering. A new line, a progression or a
    new rule set changes it.
    """
    dates = dates_of(record, card.evidence)
    named = (
        call.caller.issuer,
        call.caller.tenant,
        call.patient_id,
        sorted(card.rules),
        card.ruleset,
        [(reference, dates.get(reference, ())) for reference in sorted(card.evidence)],
    )
    return hmac.digest(key, msgspec.json.encode(named), "sha256")


def dates_of(record: Record, references: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The dates of each reference that has any, in a fixed order."""
    wanted = frozenset(references)
    return {reference: tuple(_texts(dates)) for reference, dates in _dated(record) if reference in wanted}


def _dated(record: Record) -> Iterator[tuple[str, tuple[Interval | None, ...]]]:
    for condition in record.conditions:
        yield condition.reference, (condition.onset, condition.recorded, condition.abated)
    for medication in record.medications:
        yield medication.reference, (medication.start, medication.end)
    for procedure in record.procedures:
        yield procedure.reference, (procedure.start, procedure.end)
    for observation in record.observations:
        yield observation.reference, (observation.date,)


def _texts(dates: Iterable[Interval | None]) -> Iterator[str]:
    for when in dates:
        yield f"{when.first.isoformat()}/{when.last.isoformat()}" if when is not None else ""
