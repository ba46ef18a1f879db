"""Tables of criteria as rules for the inference engine.

The engine has no "else", so the ordered clauses of a table become boxes that do not overlap: exactly one rule of each
criterion fires for every course, and at most one for every diagnosis; of several diagnoses the first clause counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cds_service.errors import EngineError
from cds_service.labels.criteria import HIGHEST, LOWEST, Clause, Region, Test
from cds_service.oncology.model import MET, NOT_MET, REVIEW, UNKNOWN

Box = dict[str, Region]


def exclusive(clauses: Sequence[Clause], known: Mapping[str, Region]) -> Iterator[tuple[int, Box]]:
    """For each clause the boxes in which it is the first one that holds; no two boxes overlap.

    Raises EngineError when a clause tests a signal that is not known.
    """
    left: list[Box] = [{}]
    for number, clause in enumerate(clauses):
        still_left: list[Box] = []
        for box in left:
            inside = dict(box)
            outside: list[Box] = []
            for test in clause.tests:
                if test.signal not in known:
                    raise EngineError(f"a criterion tests '{test.signal}', which is no signal")
                before = inside.get(test.signal, known[test.signal])
                outside += [{**inside, test.signal: part} for part in _without(before, test.region)]
                inside[test.signal] = _both(before, test.region)
                if not inside[test.signal]:
                    break
            if all(inside.values()):
                yield number, inside
                still_left += outside
            else:
                still_left.append(box)
        left = still_left


def boxes_by_clause(clauses: Sequence[Clause], known: Mapping[str, Region]) -> list[tuple[int, Box]]:
    """``exclusive`` with as few boxes as joining neighbours of one clause allows."""
    found: dict[int, list[Box]] = {}
    for number, box in exclusive(clauses, known):
        found.setdefault(number, []).append({name: region for name, region in box.items() if region != known[name]})
    return [(number, box) for number, boxes in sorted(found.items()) for box in _joined(boxes, known)]


def _joined(boxes: list[Box], known: Mapping[str, Region]) -> list[Box]:
    """The same values in fewer boxes: two that differ in one signal only become one."""
    for one, first in enumerate(boxes):
        for other in range(one + 1, len(boxes)):
            joined = _union(first, boxes[other], known)
            if joined is not None:
                rest = [box for place, box in enumerate(boxes) if place not in (one, other)]
                return _joined([*rest, joined], known)
    return boxes


def _union(one: Box, other: Box, known: Mapping[str, Region]) -> Box | None:
    differing = [n for n in {**one, **other} if one.get(n, known[n]) != other.get(n, known[n])]
    if len(differing) != 1:
        return None
    name = differing[0]
    first, second = one.get(name, known[name]), other.get(name, known[name])
    if isinstance(first, range) and isinstance(second, range):
        if first.stop != second.start and second.stop != first.start:
            return None
        region: Region = range(min(first.start, second.start), max(first.stop, second.stop))
    else:
        region = frozenset(first) | frozenset(second)  # type: ignore[assignment]
    box = {**one, name: region}
    if region == known[name]:
        del box[name]
    return box


def pattern(kind: str, tests: Iterable[tuple[str, Region]], known: Mapping[str, Region]) -> dict[str, Any]:
    """The engine's pattern for facts of that kind whose members all lie in their regions."""
    parts: list[dict[str, Any]] = [{"kind": kind}]
    for signal, region in tests:
        if region == known[signal]:
            continue
        if isinstance(region, range):
            parts += _numbers(signal, region)
        else:
            values = sorted(region)
            parts.append({signal: values[0]} if len(values) == 1 else {"$or": [{signal: value} for value in values]})
    return parts[0] if len(parts) == 1 else {"$and": parts}


def verdict_clauses(prefix: str) -> tuple[Clause, ...]:
    """An indication's status from how many of its criteria have each status (contract section 2, rule 2)."""
    some = range(1, HIGHEST + 1)
    return (
        Clause(NOT_MET, (Test(f"{prefix}_{NOT_MET}", some),)),
        Clause(UNKNOWN, (Test(f"{prefix}_{UNKNOWN}", some),)),
        Clause(REVIEW, (Test(f"{prefix}_{REVIEW}", some),)),
        Clause(MET),
    )


def _numbers(signal: str, region: range) -> list[dict[str, Any]]:
    if len(region) == 1:
        return [{signal: region.start}]
    parts: list[dict[str, Any]] = []
    if region.start > LOWEST:
        parts.append({"$gte": {signal: region.start}})
    if region.stop <= HIGHEST:
        parts.append({"$lte": {signal: region.stop - 1}})
    return parts


def _both(one: Region, other: Region) -> Region:
    if isinstance(one, range) and isinstance(other, range):
        return range(max(one.start, other.start), max(one.start, other.start, min(one.stop, other.stop)))
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        return one & other
    raise EngineError("a criterion compares words with numbers")


def _without(one: Region, other: Region) -> list[Region]:
    """The parts of ``one`` outside ``other``, none empty."""
    if isinstance(one, range) and isinstance(other, range):
        parts = (range(one.start, min(one.stop, other.start)), range(max(one.start, other.stop), one.stop))
        return [part for part in parts if part]
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        rest = one - other
        return [rest] if rest else []
    raise EngineError("a criterion compares words with numbers")
