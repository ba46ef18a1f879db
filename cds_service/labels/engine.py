"""The rules of one disease family in the inference engine: facts in, criteria and indications out.

Two waves in one session: the course and the diagnoses give criteria; these, with how many criteria of each indication
have each status, are asserted as facts in turn, and the rules of the indications fire on those counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cds_service.errors import EngineError
from cds_service.labels.compile import Box, boxes_by_clause, pattern, verdict_clauses
from cds_service.labels.criteria import LISTED, NUMBERS, Clause, Region, Table, Test
from cds_service.labels.guard import EngineGuard, Fact
from cds_service.labels.plain import Facts, evaluate, worst
from cds_service.oncology.model import MET, NOT_MET, REVIEW, UNKNOWN

COURSE, DIAGNOSIS, RESULTS = "course", "diagnosis", "results"
_COUNTED = (NOT_MET, UNKNOWN, REVIEW)
_STATUSES: frozenset[str] = frozenset({MET, NOT_MET, UNKNOWN, REVIEW})
_DIAGNOSIS_MEMBERS = ("concept", "certainty", "role")
_LIST = "list"
_LIST_CLAUSES = (Clause("whole", (Test(LISTED, frozenset({True})),)), Clause("cut"))


class FamilyEngine:
    """Compiled rules of one family. ``indications`` are the keys of the tables that each indication asks for.

    ``domain`` holds every signal with its values. With ``prove`` each rule is fired once, and its answer compared with
    the plain evaluator, so that a rule the engine cannot carry is found at start. Raises EngineError.
    """

    def __init__(
        self,
        name: str,
        tables: Sequence[Table],
        indications: Sequence[Sequence[str]],
        domain: Mapping[str, Region],
        *,
        prove: bool = True,
    ) -> None:
        self._tables = {f"c{number}": table for number, table in enumerate(tables)}
        short = {table.key: name for name, table in self._tables.items()}
        self._indications = [tuple(short[key] for key in keys) for keys in indications]
        self._domain = domain
        self._signals = tuple(sorted({LISTED}.union(*(t.signals() for t in tables if not t.over_diagnoses))))
        self._meaning: dict[str, tuple[str, int, str]] = {}
        """Rule name to what it says: criterion or indication, rank (lower wins), status."""
        self._boxes: dict[str, Box] = {}
        schema = self._schema()
        rules = self._rules(schema)
        self.guard = EngineGuard(name, rules, schema)
        if prove:
            self._prove()

    def evaluate(self, course: Facts, diagnoses: Sequence[Facts]) -> tuple[dict[str, str], list[str]]:
        """Status of each criterion by table key, and of each indication in their order. Raises EngineError."""
        facts: list[Fact] = [{"kind": COURSE, **{name: course[name] for name in self._signals}}]
        distinct = {tuple(one[name] for name in _DIAGNOSIS_MEMBERS) for one in diagnoses}
        for values in sorted(distinct):
            facts.append({"kind": DIAGNOSIS, **dict(zip(_DIAGNOSIS_MEMBERS, values, strict=True))})
        criteria: dict[str, str] = {}

        def second(fired: Sequence[str]) -> Sequence[Fact]:
            criteria.update(self._criteria(fired))
            return [self._results(criteria)]

        fired = self.guard.evaluate(facts, second)
        verdicts: dict[str, str] = {}
        for rule in fired:
            about, _, status = self._meaning[rule]
            if about.startswith("i") and verdicts.setdefault(about, status) != status:
                raise EngineError("two rules of one indication fired")
        if len(verdicts) != len(self._indications):
            raise EngineError("an indication without an answer of the inference engine")
        keyed = {self._tables[name].key: status for name, status in criteria.items()}
        return keyed, [verdicts[f"i{number}"] for number in range(len(self._indications))]

    def _schema(self) -> dict[str, dict[str, Region]]:
        results: dict[str, Region] = dict.fromkeys(self._tables, _STATUSES)
        for number in range(len(self._indications)):
            results.update({f"i{number}_{status}": NUMBERS for status in _COUNTED})
        return {
            COURSE: {name: self._domain[name] for name in self._signals},
            DIAGNOSIS: {name: self._domain[name] for name in _DIAGNOSIS_MEMBERS},
            RESULTS: results,
        }

    def _rules(self, schema: Mapping[str, Mapping[str, Region]]) -> dict[str, tuple[str, dict[str, Any]]]:
        rules: dict[str, tuple[str, dict[str, Any]]] = {}

        def add(kind: str, about: str, rank: int, status: str, box: Box) -> None:
            rule = f"{about}_{rank}_{len(rules)}"
            rules[rule] = kind, pattern(kind, box.items(), schema[kind])
            self._meaning[rule] = about, rank, status
            self._boxes[rule] = box

        for rank, box in boxes_by_clause(_LIST_CLAUSES, schema[COURSE]):
            add(COURSE, _LIST, rank, _LIST_CLAUSES[rank].status, box)
        for name, table in self._tables.items():
            kind = DIAGNOSIS if table.over_diagnoses else COURSE
            for rank, box in boxes_by_clause(table.clauses, schema[kind]):
                add(kind, name, rank, table.clauses[rank].status, box)
        for number in range(len(self._indications)):
            clauses = verdict_clauses(f"i{number}")
            for rank, box in boxes_by_clause(clauses, schema[RESULTS]):
                add(RESULTS, f"i{number}", rank, clauses[rank].status, box)
        return rules

    def _criteria(self, fired: Sequence[str]) -> dict[str, str]:
        """Criteria from the rules of the first wave: the lowest clause of each; what no diagnosis fulfils is bare."""
        best: dict[str, tuple[int, str]] = {}
        count: dict[str, int] = {}
        for rule in fired:
            about, rank, status = self._meaning[rule]
            count[about] = count.get(about, 0) + 1
            if about not in best or rank < best[about][0]:
                best[about] = rank, status
        if count.pop(_LIST, 0) != 1:
            raise EngineError("the inference engine did not answer whether the list of Conditions is whole")
        whole = best.pop(_LIST)[1] == "whole"
        criteria = {}
        for name, table in self._tables.items():
            if not table.over_diagnoses and count.get(name) != 1:
                raise EngineError(f"{count.get(name, 0)} rules of '{table.key}' fired, not one")
            criteria[name] = best[name][1] if name in best else table.bare[0 if whole else 1]
        return criteria

    def _results(self, criteria: Mapping[str, str]) -> Fact:
        fact: Fact = {"kind": RESULTS, **criteria}
        for number, names in enumerate(self._indications):
            statuses = [criteria[name] for name in names]
            for status in _COUNTED:
                fact[f"i{number}_{status}"] = statuses.count(status)
        return fact

    def _prove(self) -> None:
        """Fire every rule of the criteria once, on a patient made for it, against the plain evaluator."""
        nobody = {name: _some(self._domain[name]) for name in self._signals}
        for rule, (about, _, _) in self._meaning.items():
            table = self._tables.get(about)
            if table is None:
                continue
            made = {name: _some(region) for name, region in self._boxes[rule].items()}
            course, diagnoses = (nobody, [{**_PLAINEST, **made}]) if table.over_diagnoses else ({**nobody, **made}, [])
            criteria, verdicts = self.evaluate(course, diagnoses)
            wanted = {key: evaluate(one, course, diagnoses)[0] for key, one in self._by_key().items()}
            judged = [worst([criteria[self._tables[n].key] for n in names]) for names in self._indications]
            if criteria != wanted or verdicts != judged:
                raise EngineError(f"the inference engine misjudges '{table.key}'")

    def _by_key(self) -> dict[str, Table]:
        return {table.key: table for table in self._tables.values()}


_PLAINEST: Mapping[str, str] = {"concept": "other", "certainty": "confirmed", "role": "context"}


def _some(region: Region) -> Any:
    """A value of the region, always the same; the smallest number near zero that it holds."""
    if isinstance(region, range):
        return 0 if 0 in region else (region.start if region.start > 0 else region.stop - 1)
    return min(region)
