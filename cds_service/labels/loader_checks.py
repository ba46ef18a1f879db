"""What a schema cannot say about a label pack: dates that exist, references that lead somewhere, no overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Any

from cds_service.labels.cases import expand_signals
from cds_service.labels.yaml_lines import Document, Place, RuleFileError

CONCEPT_LISTS = ("met", "review", "unknown", "of", "review_for", "unknown_for")
"""Parameters of criteria that hold disease concepts."""

_APPROVALS = {"us": ("regular", "accelerated"), "eu": ("standard", "conditional")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The concepts of the terminology; None where its table is not at hand."""

    diseases: frozenset[str] | None = None
    drugs: frozenset[str] | None = None


def sense_problems(document: Document, known: Known) -> list[RuleFileError]:
    """Everything wrong with a pack whose shape is right, in the order of its lines.

    A pack with an impossible date is judged no further: comparing dates would only repeat it.
    """
    problems = list(_impossible_dates(document))
    if not problems:
        checks: tuple[Callable[[Document], Iterator[RuleFileError]], ...] = (
            _place_in_folder,
            _product_dates,
            _safety,
            _indications,
        )
        for check in checks:
            problems.extend(check(document))
        problems.extend(_concepts(document, known))
    return sorted(problems, key=lambda problem: problem.line)


def _impossible_dates(document: Document) -> Iterator[RuleFileError]:
    places: list[Place] = [("first_approved",)]
    places += [("label", key) for key in ("read_on", "review_by", "expires")]
    for number, one in enumerate(document.content["indications"]):
        places.append(("indications", number, "effective_from"))
        if one["until"] is not None:
            places.append(("indications", number, "until"))
    for place in places:
        value = _at(document.content, place)
        if not _is_date(value):
            yield document.error(place, f"'{place[-1]}' is '{value}', a day no calendar has", "correct the day")
    revision = document.content["label"]["revision"]
    if len(revision) > len("2026-02") and not _is_date(revision):
        yield document.error(
            ("label", "revision"), f"'revision' is '{revision}', a day no calendar has", "correct the day"
        )


def _place_in_folder(document: Document) -> Iterator[RuleFileError]:
    path = PurePosixPath(document.file)
    jurisdiction = document.content["jurisdiction"]
    if path.parent.name != jurisdiction:
        problem = f"a pack of '{jurisdiction}' lies in the folder '{path.parent.name}'"
        yield document.error(
            ("jurisdiction",), problem, f"move it to labels/{jurisdiction}/, or correct 'jurisdiction'"
        )
    start = f"{jurisdiction}/{path.stem}/"
    for number, one in enumerate(document.content["indications"]):
        if not one["id"].startswith(start):
            problem = f"the id '{one['id']}' does not start with '{start}', the place of this file"
            yield document.error(("indications", number, "id"), problem, "correct the id, or rename the file")
        if one["approval"] not in _APPROVALS[jurisdiction]:
            problem = f"the approval type '{one['approval']}' does not exist in '{jurisdiction}'"
            remedy = f"use {' or '.join(_APPROVALS[jurisdiction])}"
            yield document.error(("indications", number, "approval"), problem, remedy)


def _product_dates(document: Document) -> Iterator[RuleFileError]:
    label = document.content["label"]
    for earlier, later in (("read_on", "review_by"), ("review_by", "expires")):
        if label[earlier] > label[later]:
            problem = f"'{later}' ({label[later]}) lies before '{earlier}' ({label[earlier]})"
            yield document.error(("label", later), problem, "put the later date there")
    first = document.content["first_approved"]
    for number, one in enumerate(document.content["indications"]):
        if one["effective_from"] < first:
            problem = f"in force from {one['effective_from']}, before the product was approved on {first}"
            yield document.error(("indications", number, "effective_from"), problem, "correct one of the two dates")


def _safety(document: Document) -> Iterator[RuleFileError]:
    own, other = ("boxed", "risks") if document.content["jurisdiction"] == "us" else ("risks", "boxed")
    safety = document.content["safety"]
    if other in safety:
        problem = f"'{other}' is not a word of this jurisdiction's labels"
        yield document.error(("safety", other), problem, f"use '{own}' (boxed warnings exist in the US only)")
    elif own not in safety:
        yield document.error(("safety",), f"the safety block has no '{own}'", f"add '{own}'")


def _indications(document: Document) -> Iterator[RuleFileError]:
    indications = document.content["indications"]
    for number, one in enumerate(indications):
        place: Place = ("indications", number)
        until = one["until"]
        if until is not None and until < one["effective_from"]:
            problem = f"'until' ({until}) lies before 'effective_from' ({one['effective_from']})"
            yield document.error((*place, "until"), problem, "'until' is the last day in force")
        for earlier in indications[:number]:
            if earlier["id"] == one["id"] and _overlap(earlier, one):
                since = earlier["effective_from"]
                problem = f"two wordings of '{one['id']}' are in force at the same time (the other since {since})"
                yield document.error(
                    (*place, "effective_from"), problem, "end the older one with 'until', a day before"
                )
        yield from _references(document, place, one)
        yield from _criteria(document, place, one)
        yield from _cases(document, place, one)


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    end, other_end = (entry["until"] or "9999-12-31" for entry in (one, other))
    return bool(one["effective_from"] <= other_end and other["effective_from"] <= end)


