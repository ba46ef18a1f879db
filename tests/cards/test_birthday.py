"""A 26th birthday before a product can be made is pointed out and decides nothing (labels-us 2.6, labels-eu A11)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import pytest

from cds_service.cards import composition
from cds_service.cli.text_report import print_report
from cds_service.fhir import read_record
from cds_service.fhir.decode import decode_record
from cds_service.labels import Assessment, Rulebook, as_json, assess
from cds_service.labels.loader import load_ruleset
from cds_service.labels.model import Birthday
from cds_service.oncology import describe
from cds_service.oncology.knowledge import Knowledge, load_knowledge
from tests.cards.scenes import (
    AGE,
    DIAGNOSED,
    NO_TRANSPLANT,
    OPTIONS,
    RELAPSED,
    RULES,
    TISA,
    TWO_LINES,
    VIEW,
    WORDING,
    assessment,
    course,
    flags,
    indication,
    picture,
    result,
)

SAMPLES = RULES.parent / "fhir_samples"
DAY = date(2026, 11, 21)
KYMRIAH = {"us": "us/kymriah/all-ped-ya", "eu": "eu/kymriah/b-all"}


@cache
def rulebook(jurisdiction: str) -> Rulebook:
    return Rulebook(load_ruleset(RULES, jurisdiction))


@cache
def knowledge() -> Knowledge:
    return load_knowledge(RULES)


def judged(birth: str, jurisdiction: str = "us", sample: str = "b-all-child-second-relapse", *more: dict[str, Any]):
    bundle = json.loads((SAMPLES / f"{sample}.json").read_text(encoding="utf-8"))
    patient = next(e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Patient")
    patient["birthDate"] = birth
    subject = {"reference": f"Patient/{patient['id']}"}
    bundle["entry"] += [{"resource": {"id": f"more{n}", "subject": subject, **one}} for n, one in enumerate(more)]
    decoded = decode_record(json.dumps(bundle).encode())
    return assess(describe(read_record(decoded.resources, decoded.issues), DAY, knowledge()), rulebook(jurisdiction))


def age_of(found: Assessment, name: str) -> tuple[str, str]:
    criterion = next(one for one in found.indications if one.indication.id == name).criterion("age")
    assert criterion is not None
    return criterion.status, criterion.because


def detail(found: Assessment) -> str:
    cards = composition(found, VIEW, WORDING, OPTIONS).cards
    return cards[0].detail if cards else ""


@pytest.mark.parametrize(
    ("jurisdiction", "birth", "days", "told"),
    [
        ("us", "2001-02-17", 88, True),
        ("us", "2001-02-18", 89, True),
        ("us", "2001-02-19", 90, False),
        ("us", "2001-02-20", 91, False),
        ("eu", "2001-02-19", 90, True),
        ("eu", "2001-02-20", 91, True),
        ("eu", "2001-02-21", 92, False),
    ],
)
def test_a_birthday_is_told_less_than_ninety_days_before_in_the_us_and_within_three_months_in_the_eu(
    jurisdiction: str, birth: str, days: int, told: bool
) -> None:
    day = birth.replace("2001", "2027")
    assert (date.fromisoformat(day) - DAY).days == days
    found = judged(birth, jurisdiction)
    status, because = age_of(found, KYMRIAH[jurisdiction])
    assert status == "met"
    assert because == "25 years; label: 25 or younger" + (f"; turns 26 on {day}" if told else "")
    line = f"**Age limit (tisa-cel):** turns 26 on {day}; making the product takes weeks."
    assert (line in detail(found)) is told
    assert detail(found).count(day) == (1 if told else 0)


def test_the_day_before_the_birthday_still_warns() -> None:
    assert age_of(judged("2000-11-22"), KYMRIAH["us"]) == (
        "met",
        "25 years; label: 25 or younger; turns 26 on 2026-11-22",
    )
    assert "turns 26 on 2026-11-22" in detail(judged("2000-11-22"))


@pytest.mark.parametrize("birth", ["2000-11-21", "2000-11-20"])
def test_a_birthday_that_has_come_is_no_warning_any_more(birth: str) -> None:
    assert age_of(judged(birth), KYMRIAH["us"]) == ("not_met", "26 years; label: 25 or younger")
    assert "turn" not in detail(judged(birth))


@pytest.mark.parametrize(
    ("birth", "told", "card"),
    [
        ("2001-01", "turns 26 between 2027-01-01 and 2027-01-31", "turns 26 between 2027-01-01 and 2027-01-31; making"),
        (
            "2001-02",
            "may turn 26 from 2027-02-01 on, a full date of birth would settle it",
            "may turn 26 from 2027-02-01",
        ),
        ("2001", "may turn 26 from 2027-01-01 on, a full date of birth would settle it", "may turn 26 from 2027-01-01"),
        ("2001-03", "", ""),
        ("2002", "", ""),
    ],
)
def test_a_partial_date_of_birth_gives_the_days_it_may_mean(birth: str, told: str, card: str) -> None:
    found = judged(birth)
    status, because = age_of(found, KYMRIAH["us"])
    assert status == "met"
    assert because.partition("label: 25 or younger")[2] == (f"; {told}" if told else "")
    assert (card in detail(found)) if card else (" turn" not in detail(found))


def test_an_age_that_is_in_question_already_is_not_warned_of() -> None:
    for birth in ("2000-11", "2000"):
        status, because = age_of(judged(birth), KYMRIAH["us"])
        assert status == "unknown" and "turn" not in because


def test_a_deceased_patient_turns_no_age() -> None:
    bundle = json.loads((SAMPLES / "b-all-child-second-relapse.json").read_text(encoding="utf-8"))
    patient = next(e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Patient")
    patient |= {"birthDate": "2001-01-05", "deceasedDateTime": "2026-11-01"}
    record = read_record(decode_record(json.dumps(bundle).encode()).resources)
    assert "turns" not in age_of(assess(describe(record, DAY, knowledge()), rulebook("us")), KYMRIAH["us"])[1]


def test_in_the_eu_the_labels_that_begin_at_26_tell_the_birthday_too_and_stay_not_met() -> None:
    found = judged("2001-01-05", "eu", "b-all-young-adult-first-relapse")
    for name in ("eu/tecartus/b-all", "eu/aucatzyl/b-all"):
        assert age_of(found, name) == ("not_met", "25 years; label: 26 or older; turns 26 on 2027-01-05")
    assert detail(found) == ""


def test_the_line_stands_only_where_the_rule_it_ends_is_named() -> None:
    first_relapse = judged("2001-01-05", "us", "b-all-young-adult-first-relapse")
    assert "brexu-cel" in detail(first_relapse) and "turns 26" not in detail(first_relapse)


def test_text_report_and_json_tell_it(capsys: pytest.CaptureFixture[str]) -> None:
    found = judged("2001-01-05")
    print_report(found)
    assert "label: 25 or younger; turns 26 on 2027-01-05" in " ".join(capsys.readouterr().out.split())
    kymriah = next(one for one in as_json(found)["indications"] if one["id"] == KYMRIAH["us"])
    assert kymriah["criteria"][0]["because"].endswith("turns 26 on 2027-01-05")
    assert set(kymriah["criteria"][0]) == {"id", "status", "grade", "because", "evidence"}


def test_a_rule_that_does_not_lead_still_tells_it_and_a_full_card_keeps_its_length() -> None:
    near = replace(AGE, birthday=Birthday(years=26, first="2027-01-05", last="2027-01-05", sure=True))
    lines = tuple(replace(one, number=n) for n, one in enumerate(course().history.lines * 4, start=1))
    crowded = picture(
        course(lines=lines), flags=flags(**dict.fromkeys(("prior_car_t", "active_infection", "renal"), "Finding " * 12))
    )
    leading = indication(TISA, "lbcl-3l", "lbcl", "Third line")
    asking = indication(TISA, "lbcl-2l-transplant-ineligible", "lbcl", "Second line")
    found = assessment(
        crowded,
        result(leading, AGE, DIAGNOSED, RELAPSED, TWO_LINES),
        result(asking, near, DIAGNOSED, RELAPSED, NO_TRANSPLANT),
    )
    text = detail(found)
    assert len(text) <= 1200
    assert "**Age limit (tisa-cel):** turns 26 on 2027-01-05" in text
    for kept in ("**Basis**", "**Safety:**", "**Data:**", "Flags for review"):
        assert kept in text
    assert WORDING.lint.findings(text, "us") == []
