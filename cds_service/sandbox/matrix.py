"""The reasoning as a table: every indication a row, every criterion a cell with its sentence and its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cds_service.cards.wording import Wording
from cds_service.labels.model import Assessment, CriterionResult, IndicationResult
from cds_service.oncology.model import MET, NOT_MET, REVIEW, UNKNOWN

ORDER = (MET, REVIEW, UNKNOWN, NOT_MET)
WORDS = {MET: "met", NOT_MET: "not met", UNKNOWN: "unknown", REVIEW: "review"}
PAST_EXPIRY, PAST_REVIEW = "past its expiry date", "past its review date"
LINE_KINDS = frozenset({"prior_lines"})
WINDOW_KINDS = frozenset({"first_line_failure"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One criterion of one indication. ``lights`` names what else of the chart it speaks of: lines, window, ""."""

    id: str
    name: str
    status: str
    word: str
    because: str
    inferred: bool
    refs: tuple[str, ...]
    lights: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One indication. ``decisive`` is the sentence that decided against it or left it open, "" when it is met."""

    id: str
    brand: str
    product: str
    title: str
    status: str
    word: str
    decisive: str
    cells: tuple[Cell | None, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The indications of one disease family under common columns.

    ``wide`` says of each column whether a cell of it shows its sentence: one that is met keeps it until it is chosen.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def wide(self) -> tuple[bool, ...]:
        """For each column: does it need room for sentences?"""
        cells = zip(*(row.cells for row in self.rows), strict=True)
        return tuple(any(cell and cell.status != MET for cell in column) for column in cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """``near`` are tables of the diseases on record, the one with the best status first; ``far`` the other rules."""

    near: tuple[Table, ...]
    far: tuple[Row, ...]
    counts: dict[str, int]


def matrix(assessment: Assessment, wording: Wording) -> Matrix:
    """The reasoning of an assessment."""
    near = [one for one in assessment.indications if not _elsewhere(one)]
    far = [one for one in assessment.indications if _elsewhere(one)]
    near.sort(key=lambda one: (ORDER.index(one.status), one.indication.id))
    families = dict.fromkeys(one.family for one in near)
    return Matrix(
        near=tuple(_table(family, [one for one in near if one.family == family], wording) for family in families),
        far=tuple(_row(one, [c.id for c in one.criteria], wording) for one in far),
        counts={status: sum(one.status == status for one in assessment.indications) for status in ORDER},
    )


def closest(assessment: Assessment) -> IndicationResult | None:
    """Of the indications of a disease on record the one with the fewest criteria that fail."""
    near = [one for one in assessment.indications if not _elsewhere(one)]
    return min(near, key=lambda one: (sum(c.status == NOT_MET for c in one.criteria), one.indication.id), default=None)


def failing(result: IndicationResult) -> list[CriterionResult]:
    """Criteria that are not met; else those that stay open."""
    return [c for c in result.criteria if c.status == NOT_MET] or [c for c in result.criteria if c.status != MET]


def _elsewhere(result: IndicationResult) -> bool:
    diagnosis = result.criterion("diagnosis")
    return diagnosis is not None and diagnosis.status == NOT_MET and not diagnosis.evidence


def _table(family: str, results: Sequence[IndicationResult], wording: Wording) -> Table:
    names = _columns(results, list(wording.criteria))
    return Table(
        name=wording.family_name(family),
        columns=tuple(wording.criterion_name(name) for name in names),
        rows=tuple(_row(one, names, wording) for one in results),
    )


def _columns(results: Iterable[IndicationResult], known: list[str]) -> list[str]:
    """Criterion ids of all rows, in the order in which the wording tells them."""
    used = {criterion.id for one in results for criterion in one.criteria}
    return [name for name in known if name in used] + sorted(used - set(known))


def _row(result: IndicationResult, names: Sequence[str], wording: Wording) -> Row:
    indication = result.indication
    cells = {criterion.id: _cell(criterion, result, wording) for criterion in result.criteria}
    deciding = [] if result.status == MET else failing(result)
    notes = [told for holds, told in ((result.stale, PAST_EXPIRY), (result.past_review, PAST_REVIEW)) if holds]
    return Row(
        id=indication.id,
        brand=indication.product.brand,
        product=indication.product.short_name,
        title=indication.title,
        status=result.status,
        word=WORDS[result.status],
        decisive="; ".join(f"{wording.criterion_name(one.id)}: {one.because}" for one in deciding[:2]),
        cells=tuple(cells.get(name) for name in names),
        note=", ".join(notes),
    )


def _cell(criterion: CriterionResult, result: IndicationResult, wording: Wording) -> Cell:
    kind = next((one.kind for one in result.indication.criteria if one.id == criterion.id), "")
    lights = "lines" if kind in LINE_KINDS else "window" if kind in WINDOW_KINDS else ""
    return Cell(
        id=criterion.id,
        name=wording.criterion_name(criterion.id),
        status=criterion.status,
        word=WORDS[criterion.status],
        because=criterion.because,
        inferred=criterion.grade == "inferred",
        refs=tuple(ref for ref in criterion.evidence if not any(letter.isspace() for letter in ref)),
        lights=lights,
    )
