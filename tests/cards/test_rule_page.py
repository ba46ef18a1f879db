"""Rule pages are generated from the packs and leave nothing out (R-01, R-05, R-06, R-33, d.2)."""

from __future__ import annotations

from datetime import date

import pytest

from cds_service.cards.rule_page import family_page, indication_page
from cds_service.labels.loader import load_ruleset
from tests.cards.scenes import RULES, WORDING

TODAY = date(2026, 11, 21)
US = load_ruleset(RULES, "us")


@pytest.mark.parametrize("family", sorted({one.family for one in US.indications}))
def test_every_criterion_of_every_rule_is_a_sentence(family):
    page = family_page(US, family, WORDING, TODAY)
    assert page is not None
    in_force = [one for one in US.in_force(TODAY) if one.family == family]
    assert [rule.id for rule in page.rules] == [one.id for one in in_force]
    for rule, indication in zip(page.rules, in_force, strict=True):
        assert len(rule.logic) >= len(indication.criteria)
        assert all("{" not in sentence for sentence in rule.logic)
        assert rule.sources and rule.cases and rule.effective_from


def test_it_says_for_whom_it_is_and_answers_thirteen_attributes():
    page = family_page(US, "lbcl", WORDING, TODAY)
    assert page is not None
    assert page.purpose == WORDING.intended_use
    assert len(page.attributes) == 13
    assert ("Use of race", "Not used") in page.attributes
    assert any(US.version in value for _, value in page.attributes)
    assert page.inputs and page.limits and page.statuses


def test_age_is_told_with_its_boundary():
    page = indication_page(US, "us/kymriah/all-ped-ya", WORDING, TODAY)
    assert page is not None
    assert any("up to and including 25" in s and "birthday 26" in s for s in page.rules[0].logic)


def test_a_rule_shows_every_dated_wording_the_newest_first():
    page = indication_page(US, "us/yescarta/lbcl-3l", WORDING, TODAY)
    assert page is not None
    dates = [rule.effective_from for rule in page.rules]
    assert len(dates) > 1 and dates == sorted(dates, reverse=True)


def test_products_carry_dates_reviewer_safety_and_notes():
    page = family_page(US, "multiple_myeloma", WORDING, TODAY)
    assert page is not None
    carvykti = next(product for product in page.products if "Carvykti" in product.name)
    assert "immune enterocolitis" in carvykti.safety and carvykti.notes and carvykti.reviewer


def test_concepts_go_by_their_labels_and_cases_show_their_result():
    page = indication_page(
        US,
        "us/tecartus/mcl-rr",
        WORDING,
        TODAY,
        concept_label=lambda concept: concept.upper(),
        case_result=lambda indication, case: case.status,
    )
    assert page is not None
    assert any("MANTLE_CELL_LYMPHOMA" in sentence for sentence in page.rules[0].logic)
    assert all(case.result == case.expected for case in page.rules[0].cases)


def test_what_has_no_rule_has_no_page():
    assert family_page(US, "nothing", WORDING, TODAY) is None
    assert indication_page(US, "us/nothing/at-all", WORDING, TODAY) is None
