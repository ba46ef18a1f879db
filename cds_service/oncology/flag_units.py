"""Units of results: from the unit of the record to the unit of a threshold.

The units that laboratories use stand in ``rules/flags.yaml`` with their factor, so no chart waits for the units
library. A unit outside that list is parsed as UCUM by ``ucumvert`` and converted by ``pint``, loaded when first needed;
what it cannot relate to the wanted unit (another dimension, moles to grams, no UCUM at all) has no factor.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

_PLAUSIBLE_UNIT = re.compile(r"[A-Za-z0-9*/.%\[\]{}_'-]{1,24}", re.ASCII)
_LONG_NUMBER = re.compile(r"\d{3}", re.ASCII)
_SAME_LETTER = str.maketrans({"µ": "u", "μ": "u"})


class Units:
    """Conversion factors. ``factors``: wanted unit -> unit -> factor; ``spellings``: unit -> other ways to write it."""

    def __init__(
        self,
        *,
        factors: Mapping[str, Mapping[str, float]],
        spellings: Mapping[str, Sequence[str]],
        shown: Mapping[str, str],
    ) -> None:
        self.factors = {wanted: dict(row) for wanted, row in factors.items()}
        self.spellings = {folded(way): unit for unit, ways in spellings.items() for way in ways}
        self.shown = dict(shown)
        exact = {unit for row in factors.values() for unit in row}
        self._exact = exact
        self._folded = {folded(unit): unit for unit in sorted(exact)}

    def known(self, text: str) -> str:
        """The tabled unit that this text writes; "" when it writes none."""
        plain = text.translate(_SAME_LETTER).strip()
        if plain in self._exact:
            return plain
        key = folded(plain)
        return self.spellings.get(key) or self._folded.get(key, "")

    def factor(self, text: str, wanted: str) -> float | None:
        """What a value in the unit ``text`` is multiplied by to be in ``wanted``; None when it cannot be said."""
        known = self.known(text)
        if known:
            return self.factors[wanted].get(known)
        return ucum_factor(text.translate(_SAME_LETTER).strip(), wanted)

    def printed(self, text: str) -> str | None:
        """The tabled unit as a card prints it; None for a unit that is not tabled."""
        known = self.known(text)
        return self.shown.get(known, known) if known else None


def folded(unit: str) -> str:
    """A unit for comparison: no case, no blanks."""
    return "".join(unit.translate(_SAME_LETTER).casefold().split())


@lru_cache(maxsize=1024)
def ucum_factor(unit: str, wanted: str) -> float | None:
    """The factor between two UCUM units by the units library; None when one is no UCUM or they measure other things."""
    if not _PLAUSIBLE_UNIT.fullmatch(unit) or _LONG_NUMBER.search(unit):
        return None
    registry = _registry()
    try:
        found = registry.from_ucum(unit).to(registry.from_ucum(wanted))
    except Exception:
        # The libraries raise many unrelated types for a text that is no unit; each means the same here.
        return None
    return float(found.magnitude / registry.from_ucum(wanted).magnitude)


@lru_cache(maxsize=1)
def _registry() -> Any:
    """The UCUM registry; seconds to build, so only for a unit that is not tabled."""
    return import_module("ucumvert").PintUcumRegistry()
