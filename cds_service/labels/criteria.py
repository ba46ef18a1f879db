"""Every kind of criterion as ordered tables of clauses; the first clause that holds gives the status.

Both evaluators are built from these tables, so no rule is written twice: ``plain`` walks them, ``compile`` turns them
into patterns for the inference engine. A clause tests signals of the disease course (``oncology.signals``) or, for
``diagnosis`` and ``absent_diagnosis``, one diagnosis at a time; a clause about diagnoses holds when any diagnosis
fulfils it. Thresholds and concepts come from the packs; the order of the clauses is the reading of decisions.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from cds_service.errors import EngineError
from cds_service.labels.packs import Criterion
from cds_service.oncology.model import INFERRED, MET, NOT_MET, REVIEW, UNKNOWN
from cds_service.oncology.signals import NO_DAYS, SIGNALS

LOWEST, HIGHEST = -1_000_000, 1_000_000
Region = frozenset[str] | frozenset[bool] | range
"""Values a signal may have for a test to hold: words, yes/no, or whole numbers."""

NUMBERS = range(LOWEST, HIGHEST + 1)
YES_NO = frozenset({True, False})
OTHER = "other"
"""Stands for every concept that no pack of the family names."""
CERTAIN = frozenset({"confirmed", "inferred"})
UNSETTLED = "unsettled"
"""Certainty of an indolent disease beside the one it may have become, with no date that says which came first."""
UNCERTAIN = frozenset({"provisional", "indirect", "text", "ambiguous", UNSETTLED})
SUPERSEDED = "superseded"
"""Certainty of a disease that has transformed into another one on record (decision 13)."""
CERTAINTIES = CERTAIN | UNCERTAIN | {SUPERSEDED}
ROLES = frozenset({"indication", "exclusion", "ambiguous", "context"})
LISTED = "conditions_complete"
"""Signal of our own: the list of Conditions came whole (decision 8)."""


@dataclass(frozen=True, slots=True)
class Test:
    """Holds when the signal's value lies in the region."""

    __test__ = False
    signal: str
    region: Region


