"""Findings for review (decision 28): none is looked for yet, so each is unknown."""

from __future__ import annotations

from cds_service.oncology.model import FLAG_IDS, UNKNOWN, Flag


def unknown_flags(because: str = "not looked for") -> tuple[Flag, ...]:
    """Every flag id of decision 28 in order, unknown."""
    return tuple(Flag(id=name, status=UNKNOWN, because=because) for name in FLAG_IDS)
