"""The shorthand of example patients: what a haematologist writes, and the signals it stands for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.labels.cases import CERTAINTIES, case_signals, expand_signals
from cds_service.oncology.signals import NO_DAYS, SIGNALS


def test_an_empty_example_holds_every_signal_at_its_default() -> None:
    signals, diagnoses = expand_signals({})
    assert signals == {name: kind.default for name, kind in SIGNALS.items()}
    assert diagnoses == []


def test_one_age_is_a_known_age_and_an_unknown_one_is_none() -> None:
    assert expand_signals({"age": 60})[0].items() >= {"age_known": True, "age_min": 60, "age_max": 60}.items()
    known = expand_signals({"age": 60}, {"age": "unknown"})[0]
    assert known.items() >= {"age_known": False, "age_min": -1, "age_max": -1}.items()


def test_a_range_is_least_and_most() -> None:
    signals, _ = expand_signals({"lines": [1, 2], "progressed_last_days": [-5, 70]})
    assert (signals["lines_min"], signals["lines_max"], signals["lines_complete"]) == (1, 2, True)
    assert (signals["progressed_last_days_min"], signals["progressed_last_days_max"]) == (-5, 70)


def test_a_record_with_gaps_is_said_beside_the_lines() -> None:
    assert expand_signals({"lines": 1, "lines_complete": False})[0]["lines_complete"] is False


def test_a_case_changes_the_example_and_leaves_the_rest() -> None:
    example = {"age": 60, "diagnosis": "dlbcl_nos", "rr": "met"}
    signals, diagnoses = expand_signals(example, {"rr": "not_met"})
    assert (signals["rr"], signals["age_min"]) == ("not_met", 60)
    assert diagnoses == [{"dx": "dlbcl_nos", "dx_certainty": "confirmed"}]


def test_diagnoses_are_one_several_uncertain_or_none() -> None:
    several = ["dlbcl_nos", {"concept": "primary_cns_lymphoma", "certainty": "provisional"}]
    assert expand_signals({"diagnosis": several})[1] == [
        {"dx": "dlbcl_nos", "dx_certainty": "confirmed"},
        {"dx": "primary_cns_lymphoma", "dx_certainty": "provisional"},
    ]
    assert expand_signals({"diagnosis": "dlbcl_nos"}, {"diagnosis": "none"})[1] == []


@pytest.mark.parametrize(
    ("example", "words"),
    [
        ({"fitness": 1}, "'fitness' is no signal"),
        ({"age": "sixty"}, "'age' takes a whole number"),
        ({"age": True}, "'age' takes a whole number"),
        ({"lines": [2, 1]}, "'lines' takes a whole number"),
        ({"lines": [1, 2, 3]}, "'lines' takes a whole number"),
        ({"rr": "yes"}, "'rr' takes one of met, not_met, unknown"),
        ({"rr_stale": "met"}, "'rr_stale' takes true or false"),
        ({"age_min": "18"}, "'age_min' takes a whole number"),
        ({"diagnosis": {"name": "dlbcl_nos"}}, "'diagnosis' takes a concept"),
        ({"diagnosis": {"concept": "dlbcl_nos", "certainty": "sure"}}, "the certainty of a diagnosis is one of"),
    ],
)
def test_what_stands_for_nothing_is_refused_by_name(example: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError) as caught:
        expand_signals(example)
    assert words in str(caught.value)


_numbers = st.integers(-400, 4000)
_pairs = st.tuples(_numbers, _numbers).map(sorted)
_values = {
    "age": st.one_of(st.just("unknown"), st.integers(0, 110), _pairs),
    "lines": _pairs,
    "first_line_days": _pairs,
    "progressed_last_days": st.one_of(st.just(NO_DAYS), _pairs),
    "rr": st.sampled_from(["met", "not_met", "unknown"]),
    "rr_responding": st.booleans(),
    "diagnosis": st.one_of(
        st.just("none"),
        st.lists(
            st.fixed_dictionaries({"concept": st.just("dlbcl_nos"), "certainty": st.sampled_from(CERTAINTIES)}),
            max_size=3,
        ),
    ),
}
_examples = st.fixed_dictionaries({}, optional=_values)


@settings(max_examples=50, deadline=None)
@given(example=_examples, but=_examples)
def test_a_case_written_out_stands_for_the_same_patient(example: dict[str, Any], but: dict[str, Any]) -> None:
    assert expand_signals(case_signals(example, but)) == expand_signals(example, but)
