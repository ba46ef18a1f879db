"""Feedback: accepted and overridden cards, checked entry by entry; kept by a ``FeedbackStore``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any

import msgspec
from pydantic import ValidationError

from cds_service.cdshooks.errors import Refusal
from cds_service.cdshooks.models import Feedback, FeedbackPost, FeedbackReason
from cds_service.cdshooks.seams import FeedbackEntry

EPIC_REASON = "com.epic.cdshooks.feedback.overrideReason"
"""Epic's deviating form puts reasons into members of ``extension`` whose names start like this (FBK-09)."""
MAX_ENTRIES = 1000


def read_feedback(body: bytes) -> list[FeedbackEntry]:
    """The entries of a feedback call. Raises Refusal(400) that names the first broken entry, (422) for too many."""
    try:
        found = msgspec.json.decode(body)
    except RecursionError:
        raise Refusal(422, "the JSON is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal(400, "not JSON") from None
    if not isinstance(found, dict):
        raise Refusal(400, "the request is not a JSON object")
    entries = found.get("feedback")
    if not isinstance(entries, list) or not entries:
        raise Refusal(400, "feedback is missing, empty or not a list")
    if len(entries) > MAX_ENTRIES:
        raise Refusal(422, f"more than {MAX_ENTRIES} feedback entries in one call")
    try:
        FeedbackPost.model_validate(found)
    except ValidationError as error:
        raise Refusal(400, _sentence(error, "")) from None
    return [_entry(number, entry) for number, entry in enumerate(entries)]


def _entry(number: int, found: dict[str, Any]) -> FeedbackEntry:
    place = f"feedback[{number}]"
    try:
        entry = Feedback.model_validate({name: value for name, value in found.items() if value is not None})
    except ValidationError as error:
        raise Refusal(400, _sentence(error, f"{place}.")) from None
    suggestions = tuple(suggestion.id for suggestion in entry.acceptedSuggestions or ())
    if entry.outcome == "accepted" and not suggestions:
        raise Refusal(400, f"{place}.acceptedSuggestions is missing or empty, and outcome is accepted")
    reason = _reason(entry)
    coding = reason.reason if reason else None
    return FeedbackEntry(
        card=entry.card,
        outcome=entry.outcome,
        timestamp=entry.outcomeTimestamp.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        suggestions=suggestions if entry.outcome == "accepted" else (),
        reason_system=(coding.system or "") if coding else "",
        reason_code=coding.code if coding else "",
        comment=(reason.userComment or "") if reason else "",
    )


def _reason(entry: Feedback) -> FeedbackReason | None:
    """The override reason in the standard's place, in Epic's plural member, or in Epic's extension (FBK-09)."""
    if entry.overrideReason is not None:
        return entry.overrideReason
    several = entry.overrideReasons
    first = several[0] if isinstance(several, list) and several else several
    if isinstance(first, dict):
        for form in (first, {"reason": first}):
            try:
                reason = FeedbackReason.model_validate(form)
            except ValidationError:
                continue
            if reason.reason is not None or reason.userComment:
                return reason
        inner = _vendor_reason(first.get("extension"))
        if inner is not None:
            return inner
    return _vendor_reason(entry.extension)


def _vendor_reason(extension: Any) -> FeedbackReason | None:
    if not isinstance(extension, dict):
        return None
    parts = {
        str(name).removeprefix(EPIC_REASON).strip(".").lower(): value
        for name, value in extension.items()
        if str(name).startswith(EPIC_REASON)
    }
    code, system = parts.get("code"), parts.get("system")
    if not isinstance(code, str) or not code:
        return None
    reason: dict[str, Any] = {"code": code}
    if isinstance(system, str):
        reason["system"] = system
    return FeedbackReason.model_validate({"reason": reason})


def _sentence(error: ValidationError, prefix: str) -> str:
    """The first problem with its place; never the value."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    kind = first["type"]
    words = {
        "missing": "is missing",
        "literal_error": "is not one of the values allowed",
        "timezone_aware": "has no time zone; send RFC 3339 in UTC",
    }.get(kind, "has the wrong type or form")
    if "datetime" in kind:
        words = "is not an RFC 3339 time stamp in UTC"
    return f"{prefix}{place} {words}"


def outcomes(entries: Sequence[FeedbackEntry]) -> dict[str, int]:
    """How many entries have each outcome."""
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry.outcome] = counts.get(entry.outcome, 0) + 1
    return counts
