"""Codes to concepts, loaded once from ``rules/terminology/``: never a code without its system, never a text guessed."""

from __future__ import annotations

from cds_service.terminology.concepts import Concepts
from cds_service.terminology.loader import load_concepts

__all__ = ["Concepts", "load_concepts"]
