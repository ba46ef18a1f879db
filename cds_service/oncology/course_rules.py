"""The value sets and numbers of the disease course, from ``rules/course.yaml``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from cds_service.rule_files import Document, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseRules:
    """Codes as (system, code). ``referral_order`` is the code put into every suggestion (decision 35)."""

    cycles_for_stable_disease: int
    transplant_concepts: frozenset[str]
    transplant_reasons: frozenset[tuple[str, str]]
    referral_order: tuple[str, str]
    collection_concepts: frozenset[str]
    infusion_concepts: frozenset[str]


def read_course_rules(document: Document) -> CourseRules:
    """The typed content of ``rules/course.yaml``. Raises RuleFileError at the line of what is wrong."""
    content: Any = document.content
    known = {f.name for f in fields(CourseRules)}
    if not isinstance(content, dict) or known - content.keys():
        missing = ", ".join(sorted(known - set(content if isinstance(content, dict) else ())))
        raise document.error((), f"a value is missing: {missing}", "compare it with the shipped file")
    for key in content:
        if key not in known and key != "schema":
            raise document.error((key,), f"the key '{key}' means nothing here", "remove it")
    number = content["cycles_for_stable_disease"]
    if isinstance(number, bool) or not isinstance(number, int):
        raise document.error(("cycles_for_stable_disease",), f"'{number}' is no number of cycles", "write a number")
    return CourseRules(
        cycles_for_stable_disease=number,
        transplant_concepts=_words(document, "transplant_concepts"),
        transplant_reasons=frozenset(
            _code(document, row, ("transplant_reasons", n))
            for n, row in enumerate(_list(document, "transplant_reasons"))
        ),
        referral_order=_code(document, content["referral_order"], ("referral_order",)),
        collection_concepts=_words(document, "collection_concepts"),
        infusion_concepts=_words(document, "infusion_concepts"),
    )


def _list(document: Document, name: str) -> list[Any]:
    found = document.content[name]
    if not isinstance(found, list):
        raise document.error((name,), "a list is expected here", "write [one, two]")
    return found


def _words(document: Document, name: str) -> frozenset[str]:
    found = _list(document, name)
    for number, word in enumerate(found):
        if not isinstance(word, str):
            raise document.error((name, number), f"'{word}' is no concept", "name a concept of the procedure tables")
    return frozenset(found)


def _code(document: Document, row: Any, place: Place) -> tuple[str, str]:
    if not isinstance(row, dict) or {type(row.get("system")), type(row.get("code"))} != {str}:
        raise document.error(place, "no code with its system", "give both as text: {system: ..., code: ...}")
    return row["system"], row["code"]
