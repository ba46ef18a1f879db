"""Numbers of lines that somebody wrote down outside an Observation (Q1)."""

from __future__ import annotations

from typing import Any

import pytest
from line_cases import BR
from line_kit import Answer, derive, dose, history

NCIT = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
LINE = "C133518"
NUMBER = "http://example.org/line-number"


def form(link: str = LINE, value: Any = 3, status: str = "completed", day: str | None = "2024-05-05") -> dict[str, Any]:
    made: dict[str, Any] = {
        "resourceType": "QuestionnaireResponse",
        "id": "form",
        "status": status,
        "item": [{"linkId": "1", "item": [{"linkId": link, "answer": [{"valueInteger": value}]}]}],
    }
    return made | ({"authored": day} if day else {})


def episode(*numbers: int, status: str = "active", system: str = NCIT, code: str = LINE) -> dict[str, Any]:
    return {
        "resourceType": "EpisodeOfCare",
        "id": "episode",
        "status": status,
        "type": [{"coding": [{"system": system, "code": code}]}],
        "period": {"start": "2024-05-05"},
        "extension": [{"url": f"{NUMBER}-{at}", "valuePositiveInt": value} for at, value in enumerate(numbers)],
    }


def after_bendamustine(*more: dict[str, Any]) -> Answer:
    """Follicular lymphoma, one line found."""
    return derive(history("FL", dose("2020-02-03", *BR, n=6, q=28), extra=list(more)))


@pytest.mark.parametrize(
    ("sentence", "resource"),
    [
        ("a form that asks by the NCI Thesaurus code", form(f"{NCIT}|{LINE}")),
        ("a form that asks by the bare code", form()),
        ("a form that spells the system as an OID", form(f"urn:oid:2.16.840.1.113883.3.26.1.1|{LINE}")),
        ("a form that was amended", form(status="amended")),
        ("an episode that is a line of therapy and holds one number", episode(3)),
        ("an episode that is over", episode(3, status="finished")),
    ],
)
def test_a_count_above_what_was_found_widens_the_range(sentence: str, resource: dict[str, Any]) -> None:
    answer = after_bendamustine(resource)
    assert (answer.count, answer.derivation.recorded) == ((1, 1, 3), 3), sentence


@pytest.mark.parametrize(
    ("sentence", "resource"),
    [
        ("a form still being filled in", form(status="in-progress")),
        ("a form entered in error", form(status="entered-in-error")),
        ("a form without a date", form(day=None)),
        ("a form of a day to come", form(day="2027-01-01")),
        ("a number that counts nothing a patient goes through", form(value=51)),
        ("another question of the form", form("number-of-children")),
        ("the code under another system", form(f"http://loinc.org|{LINE}")),
        ("an episode of another kind", episode(3, code="C1")),
        ("an episode that is only planned", episode(3, status="planned")),
        ("an episode with several numbers, none of them said to be the line", episode(3, 2)),
    ],
)
def test_what_is_no_count_of_lines_is_not_read_as_one(sentence: str, resource: dict[str, Any]) -> None:
    answer = after_bendamustine(resource)
    assert (answer.count, answer.derivation.recorded) == ((1, 1, 1), None), sentence


def test_of_a_form_and_an_observation_the_later_one_speaks() -> None:
    observed = {"r": "OB", "d": "2024-06-01", "prior_lines": 2}
    case = history("FL", dose("2020-02-03", *BR, n=6, q=28), observed, extra=[form()])
    assert derive(case).derivation.recorded == 2
    case = history("FL", dose("2020-02-03", *BR, n=6, q=28), observed, extra=[form(day="2024-06-02")])
    assert derive(case).derivation.recorded == 3


def test_a_line_begun_after_the_form_is_added_to_its_count() -> None:
    later = dose("2024-08-05", "obinutuzumab", "lenalidomide", n=6, q=28)
    answer = derive(history("FL", dose("2020-02-03", *BR, n=6, q=28), later, extra=[form(value=1)]))
    assert (answer.count, answer.derivation.recorded) == ((2, 2, 2), 1)
