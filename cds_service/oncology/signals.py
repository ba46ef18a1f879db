"""The signals of a disease course: the closed vocabulary between the oncology room and the label criteria.

A signal is one flat scalar (word from a closed set, whole number, yes/no). ``signal_values`` of a family fills all of
them; a criterion of a label tests nothing else, beside the diagnoses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Signal = str | int | bool

_TERNARY = ("met", "not_met", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalKind:
    """What one signal may hold, and its value in a case that does not name it."""

    default: Signal
    words: tuple[str, ...] = ()
    """The closed set of a word signal; empty for numbers and yes/no."""

    def refusal(self, value: Any) -> str:
        """What is wrong with ``value`` for this signal, "" when nothing."""
        if self.words:
            return "" if value in self.words and isinstance(value, str) else f"one of {', '.join(self.words)}"
        if isinstance(self.default, bool):
            return "" if isinstance(value, bool) else "true or false"
        return "" if isinstance(value, int) and not isinstance(value, bool) else "a whole number"


def _word(default: str, *words: str) -> SignalKind:
    return SignalKind(default=default, words=words)


NO_DAYS = -9999
"""``progressed_last_days_*`` of a patient with no failure."""

SIGNALS: Mapping[str, SignalKind] = {
    "age_known": SignalKind(default=False),
    "age_min": SignalKind(default=-1),
    "age_max": SignalKind(default=-1),
    "lines_min": SignalKind(default=0),
    "lines_max": SignalKind(default=0),
    "lines_complete": SignalKind(default=True),
    "rr": _word("unknown", *_TERNARY),
    "rr_grade": _word("none", "recorded", "inferred", "none"),
    "rr_responding": SignalKind(default=False),
    "rr_stale": SignalKind(default=False),
    "first_line": _word("unknown", "refractory", "relapse", "partial", "none", "unknown"),
    "first_line_chemoimmunotherapy": _word("yes", "yes", "no", "unknown"),
    "first_line_days_min": SignalKind(default=-1),
    "first_line_days_max": SignalKind(default=-1),
    "first_line_in_part": SignalKind(default=False),
    **{f"exposed_{drug_class}": _word("unknown", *_TERNARY) for drug_class in ("imid", "pi", "cd38", "btki", "bcl2i")},
    "len_refractory": _word("unknown", *_TERNARY),
    "len_review": SignalKind(default=False),
    "progressed_last": _word("unknown", "failure", "none", "unknown"),
    "progressed_last_days_min": SignalKind(default=NO_DAYS),
    "progressed_last_days_max": SignalKind(default=NO_DAYS),
    "relapses_min": SignalKind(default=0),
    "relapses_max": SignalKind(default=0),
    "ball_refractory": _word("unknown", "established", "one_course", "none", "unknown"),
    "after_allo": _word("not_met", *_TERNARY),
    "transplant_ineligible": _word("unknown", *_TERNARY),
}
"""Every signal a criterion may test."""
