"""The shipped packs, loaded once, and ways to look into them."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

from cds_service.labels.loader import load_ruleset
from cds_service.labels.packs import Indication, Ruleset

RULES = Path(__file__).parents[2] / "rules"
READ_ON = date(2026, 11, 21)


@cache
def loaded(jurisdiction: str) -> Ruleset:
    """The shipped rules of a jurisdiction."""
    return load_ruleset(RULES, jurisdiction)


def wording(ruleset: Ruleset, name: str, day: date = READ_ON) -> Indication:
    """The wording of an indication in force on a day."""
    return next(indication for indication in ruleset.in_force(day) if indication.id == name)


def criteria_of(indication: Indication) -> dict[str, dict[str, object]]:
    """What an indication asks for, by the id of the criterion."""
    return {criterion.id: dict(criterion.params) for criterion in indication.criteria}