@dataclass(frozen=True, slots=True)
class Clause:
    """A status and the tests that must all hold for it. ``note`` says why, for the reader of the result."""

    status: str
    tests: tuple[Test, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A criterion ready to be judged, or the part of one that several criteria share.

    ``clauses`` are over the course, their last one holding always; or, with ``over_diagnoses``, over single diagnoses,
    and when no diagnosis fulfils any of them ``bare`` gives the status for a whole and for a cut list of Conditions.
    ``key`` is equal for tables that ask the same.
    """

    key: str
    clauses: tuple[Clause, ...]
    over_diagnoses: bool = False
    bare: tuple[str, str] = ("", "")

    def signals(self) -> frozenset[str]:
        """The signals its clauses test."""
        return frozenset(test.signal for clause in self.clauses for test in clause.tests)


def domains(concepts: Iterable[str]) -> dict[str, Region]:
    """Every signal and every member of a diagnosis fact, with all values it may have."""
    known: dict[str, Region] = {LISTED: YES_NO}
    for name, kind in SIGNALS.items():
        if kind.words:
            known[name] = frozenset(kind.words)
        else:
            known[name] = YES_NO if isinstance(kind.default, bool) else NUMBERS
    known["concept"] = frozenset({*concepts, OTHER})
    known["certainty"] = CERTAINTIES
    known["role"] = ROLES
    return known


def concepts_of(criterion: Criterion) -> frozenset[str]:
    """The diagnoses the criterion names."""
    return frozenset().union(
        *(criterion.params.get(name, ()) for name in ("met", "review", "unknown", "of", "review_for", "unknown_for"))
    )


def tables_of(criterion: Criterion) -> tuple[Table, ...]:
    """The tables of one criterion; its status is the worst of theirs, as an indication's is of its criteria.

    Raises EngineError for a kind that is not known: never skipped.
    """
    build = _KINDS.get(criterion.kind)
    if build is None:
        raise EngineError(
            f"the criterion '{criterion.id}' is of the kind '{criterion.kind}', which nothing here can judge"
        )
    return build(criterion)


Clauses = Callable[[Criterion], tuple[Clause, ...]]
Build = Callable[[Criterion], tuple[Table, ...]]


def _course(clauses: Clauses) -> Build:
    return lambda criterion: (Table(key=_key(criterion), clauses=clauses(criterion)),)


def _diagnoses(clauses: Clauses, *, bare: tuple[str, str]) -> Build:
    return lambda criterion: (Table(key=_key(criterion), clauses=clauses(criterion), over_diagnoses=True, bare=bare),)


def _key(criterion: Criterion) -> str:
    """Equal for criteria that ask the same, whatever the order in which a pack wrote their parameters."""
    shown = []
    for name, value in sorted(criterion.params.items()):
        shown.append((name, tuple(sorted(value)) if isinstance(value, (list, tuple)) else value))
    return repr((criterion.kind, tuple(shown)))


def _is(signal: str, *values: str | bool) -> Test:
    return Test(signal, frozenset(values))  # type: ignore[arg-type]


def _at_least(signal: str, least: int) -> Test:
    return Test(signal, range(least, HIGHEST + 1))


def _at_most(signal: str, most: int) -> Test:
    return Test(signal, range(LOWEST, most + 1))


def _age(criterion: Criterion) -> tuple[Clause, ...]:
    """Completed years (labels-us 2.6, A26; EU A11)."""
    least, most = criterion.params.get("min_years", 0), criterion.params.get("max_years", 200)
    known = _is("age_known", True)
    return (
        Clause(NOT_MET, (known, _at_most("age_max", least - 1))),
        Clause(NOT_MET, (known, _at_least("age_min", most + 1))),
        Clause(MET, (known, _at_least("age_min", least), _at_most("age_max", most))),
        Clause(UNKNOWN),
    )


def _diagnosis(criterion: Criterion) -> tuple[Clause, ...]:
    """Decisions 8, 12 to 14, 58, 62, 63."""
    met, review = frozenset(criterion.params["met"]), frozenset(criterion.params.get("review", ()))
    named = met | review | frozenset(criterion.params.get("unknown", ()))
    certain = Test("certainty", CERTAIN)
    current = Test("certainty", CERTAINTIES - {SUPERSEDED})
    return (
        Clause(MET, (Test("concept", met), certain)),
        *(
            (Clause(REVIEW, (Test("concept", review), certain), "the label leaves it to clinical judgement"),)
            if review
            else ()
        ),
        Clause(UNKNOWN, (Test("concept", named), current)),
        Clause(UNKNOWN, (_is("role", "ambiguous"), current)),
        Clause(UNKNOWN, (_is("role", "indication"), Test("certainty", UNCERTAIN))),
        Clause(NOT_MET, (Test("certainty", frozenset({SUPERSEDED})),)),
        Clause(NOT_MET, (_is("role", "indication"),)),
    )


def _absent_diagnosis(criterion: Criterion) -> tuple[Clause, ...]:
    """Labels-us A7, A8: the disease itself excludes, or is left to a clinician; what may mean it leaves it open."""
    excluded = frozenset(criterion.params.get("of", ()))
    judged = frozenset(criterion.params.get("review_for", ()))
    open_question = excluded | judged | frozenset(criterion.params.get("unknown_for", ()))
    certain = Test("certainty", CERTAIN)
    return (
        *((Clause(NOT_MET, (Test("concept", excluded), certain)),) if excluded else ()),
        *((Clause(REVIEW, (Test("concept", judged), certain)),) if judged else ()),
        Clause(UNKNOWN, (Test("concept", open_question), Test("certainty", CERTAINTIES - {SUPERSEDED}))),
    )


_RESPONDING = "the disease answers to the latest treatment"
_STALE = "the newest evidence is more than 24 months old"


def _relapsed_or_refractory(criterion: Criterion) -> tuple[Table, ...]:
    """Current disease; second-line entries take it from their first line (decision 5)."""
    if criterion.params["from"] == "first_line":
        return _CURRENT, _first_line(criterion.params.get("first_line_within_days"), criterion)
    return (Table(key=_key(criterion), clauses=_whole_course()),)


def _whole_course() -> tuple[Clause, ...]:
    """Current disease, read from the whole course (decisions 6, 7, 53, 60)."""
    failed = _is("rr", MET)
    return (
        Clause(NOT_MET, (_is("rr", NOT_MET),)),
        Clause(UNKNOWN, (_is("rr", UNKNOWN),)),
        Clause(REVIEW, (failed, _is("rr_responding", True)), _RESPONDING),
        Clause(REVIEW, (failed, _is("rr_stale", True), _is("rr_grade", INFERRED)), _STALE),
        Clause(MET),
    )


_CURRENT = Table(
    key="current disease beside a failed first line",
    clauses=(
        Clause(NOT_MET, (_is("rr", NOT_MET),)),
        Clause(REVIEW, (_is("rr_responding", True),), _RESPONDING),
        Clause(REVIEW, (_is("rr_stale", True), _is("rr_grade", INFERRED)), _STALE),
        Clause(MET),
    ),
)
"""What second-line entries ask of the present beside the failure of the first line (decisions 5, 53, 60)."""


def _prior_lines(criterion: Criterion) -> tuple[Clause, ...]:
    """Counts of lines-of-therapy.md (e)."""
    least = criterion.params["min"]
    return (
        Clause(MET, (_at_least("lines_min", least),)),
        Clause(NOT_MET, (_at_most("lines_max", least - 1), _is("lines_complete", True))),
        Clause(UNKNOWN),
    )


def _first_line_failure(criterion: Criterion) -> tuple[Table, ...]:
    return (_first_line(criterion.params.get("within_days"), criterion),)


def _first_line(window: int | None, criterion: Criterion) -> Table:
    """Failure of first-line chemoimmunotherapy (decisions 2 to 4, 57; labels-us A9 to A11).

    Without ``window`` a relapse at any time; without a band in the pack nothing is left to a clinician.
    """
    review_from = criterion.params.get("review_from_day", (window or 0) + 1)
    review_to = criterion.params.get("review_to_day", window or 0)
    key = repr(("first_line", window, review_from, review_to) if window is not None else "first_line")
    return Table(key=key, clauses=_first_line_clauses(window, review_from, review_to))


def _first_line_clauses(window: int | None, review_from: int, review_to: int) -> tuple[Clause, ...]:
    in_part = _is("first_line_in_part", True)
    missing_doses = "the end of the first line is seen in part"
    relapse = _is("first_line", "relapse")
    undated = (relapse, Test("first_line_days_max", range(-1, 0)))
    late = (relapse, _at_least("first_line_days_min", review_to + 1))
    inside = (relapse, _at_least("first_line_days_min", review_from), _at_most("first_line_days_max", review_to))
    clock = (
        (Clause(MET, (relapse,)),)
        if window is None
        else (
            Clause(UNKNOWN, undated, "the day of the relapse, or of the end of the first line, is not known"),
            Clause(MET, (relapse, _at_most("first_line_days_max", review_from - 1))),
            Clause(UNKNOWN, (*late, in_part), missing_doses),
            Clause(NOT_MET, late),
            Clause(
                REVIEW,
                inside,
                f"day {review_from} to {review_to} after the end of the first line is left to a clinician",
            ),
        )
    )
    return (
        Clause(UNKNOWN, (_is("first_line", "none"), in_part), missing_doses),
        Clause(NOT_MET, (_is("first_line", "none"),)),
        Clause(UNKNOWN, (_is("first_line", UNKNOWN),)),
        Clause(REVIEW, (_is("first_line_chemoimmunotherapy", "no"),), "the first line was not chemoimmunotherapy"),
        Clause(
            UNKNOWN,
            (_is("first_line_chemoimmunotherapy", UNKNOWN),),
            "whether the first line was chemoimmunotherapy is not known",
        ),
        Clause(
            REVIEW, (_is("first_line", "partial"),), "a partial response, with nothing after it, is left to a clinician"
        ),
        Clause(MET, (_is("first_line", "refractory"),)),
        *clock,
        Clause(UNKNOWN),
    )


def _same_as(signal: str) -> tuple[Clause, ...]:
    return (
        Clause(MET, (_is(signal, MET),)),
        Clause(NOT_MET, (_is(signal, NOT_MET),)),
        Clause(UNKNOWN),
    )


def _exposed(criterion: Criterion) -> tuple[Clause, ...]:
    """Exposure in any line (labels-us A17, EU A6, A17)."""
    return _same_as(criterion.params["signal"])


def _refractory_to_lenalidomide(criterion: Criterion) -> tuple[Clause, ...]:
    """Labels-us A16, decision 59."""
    doubt = "failure on day 61 to 90 after an estimated stop of lenalidomide"
    return (
        Clause(MET, (_is("len_refractory", MET), _is("len_review", False))),
        Clause(REVIEW, (_is("len_review", True),), doubt),
        *_same_as("len_refractory")[1:],
    )


def _progressed_on_last_therapy(criterion: Criterion) -> tuple[Clause, ...]:
    """EU A3, decision 20."""
    window = criterion.params["within_days"]
    undated = Test("progressed_last_days_max", range(LOWEST, NO_DAYS + 1))
    return (
        Clause(NOT_MET, (_is("progressed_last", "none"),)),
        Clause(UNKNOWN, (_is("progressed_last", UNKNOWN),)),
        Clause(UNKNOWN, (undated,), "the day of the failure, or of the last dose, is not known"),
        Clause(MET, (_at_most("progressed_last_days_max", window),)),
        Clause(
            REVIEW,
            (_at_least("progressed_last_days_min", window + 1),),
            f"failure later than {window} days after the last dose",
        ),
        Clause(UNKNOWN, (), f"the dates allow a failure before and after day {window}"),
    )


def _refractory_or_second_relapse(criterion: Criterion) -> tuple[Clause, ...]:
    """Labels-us A18, A19; decisions 21, 61."""
    least = criterion.params["min_relapses"]
    after_allo = Clause(
        criterion.params["first_relapse_after_allo"],
        (_is("after_allo", MET), _at_least("relapses_min", 1)),
        "first relapse after an allogeneic transplant",
    )
    one_course = Clause(
        criterion.params["one_failed_course"],
        (_is("ball_refractory", "one_course"),),
        "one induction course without remission",
    )
    none = _is("ball_refractory", "none")
    whole = _is("lines_complete", True)
    return (
        Clause(MET, (_is("ball_refractory", "established"),)),
        Clause(MET, (_at_least("relapses_min", least),)),
        *sorted((after_allo, one_course), key=lambda clause: clause.status != MET),
        Clause(NOT_MET, (none, whole, _at_most("relapses_max", 0))),
        Clause(NOT_MET, (none, whole, _at_most("relapses_max", least - 1), _is("after_allo", NOT_MET))),
        Clause(UNKNOWN),
    )


def _transplant_ineligible(criterion: Criterion) -> tuple[Clause, ...]:
    """Labels-us A15, decision 1."""
    return _same_as("transplant_ineligible")


_KINDS: Mapping[str, Build] = {
    "age": _course(_age),
    "diagnosis": _diagnoses(_diagnosis, bare=(NOT_MET, UNKNOWN)),
    "absent_diagnosis": _diagnoses(_absent_diagnosis, bare=(MET, UNKNOWN)),
    "relapsed_or_refractory": _relapsed_or_refractory,
    "prior_lines": _course(_prior_lines),
    "first_line_failure": _first_line_failure,
    "exposed": _course(_exposed),
    "refractory_to_lenalidomide": _course(_refractory_to_lenalidomide),
    "progressed_on_last_therapy": _course(_progressed_on_last_therapy),
    "refractory_or_second_relapse": _course(_refractory_or_second_relapse),
    "transplant_ineligible": _course(_transplant_ineligible),
}
KINDS = frozenset(_KINDS)
"""Kinds of criteria that can be judged; a pack that names another one does not load."""
