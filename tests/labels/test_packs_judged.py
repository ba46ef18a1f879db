"""The shipped packs in both evaluators: every example, every rule, every day on which a wording changed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from cds_service.labels import Rulebook, run_case
from cds_service.labels.criteria import LISTED
from cds_service.labels.guard import MAX_RULES
from cds_service.labels.loader import JURISDICTIONS, load_ruleset
from tests.labels import patients as p

RULES = Path(__file__).resolve().parents[2] / "rules"
RULESETS = {jurisdiction: load_ruleset(RULES, jurisdiction) for jurisdiction in JURISDICTIONS}


@pytest.mark.parametrize("evaluator", ["plain", "engine"])
@pytest.mark.parametrize("jurisdiction", JURISDICTIONS)
def test_every_example_of_the_packs_comes_out_as_written(jurisdiction: str, evaluator: str) -> None:
    wrong = []
    for indication in RULESETS[jurisdiction].indications:
        for case in indication.cases:
            status, criteria = run_case(indication, case, evaluator)
            found = {name: criteria[name] for name in case.criteria}
            if status != case.status or found != dict(case.criteria):
                wrong.append((indication.id, case.says, status, found))
    assert wrong == []


def test_an_evaluator_that_is_neither_is_refused() -> None:
    indication = RULESETS["us"].indications[0]
    with pytest.raises(ValueError, match="plain and engine"):
        run_case(indication, indication.cases[0], "oracle")


@pytest.mark.parametrize("jurisdiction", JURISDICTIONS)
def test_every_set_of_wordings_that_was_ever_in_force_loads_as_one_set_of_rules(jurisdiction: str) -> None:
    ruleset = RULESETS[jurisdiction]
    rulebook = Rulebook(ruleset)
    days = {i.effective_from for i in ruleset.indications} | {i.until for i in ruleset.indications if i.until}
    seen = {}
    for day in sorted(days):
        for rules in rulebook.in_force(day):
            assert all(indication.in_force(day) for indication in rules.indications)
            seen[id(rules)] = rules
    for rules in seen.values():
        rules.compile()
        assert rules._engines is not None
        assert len(rules._engines) == 1, rules.family
        assert len(rules._engines[0][1].guard.rules) < MAX_RULES


@pytest.mark.parametrize("jurisdiction", JURISDICTIONS)
def test_every_rule_of_todays_labels_can_fire(jurisdiction: str) -> None:
    """The engine's own proof at start fires each rule of a criterion; here those of the indications are counted too."""
    rulebook = Rulebook(RULESETS[jurisdiction])
    for rules in rulebook.in_force(date(2026, 11, 21)):
        statuses: dict[str, set[str]] = {one.id: set() for one in rules.indications}
        for place, indication in enumerate(rules.indications):
            for case in indication.cases:
                statuses[indication.id].add(run_case(indication, case, "engine")[0])
            assert statuses[indication.id] >= {"met", "not_met", "unknown"}, indication.id
            assert rules.asked[place]


def test_a_signal_of_every_course_is_known_to_every_family() -> None:
    course = {**p.signals(), LISTED: True}
    for jurisdiction in JURISDICTIONS:
        for rules in Rulebook(RULESETS[jurisdiction]).in_force(date(2026, 11, 21)):
            criteria, _ = rules.run_engine(course, [])
            assert set(criteria) == set(rules.tables)
