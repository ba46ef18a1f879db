"""Pictures of the documentation: a card as an EHR may show it, drawn from the real card, and a therapy timeline."""

from __future__ import annotations

import re
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import matplotlib
from PIL import ImageFont

from cds_service.cli import main as cart_cds
from docs_parts.tables import SAMPLES, told_on

WIDTH, LEFT, RIGHT = 760, 28, 24
SIZE, LEADING = 13, 19
FONT = "DejaVu Sans, Verdana, sans-serif"
INK, QUIET, ACTION, EDGE, BAND = "#1c2733", "#54616e", "#0b5cad", "#c9d2db", "#2f7fc1"
SHOWN_REASONS = 3


@lru_cache
def _font(bold: bool, size: int) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size)


def _width(text: str, bold: bool, size: int) -> float:
    return _font(bold, size).getlength(text)


class _Drawing:
    """Text laid out from top to bottom."""

    def __init__(self) -> None:
        self.y = 20.0
        self.parts: list[str] = []

    def paragraph(self, text: str, *, indent: int = 0, size: int = SIZE, fill: str = INK, bold: bool = False) -> None:
        """Wrapped text with **bold** parts."""
        words = []
        for number, piece in enumerate(re.split(r"\*\*", text)):
            words += [(word, bold or number % 2 == 1) for word in piece.split()]
        room = WIDTH - LEFT - RIGHT - indent
        line: list[tuple[str, bool]] = []
        used = 0.0
        for word in words:
            wide = _width(word[0] + " ", word[1], size)
            if line and used + wide > room:
                self._line(line, LEFT + indent, size, fill)
                line, used = [], 0.0
            line.append(word)
            used += wide
        self._line(line, LEFT + indent, size, fill)

    def _line(self, words: list[tuple[str, bool]], x: float, size: int, fill: str) -> None:
        self.y += LEADING if size <= SIZE else LEADING + 4
        spans = []
        for word, bold in words:
            weight = ' font-weight="bold"' if bold else ""
            spans.append(f"<tspan{weight}>{escape(word)}</tspan>")
        self.parts.append(
            f'<text x="{x:.0f}" y="{self.y:.0f}" font-size="{size}" fill="{fill}">{" ".join(spans)}</text>'
        )

    def button(self, label: str, x: float, *, filled: bool) -> float:
        """A button on the current line; the x after it."""
        wide = _width(label, filled, SIZE) + 28
        back, ink = (ACTION, "#ffffff") if filled else ("#ffffff", ACTION)
        top = self.y + 10
        self.parts.append(
            f'<rect x="{x:.0f}" y="{top:.0f}" width="{wide:.0f}" height="30" rx="5" fill="{back}" stroke="{ACTION}"/>'
        )
        weight = ' font-weight="bold"' if filled else ""
        self.parts.append(
            f'<text x="{x + 14:.0f}" y="{top + 20:.0f}" font-size="{SIZE}" fill="{ink}"{weight}>{escape(label)}</text>'
        )
        return x + wide + 12

    def svg(self, title: str) -> str:
        """The finished picture."""
        high = self.y + 24
        frame = (
            f'<rect x="1" y="1" width="{WIDTH - 2}" height="{high - 2:.0f}" rx="6" fill="#ffffff" stroke="{EDGE}"/>'
            f'<rect x="1" y="1" width="7" height="{high - 2:.0f}" fill="{BAND}"/>'
        )
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{high:.0f}" '
            f'viewBox="0 0 {WIDTH} {high:.0f}" font-family="{FONT}" role="img" aria-label="{escape(title)}">'
        )
        return "\n".join([head, f"<title>{escape(title)}</title>", frame, *self.parts, "</svg>"]) + "\n"


def card_picture(card: dict[str, Any]) -> str:
    """The card as SVG: its own words, laid out the way many EHRs do."""
    drawing = _Drawing()
    drawing.paragraph(card["summary"], size=16, bold=True)
    drawing.y += 4
    for block in card["detail"].split("\n\n"):
        drawing.y += 8
        for line in block.split("\n"):
            text = re.sub(r"\\([^A-Za-z0-9\s])", r"\1", line)
            if text.startswith("- "):
                drawing.paragraph("• " + text[2:], indent=10)
            else:
                drawing.paragraph(text)
    drawing.y += 10
    drawing.paragraph(card["source"]["label"], fill=QUIET, size=12)
    drawing.y += 6
    x = drawing.button(card["suggestions"][0]["label"], LEFT, filled=True)
    drawing.button("Dismiss …", x, filled=False)
    drawing.y += 46
    reasons = [reason["display"] for reason in card["overrideReasons"]]
    shown = "; ".join(reasons[:SHOWN_REASONS])
    more = f"; and {len(reasons) - SHOWN_REASONS} more" if len(reasons) > SHOWN_REASONS else ""
    drawing.paragraph(f"Reasons offered on dismissal: {shown}{more}", fill=QUIET, size=12)
    for link in card["links"]:
        drawing.paragraph(link["label"], fill=ACTION, size=12)
    return drawing.svg(f"Card: {card['summary']}")


def timeline_picture(patient: str) -> str:
    """What ``cart-cds timeline`` draws for that sample patient."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "timeline.svg"
        sample = str(SAMPLES / f"{patient}.json")
        command = ["timeline", sample, "--as-of", told_on().isoformat(), "--out", str(target)]
        cart_cds(command, standalone_mode=False)
        return target.read_text(encoding="utf-8")
