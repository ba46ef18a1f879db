"""The file of the flags, and what holds for all of them: order, evidence, wording, and that they decide nothing."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from flag_kit import COURSE, Json, answer, base, lab, picture, told
from hypothesis import given, settings
from hypothesis import strategies as st
from line_kit import AS_OF, RULES, history, knowledge, resources
from test_flags_history import condition

from cds_service.labels import Rulebook, assess
from cds_service.labels.loader import load_ruleset
from cds_service.labels.loader_schema import schema_problems
from cds_service.oncology.knowledge import load_knowledge
from cds_service.oncology.model import FLAG_IDS
from cds_service.rule_files import RuleFileError, read_yaml

INPUTS: list[Json] = [
    lab("platelets", "2026-11-10", 20, "10*9/L"),
    lab("platelets", "2026-11-10", 20, None, id="bare"),
    lab("neutrophils_absolute", "2026-11-10", 0.4, "10*9/L"),
    lab("lvef", "2026-11-10", 30, "%"),
    lab("egfr", "2026-11-10", 20, "mL/min"),
    lab("hemoglobin", "2026-11-10", 70, "g/L"),
    lab("oxygen_saturation", "2026-11-10", 88, "%"),
    lab("ecog_performance_status", "2026-11-10", 4, "{score}"),
    answer("pregnancy_test", "2026-11-10", "result_positive"),
    told("hbv_surface_antigen", "2026-11-10", "positive"),
    told("hiv_antibody_antigen", "2026-11-10", "negative"),
    condition("hepatitis_c"),
    condition("gvhd"),
    condition("hlh"),
    condition("icans"),
    condition("history_hematologic_malignancy", "2015-05-05"),
]


@pytest.fixture(scope="module")
def rulebooks() -> list[Rulebook]:
    return [Rulebook(load_ruleset(RULES, jurisdiction)) for jurisdiction in ("us", "eu")]


def decided(chart: list[Json], rulebooks: list[Rulebook]) -> Any:
    """Every fact and every indication of a chart."""
    found = picture(chart=chart)
    facts = {family: {n: (f.status, f.grade) for n, f in p.facts.items()} for family, p in found.families.items()}
    results = [[(r.indication.id, r.status) for r in assess(found, book).indications] for book in rulebooks]
    return facts, results, found.lead


@settings(max_examples=40, deadline=None)
@given(st.sets(st.sampled_from(range(len(INPUTS)))))
def test_flags_never_change_a_status(rulebooks: list[Rulebook], chosen: set[int]) -> None:
    chart = resources(history("LBCL", *COURSE, dx="2022-12-26"))
    assert decided([*chart, *(INPUTS[n] for n in sorted(chosen))], rulebooks) == decided(chart, rulebooks)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(range(len(INPUTS))), max_size=20), st.randoms())
def test_order_and_repeats_change_no_flag(chosen: list[int], order: random.Random) -> None:
    once = [INPUTS[n] for n in sorted(set(chosen))]
    repeated = [INPUTS[n] for n in chosen]
    order.shuffle(repeated)
    assert picture(*repeated).flags == picture(*once).flags


def test_every_flag_stands_in_the_order_of_the_contract_with_its_evidence() -> None:
    found = picture(*INPUTS).flags
    assert tuple(f.id for f in found) == FLAG_IDS
    for flag in found:
        assert flag.status in ("present", "absent", "unknown")
        assert flag.because
        if flag.id != "screening_not_found":
            assert bool(flag.evidence) or flag.status == "unknown"


def test_present_flags_are_one_short_line_with_a_date_and_without_a_threshold() -> None:
    present = [f for f in picture(*INPUTS).flags if f.status == "present"]
    assert len(present) >= 14
    for flag in present:
        assert len(flag.because) <= 110, flag.because
        assert "\n" not in flag.because
        assert re.search(r"\d{4}-\d{2}-\d{2}", flag.because)
        assert not re.search(r"\b(eligib|candidate|recommend|should|must|required|safe)", flag.because)
        assert not re.search(r"\b(below|above|limit|threshold)\b|[<>≥≤]", flag.because)


def test_no_result_at_all_makes_no_flag_of_a_result_absent() -> None:
    asked = {rule.id for rule in knowledge().flag_rules.flags if rule.measures or rule.answers}  # type: ignore[union-attr]
    assert {f.status for f in picture().flags if f.id in asked} == {"unknown"}


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["platelets", "hemoglobin", "alt", "lvef"]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
)
def test_no_number_and_no_unit_breaks_an_assessment_or_reaches_a_card(concept: str, value: float, unit: str) -> None:
    found = picture(lab(concept, "2026-11-10", value, f"Zq{unit}", high=1.0))
    assert tuple(f.id for f in found.flags) == FLAG_IDS
    assert not any("Zq" in f.because for f in found.flags)


def test_a_flood_of_results_costs_little() -> None:
    flood = [lab("platelets", "2026-11-10", n % 400, f"u{n}", id=f"o{n}") for n in range(3000)]
    found = {f.id: f for f in picture(*flood).flags}
    assert found["platelets"].status == "unknown"
    assert len(picture(*flood).issues) < 20


# --- The file --------------------------------------------------------------------------------------------------------
def test_the_shipped_file_keeps_its_schema() -> None:
    document = read_yaml(RULES / "flags.yaml", "flags.yaml")
    assert schema_problems(document, RULES / "schema" / "flags.schema.json") == []


def test_every_threshold_says_whether_it_is_quoted_or_proposed() -> None:
    for flag in read_yaml(RULES / "flags.yaml", "flags.yaml").content["flags"]:
        assert flag["basis"] in ("quoted", "proposed")
        assert flag["source"]
        for measure in flag.get("measures", ()):
            assert measure["basis"] in ("quoted", "proposed"), flag["id"]


def copied(tmp_path: Path) -> Path:
    rules = tmp_path / "rules"
    shutil.copytree(RULES, rules)
    return rules


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("question: platelets", "question: plateletts", "no question"),
        ("concepts: [gvhd]", "concepts: [gvdh]", "no concept"),
        ("drugs: [bendamustine]", "drugs: [bendamustin]", "no drug"),
        ("classes: [steroid]", "classes: [steroids]", "no drug of class"),
        ("below: 45,", "", "no limit"),
        ("unit: g/dL, below", "unit: stone, below", "no conversion"),
        ("- id: platelets", "- id: thrombocytes", "not those of the contract"),
        ("cart-cds.flags/1", "cart-cds.flags/9", "schema"),
    ],
)
def test_a_wrong_file_is_refused_with_line_and_remedy(tmp_path: Path, old: str, new: str, told: str) -> None:
    rules = copied(tmp_path)
    path = rules / "flags.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(RuleFileError, match=told) as refusal:
        load_knowledge(rules)
    assert refusal.value.file == "flags.yaml"
    assert refusal.value.line > 0
    assert refusal.value.remedy


def test_a_site_without_the_file_has_every_flag_unknown(tmp_path: Path) -> None:
    rules = copied(tmp_path)
    (rules / "flags.yaml").unlink()
    assert load_knowledge(rules).flag_rules is None


def test_the_file_is_plain_yaml_for_other_readers() -> None:
    assert yaml.safe_load((RULES / "flags.yaml").read_text(encoding="utf-8"))["flags"]
    assert base()
    assert AS_OF
