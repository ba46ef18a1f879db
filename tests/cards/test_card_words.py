"""What a card says (c.3 to c.7; R-03, R-04, R-08 to R-11, R-13, R-14, R-16, R-18, R-20, R-22, R-37).

Decisions 37 to 43.
"""

from __future__ import annotations

import re
from dataclasses import replace

from cds_service.cards.flag_block import flag_block, present_flags
from cds_service.fhir.model import Coverage
from cds_service.labels.because import DISAGREED
from cds_service.oncology.model import FLAG_IDS
from tests.cards.examples import ALL_FLAGS, BENDAMUSTINE, EXAMPLES, INFECTION, every_example, one_card
from tests.cards.scenes import (
    AGE,
    DIAGNOSED,
    FAILED,
    LBCL_2L,
    LISO,
    NO_TRANSPLANT,
    OPTIONS,
    R_CHOP,
    RELAPSED,
    SELECT,
    TWO_LINES,
    VIEW,
    WORDING,
    assessment,
    course,
    criterion,
    flags,
    indication,
    mantle,
    myeloma,
    picture,
    result,
    third_line,
)


@every_example
def test_the_newest_evidence_and_what_came_are_named(name):
    assert "newest evidence 2026-11-03" in one_card(*EXAMPLES[name]).detail


def test_a_match_says_what_was_found_with_value_date_and_source():
    card = one_card(third_line(lines=replace(TWO_LINES, grade="recorded")))
    assert card.summary == "Suggest CAR-T referral review: large B-cell lymphoma, 2 prior systemic lines recorded"
    for line in (
        "**Recorded data match a label rule. This is not an eligibility decision.**",
        "- Diagnosis: Diffuse large B-cell lymphoma, NOS, active (2026-01-03)",
        "- Systemic lines: 2 – R-CHOP 2026-01 to 2026-05; R-GemOx 2026-08 to 2026-10 (MedicationAdministration)",
        "- Age: 67 years; label: 18 or older (Patient)",
        "- Relapsed or refractory: relapse recorded 2026-11-03 (Observation)",
    ):
        assert line in card.detail


def test_inference_changes_the_opening_and_asks_for_confirmation():
    detail = one_card(third_line()).detail
    assert "**Recorded data appear to match a label rule." in detail
    assert "**Please confirm (inferred):** Systemic lines" in detail


def test_products_once_with_brand_rule_and_label_date():
    detail = one_card(third_line()).detail
    for words in ("axi-cel (Yescarta) lbcl-3l, 2026-02", "liso-cel (Breyanzi) lbcl-3l", "tisa-cel (Kymriah) lbcl-3l"):
        assert detail.count(words) == 1
    assert "Read 2026-11-21; check the current label" in detail
    assert detail.count("Yescarta") == 1


def test_a_rule_whose_id_holds_a_banned_word_goes_by_its_title():
    case = assessment(
        picture(course("lbcl", (R_CHOP,))),
        result(
            indication(LISO, "lbcl-2l-transplant-ineligible", "lbcl", "Large B-cell lymphoma after first line"),
            *(AGE, DIAGNOSED, RELAPSED, replace(NO_TRANSPLANT, status="met", grade="recorded")),
        ),
    )
    detail = one_card(case).detail
    assert "ineligible" not in detail and "Large B-cell lymphoma after first line" in detail


def test_accelerated_and_conditional_approvals_are_marked():
    us, eu = one_card(mantle(jurisdiction="us")).detail, one_card(mantle()).detail
    assert "(conditional authorisation)" in eu
    case = mantle(jurisdiction="us")
    first = replace(case.indications[1], indication=replace(case.indications[1].indication, approval="accelerated"))
    assert (
        "(accelerated approval, benefit still to be confirmed)" in one_card(replace(case, indications=(first,))).detail
    )
    assert "accelerated" not in us


def test_the_missing_item_names_products_and_what_would_settle_it():
    card = one_card(mantle())
    assert card.summary == "CAR-T referral review: cannot determine for mantle cell lymphoma – BTK inhibitor missing"
    assert "one label item was not found" in card.detail
    (line,) = [row for row in card.detail.split("\n") if row.startswith("- BTK inhibitor")]
    assert "brexu-cel" in line and "liso-cel" in line and "would settle it" in line


