"""Words a card never says (safety and card content, c.4): whole words and phrases, with an allow-list."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PERCENT = re.compile(r"\d\s?%")


class Lint:
    """Finds banned words in a sentence of ours. Words of a record are not for it (decision 40)."""

    def __init__(self, *, banned: tuple[str, ...], banned_eu: tuple[str, ...], allowed: tuple[str, ...]) -> None:
        self._banned = _pattern(banned)
        self._banned_eu = _pattern(banned_eu)
        self._allowed = _pattern(allowed)

    def findings(self, text: str, jurisdiction: str = "") -> list[str]:
        """Every banned word or phrase in ``text``, in lower case; percentages too. EU texts have words of their own."""
        rest = self._allowed.sub(" ", text)
        found = [match.group().lower() for match in self._banned.finditer(rest)]
        if jurisdiction == "eu":
            found += [match.group().lower() for match in self._banned_eu.finditer(rest)]
        return found + [match.group() for match in _PERCENT.finditer(rest)]


def _pattern(phrases: Iterable[str]) -> re.Pattern[str]:
    alternatives = "|".join(
        r"\s+".join(map(re.escape, phrase.split())) for phrase in sorted(phrases, key=len, reverse=True)
    )
    return re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)" if alternatives else r"(?!)", re.IGNORECASE)
