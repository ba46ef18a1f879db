"""The parts of the documentation that are made from the product itself; ``scripts/build_docs.py`` writes them."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
