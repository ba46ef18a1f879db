"""Web pages for demonstrations: the card as an EHR shows it, the history, the reasoning. Only when switched on."""

from __future__ import annotations

from cds_service.sandbox.calls import Calls, Listening
from cds_service.sandbox.pages import sandbox

__all__ = ["Calls", "Listening", "sandbox"]