def test_a_review_is_headlined_by_its_own_item_and_not_by_what_another_rule_misses():
    richter = criterion("diagnosis", "review", "Richter transformation; the label leaves it to clinical judgement")
    unfit = indication(LISO, "lbcl-2l-transplant-ineligible", "lbcl", LBCL_2L)
    early = indication(LISO, "lbcl-2l-early-relapse", "lbcl", LBCL_2L)
    card = one_card(
        assessment(
            picture(course("lbcl", (R_CHOP,))),
            result(unfit, AGE, richter, RELAPSED, FAILED, criterion("transplant_ineligible", "unknown", "not found")),
            result(early, AGE, richter, RELAPSED, FAILED),
        )
    )
    assert card.summary.endswith("– diagnosis left to clinical judgement")
    assert "Reason against transplant" in card.detail


def test_an_item_missing_for_several_rules_stands_once():
    assert one_card(mantle()).detail.count("- BTK inhibitor") == 1


def test_a_review_item_says_that_the_label_leaves_it_open():
    case = third_line(relapsed=replace(RELAPSED, status="review", because="partial response recorded 2026-11-03"))
    case = replace(case, indications=tuple(i for i in case.indications if "3l" in i.indication.id))
    card = one_card(case)
    assert card.summary == (
        "CAR-T referral review: cannot determine for large B-cell lymphoma – relapsed or refractory left to clinical "
        "judgement"
    )
    assert "the label leaves relapsed or refractory to clinical judgement" in card.detail


def test_when_a_rule_matches_the_open_items_of_other_rules_are_named_too():
    detail = one_card(third_line()).detail
    assert "**Other rules, not determined:**" in detail and "- Reason against transplant (liso-cel)" in detail


def test_when_two_evaluators_differed_the_card_says_so():
    case = third_line()
    kymriah = next(i for i in case.indications if "kymriah" in i.indication.id)
    card = one_card(replace(case, indications=(replace(kymriah, status="unknown"),)))
    assert "two evaluations of the rule differed" in card.detail and "rule check" in card.summary
    assert "a fault of the service" in card.detail.split("\n")[0]


def test_a_diagnosis_the_evaluators_differ_on_is_no_ambiguous_record():
    case = third_line()
    kymriah = next(i for i in case.indications if "kymriah" in i.indication.id)
    doubted = criterion("diagnosis", "unknown", DISAGREED)
    differing = replace(kymriah, status="unknown", diagnosis_speaks=True, criteria=(AGE, doubted, RELAPSED, TWO_LINES))
    card = one_card(replace(case, indications=(differing,), disagreements=("us/kymriah/lbcl-3l",)))
    assert "subtype" not in card.detail and "two evaluations of the rule differed" in card.detail


def test_an_absent_exclusion_is_not_told_as_a_no():
    case = assessment(
        picture(course()),
        result(
            indication(LISO, "lbcl-3l", "lbcl", "LBCL"),
            *(AGE, DIAGNOSED, RELAPSED, TWO_LINES),
            criterion("not_primary_cns", "met", "no primary CNS lymphoma on record; the label excludes it"),
        ),
    )
    assert "- Primary CNS lymphoma: not found in record" in one_card(case).detail


def test_the_safety_block_is_the_union_of_the_boxes():
    us = one_card(myeloma()).detail
    for term in ("CRS", "neurotoxicity", "ICANS", "HLH/MAS", "parkinsonism", "Guillain-Barré", "immune enterocolitis"):
        assert term in us
    assert "Not given during active infection or inflammatory disease" in us
    assert us.count("later blood cancers") == 1


def test_an_eu_card_has_no_boxed_warnings():
    eu = one_card(mantle()).detail
    assert "boxed" not in eu
    assert "secondary T-cell cancers" in eu and "lifelong monitoring" in eu and "Qualified treatment centres" in eu


def test_prior_car_t_is_the_first_flag_then_infection():
    told = flags(
        lymphocytes="lymphocytes 0.25 ×10⁹/L (2026-11-10)",
        active_infection=INFECTION,
        prior_car_t="CAR-T given 2025-01-02",
    )
    lines = one_card(third_line(flags=told)).detail.split("\n")
    at = lines.index("**Flags for review (not exclusions):**")
    assert lines[at + 1 : at + 3] == ["- CAR-T given 2025-01-02", f"- {INFECTION}"]


def test_flags_that_do_not_fit_are_counted():
    detail = one_card(third_line(flags=ALL_FLAGS), options=replace(OPTIONS, extension=True)).detail
    (more,) = re.findall(r"- and (\d+) more in the card data", detail)
    shown = detail.split("exclusions):**\n")[1].split("\n\n")[0].split("\n")
    assert len(shown) - 1 + int(more) == len(FLAG_IDS) and len(shown) > 2
    assert "more in the record" in one_card(third_line(flags=ALL_FLAGS)).detail


