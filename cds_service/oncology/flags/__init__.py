"""Findings for review (decision 28; table a.5 of the safety reference): a line on a card, never a decision."""

from __future__ import annotations

from cds_service.oncology.flags.find import find_flags, unknown_flags

__all__ = ["find_flags", "unknown_flags"]
