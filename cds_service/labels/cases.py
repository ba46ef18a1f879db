"""The shorthand in which label packs write their example patients, and what it stands for.

``age: 60``, ``age: [17, 18]``, ``age: unknown``; ``lines: 2``, ``lines: [1, 2]``; ``diagnosis: dlbcl_nos``,
``{concept: …, certainty: provisional}``, a list of these, or ``none``; ``first_line_days``, ``progressed_last_days`` and
``relapses`` as one number or ``[least, most]``. Every other key is a signal of ``FamilyPicture.signals``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Signal = str | int | bool

STATUSES = ("met", "not_met", "unknown", "review")
CERTAINTIES = ("confirmed", "inferred", "provisional", "indirect", "text", "ambiguous")
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

_RANGES = ("age", "lines", "first_line_days", "progressed_last_days", "relapses")


def expand_signals(
    example: Mapping[str, Any], but: Mapping[str, Any] | None = None
) -> tuple[dict[str, Signal], list[dict[str, str]]]:
    """All signals, and the diagnoses as ``{"dx", "dx_certainty"}``, of ``example`` changed by ``but``.

    The signals of a ``Case`` are written in the same shorthand, so ``expand_signals(case.signals)`` gives what the
    evaluators take. Raises ValueError naming the key and what it may hold.
    """
    signals: dict[str, Signal] = {name: kind.default for name, kind in SIGNALS.items()}
    diagnoses: list[dict[str, str]] = []
    for part in (example, but or {}):
        for key, value in part.items():
            if key == "diagnosis":
                diagnoses = _diagnoses(value)
            elif key in _RANGES:
                signals.update(_range(key, value))
            elif key in SIGNALS:
                wanted = SIGNALS[key].refusal(value)
                if wanted:
                    raise ValueError(f"the signal '{key}' takes {wanted}")
                signals[key] = value
            else:
                raise ValueError(f"'{key}' is no signal")
    return signals, diagnoses


def case_signals(example: Mapping[str, Any], but: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """``example`` changed by ``but`` as one mapping that ``expand_signals`` reads. Raises ValueError."""
    signals, diagnoses = expand_signals(example, but)
    named = [{"concept": one["dx"], "certainty": one["dx_certainty"]} for one in diagnoses]
    return {**signals, "diagnosis": named}


def _range(key: str, value: Any) -> dict[str, Signal]:
    if key == "age" and value == "unknown":
        return {"age_known": False, "age_min": -1, "age_max": -1}
    pair = value if isinstance(value, list) else [value, value]
    whole = all(isinstance(number, int) and not isinstance(number, bool) for number in pair)
    if len(pair) != 2 or not whole or pair[0] > pair[1]:
        raise ValueError(f"'{key}' takes a whole number, or [least, most]")
    found: dict[str, Signal] = {f"{key}_min": pair[0], f"{key}_max": pair[1]}
    if key == "age":
        found["age_known"] = True
    if key == "lines":
        found["lines_complete"] = True
    return found


def _diagnoses(value: Any) -> list[dict[str, str]]:
    if value == "none":
        return []
    found = []
    for one in value if isinstance(value, list) else [value]:
        entry = {"concept": one, "certainty": "confirmed"} if isinstance(one, str) else one
        if not isinstance(entry, Mapping) or set(entry) - {"concept", "certainty"} or "concept" not in entry:
            raise ValueError("'diagnosis' takes a concept, {concept: …, certainty: …}, a list of these, or none")
        certainty = entry.get("certainty", "confirmed")
        if certainty not in CERTAINTIES:
            raise ValueError(f"the certainty of a diagnosis is one of {', '.join(CERTAINTIES)}")
        found.append({"dx": str(entry["concept"]), "dx_certainty": certainty})
    return found
