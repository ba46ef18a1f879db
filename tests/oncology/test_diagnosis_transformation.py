"""Transformation (decisions 12, 13, 62): what came first decides the name, and doubt decides for review."""

from __future__ import annotations

import random

import pytest
from diagnosis_kit import AS_OF, condition, diagnoses, knowledge, only, record
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.oncology.diagnosis import find_diagnoses


def test_dlbcl_after_follicular_lymphoma_is_transformed() -> None:
    found = diagnoses(condition("dlbcl", id="a", onset="2022-09-12"), condition("fl", id="b", onset="2015-02-09"))
    assert sorted(found) == ["follicular_lymphoma", "transformed_follicular_lymphoma"]
    transformed = found["transformed_follicular_lymphoma"]
    assert (transformed.family, transformed.origin, transformed.role) == ("lbcl", "follicular_lymphoma", "indication")
    assert transformed.evidence == ("Condition/a",)
    assert "2015-02-09" in transformed.note


def test_a_resolved_follicular_lymphoma_is_still_where_it_came_from() -> None:
    found = diagnoses(
        condition("dlbcl", id="a", onset="2022"), condition("fl", id="b", onset="2015", clinical="resolved")
    )
    assert "transformed_follicular_lymphoma" in found


@pytest.mark.parametrize(
    ("dlbcl", "fl"), [("2015", "2022"), ("2022", "2022"), ("2022-05", "2022"), ("", ""), ("2022", "")]
)
def test_no_transformation_without_provable_order(dlbcl: str, fl: str) -> None:
    found = diagnoses(condition("dlbcl", id="a", onset=dlbcl), condition("fl", id="b", onset=fl))
    assert sorted(found) == ["dlbcl_nos", "follicular_lymphoma"]
    assert found["follicular_lymphoma"].may_have_transformed is (dlbcl != "2015")


def test_a_follicular_lymphoma_beside_dlbcl_in_remission_stands_for_itself() -> None:
    found = diagnoses(condition("dlbcl", id="a", onset="2022", clinical="remission"), condition("fl", id="b", onset=""))
    assert not found["follicular_lymphoma"].may_have_transformed


def test_undated_marginal_zone_lymphoma_beside_dlbcl_cannot_be_excluded_as_its_origin() -> None:
    found = diagnoses(condition("dlbcl", id="a", onset="2022"), condition("mzl", id="b", onset=""))
    assert "cannot be excluded" in found["transformed_indolent_lymphoma"].note
    assert found["marginal_zone_lymphoma"].may_have_transformed


def test_dlbcl_provably_before_marginal_zone_lymphoma_stays_dlbcl() -> None:
    found = diagnoses(condition("dlbcl", id="a", onset="2015"), condition("mzl", id="b", onset="2022"))
    assert sorted(found) == ["dlbcl_nos", "marginal_zone_lymphoma"]
    assert not found["marginal_zone_lymphoma"].may_have_transformed


def test_a_refuted_or_doubtful_origin_is_none() -> None:
    later = condition("dlbcl", id="a", onset="2022")
    for verification in ("refuted", "entered-in-error", "provisional"):
        assert "dlbcl_nos" in diagnoses(later, condition("fl", id="b", onset="2015", verification=verification))


def test_dlbcl_after_marginal_zone_lymphoma() -> None:
    found = diagnoses(condition("dlbcl", id="a", onset="2022"), condition("mzl", id="b", onset="2015"))
    assert found["transformed_indolent_lymphoma"].origin == "marginal_zone_lymphoma"


def test_dlbcl_after_cll_is_richter() -> None:
    found = diagnoses(condition("dlbcl", id="a", onset="2022"), condition("cll", id="b", onset="2015"))
    assert sorted(found) == ["cll_sll", "richter_transformation"]
    assert (found["richter_transformation"].family, found["richter_transformation"].origin) == ("lbcl", "cll_sll")


def test_high_grade_lymphoma_after_cll_is_richter_but_after_follicular_lymphoma_keeps_its_name() -> None:
    high = condition("hgbl", id="a", onset="2022")
    assert "richter_transformation" in diagnoses(high, condition("cll", id="b", onset="2015"))
    kept = diagnoses(high, condition("fl", id="b", onset="2015"))["high_grade_b_cell_lymphoma"]
    assert kept.origin == "follicular_lymphoma"


@pytest.mark.parametrize(
    ("dlbcl", "cll"), [("2022", ""), ("", ""), ("", "2015"), ("2022", "2022"), ("2022-03", "2022")]
)
def test_undated_cll_beside_dlbcl_cannot_exclude_richter(dlbcl: str, cll: str) -> None:
    found = diagnoses(condition("dlbcl", id="a", onset=dlbcl), condition("cll", id="b", onset=cll))
    assert "richter_transformation" in found


def test_dlbcl_provably_before_cll_stays_dlbcl() -> None:
    found = diagnoses(condition("dlbcl", id="a", onset="2015"), condition("cll", id="b", onset="2022"))
    assert sorted(found) == ["cll_sll", "dlbcl_nos"]


def test_richter_by_its_own_code_beside_the_mixed_codes() -> None:
    found = diagnoses(
        condition("richter", id="a", onset="2022"),
        condition("dlbcl_icd", id="b", onset="2022"),
        condition("cll", id="c", onset="2015"),
    )
    assert sorted(found) == ["cll_sll", "richter_transformation"]
    assert only(condition("richter")).origin == "cll_sll"
    assert only(condition("cll", "richter")).concept == "richter_transformation"


def test_an_earlier_small_b_cell_lymphoma_of_unknown_kind_may_have_been_sll() -> None:
    found = diagnoses(condition("dlbcl", id="a", onset="2022"), condition("small_b", id="b", onset="2015"))
    assert "richter_transformation" in found


def test_grade_3b_after_follicular_lymphoma_is_a_disease_of_its_own() -> None:
    found = diagnoses(condition("fl3b", id="a", onset="2022"), condition("fl", id="b", onset="2015"))
    assert sorted(found) == ["follicular_lymphoma", "follicular_lymphoma_grade_3b"]


def test_a_grade_takes_the_ungraded_entry() -> None:
    assert only(condition("fl3a", id="a", onset="2015"), condition("fl", id="b", onset="2016")).concept == (
        "follicular_lymphoma_grade_3a"
    )


NAMES = [
    "dlbcl",
    "dlbcl_icd",
    "fl",
    "fl3",
    "cll",
    "richter",
    "nhl",
    "b_cell",
    "all",
    "b_all",
    "hgbl",
    "hodgkin",
    "myeloma",
]
entries = st.lists(
    st.builds(
        dict,
        names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True),
        onset=st.sampled_from(["", "2015", "2016-02", "2020-03-01", "2024-07-07"]),
        recorded=st.sampled_from(["", "2016-05-05", "2021-01-01"]),
        clinical=st.sampled_from(["", "active", "remission", "relapse", "resolved"]),
        verification=st.sampled_from(["", "confirmed", "provisional", "refuted", "entered-in-error"]),
    ),
    max_size=6,
)


@settings(max_examples=50, deadline=None)
@given(entries, st.randoms(use_true_random=False))
def test_order_and_repeats_of_resources_say_nothing(rows: list[dict[str, object]], chance: random.Random) -> None:
    made = [condition(*row.pop("names"), id=f"c{n}", **row) for n, row in enumerate(rows)]  # type: ignore[misc, arg-type]
    as_of = AS_OF
    first = find_diagnoses(record(*made), knowledge(), as_of)
    shuffled = made + made[:2]
    chance.shuffle(shuffled)
    assert find_diagnoses(record(*shuffled), knowledge(), as_of) == first
