"""The example patients of the packs, run through both evaluators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cds_service.errors import EngineError
from cds_service.labels.check_findings import ERROR, Finding, finding
from cds_service.labels.loader import Pack
from cds_service.labels.rulebook import run_case
from cds_service.labels.yaml_lines import Place


def run_cases(pack: Pack) -> Iterator[Finding]:
    """Every case whose status, or the status of a criterion it names, comes out otherwise."""
    for number, indication in enumerate(pack.indications):
        for row, case in enumerate(indication.cases):
            place: Place = ("indications", number, "cases", row)
            status, found = run_case(indication, case)
            for name, wanted in case.criteria.items():
                if found[name] != wanted:
                    problem = f"{indication.id}: '{case.says}' expects '{name}' {wanted}, and it is {found[name]}"
                    remedy = "correct the case or the criterion"
                    yield finding(pack.document, (*place, "criteria", name), ERROR, problem, remedy)
            if status != case.status:
                problem = f"{indication.id}: '{case.says}' expects {case.status}, and it is {status}"
                yield finding(pack.document, (*place, "status"), ERROR, problem, "correct the case or the criteria")
            yield from _second_opinion(pack, number, row, (status, found))


def _second_opinion(pack: Pack, number: int, row: int, plain: tuple[str, Mapping[str, str]]) -> Iterator[Finding]:
    indication = pack.indications[number]
    case = indication.cases[row]
    place: Place = ("indications", number, "cases", row)
    try:
        derived = run_case(indication, case, "engine")
    except EngineError as error:
        problem = f"the inference engine refuses the rules of '{indication.id}' ({error})"
        yield finding(pack.document, place, ERROR, problem, "write fewer or simpler criteria")
        return
    if derived != plain:
        problem = f"the inference engine and the plain evaluator differ on '{case.says}'"
        yield finding(pack.document, place, ERROR, problem, "report it: this is a fault of the program")
