"""What a check of the rules has to say: one value for errors and warnings alike."""

from __future__ import annotations

from dataclasses import dataclass

from cds_service.labels.yaml_lines import Document, Place, RuleFileError

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing to look at. ``file`` is relative to the rules folder, ``line`` from 1 (0 when no line is meant)."""

    file: str
    line: int
    level: str
    problem: str
    remedy: str


def error_finding(error: RuleFileError) -> Finding:
    """A load error as a finding."""
    return Finding(error.file, error.line, ERROR, error.problem, error.remedy)


def finding(document: Document, place: Place, level: str, problem: str, remedy: str) -> Finding:
    """A finding at ``place`` of a document."""
    return Finding(document.file, document.line(place), level, problem, remedy)
