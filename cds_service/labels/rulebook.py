"""One jurisdiction's label rules, compiled: tables for the plain evaluator, rules for the inference engine."""

from __future__ import annotations

import itertools
import threading
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from cds_service.errors import EngineError, EngineLimit
from cds_service.labels.cases import expand_signals
from cds_service.labels.criteria import LISTED, OTHER, Region, Table, concepts_of, domains, tables_of
from cds_service.labels.engine import FamilyEngine
from cds_service.labels.packs import Case, Criterion, Indication, Ruleset
from cds_service.labels.plain import Facts, evaluate, worst

_SERIAL = itertools.count(1)
DIAGNOSIS_KIND = "diagnosis"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A criterion of one or more indications, and the keys of its tables."""

    criterion: Criterion
    keys: tuple[str, ...]


class FamilyRules:
    """The indications of one disease family that are in force together.

    ``tables`` holds each distinct table once, by key, ``questions`` each distinct criterion. For each indication, in
    its own order, ``asked`` gives the places of its criteria among the questions and ``keys`` those of all its tables.
    Raises EngineError for a criterion nothing here can judge.
    """

    def __init__(self, family: str, indications: Sequence[Indication], name: str) -> None:
        self.family = family
        self.indications = tuple(indications)
        self.tables: dict[str, Table] = {}
        questions: dict[tuple[str, ...], Question] = {}
        self.asked: list[tuple[int, ...]] = []
        self.keys: list[tuple[str, ...]] = []
        for indication in self.indications:
            row = []
            for criterion in indication.criteria:
                tables = tables_of(criterion)
                self.tables.update((one.key, one) for one in tables)
                question = Question(criterion=criterion, keys=tuple(one.key for one in tables))
                row.append((criterion.id, *question.keys))
                questions.setdefault(row[-1], question)
            places = {name: place for place, name in enumerate(questions)}
            self.asked.append(tuple(places[name] for name in row))
            self.keys.append(tuple(dict.fromkeys(key for name in row for key in name[1:])))
        self.questions = tuple(questions.values())
        self.diagnoses = [self._diagnosis_of(row) for row in self.asked]
        criteria = [one.criterion for one in self.questions]
        self.named: frozenset[str] = frozenset().union(*(concepts_of(c) for c in criteria))
        self.domain: Mapping[str, Region] = domains(self.named)
        self._name = name
        self._lock = threading.Lock()
        self._engines: tuple[tuple[tuple[int, ...], FamilyEngine], ...] | None = None

    def _diagnosis_of(self, row: Iterable[int]) -> int:
        """The place of the indication's criterion about the diagnosis."""
        for place in row:
            if self.questions[place].criterion.kind == DIAGNOSIS_KIND:
                return place
        raise EngineError(f"an indication of {self.family} asks for no diagnosis, so it would match everyone")

    def compile(self) -> None:
        """Load the rules into the inference engine; done once, at the first need when not before."""
        with self._lock:
            if self._engines is None:
                self._engines = tuple(self._compiled(tuple(range(len(self.indications)))))

    def _compiled(self, places: tuple[int, ...]) -> Iterable[tuple[tuple[int, ...], FamilyEngine]]:
        """One set of rules; two of half the indications where one would be beyond the limits of the engine."""
        asked = [self.keys[place] for place in places]
        keys = dict.fromkeys(key for one in asked for key in one)
        tables = [self.tables[key] for key in keys]
        try:
            return [(places, FamilyEngine(f"{self._name}_{next(_SERIAL)}", tables, asked, self.domain))]
        except EngineLimit:
            if len(places) == 1:
                raise
        half = len(places) // 2
        return [*self._compiled(places[:half]), *self._compiled(places[half:])]

    def run_engine(self, course: Facts, diagnoses: Sequence[Facts]) -> tuple[dict[str, str], list[str]]:
        """Status of each table by key and of each indication, from the inference engine. Raises EngineError."""
        if self._engines is None:
            self.compile()
        criteria: dict[str, str] = {}
        verdicts = [""] * len(self.indications)
        for places, engine in self._engines or ():
            found, statuses = engine.evaluate(course, diagnoses)
            criteria.update(found)
            for place, status in zip(places, statuses, strict=True):
                verdicts[place] = status
        return criteria, verdicts


