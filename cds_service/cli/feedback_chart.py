"""The chart of acceptance and override rates, drawn with matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib.figure import Figure

from cds_service.feedback.report import Group

ACCEPTED, OVERRIDDEN, REST = "#2b5c8a", "#c98a3a", "#e3e3e3"
ROW_INCHES, MARGIN_INCHES, WIDTH_INCHES = 0.34, 1.5, 9.0


def draw(groups: Sequence[Group], target: Path) -> None:
    """Write one bar a group: the shares of the cards sent that were accepted, overridden, not answered.

    The suffix of ``target`` says the format. Raises OSError, and ValueError for a format nobody knows.
    """
    rows = range(len(groups))
    figure = Figure(figsize=(WIDTH_INCHES, MARGIN_INCHES + ROW_INCHES * len(groups)), layout="constrained")
    axes = figure.add_subplot()
    start = [0.0] * len(groups)
    for name, colour, counts in (
        ("accepted", ACCEPTED, [group.accepted for group in groups]),
        ("overridden", OVERRIDDEN, [group.overridden for group in groups]),
        ("not answered", REST, [group.sent - group.answered for group in groups]),
    ):
        shares = [count / (group.sent or 1) for count, group in zip(counts, groups, strict=True)]
        axes.barh(rows, shares, left=start, color=colour, label=name, height=0.66)
        for row, count, before, part in zip(rows, counts, start, shares, strict=True):
            if count:
                ink = "white" if colour == ACCEPTED else "black"
                axes.text(before + part / 2, row, str(count), ha="center", va="center", fontsize=8, color=ink)
        start = [before + part for before, part in zip(start, shares, strict=True)]
    axes.set_yticks(rows, [f"{group.name.replace('_', ' ')}  ({group.sent})" for group in groups])
    axes.set_ylim(len(groups) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.set_title("Cards sent and how they were answered", loc="left", fontsize=11)
    figure.legend(loc="outside lower left", ncols=3, frameon=False, fontsize=9)
    # A fixed salt and no date: the same numbers give the same bytes.
    with matplotlib.rc_context({"svg.hashsalt": "cart-cds", "svg.fonttype": "none"}):
        stamp = {"Date": None} if target.suffix.lower() == ".svg" else None
        figure.savefig(target, metadata=stamp, dpi=150)
