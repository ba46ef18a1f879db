"""What each key of a CDS Hooks prefetch held (PRE-01 to PRE-15): told by the resources that came, not by the key."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cds_service.fhir.decode import HookRequest
from cds_service.fhir.pages import page_of, severities
from cds_service.fhir.wire import KINDS, Bundle, OperationOutcome, Resource


class State(StrEnum):
    """What stood under a key that was sent; a key that was not sent (PRE-01) has none."""

    HELD = "held"
    """Resources came."""
    EMPTY = "empty"
    """The client searched and found nothing (PRE-10, PRE-13)."""
    NULL = "null"
    """The client looked and there is nothing (PRE-02)."""
    FAILED = "failed"
    """An OperationOutcome in place of the data (PRE-03), alone or as the only entry, with severity error."""
    UNREAD = "unread"
    """A template that was never filled in (PRE-15), or something that is no FHIR."""


@dataclass(frozen=True, slots=True)
class Key:
    """State of one key, the types it held (included resources left out), and whether its list is known to be cut."""

    state: State
    types: frozenset[str] = frozenset()
    cut: bool = False


def prefetch_states(hook: HookRequest) -> dict[str, Key]:
    """The state of every key of the prefetch, in the order they came."""
    return {key: _key(value) for key, value in (hook.prefetch or {}).items()}


def _key(value: Resource | str | None) -> Key:
    if value is None:
        return Key(State.NULL)
    if isinstance(value, str):
        return Key(State.UNREAD)
    if isinstance(value, OperationOutcome):
        return Key(State.FAILED)
    if not isinstance(value, Bundle):
        return Key(State.HELD, frozenset({KINDS[type(value)]}))
    types: set[str] = set()
    problems: set[str] = set()
    matches = _look(value, types, problems)
    failed = bool(problems & {"error", "fatal"})
    if not matches:
        return Key(State.FAILED if failed else State.EMPTY)
    page = page_of(value, matches, types)
    short = page is not None and (page.cut or (page.total or 0) > matches)
    return Key(State.HELD, frozenset(types), failed or short)


def _look(bundle: Bundle, types: set[str], problems: set[str]) -> int:
    """Fill in what a Bundle holds; how many resources matched."""
    matches = 0
    waiting = [bundle]
    while waiting:
        for entry in waiting.pop().entry or ():
            if entry is None or entry.resource is None:
                continue
            resource = entry.resource
            if isinstance(resource, OperationOutcome):
                problems |= severities(resource)
            elif isinstance(resource, Bundle):
                waiting.append(resource)
            elif entry.search is None or entry.search.mode != "include":
                types.add(KINDS[type(resource)])
                matches += 1
    return matches
