"""The example patients of the packs, run through both evaluators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cds_service.errors import EngineError
from cds_service.labels.cases import expand_signals
from cds_service.labels.check_findings import ERROR, Finding, finding
from cds_service.labels.criteria import LISTED, OTHER, concepts_of, domains, table
from cds_service.labels.engine import FamilyEngine
from cds_service.labels.loader import Pack
from cds_service.labels.packs import Case, Indication
from cds_service.labels.plain import Facts, evaluate, indication_status
from cds_service.labels.yaml_lines import Place


def run_cases(packs: Sequence[Pack], roles: Mapping[str, str]) -> Iterator[Finding]:
    """Every case whose status, or the status of a criterion it names, comes out otherwise.

    ``roles`` gives what each disease concept can mean for a label (indication, exclusion, ambiguous, context).
    """
    for pack in packs:
        for number, indication in enumerate(pack.indications):
            yield from _run_indication(pack, number, indication, roles)


def _run_indication(pack: Pack, number: int, indication: Indication, roles: Mapping[str, str]) -> Iterator[Finding]:
    tables = [table(criterion) for criterion in indication.criteria]
    keys = [one.key for one in tables]
    concepts = frozenset().union(*(concepts_of(one.criterion) for one in tables))
    name = "check_" + "_".join(indication.id.replace("-", "_").split("/"))
    try:
        engine = FamilyEngine(name, tables, [keys], domains(concepts), prove=False)
    except EngineError as error:
        problem = f"the inference engine refuses the rules of '{indication.id}' ({error})"
        yield finding(pack.document, ("indications", number), ERROR, problem, "write fewer or simpler criteria")
        return
    for row, case in enumerate(indication.cases):
        place: Place = ("indications", number, "cases", row)
        course, diagnoses = _facts(case, concepts, roles)
        plain = {one.criterion.id: evaluate(one, course, diagnoses)[0] for one in tables}
        status = indication_status(list(plain.values()))
        yield from _compare(_Judged(pack, place, indication.id, case), plain, status)
        derived, verdicts = engine.evaluate(course, diagnoses)
        if [status, *plain.values()] != [verdicts[0], *(derived[key] for key in keys)]:
            problem = f"the inference engine and the plain evaluator differ on '{case.says}'"
            yield finding(pack.document, place, ERROR, problem, "report it: this is a fault of the program")


def _facts(case: Case, concepts: frozenset[str], roles: Mapping[str, str]) -> tuple[Facts, list[Facts]]:
    signals, named = expand_signals(case.signals)
    diagnoses: list[Facts] = [
        {
            "concept": one["dx"] if one["dx"] in concepts else OTHER,
            "certainty": one["dx_certainty"],
            "role": roles.get(one["dx"], "indication"),
        }
        for one in named
    ]
    return {**signals, LISTED: True}, diagnoses


@dataclass(frozen=True, slots=True)
class _Judged:
    pack: Pack
    place: Place
    indication: str
    case: Case


def _compare(judged: _Judged, found: Mapping[str, str], status: str) -> Iterator[Finding]:
    case, document = judged.case, judged.pack.document
    for name, wanted in case.criteria.items():
        if found[name] != wanted:
            problem = f"{judged.indication}: '{case.says}' expects '{name}' {wanted}, and it is {found[name]}"
            yield finding(
                document, (*judged.place, "criteria", name), ERROR, problem, "correct the case or the criterion"
            )
    if status != case.status:
        problem = f"{judged.indication}: '{case.says}' expects {case.status}, and it is {status}"
        yield finding(document, (*judged.place, "status"), ERROR, problem, "correct the case or the criteria")
