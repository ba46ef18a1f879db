"""How far a record proves that something was given: rules E1 to E4 and E7, decisions 24 and 26.

One function a resource type; each gives one of the classes given, probable, ordered, negated, retracted.
"""

from __future__ import annotations

from collections.abc import Iterable

from cds_service.fhir.model import MedicationEntry, ProcedureEntry
from cds_service.oncology.steps import GIVEN, NEGATED, ORDERED, PROBABLE, RETRACTED

CLINIC, SELF = "clinic", "self"
ADMINISTRATION, STATEMENT = "MedicationAdministration", "MedicationStatement"
DISPENSE, REQUEST, PROCEDURE = "MedicationDispense", "MedicationRequest", "Procedure"
RANK = {ADMINISTRATION: 0, PROCEDURE: 0, STATEMENT: 1, DISPENSE: 2, REQUEST: 3}
"""U1: whose dates are kept, highest rank first."""

_ORDERS = frozenset({"order", "original-order", "reflex-order", "filler-order", "instance-order"})
_LIVE_ORDER = frozenset({"active", "on-hold", "completed", "stopped", "ended"})
_NEVER = frozenset({"draft", "cancelled"})


def evidence_class(entry: MedicationEntry, setting: str) -> str:
    """The class of one medication resource (E1 to E4). Orders for drugs given in clinic are ORDERED (see E5)."""
    if entry.status == "entered-in-error":
        return RETRACTED
    if entry.kind == ADMINISTRATION:
        return _administration(entry)
    if entry.kind == STATEMENT:
        return _statement(entry)
    if entry.kind == DISPENSE:
        return _dispense(entry, setting)
    return _request(entry, setting)


def _administration(entry: MedicationEntry) -> str:
    """E1."""
    if entry.status in ("completed", "in-progress", "stopped"):
        return GIVEN
    return NEGATED if entry.status == "not-done" else PROBABLE


def _dispense(entry: MedicationEntry, setting: str) -> str:
    """E2."""
    if entry.status == "completed":
        return GIVEN if setting == SELF and entry.date_source == "whenHandedOver" else PROBABLE
    if entry.status in ("stopped", "unknown", ""):
        return PROBABLE
    return NEGATED if entry.status in ("cancelled", "declined") else ORDERED


def _statement(entry: MedicationEntry) -> str:
    """E3; FHIR R5 moves the answer to ``adherence`` (decision 26), STU3 to ``taken``."""
    if entry.status in ("intended", "draft"):
        return ORDERED
    if entry.status == "not-taken" or entry.taken == "n" or entry.adherence.startswith("not-taking"):
        return NEGATED
    if entry.adherence:
        return GIVEN if entry.adherence.startswith(("taking", "stopped")) else PROBABLE
    if entry.taken in ("unk", "na"):
        return PROBABLE
    return GIVEN if entry.status in ("active", "completed", "stopped", "recorded") else PROBABLE


def _request(entry: MedicationEntry, setting: str) -> str:
    """E4: what the patient reported was given; an order for a self-administered drug is probable."""
    if entry.do_not_perform or entry.status == "cancelled":
        return NEGATED
    if entry.reported and entry.status not in _NEVER:
        return GIVEN
    return PROBABLE if is_live_order(entry) and setting == SELF else ORDERED


def is_live_order(entry: MedicationEntry) -> bool:
    """An order meant to be carried out, not a draft, proposal or plan."""
    return entry.status in _LIVE_ORDER and entry.intent in _ORDERS


def procedure_class(entry: ProcedureEntry, *, radiotherapy: bool = False, infusion: bool = False) -> str:
    """E7: the class of a procedure; a stopped one was given as radiotherapy and is probable as a cell infusion."""
    status = entry.status
    if status == "entered-in-error":
        return RETRACTED
    if status == "not-done":
        return NEGATED
    if status in ("completed", "in-progress"):
        return GIVEN
    if status == "stopped":
        return GIVEN if radiotherapy or not infusion else PROBABLE
    return ORDERED if status in ("preparation", "on-hold") else PROBABLE


def only_orders(read: Iterable[tuple[str, str, str]]) -> bool:
    """E5 as decision 55 reads it: of the anticancer drugs given in clinic nothing is on record but orders.

    ``read`` holds (kind, class, setting) of every anticancer item. Records that were taken back prove no source.
    """
    return not any(
        kind != REQUEST and setting == CLINIC and grade in (GIVEN, PROBABLE) for kind, grade, setting in read
    )
