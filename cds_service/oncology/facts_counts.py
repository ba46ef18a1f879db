"""Facts about the number of lines (section e, Counts; X9 for the count since transformation)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cds_service.oncology.course import Course
from cds_service.oncology.model import INFERRED, MET, NOT_MET, UNKNOWN, Fact
from cds_service.oncology.spans import said
from cds_service.oncology.steps import PROBABLE, DerivedLine

LIMITS = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """How many lines the record allows; ``since`` is the count since transformation, None when there was none.

    ``surely_since`` leaves out lines that a partial date may put before the transformation.
    """

    least: int
    most: int
    since: int | None = None
    surely_since: int | None = None


def line_range(course: Course) -> Range:
    """From the count (L20); after a transformation down to the lines since then (decision 15)."""
    count = course.derivation.count
    if course.transformed is None:
        return Range(least=count.min, most=count.max)
    numbers = {line.number for line in course.sure_lines}
    doubtful = sum(1 for b in course.derivation.boundaries if b.is_new and b.line in numbers)
    probable = sum(1 for line in course.sure_lines if line.grade == PROBABLE)
    return Range(
        least=min(count.min, max(0, len(course.sure_lines) - doubtful - probable)),
        most=count.max,
        since=len(course.lines),
        surely_since=len(course.sure_lines),
    )


def count_facts(course: Course) -> Iterator[tuple[str, Fact]]:
    """``prior_lines_ge_1`` to ``prior_lines_ge_4``."""
    found = line_range(course)
    sentence = _counted(course, found)
    for limit in LIMITS:
        yield f"prior_lines_ge_{limit}", _at_least(course, found, limit, sentence)


def lines_statement(course: Course) -> Fact:
    """The number of lines as one sentence; met, because a range is always an answer."""
    found = line_range(course)
    return Fact(status=MET, grade=INFERRED, because=_counted(course, found), evidence=course.openers())


def _at_least(course: Course, found: Range, limit: int, sentence: str) -> Fact:
    if found.least >= limit:
        return Fact(status=MET, grade=INFERRED, because=sentence, evidence=course.openers())
    if found.most < limit and course.gaps.complete:
        return Fact(status=NOT_MET, grade=INFERRED, because=sentence, evidence=course.openers())
    if found.most < limit:
        return Fact(status=UNKNOWN, because=f"{sentence}; more may be missing: {course.gaps.why}")
    return Fact(status=UNKNOWN, because=f"{sentence}; {_settles(course, found, limit)}")


def _counted(course: Course, found: Range) -> str:
    count = course.derivation.count
    span = f"{found.least}" if found.least == found.most else f"{found.least} to {found.most}"
    noun = "line" if span == "1" else "lines"
    sentence = f"{span} systemic {noun} of therapy"
    if course.lines:
        sentence += f" ({', '.join(_named(line) for line in course.derivation.lines)})"
    if found.since is not None and not found.since == found.surely_since == count.n:
        since = f"{found.surely_since} to {found.since}" if found.surely_since != found.since else f"{found.since}"
        sentence += f"; {since} since the transformation of {said(course.transformed)}"
    return sentence


def _named(line: DerivedLine) -> str:
    name = " + ".join(line.agents) if line.regimen_unverified or not line.regimen else line.regimen
    return f"{name.replace('_', ' ')} from {said(line.start)}"


def _settles(course: Course, found: Range, limit: int) -> str:
    count = course.derivation.count
    if found.surely_since != found.since and count.min >= limit:
        return "full dates of the transformation and of the treatment would settle how many came after it"
    if count.questions:
        return count.questions[0]
    if found.since is not None and found.since != count.n:
        return "the label does not say whether lines before the transformation count"
    probable = [line for line in course.derivation.lines if line.grade == PROBABLE]
    if probable:
        return f"an administration or statement for {_named(probable[0])} would settle it"
    if course.derivation.recorded is not None:
        return f"the chart records {course.derivation.recorded} lines; the missing treatment would settle it"
    return "a record of the doses given would settle it"
