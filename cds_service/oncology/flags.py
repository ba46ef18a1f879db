"""Findings for review (decision 28). So far only what the facts already say; the others are unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cds_service.oncology.model import FLAG_IDS, MET, UNKNOWN, Fact, Flag

PRESENT = "present"
FROM_FACTS = frozenset({"prior_allo_hsct", "prior_car_t", "prior_cd19_therapy"})
"""Flags that repeat the fact of the same name."""


def find_flags(facts: Iterable[Mapping[str, Fact]] = ()) -> tuple[Flag, ...]:
    """Every flag id of decision 28 in order, from the facts of each family. Never absent from silence."""
    known = list(facts)
    return tuple(_flag(name, known) for name in FLAG_IDS)


def _flag(name: str, facts: list[Mapping[str, Fact]]) -> Flag:
    if name in FROM_FACTS:
        met = next((f[name] for f in facts if f[name].status == MET), None)
        if met is not None:
            return Flag(id=name, status=PRESENT, because=met.because, evidence=met.evidence)
    return Flag(id=name, status=UNKNOWN, because="not looked for")
