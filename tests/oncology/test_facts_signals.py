"""Signals for the label criteria, the leading family, open referrals, the first line under way."""

from __future__ import annotations

from datetime import date

import pytest
from course_kit import (
    R_CHOP,
    R_GDP,
    VRD,
    course,
    days_after,
    diagnosis,
    knowledge,
    line,
    recorded_state,
    status,
    transplant,
    when,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.fhir.model import Coding, Concept, OrderEntry, ProcedureEntry
from cds_service.oncology.cell_facts import transplant_ineligible
from cds_service.oncology.disease_state import read_state
from cds_service.oncology.facts import facts_without_family, find_facts
from cds_service.oncology.first_line import read_first_line
from cds_service.oncology.leading import families_meant, families_on_record, leading
from cds_service.oncology.model import FACT_NAMES, FAMILIES
from cds_service.oncology.referral import open_referrals
from cds_service.oncology.refractory_drugs import lenalidomide
from cds_service.oncology.signals import NO_DAYS, SIGNALS
from cds_service.oncology.signals_of import find_signals
from cds_service.oncology.under_way import first_line_under_way

FIRST = line(1, R_CHOP, "2024-01-19", "2024-05-03")
SECOND = line(2, R_GDP, "2025-06-01", "2025-07-13", cycles=3)


def signals(found, age=(64, 64), procedures=()):
    rules = knowledge()
    return find_signals(
        found,
        find_facts(found),
        first=read_first_line(found),
        state=read_state(found),
        lenalidomide=lenalidomide(found),
        ineligible=transplant_ineligible(found, procedures, rules.concepts, rules.course),
        age=age,
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_every_signal_has_a_value_of_its_kind_and_every_fact_a_sentence(family):
    for lines, events in (
        ((), ()),
        ((FIRST,), (status("CR", "2024-06-10"),)),
        ((FIRST, SECOND), (status("REL", "2025-05-20"),)),
    ):
        found = course(lines, events, family=family)
        given_signals = signals(found)
        assert tuple(given_signals) == tuple(SIGNALS)
        for name, value in given_signals.items():
            assert not SIGNALS[name].refusal(value), name
        facts = find_facts(found)
        assert tuple(facts) == FACT_NAMES
        for name, fact in facts.items():
            assert fact.because, name
            assert fact.status == "unknown" or fact.evidence, name
            assert (fact.grade is None) == (fact.status == "unknown"), name


def test_a_patient_without_a_family_has_every_fact_unknown():
    assert tuple(facts_without_family()) == FACT_NAMES
    assert {fact.status for fact in facts_without_family().values()} == {"unknown"}


def test_partial_response_leaves_the_state_to_the_first_line_criterion():
    found = signals(course((FIRST,), (status("PR", "2024-06-10"),)))
    assert (found["first_line"], found["rr"]) == ("partial", "unknown")


def test_a_first_line_without_response_that_answers_to_the_second_is_responding():
    found = signals(course((FIRST, SECOND), (status("SD", "2024-06-10"), status("PR", "2025-08-01"))))
    assert (found["first_line"], found["rr"], found["rr_responding"]) == ("refractory", "unknown", True)


def test_remission_after_a_refractory_first_line_is_remission():
    found = signals(course((FIRST, SECOND), (status("SD", "2024-06-10"), status("CR", "2025-08-01"))))
    assert found["rr"] == "not_met"


def test_days_since_the_last_dose_are_counted_to_the_first_failure():
    given_line = line(1, VRD, "2024-01-19", "2024-05-03", cycles=4)
    found = signals(course((given_line,), (status("PD", "2024-05-13"),), family="multiple_myeloma"))
    assert (found["progressed_last"], found["progressed_last_days_min"]) == ("failure", 10)
    found = signals(course((given_line,), (status("CR", "2024-05-13"),), family="multiple_myeloma"))
    assert (found["progressed_last"], found["progressed_last_days_min"]) == ("none", NO_DAYS)


def test_a_relapse_before_the_last_dose_counts_as_day_0():
    found = signals(course((FIRST,), (status("CR", "2024-03-01"), status("REL", "2024-05-02"))))
    assert (found["first_line"], found["first_line_days_min"], found["first_line_days_max"]) == ("relapse", 0, 0)


# Transplant ineligibility (decision 1)


def not_done(on, code="397745006", state="not-done"):
    hsct = Concept((Coding("http://snomed.info/sct", "1269349006"),))
    reason = Concept((Coding("http://snomed.info/sct", code),))
    return ProcedureEntry(
        reference=f"Procedure/{on}", status=state, code=hsct, start=when(on), status_reasons=(reason,)
    )


RELAPSED = course((FIRST,), (status("CR", "2024-06-10"), status("REL", "2025-09-14")))


def ineligible(found, *procedures):
    return signals(found, procedures=procedures)["transplant_ineligible"]


def test_a_coded_medical_reason_after_the_first_line_is_a_clinicians_word():
    assert ineligible(RELAPSED, not_done("2025-10-05")) == "met"


@pytest.mark.parametrize(
    "procedure",
    [
        not_done("2025-10-05", "105480006"),
        not_done("2024-03-01"),
        not_done("2024-05"),
        not_done("2025-10-05", state="completed"),
    ],
)
def test_refusal_or_a_date_before_the_end_of_the_first_line_is_unknown(procedure):
    assert ineligible(RELAPSED, procedure) == "unknown"
    assert ineligible(RELAPSED) == "unknown"


def test_a_later_transplant_undoes_it():
    events = (status("CR", "2024-06-10"), status("REL", "2025-09-14"))
    later = course((FIRST,), events, procedures=(transplant("auto_hsct", "2026-03-01"),))
    assert ineligible(later, not_done("2025-10-05")) == "not_met"


# Families


def test_the_active_family_leads_then_the_newest_evidence_then_the_order_of_the_list():
    known = (
        diagnosis("follicular_lymphoma", "fl", "2018-01-01"),
        diagnosis("multiple_myeloma", "multiple_myeloma", "2020-01-01"),
    )
    assert (
        leading(("fl", "multiple_myeloma"), known, {"fl": "2020-01-01", "multiple_myeloma": "2024-01-01"})
        == "multiple_myeloma"
    )
    assert leading(("fl", "multiple_myeloma"), known, {}) == "fl"
    resting = (diagnosis("follicular_lymphoma", "fl", "2018-01-01", state="remission"), known[1])
    assert leading(("fl", "multiple_myeloma"), resting, {"fl": "2026-01-01"}) == "multiple_myeloma"
    assert leading((), known, {}) is None


def test_a_disease_that_transformed_is_part_of_the_new_one():
    known = (
        diagnosis("follicular_lymphoma", "fl", "2018-01-01"),
        diagnosis("transformed_follicular_lymphoma", "lbcl", "2022-01-01", origin="follicular_lymphoma"),
    )
    assert families_on_record(known) == ("lbcl",)
    assert families_on_record(known[:1]) == ("fl",)


def test_refuted_and_resolved_diagnoses_open_no_family():
    for state in ("refuted", "entered_in_error", "resolved", "history"):
        assert families_on_record((diagnosis("dlbcl_nos", "lbcl", "2022-01-01", state=state),)) == ()


def test_text_and_unspecific_codes_are_hypothetical_families():
    text = diagnosis("dlbcl_nos", "lbcl", "2022-01-01", certainty="text")
    vague = diagnosis(
        "small_b_cell_lymphoma_unspecified", None, "2022-01-01", role="ambiguous", may_be=("mzl", "cll_sll")
    )
    assert families_on_record((text, vague)) == ()
    assert families_meant((text, vague), ()) == ("lbcl", "mzl", "cll_sll")
    assert families_meant((text, vague), ("mzl",)) == ("lbcl", "cll_sll")


# Referral (decisions 35, 46)


class Chart:
    def __init__(self, orders=(), procedures=()):
        self.orders, self.procedures = orders, procedures


def referral(on, state="active", code=("urn:cart-cds:order", "car-t-referral-review")):
    return OrderEntry(
        reference="ServiceRequest/r", status=state, code=Concept((Coding(*code),)), date=when(on) if on else None
    )


def found_open(chart, codes=frozenset()):
    rules = knowledge()
    return open_referrals(chart, date(2026, 11, 21), rules.concepts, rules=rules.course, codes=codes, days=180)


@pytest.mark.parametrize(
    ("order", "silent"),
    [
        (referral(days_after("2026-11-21", -180)), True),
        (referral(days_after("2026-11-21", -181)), False),
        (referral("2026-11-01", "draft"), True),
        (referral(None, "draft"), True),
        (referral(None), False),
        (referral("2026-11-01", "completed"), False),
        (referral("2026-11-01", code=("urn:site", "9")), False),
    ],
)
def test_an_open_referral_of_the_last_180_days(order, silent):
    assert bool(found_open(Chart((order,)))) is silent


def test_the_sites_own_referral_code_counts():
    assert found_open(Chart((referral("2026-11-01", code=("urn:site", "9")),)), frozenset({"urn:site|9"}))


# The first line under way (decision 36)


@pytest.mark.parametrize(("days", "expected"), [(60, True), (61, False)])
def test_a_first_line_given_within_60_days_is_under_way(days, expected):
    end = days_after("2026-11-21", -days)
    found = course((line(1, R_CHOP, "2026-06-01", end),), (), onset="2026-05-20")
    assert first_line_under_way(found) is expected


def test_a_failure_or_a_second_line_ends_the_quiet():
    given_line = line(1, R_CHOP, "2026-06-01", "2026-11-01")
    assert not first_line_under_way(course((given_line,), (status("PD", "2026-10-01"),), onset="2026-05-20"))
    assert not first_line_under_way(
        course((given_line, line(2, R_GDP, "2026-11-10", "2026-11-12", cycles=1)), onset="2026-05-20")
    )


def test_treatment_that_goes_on_is_under_way():
    assert first_line_under_way(course((line(1, ("ibrutinib",), "2024-06-01", None),), family="cll_sll"))


# Properties

KINDS = ("CR", "PR", "SD", "PD", "REL", "IMPROVED")
DAYS = st.integers(0, 900).map(lambda n: days_after("2024-01-25", n))
PARTIAL_DAYS = DAYS.flatmap(lambda d: st.sampled_from([d, d[:7], d[:4]]))
EVENTS = st.lists(
    st.builds(status, st.sampled_from(KINDS), PARTIAL_DAYS)
    | st.builds(recorded_state, st.sampled_from(("CR", "REL")), DAYS),
    max_size=5,
)
LINES = st.sampled_from([(), (FIRST,), (FIRST, SECOND)])


@settings(max_examples=50, deadline=None)
@given(LINES, EVENTS, st.sampled_from(FAMILIES))
def test_less_exact_dates_never_make_a_fact_met_or_not_met_that_was_the_other(lines, events, family):
    exact = find_facts(course(lines, tuple(events), family=family))
    blurred = tuple(status(e.kind, e.when.text[:7]) if e.when.exact else e for e in events)
    vague = find_facts(course(lines, blurred, family=family))
    for name in FACT_NAMES:
        assert {exact[name].status, vague[name].status} != {"met", "not_met"}, name


@settings(max_examples=50, deadline=None)
@given(
    LINES,
    EVENTS,
    st.sampled_from(FAMILIES),
    st.sampled_from(["Observation", "MedicationStatement", "Procedure", "Condition"]),
)
def test_a_list_that_did_not_come_in_full_never_makes_anything_met_or_not_met(lines, events, family, name):
    whole = find_facts(course(lines, tuple(events), family=family))
    part = find_facts(course(lines, tuple(events), family=family, missing=(name,)))
    for fact in FACT_NAMES:
        assert part[fact].status in (whole[fact].status, "unknown"), fact


@settings(max_examples=50, deadline=None)
@given(LINES, EVENTS, st.sampled_from(FAMILIES), st.data())
def test_statuses_cut_off_and_said_so_never_make_a_new_met_or_not_met(lines, events, family, data):
    kept = tuple(e for e in events if data.draw(st.booleans()))
    whole = find_facts(course(lines, tuple(events), family=family))
    part = find_facts(course(lines, kept, family=family, missing=("Observation", "Condition")))
    for fact in FACT_NAMES:
        assert part[fact].status != "met" or whole[fact].status in ("met", "unknown"), fact
        assert part[fact].status != "not_met" or whole[fact].status in ("not_met", "unknown"), fact


@settings(max_examples=50, deadline=None)
@given(LINES, EVENTS, st.sampled_from(FAMILIES), st.randoms(use_true_random=False))
def test_the_order_of_statuses_says_nothing(lines, events, family, random):
    mixed = list(events)
    random.shuffle(mixed)
    assert find_facts(course(lines, tuple(events), family=family)) == find_facts(
        course(lines, tuple(mixed), family=family)
    )
