"""Refusals: an HTTP status with an OperationOutcome in plain words, no internals, nothing of the request's content."""

from __future__ import annotations

from typing import Any

from cds_service.errors import CartCdsError

ISSUE_CODES = {
    400: "invalid",
    401: "login",
    404: "not-found",
    405: "not-supported",
    412: "required",
    413: "too-long",
    415: "not-supported",
    422: "business-rule",
    429: "throttled",
    500: "exception",
    503: "transient",
}
"""FHIR IssueType (http://hl7.org/fhir/issue-type) of each status we answer with."""
RETRY_AFTER = {429: "1", 503: "30"}
"""Seconds a client may wait before it tries again."""


class Refusal(CartCdsError):
    """A request that is not answered: ``status``, ``text`` for a person, ``headers`` to add."""

    def __init__(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = headers or {}


def operation_outcome(status: int, text: str) -> dict[str, Any]:
    """The error body for a status."""
    code = ISSUE_CODES.get(status, "processing")
    issue = {"severity": "fatal" if status == 500 else "error", "code": code, "diagnostics": text}
    return {"resourceType": "OperationOutcome", "issue": [issue]}
