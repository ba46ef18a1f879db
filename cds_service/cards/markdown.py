"""Text from a record made safe for GitHub-flavoured Markdown, and still readable where none is rendered (SAF-03).

``plain`` gives the text as a reader will see it; ``safe`` gives the Markdown that shows exactly that, with no link,
image, emphasis, heading, table or tag. Words a renderer would change stand in a code span: the one construct every
renderer leaves alone, autolinks included, and that reads well as plain text too. (A backslash stops no autolink.)
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_TAG = re.compile(r"<(?=[^\W\d_]|[/!?])")
_SPECIAL = frozenset("*_[]`~\\|$")
_CHANGED = re.compile(
    r"&#?\w+;"  # entities
    r"|@|://|(?i:www\.)"  # autolinks of GFM
    r"|(?i:\b(?:javascript|vbscript|data|mailto|xmpp|tel|file|ftp|https?):)"
    r"|[^\W_]\.[^\W\d_]{2}"  # bare host names, which some renderers link
)
_LINE_START = re.compile(r"#{1,6}|[+\-=]+|>.*|\d{1,9}[.)]|={2,}.*|-{2,}.*")
WORD = 20
"""A text that is cut ends with a whole word where one ends this near, so that no date is shown in part."""
_DROPPED = frozenset({"Cf", "Cs", "Co", "Cn"})


@lru_cache(maxsize=4096)
def plain(text: str, limit: int = 400) -> str:
    """The text on one line, without control, direction and invisible characters, at most ``limit`` characters long.

    A ``<`` that could open a tag is followed by a space: "Creatinine < ULN".
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_shown, text))
    text = " ".join(_TAG.sub("< ", text).split())
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    space = kept.rfind(" ", len(kept) - WORD)
    return (kept[:space] if space > 0 else kept).rstrip() + "…"


@lru_cache(maxsize=4096)
def safe(text: str, limit: int = 400) -> str:
    """Markdown that shows ``plain(text, limit)``, also at the start of a line or list item."""
    shown = plain(text, limit)
    words = shown.split(" ")
    risky = [_risky(word) for word in words]
    if words and not risky[0] and _LINE_START.fullmatch(words[0]):
        risky[0] = True
    if not any(risky):
        return shown
    parts: list[str] = []
    start = 0
    while start < len(words):
        end = start
        while end < len(words) and risky[end] == risky[start]:
            end += 1
        piece = " ".join(words[start:end])
        parts.append(_code(piece) if risky[start] else piece)
        start = end
    return " ".join(parts)


def _shown(character: str) -> str:
    kind = unicodedata.category(character)
    if kind in ("Cc", "Zl", "Zp"):
        return " "
    return "" if kind in _DROPPED else character


def _risky(word: str) -> bool:
    return not _SPECIAL.isdisjoint(word) or _CHANGED.search(word) is not None


def _code(piece: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", piece)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest and (piece.startswith("`") or piece.endswith("`")) else ""
    return f"{fence}{pad}{piece}{pad}{fence}"
