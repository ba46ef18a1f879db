"""When a card speaks, and each reason to be silent (c.2, R-15; decisions 9, 9b, 31, 35, 36, 43 to 46)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cds_service.cards import compose, composition
from cds_service.cards.model import SILENCES
from cds_service.fhir.model import Coverage
from cds_service.labels.model import Assessment
from cds_service.oncology.model import Fact
from tests.cards.scenes import (
    AGE,
    AXI,
    DIAGNOSED,
    DLBCL,
    FAILED,
    LBCL_2L,
    NO_TRANSPLANT,
    OPTIONS,
    R_CHOP,
    RELAPSED,
    SELECT,
    TISA,
    TWO_LINES,
    VIEW,
    WORDING,
    assessment,
    course,
    criterion,
    indication,
    mantle,
    myeloma,
    picture,
    result,
    third_line,
)


def silence(case: Assessment, hook=VIEW, options=OPTIONS) -> dict[str, str]:
    made = composition(case, hook, WORDING, options)
    assert made.cards == ()
    assert set(made.silent.values()) <= set(SILENCES)
    return dict(made.silent)


def families(case: Assessment, hook=VIEW, options=OPTIONS) -> list[str]:
    return [card.family for card in compose(case, hook, WORDING, options)]


@pytest.mark.parametrize("reader", ["Patient", "RelatedPerson"])
def test_a_patient_or_relative_never_sees_a_card(reader):
    assert silence(third_line(), replace(VIEW, user_type=reader)) == {"": "reader_is_patient"}


def test_nobody_is_asked_about_a_patient_who_has_died():
    assert silence(third_line(deceased=True)) == {"": "deceased"}


def test_an_open_referral_or_a_collection_silences_every_card():
    assert silence(third_line(referral_open=("ServiceRequest/r1",))) == {"": "referral_open"}


def test_our_own_referral_among_the_drafts_silences_too():
    assert silence(third_line(), replace(SELECT, referral_drafted=True)) == {"": "referral_drafted"}


def test_one_card_for_three_products():
    assert families(third_line()) == ["lbcl"]


def test_without_the_diagnosis_nothing_is_said():
    unknown = replace(DIAGNOSED, status="unknown", grade=None)
    assert silence(third_line(diagnosis=unknown))["lbcl"] == "no_diagnosis"


def test_a_criterion_that_is_not_met_silences_its_rule_even_beside_unknowns():
    refused = replace(RELAPSED, status="not_met")
    assert (
        silence(third_line(relapsed=refused, lines=criterion("prior_lines", "unknown")))["lbcl"] == "criteria_not_met"
    )


def test_a_missing_criterion_speaks_as_cannot_determine():
    (card,) = compose(mantle(), VIEW, WORDING, OPTIONS)
    assert (card.family, card.status) == ("mcl", "unknown")


def test_unless_the_site_switched_such_cards_off():
    assert silence(mantle(), options=replace(OPTIONS, unknown_cards=False)) == {"mcl": "unknown_cards_off"}


def test_switching_them_off_leaves_matches_alone():
    assert families(third_line(), options=replace(OPTIONS, unknown_cards=False)) == ["lbcl"]


def test_a_review_item_speaks_too():
    only = third_line(relapsed=replace(RELAPSED, status="review"))
    only = replace(only, indications=tuple(i for i in only.indications if "transplant" not in i.indication.id))
    (card,) = compose(only, VIEW, WORDING, OPTIONS)
    assert card.status == "review"


def test_a_rule_that_only_judgement_keeps_open_leads_over_one_with_missing_items():
    (card,) = compose(third_line(relapsed=replace(RELAPSED, status="review")), VIEW, WORDING, OPTIONS)
    assert card.status == "review"
    assert "left to clinical judgement" in card.summary and "Reason against transplant" in card.detail


def test_a_rule_past_its_expiry_day_is_withheld_and_the_others_speak():
    case = third_line()
    stale = replace(case, indications=tuple(replace(i, stale=i.indication.product is TISA) for i in case.indications))
    (card,) = compose(stale, VIEW, WORDING, OPTIONS)
    assert not [rule for rule in card.rules if "kymriah" in rule]
    assert "Kymriah" not in card.detail


def test_with_every_rule_expired_there_is_no_card():
    case = third_line()
    assert silence(replace(case, indications=tuple(replace(i, stale=True) for i in case.indications)))["lbcl"] == (
        "rule_expired"
    )


def under_way(**more) -> Assessment:
    waiting = criterion("relapsed_or_refractory", "unknown", "no disease status after R-CHOP")
    failure = criterion("first_line_failure", "unknown", "no disease status after R-CHOP")
    during = course("lbcl", (R_CHOP,), first_line_under_way=True)
    return assessment(
        picture(during, **more),
        result(indication(AXI, "lbcl-2l-early", "lbcl", LBCL_2L), AGE, DIAGNOSED, waiting, failure),
        result(indication(AXI, "lbcl-2l-other", "lbcl", LBCL_2L), AGE, DIAGNOSED, waiting, NO_TRANSPLANT),
    )


def test_first_line_under_way_is_silent_when_the_chart_is_opened():
    assert silence(under_way()) == {"lbcl": "first_line_under_way"}


def test_but_a_new_drug_is_the_moment_to_ask():
    assert families(under_way(), SELECT) == ["lbcl"]


def test_and_a_missing_list_is_said():
    came = Coverage(resources={"Condition": 1}, truncated=True, incomplete=frozenset({"Observation"}))
    (card,) = compose(under_way(coverage=came), VIEW, WORDING, OPTIONS)
    assert "Observation" in card.detail


def test_an_unknown_count_of_lines_is_not_waved_through_as_first_line():
    case = under_way()
    counted = criterion("prior_lines", "unknown", "lines may be missing")
    first = case.indications[0]
    assert families(replace(case, indications=(replace(first, criteria=(*first.criteria, counted)),))) == ["lbcl"]


def test_an_order_hook_without_a_systemic_therapy_is_silent():
    assert silence(third_line(), replace(SELECT, systemic_order=False)) == {"": "no_systemic_order"}


def test_prior_car_t_is_shown_unless_the_site_suppresses_it():
    treated = course(facts={"prior_car_t": Fact(status="met", because="axi-cel given 2025-01-02")})
    assert families(third_line(course=treated)) == ["lbcl"]
    assert (
        silence(third_line(course=treated), options=replace(OPTIONS, suppress_prior_car_t=True))["lbcl"]
        == "prior_car_t"
    )


def ambiguous(certainty: str = "confirmed", also_named: bool = False) -> Assessment:
    """An unspecified B-cell lymphoma after two lines and a relapse."""
    vague = replace(
        DLBCL,
        concept="b_cell_lymphoma_unspecified",
        label="B-cell lymphoma, type not stated",
        family=None,
        role="ambiguous",
        certainty=certainty,
        may_be=("lbcl", "fl"),
        evidence=("Condition/c5",),
    )
    unclear = criterion("diagnosis", "unknown", "B-cell lymphoma does not say which; subtype would settle it")
    more = {"concept": "b_cell_lymphoma_unspecified", "diagnosis_speaks": True}
    results = [
        result(indication(AXI, "fl-3l", "fl", "FL"), AGE, unclear, RELAPSED, TWO_LINES, **more),
    ]
    if not also_named:
        results.append(result(indication(AXI, "lbcl-3l", "lbcl", "LBCL"), AGE, unclear, RELAPSED, TWO_LINES, **more))
        seen = picture(diagnoses=(vague,), hypothetical={"lbcl": course(diagnoses=(vague,)), "fl": course("fl")})
    else:
        results.append(result(indication(AXI, "lbcl-3l", "lbcl", "LBCL"), AGE, DIAGNOSED, RELAPSED, TWO_LINES))
        seen = picture(course(), diagnoses=(DLBCL, vague), hypothetical={"fl": course("fl")})
    return assessment(seen, *results)


def test_an_ambiguous_diagnosis_speaks_once_in_the_first_family_it_can_be():
    made = composition(ambiguous(), VIEW, WORDING, OPTIONS)
    assert [card.family for card in made.cards] == ["lbcl"]
    assert made.silent["fl"] == "another_family_speaks"
    assert "subtype (lineage) not stated" in made.cards[0].summary
    assert "subtype (lineage) not stated" in made.cards[0].detail


def test_a_diagnosis_that_stands_only_as_text_says_so():
    (card,) = compose(ambiguous("text"), VIEW, WORDING, OPTIONS)
    assert "only as text" in card.summary


def test_a_diagnosis_that_stands_only_as_a_treatment_reason_says_so():
    (card,) = compose(ambiguous("indirect"), VIEW, WORDING, OPTIONS)
    assert "treatment reason" in card.summary


def test_a_named_lymphoma_speaks_for_the_vague_code_beside_it():
    made = composition(ambiguous(also_named=True), VIEW, WORDING, OPTIONS)
    assert [card.family for card in made.cards] == ["lbcl"]
    assert made.silent["fl"] == "another_family_speaks"


def test_two_diseases_give_two_cards_the_match_first():
    lymphoma, plasma = mantle(jurisdiction="us"), myeloma()
    both = assessment(
        picture(*lymphoma.picture.families.values(), *plasma.picture.families.values()),
        *lymphoma.indications,
        *plasma.indications,
    )
    assert families(both) == ["multiple_myeloma", "mcl"]


def test_failure_after_first_line_speaks_while_it_is_still_being_given():
    during = course("lbcl", (R_CHOP,), first_line_under_way=True)
    case = assessment(
        picture(during),
        result(indication(AXI, "lbcl-2l-early", "lbcl", LBCL_2L), AGE, DIAGNOSED, RELAPSED, FAILED),
    )
    assert families(case) == ["lbcl"]
