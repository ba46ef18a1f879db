"""Each kind of criterion as a sentence of wording.yaml. A kind without a sentence is an error, never left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from cds_service.cards.wording import Wording
from cds_service.labels.packs import Criterion

_DIAGNOSIS = (("met", "diagnosis"), ("review", "diagnosis_review"), ("unknown", "diagnosis_unknown"))
_ABSENT = (
    ("of", "absent_diagnosis"),
    ("review_for", "absent_diagnosis_review"),
    ("unknown_for", "absent_diagnosis_unknown"),
)


def criterion_sentences(criterion: Criterion, wording: Wording, concept_label: Callable[[str], str]) -> tuple[str, ...]:
    """What a criterion asks, in one or more sentences. Raises KeyError for a kind that has no sentence."""
    say = wording.sections["rules"]
    params = criterion.params

    def concepts(name: str) -> dict[str, str]:
        return {"concepts": _listed(concept_label(one) for one in params[name])}

    match criterion.kind:
        case "age":
            return tuple(_age(params, say))
        case "diagnosis":
            return tuple(say[name].format(**concepts(key)) for key, name in _DIAGNOSIS if params.get(key))
        case "absent_diagnosis":
            return tuple(say[name].format(**concepts(key)) for key, name in _ABSENT if params.get(key))
        case "relapsed_or_refractory":
            early = params.get("from") == "first_line"
            return (say["relapsed_or_refractory_first_line" if early else "relapsed_or_refractory"],)
        case "prior_lines":
            return (say["prior_lines"].format(count=params["min"]),)
        case "first_line_failure" if "within_days" in params:
            days = {"days": params["within_days"], "from": params["review_from_day"], "to": params["review_to_day"]}
            return (say["first_line_failure_within"].format(**days),)
        case "exposed":
            return (say["exposed"].format(name=wording.criterion_name(criterion.id)),)
        case "progressed_on_last_therapy":
            return (say["progressed_on_last_therapy"].format(days=params["within_days"]),)
        case "refractory_or_second_relapse":
            return (
                say["refractory_or_second_relapse"].format(count=params["min_relapses"]),
                say[f"after_allo_{params['first_relapse_after_allo']}"],
                say[f"one_course_{params['one_failed_course']}"],
            )
        case _:
            return (say[criterion.kind],)


def _age(params: Mapping[str, Any], say: Mapping[str, str]) -> Iterator[str]:
    if "min_years" in params:
        yield say["age_min"].format(years=params["min_years"])
    if "max_years" in params:
        yield say["age_max"].format(years=params["max_years"], next=params["max_years"] + 1)
    if "note_within_days" in params:
        turned = params["max_years"] + 1 if "max_years" in params else params["min_years"]
        yield say["age_note"].format(years=turned, days=params["note_within_days"])


def _listed(labels: Iterable[str]) -> str:
    return "; ".join(labels)