def _references(document: Document, place: Place, one: Mapping[str, Any]) -> Iterator[RuleFileError]:
    sources = document.content["sources"]
    for number, source in enumerate(one["sources"]):
        if source not in sources:
            problem = f"the source '{source}' is not listed under 'sources'"
            yield document.error(
                (*place, "sources", number), problem, "list it there with its title, or correct the id"
            )


def _criteria(document: Document, place: Place, one: Mapping[str, Any]) -> Iterator[RuleFileError]:
    seen: set[str] = set()
    for number, criterion in enumerate(one["criteria"]):
        here: Place = (*place, "criteria", number)
        if criterion["id"] in seen:
            yield document.error(here, f"the criterion '{criterion['id']}' stands twice", "keep one of them")
        seen.add(criterion["id"])
        if criterion["kind"] == "exposed" and criterion["id"] != criterion["signal"]:
            problem = f"the criterion '{criterion['id']}' tests the signal '{criterion['signal']}'"
            yield document.error((*here, "signal"), problem, "give both the same name")
        for low, high in (("min_years", "max_years"), ("review_from_day", "review_to_day")):
            if low in criterion and high in criterion and criterion[low] > criterion[high]:
                problem = (
                    f"'{low}' ({criterion[low]}) is more than '{high}' ({criterion[high]}), so nothing can meet it"
                )
                yield document.error((*here, high), problem, "put the larger number there")
        within = criterion.get("within_days", criterion.get("first_line_within_days"))
        if "review_to_day" in criterion and not criterion["review_from_day"] <= within <= criterion["review_to_day"]:
            problem = f"the limit of {within} days lies outside the days left to a clinician"
            yield document.error((*here, "review_to_day"), problem, "let the band hold the limit")


def _cases(document: Document, place: Place, one: Mapping[str, Any]) -> Iterator[RuleFileError]:
    try:
        expand_signals(one["example"])
    except ValueError as error:
        yield document.error((*place, "example"), str(error), "correct the example patient")
        return
    names = [criterion["id"] for criterion in one["criteria"]]
    for number, case in enumerate(one["cases"]):
        here: Place = (*place, "cases", number)
        try:
            expand_signals(one["example"], case.get("but"))
        except ValueError as error:
            yield document.error((*here, "but"), str(error), "correct what this case changes")
        for name in case.get("criteria", {}):
            if name not in names:
                problem = f"the case speaks of '{name}', which is no criterion of this indication"
                yield document.error((*here, "criteria", name), problem, f"its criteria are {', '.join(names)}")


def _concepts(document: Document, known: Known) -> Iterator[RuleFileError]:
    if known.diseases is None:
        return
    for place, concept in disease_concepts(document):
        if concept not in known.diseases:
            near = get_close_matches(concept, known.diseases, n=1)
            remedy = f"did you mean '{near[0]}'?" if near else "add it to terminology/concepts.csv with its codes"
            yield document.error(
                place, f"the concept '{concept}' is in no code table, so no record could hold it", remedy
            )


def disease_concepts(document: Document) -> Iterator[tuple[Place, str]]:
    """Every disease concept of a pack, in criteria, examples and cases, with its place."""
    for number, one in enumerate(document.content["indications"]):
        place: Place = ("indications", number)
        for position, criterion in enumerate(one["criteria"]):
            for name in CONCEPT_LISTS:
                for item, concept in enumerate(criterion.get(name, ()) if criterion["kind"] in _WITH_CONCEPTS else ()):
                    yield (*place, "criteria", position, name, item), concept
        yield from _named((*place, "example", "diagnosis"), one["example"].get("diagnosis"))
        for position, case in enumerate(one["cases"]):
            yield from _named((*place, "cases", position, "but", "diagnosis"), case.get("but", {}).get("diagnosis"))


_WITH_CONCEPTS = ("diagnosis", "absent_diagnosis")


def _named(place: Place, value: Any) -> Iterator[tuple[Place, str]]:
    for concept in named_diagnoses(value):
        yield place, concept


def named_diagnoses(value: Any) -> Iterator[str]:
    """The concepts in the ``diagnosis`` of an example patient, in any of its short forms."""
    for one in value if isinstance(value, list) else [value]:
        concept = one.get("concept") if isinstance(one, Mapping) else one
        if isinstance(concept, str) and concept != "none":
            yield concept


def _at(content: Any, place: Place) -> Any:
    for part in place:
        content = content[part]
    return content


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
