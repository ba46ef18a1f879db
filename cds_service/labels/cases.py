"""The shorthand in which label packs write their example patients, and what it stands for.

``age: 60``, ``age: [17, 18]``, ``age: unknown``; ``lines: 2``, ``lines: [1, 2]``; ``diagnosis: dlbcl_nos``,
``{concept: …, certainty: provisional}``, a list of these, or ``none``; ``first_line_days``, ``progressed_last_days``,
and ``relapses`` as one number or ``[least, most]``. Every other key is a signal of ``FamilyPicture.signals``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cds_service.oncology.signals import NO_DAYS, SIGNALS, Signal, SignalKind

__all__ = ["CERTAINTIES", "NO_DAYS", "SIGNALS", "STATUSES", "SignalKind", "case_signals", "expand_signals"]

STATUSES = ("met", "not_met", "unknown", "review")
CERTAINTIES = ("confirmed", "inferred", "provisional", "indirect", "text", "ambiguous")

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