def test_where_room_is_short_one_flag_is_named_before_the_others_are_counted():
    words = "no result for hepatitis B, hepatitis C or HIV was found in the record since 2025-01-07"
    (flag,) = present_flags(third_line(flags=flags(screening_not_found=words)).picture, WORDING)
    head = WORDING.say("flags_head")
    shown = flag_block([flag, flag], WORDING, len(head) + 80, data=True).removeprefix(f"{head}\n")
    assert re.fullmatch(r"- no result for hepatitis B.+…\n- and 1 more in the card data", shown)
    assert flag_block([flag], WORDING, len(head) + 30, data=True) == f"{head}\n- 1 in the card data"
    assert flag_block([flag], WORDING, len(head) + 30, data=False) == f"{head}\n- 1 in the record"


def test_flags_change_no_result():
    bare, flagged = third_line(), third_line(flags=ALL_FLAGS)
    first, second = one_card(bare), one_card(flagged)
    assert (first.summary, first.status, first.rules, first.indicator) == (
        second.summary,
        second.status,
        second.rules,
        second.indicator,
    )


def test_what_shrinks_first_is_what_was_looked_for():
    long = course(lines=(R_CHOP,) * 2)
    because = (
        "no such drug found in 22 medication records from 2022-04-01 to 2026-11-20, in dispenses, statements, orders"
    )
    case = mantle(
        btki=criterion("exposed_btki", "unknown", f"{because}; any BTK inhibitor would settle it"), flags=ALL_FLAGS
    )
    detail = one_card(case).detail
    assert because not in detail
    assert "not found in 39 medication records; needs any such drug with dates" in detail
    assert long.history.count.n == 2


def test_with_many_lines_only_the_last_two_are_spelled_out():
    line = myeloma().picture.families["multiple_myeloma"].history.lines[0]
    many = tuple(replace(line, number=n, start=f"201{n}-01-01", end=f"201{n}-12-01") for n in range(1, 9))
    detail = one_card(myeloma(lines=many, flags=ALL_FLAGS)).detail
    assert "8 – 6 earlier lines; " in detail


def test_an_unverified_regimen_name_is_printed_as_its_drugs():
    line = replace(R_CHOP, regimen="R-Secret", regimen_unverified=True, agents=("rituximab", "gemcitabine"))
    detail = one_card(third_line(course=course(lines=(line, R_CHOP)))).detail
    assert "R-Secret" not in detail and "rituximab + gemcitabine 2026-01" in detail


def test_a_cut_list_is_named_in_the_coverage_line():
    came = Coverage(resources={"Condition": 1}, truncated=True, incomplete=frozenset({"MedicationDispense"}))
    assert "missing or cut off: MedicationDispense" in one_card(third_line(coverage=came)).detail


def test_of_a_cut_list_of_unknown_type_the_coverage_line_says_only_that_one_was_cut():
    came = Coverage(resources={"Condition": 1}, truncated=True, incomplete=frozenset({"*"}))
    assert "; a list was cut off." in one_card(third_line(coverage=came)).detail
    came = replace(came, incomplete=frozenset({"*", "Procedure"}))
    assert "missing or cut off: Procedure; a list was cut off." in one_card(third_line(coverage=came)).detail


def test_a_rule_past_its_review_date_says_so():
    case = third_line()
    old = replace(case, indications=tuple(replace(i, past_review=True) for i in case.indications))
    assert "**Past review date** (liso-cel, tisa-cel, axi-cel)" in one_card(old).detail


def test_an_order_is_told_in_words_and_warns_only_where_the_site_asked():
    warning = replace(OPTIONS, order_warning=True)
    assert "Ordered: bendamustine" in one_card(third_line(), BENDAMUSTINE).detail
    assert one_card(third_line(), BENDAMUSTINE).indicator == "info"
    assert one_card(third_line(), BENDAMUSTINE, warning).indicator == "warning"
    assert one_card(third_line(), SELECT, warning).indicator == "info"
    assert one_card(mantle(), BENDAMUSTINE, warning).indicator == "info"
    assert one_card(third_line(), replace(VIEW, lymphotoxic_drugs=("bendamustine",)), warning).indicator == "info"


def test_second_line_summaries_name_the_failure():
    made = assessment(
        picture(course("lbcl", (R_CHOP,), signals={"first_line": "refractory"})),
        result(indication(LISO, "lbcl-2l-early-relapse", "lbcl", LBCL_2L), AGE, DIAGNOSED, RELAPSED, FAILED),
    )
    assert one_card(made).summary == (
        "Suggest CAR-T referral review: large B-cell lymphoma, refractory to first-line therapy"
    )
