"""``rules/snooze.yaml`` in memory: how long an answered card stays away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cds_service.rule_files import Document, Place, read_yaml

FILE = "snooze.yaml"
LONGEST_DAYS = 180
"""No fingerprint is kept longer (R-55)."""
EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class SnoozeTable:
    """Days of silence by outcome and reason code."""

    accepted: int
    overridden: Mapping[str, int]
    otherwise: int

    def days(self, outcome: str, reason_code: str) -> int:
        """How long a card with this answer stays away."""
        if outcome == "accepted":
            return self.accepted
        return self.overridden.get(reason_code, self.otherwise)


def load_snooze(rules: Path) -> SnoozeTable:
    """The table of a rules folder. Raises RuleFileError."""
    document = read_yaml(rules / FILE, FILE)
    content = document.content
    names = {"longest_days", "accepted", "overridden", "overridden_otherwise"}
    wanted = f"give it {', '.join(sorted(names))}"
    if not isinstance(content, dict):
        raise document.error((), "no keys and values", wanted)
    for key in content:
        if key not in names:
            raise document.error((key,), f"the key '{key}' means nothing here", wanted)
    if set(content) != names or not isinstance(content["overridden"], dict):
        raise document.error((), "a key is missing, or 'overridden' is no table", wanted)
    longest = _days(document, ("longest_days",), content["longest_days"], LONGEST_DAYS)
    return SnoozeTable(
        accepted=_days(document, ("accepted",), content["accepted"], longest),
        overridden={
            code: _days(document, ("overridden", code), value, longest) for code, value in content["overridden"].items()
        },
        otherwise=_days(document, ("overridden_otherwise",), content["overridden_otherwise"], longest),
    )


def _days(document: Document, place: Place, value: Any, longest: int) -> int:
    if value == EVIDENCE:
        return longest
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= longest:
        raise document.error(
            place, "not a number of days", f"write a whole number from 0 to {longest}, or the word {EVIDENCE}"
        )
    return value