class Rulebook:
    """A ruleset compiled once; share it between threads.

    The rules of today's wordings are loaded into the inference engine, and proved, at once; older wordings when a day
    is asked for on which they were in force. Raises EngineError when a rule cannot be judged.
    """

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self.jurisdiction = ruleset.jurisdiction
        self.version = ruleset.version
        self._turns = _turning_days(ruleset.indications)
        self._periods: dict[int, tuple[FamilyRules, ...]] = {}
        self._families: dict[tuple[str, tuple[int, ...]], FamilyRules] = {}
        self._lock = threading.Lock()
        for rules in self.in_force(self._turns[-1] if self._turns else date.min):
            rules.compile()

    def in_force(self, day: date) -> tuple[FamilyRules, ...]:
        """The rules of each family on that day (decision 30)."""
        place = bisect_right(self._turns, day)
        found = self._periods.get(place)
        if found is None:
            with self._lock:
                found = self._periods.setdefault(place, self._period(day))
        return found

    def _period(self, day: date) -> tuple[FamilyRules, ...]:
        families: dict[str, list[int]] = {}
        for number, indication in enumerate(self.ruleset.indications):
            if indication.in_force(day):
                families.setdefault(indication.family, []).append(number)
        rules = []
        for family, numbers in sorted(families.items()):
            key = family, tuple(numbers)
            if key not in self._families:
                chosen = [self.ruleset.indications[number] for number in numbers]
                self._families[key] = FamilyRules(family, chosen, f"{self.jurisdiction}_{family}")
            rules.append(self._families[key])
        return tuple(rules)


def run_case(indication: Indication, case: Case, evaluator: str = "plain") -> tuple[str, dict[str, str]]:
    """A pack's own example judged by one of the two evaluators, "plain" or "engine".

    Gives the status of the indication and of each criterion by id. The list of Conditions counts as whole. Raises
    ValueError when the case or ``evaluator`` is not understood, EngineError when the engine fails.
    """
    asked = [(criterion.id, tables_of(criterion)) for criterion in indication.criteria]
    tables = list({one.key: one for _, several in asked for one in several}.values())
    named = frozenset().union(*(concepts_of(criterion) for criterion in indication.criteria))
    signals, written = expand_signals(case.signals)
    course: Facts = {**signals, LISTED: True}
    diagnoses: list[Facts] = [
        {
            "concept": one["dx"] if one["dx"] in named else OTHER,
            "certainty": one["dx_certainty"],
            "role": "indication",
        }
        for one in written
    ]
    if evaluator == "plain":
        found = {one.key: evaluate(one, course, diagnoses)[0] for one in tables}
        overall = worst(list(found.values()))
    elif evaluator == "engine":
        found, (overall,) = _case_engine(_Hashable(tables, named)).evaluate(course, diagnoses)
    else:
        raise ValueError(f"'{evaluator}' is no evaluator; there are plain and engine")
    return overall, {name: worst([found[one.key] for one in several]) for name, several in asked}


class _Hashable:
    """Tables of one indication, equal when they ask the same, so that its cases share one compiled set."""

    def __init__(self, tables: Sequence[Table], named: frozenset[str]) -> None:
        self.tables = tables
        self.named = named
        self.keys = tuple(one.key for one in tables)

    def __hash__(self) -> int:
        return hash(self.keys)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashable) and self.keys == other.keys


@lru_cache(maxsize=256)
def _case_engine(rules: _Hashable) -> FamilyEngine:
    return FamilyEngine(f"case_{next(_SERIAL)}", rules.tables, [rules.keys], domains(rules.named), prove=False)


def _turning_days(indications: Iterable[Indication]) -> list[date]:
    """Days on which what is in force changes."""
    days = set()
    for indication in indications:
        days.add(indication.effective_from)
        if indication.until is not None and indication.until < date.max:
            days.add(indication.until + timedelta(days=1))
    return sorted(days)
