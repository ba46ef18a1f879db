"""The inference engine behind its guard: it derives the statuses itself, and nothing foreign reaches it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.errors import EngineError, EngineLimit
from cds_service.labels import Rulebook
from cds_service.labels.criteria import LISTED, Region
from cds_service.labels.engine import FamilyEngine
from cds_service.labels.guard import MAX_RULES_PER_MEMBER, EngineGuard
from cds_service.labels.plain import Facts, evaluate, worst
from cds_service.labels.rulebook import FamilyRules
from tests.labels import patients as p

RULEBOOK = Rulebook(p.EVERYTHING)
FAMILIES = {rules.family: rules for rules in RULEBOOK.in_force(p.DAY)}
KNOWN = {"concept": "dlbcl_nos", "certainty": "confirmed", "role": "indication"}


def course(**changed: Any) -> Facts:
    return {**p.signals(**changed), LISTED: True}


def by_plain(rules: FamilyRules, facts: Facts, diagnoses: list[Facts]) -> tuple[dict[str, str], list[str]]:
    criteria = {key: evaluate(table, facts, diagnoses)[0] for key, table in rules.tables.items()}
    return criteria, [worst([criteria[key] for key in keys]) for keys in rules.keys]


def verdicts(family: str, facts: Facts, diagnoses: list[Facts]) -> dict[str, str]:
    rules = FAMILIES[family]
    found = rules.run_engine(facts, diagnoses)[1]
    return {one.id: status for one, status in zip(rules.indications, found, strict=True)}


def test_the_engine_alone_finds_the_second_line_entry_of_an_early_relapse(monkeypatch: pytest.MonkeyPatch) -> None:
    def switched_off(*_: Any) -> Any:
        raise AssertionError("the plain evaluator was asked")

    monkeypatch.setattr("cds_service.labels.engine.evaluate", switched_off)
    monkeypatch.setattr("cds_service.labels.engine.worst", switched_off)
    assert verdicts("lbcl", course(), [KNOWN]) == {
        "us/example/lbcl-2l": "met",
        "us/example/lbcl-2l-unfit": "unknown",
        "us/example/lbcl-3l": "not_met",
    }


def test_the_status_changes_with_a_rule_of_the_engine() -> None:
    engine = FamilyEngine(
        "sabotaged", list(FAMILIES["lbcl"].tables.values()), FAMILIES["lbcl"].keys, FAMILIES["lbcl"].domain
    )
    before = engine.evaluate(course(), [KNOWN])[1]
    for rule, (about, rank, status) in engine._meaning.items():
        if about == "i0" and status == "met":
            engine._meaning[rule] = (about, rank, "not_met")
    assert before[0] == "met"
    assert engine.evaluate(course(), [KNOWN])[1][0] == "not_met"


def values(region: Region) -> st.SearchStrategy[Any]:
    if isinstance(region, range):
        boundaries = [-9999, -1, 0, 1, 2, 3, 4, 17, 18, 25, 26, 60, 61, 334, 335, 365, 395, 396]
        return st.sampled_from([number for number in boundaries if number in region])
    return st.sampled_from(sorted(region))


@st.composite
def situations(draw: st.DrawFn) -> tuple[str, Facts, list[Facts]]:
    family = draw(st.sampled_from(sorted(FAMILIES)))
    domain = FAMILIES[family].domain
    members = ("concept", "certainty", "role")
    facts = {name: draw(values(region)) for name, region in domain.items() if name not in members}
    one = st.fixed_dictionaries({name: values(domain[name]) for name in members})
    return family, facts, draw(st.lists(one, max_size=4))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(situations())
def test_both_evaluators_agree_on_any_patient(situation: tuple[str, Facts, list[Facts]]) -> None:
    family, facts, diagnoses = situation
    assert FAMILIES[family].run_engine(facts, diagnoses) == by_plain(FAMILIES[family], facts, diagnoses)


@settings(max_examples=50, deadline=None)
@given(situations(), st.randoms())
def test_order_and_repetition_of_diagnoses_change_nothing(
    situation: tuple[str, Facts, list[Facts]], random: Any
) -> None:
    family, facts, diagnoses = situation
    shuffled = [*diagnoses, *diagnoses]
    random.shuffle(shuffled)
    assert FAMILIES[family].run_engine(facts, shuffled) == FAMILIES[family].run_engine(facts, diagnoses)


def test_two_patients_in_turn_do_not_mix() -> None:
    relapsed, unread = course(), course(rr="unknown", first_line="unknown", lines_complete=False)
    for _ in range(50):
        assert verdicts("lbcl", relapsed, [KNOWN])["us/example/lbcl-2l"] == "met"
        assert verdicts("lbcl", unread, [KNOWN])["us/example/lbcl-2l"] == "unknown"


def small_guard() -> EngineGuard:
    """Two kinds of facts, one rule each."""
    schema: dict[str, dict[str, Region]] = {
        "course": {"word": frozenset({"a", "b"}), "number": range(-10, 100), "yes": frozenset({True, False})},
        "second": {"word": frozenset({"a"})},
    }
    rules = {
        "first": ("course", {"$and": [{"kind": "course"}, {"word": "a"}]}),
        "after": ("second", {"$and": [{"kind": "second"}, {"word": "a"}]}),
    }
    return EngineGuard(f"small_{next(_NAMES)}", rules, schema)


def _names() -> Iterator[int]:
    number = 0
    while True:
        number += 1
        yield number


_NAMES = _names()
GOOD = {"kind": "course", "word": "a", "number": 1, "yes": True}


def test_the_second_wave_sees_what_the_first_fired() -> None:
    seen: list[list[str]] = []

    def then(fired: Any) -> list[dict[str, Any]]:
        seen.append(list(fired))
        return [{"kind": "second", "word": "a"}]

    assert small_guard().evaluate([GOOD], then) == ("after", "first")
    assert seen == [["first"]]


@pytest.mark.parametrize(
    "changed",
    [
        {"word": "a" + "x" * 65_536},
        {"word": "c"},
        {"word": "\ud800"},
        {"word": ["a"]},
        {"word": {"code": "a"}},
        {"word": None},
        {"number": 1e-7},
        {"number": float("nan")},
        {"number": float("inf")},
        {"number": 5.0},
        {"number": "5"},
        {"number": True},
        {"number": 10**30},
        {"yes": 1},
        {"yes": "true"},
        {"kind": "begin"},
        {"kind": "patient"},
        {"kind": ["course"]},
        {"kind": None},
        {"sid": "s1"},
        {"id": "x" * 10_000_000},
        {"free text": "diffuse large B-cell lymphoma"},
    ],
)
def test_a_hostile_fact_is_refused_before_the_engine_sees_it(
    changed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = small_guard()
    monkeypatch.setattr(guard, "_put", lambda fact: pytest.fail("the engine saw the fact"))
    with pytest.raises(EngineError) as refused:
        guard.evaluate([{**GOOD, **changed}])
    assert "lymphoma" not in str(refused.value)
    monkeypatch.undo()
    assert guard.evaluate([GOOD]) == ("first",)


def test_a_fact_without_one_of_its_members_is_refused() -> None:
    with pytest.raises(EngineError):
        small_guard().evaluate([{"kind": "course", "word": "a", "number": 1}])


def test_a_flood_of_facts_is_refused() -> None:
    with pytest.raises(EngineError, match="at most"):
        small_guard().evaluate([GOOD] * 201)


def test_words_of_a_record_cannot_become_facts() -> None:
    with pytest.raises(EngineError, match="'concept'"):
        verdicts("lbcl", course(), [{**KNOWN, "concept": "Patient says: lymphoma"}])
    with pytest.raises(EngineError, match="'rr'"):
        verdicts("lbcl", course(rr="relapsed, see note"), [KNOWN])


def test_an_action_that_fails_is_found_and_the_next_evaluation_is_right() -> None:
    guard = small_guard()

    def fail() -> None:
        raise RuntimeError("Mr Smith has lymphoma")

    good, guard._actions["first"] = guard._actions["first"], fail
    with pytest.raises(EngineError) as failed:
        guard.evaluate([GOOD], lambda fired: [{"kind": "second", "word": "a"}])
    assert "Smith" not in str(failed.value)
    guard._actions["first"] = good
    assert guard.evaluate([GOOD], lambda fired: [{"kind": "second", "word": "a"}]) == ("after", "first")


def test_an_error_inside_the_engine_is_found_and_the_next_evaluation_is_right() -> None:
    guard = small_guard()
    good, guard._handle = guard._handle, 999_999
    with pytest.raises(EngineError):
        guard.evaluate([GOOD])
    guard._handle = good
    assert guard.evaluate([GOOD]) == ("first",)


def test_a_set_with_too_many_rules_on_one_member_does_not_load() -> None:
    schema: dict[str, dict[str, Region]] = {"course": {"number": range(1000)}}
    rules = {
        f"rule{n}": ("course", {"$and": [{"kind": "course"}, {"$gte": {"number": n}}]})
        for n in range(MAX_RULES_PER_MEMBER + 1)
    }
    with pytest.raises(EngineLimit, match="split the set"):
        EngineGuard("crowded", rules, schema)


@pytest.mark.parametrize("name", ["begin", "two words", "", "x" * 201])
def test_a_rule_needs_a_short_name_of_its_own(name: str) -> None:
    with pytest.raises(EngineError):
        EngineGuard("named", {name: ("course", {"kind": "course"})}, {"course": {"word": frozenset({"a"})}})


def test_a_vocabulary_of_long_words_does_not_load() -> None:
    with pytest.raises(EngineError, match="too long"):
        EngineGuard("long", {"rule": ("course", {"kind": "course"})}, {"course": {"word": frozenset({"a" * 201})}})


def test_more_indications_than_one_set_can_carry_are_divided() -> None:
    crowd = [
        p.indication(f"us/example/{n:03}", "lbcl", p.LBCL, p.criterion("prior_lines", min=1 + n % 30))
        for n in range(60)
    ]
    (rules,) = Rulebook(p.ruleset(*crowd)).in_force(p.DAY)
    facts = course(lines_min=15, lines_max=15)
    assert rules.run_engine(facts, [KNOWN]) == by_plain(rules, facts, [KNOWN])
    assert rules.run_engine(facts, [KNOWN])[1].count("met") == 30


def test_loading_rules_starts_no_thread() -> None:
    before = threading.active_count()
    Rulebook(p.EVERYTHING)
    assert threading.active_count() == before


def test_two_thousand_patients_for_whom_nothing_fires() -> None:
    guard = small_guard()
    for _ in range(2000):
        assert guard.evaluate([{**GOOD, "word": "b"}]) == ()
        assert guard.evaluate([]) == ()


def memory() -> float:
    return float(psutil.Process().memory_info().rss) / 2**20


def evaluations(count: int) -> None:
    facts = course()
    for _ in range(count):
        assert verdicts("lbcl", facts, [KNOWN])["us/example/lbcl-2l"] == "met"


def test_ten_thousand_evaluations_leave_memory_flat() -> None:
    evaluations(500)
    before = memory()
    evaluations(9_500)
    assert memory() - before < 5


@pytest.mark.soak
def test_a_hundred_thousand_evaluations_leave_memory_flat() -> None:
    evaluations(500)
    before = memory()
    evaluations(100_000)
    assert memory() - before < 5


def crowd_of_threads(each: int, interval: float) -> list[str]:
    """Eight threads with patients of their own; gives every wrong answer."""
    patients = [
        ("lbcl", course(), [KNOWN]),
        ("lbcl", course(rr="not_met", lines_min=3, lines_max=3), [KNOWN]),
        ("fl", course(lines_min=2, lines_max=2), [{**KNOWN, "concept": "follicular_lymphoma"}]),
        ("b_all", course(age_min=20, age_max=20, relapses_min=2, relapses_max=2), [{**KNOWN, "concept": "b_all"}]),
    ]
    wanted = [by_plain(FAMILIES[family], facts, diagnoses) for family, facts, diagnoses in patients]
    wrong: list[str] = []

    def work(offset: int) -> None:
        try:
            for number in range(each):
                place = (number + offset) % len(patients)
                family, facts, diagnoses = patients[place]
                if FAMILIES[family].run_engine(facts, diagnoses) != wanted[place]:
                    wrong.append(f"{family} {number}")
        except Exception as error:
            wrong.append(repr(error))

    usual = sys.getswitchinterval()
    sys.setswitchinterval(interval)
    try:
        threads = [threading.Thread(target=work, args=(offset,)) for offset in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(usual)
    return wrong


def test_eight_threads_that_switch_all_the_time_get_no_wrong_answer() -> None:
    assert crowd_of_threads(300, 1e-5) == []


@pytest.mark.soak
def test_eight_threads_for_long_get_no_wrong_answer() -> None:
    assert crowd_of_threads(5_000, 1e-5) == []


def test_a_process_that_loaded_rules_ends_by_itself() -> None:
    script = (
        "from tests.labels import patients as p\n"
        "from cds_service.labels import Rulebook, assess\n"
        "book = Rulebook(p.EVERYTHING)\n"
        "found = assess(p.picture(p.diagnosis(), families={'lbcl': p.course()}), book)\n"
        "print([one.status for one in found.indications if one.family == 'lbcl'])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "['met', 'unknown', 'not_met']"
