"""The shipped label packs: what they hold, and that check-rules finds nothing to say about them."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.labels.check import check_rules
from cds_service.labels.criteria import KINDS
from cds_service.labels.loader import load_ruleset
from cds_service.labels.loader_checks import Known
from cds_service.labels.packs import Indication, Ruleset
from cds_service.labels.yaml_lines import RuleFileError

RULES = Path(__file__).parents[2] / "rules"
READ_ON = date(2026, 11, 21)

US = {
    "us/abecma/mm-3l",
    "us/aucatzyl/ball-adult",
    "us/breyanzi/cll-sll-3l",
    "us/breyanzi/fl-3l",
    "us/breyanzi/lbcl-2l-early-relapse",
    "us/breyanzi/lbcl-2l-transplant-ineligible",
    "us/breyanzi/lbcl-3l",
    "us/breyanzi/mcl-3l",
    "us/breyanzi/mzl-3l",
    "us/carvykti/mm-2l-len-refractory",
    "us/kymriah/all-ped-ya",
    "us/kymriah/fl-3l",
    "us/kymriah/lbcl-3l",
    "us/tecartus/ball-adult",
    "us/tecartus/mcl-rr",
    "us/yescarta/fl-3l",
    "us/yescarta/lbcl-2l-early",
    "us/yescarta/lbcl-3l",
}
EU = {
    "eu/abecma/mm",
    "eu/aucatzyl/b-all",
    "eu/breyanzi/fl",
    "eu/breyanzi/lbcl-2l",
    "eu/breyanzi/lbcl-3l",
    "eu/breyanzi/mcl",
    "eu/carvykti/mm",
    "eu/kymriah/b-all",
    "eu/kymriah/dlbcl",
    "eu/kymriah/fl",
    "eu/tecartus/b-all",
    "eu/tecartus/mcl",
    "eu/yescarta/fl",
    "eu/yescarta/lbcl-2l",
    "eu/yescarta/lbcl-3l",
}


@pytest.fixture(scope="module")
def us() -> Ruleset:
    return load_ruleset(RULES, "us")


@pytest.fixture(scope="module")
def eu() -> Ruleset:
    return load_ruleset(RULES, "eu")


def _on(ruleset: Ruleset, name: str, day: date = READ_ON) -> Indication:
    return next(indication for indication in ruleset.in_force(day) if indication.id == name)


def _criteria(indication: Indication) -> dict[str, dict[str, object]]:
    return {criterion.id: dict(criterion.params) for criterion in indication.criteria}


def test_eighteen_indications_are_in_force_in_the_us_and_fifteen_in_the_eu(us: Ruleset, eu: Ruleset) -> None:
    assert {indication.id for indication in us.in_force(READ_ON)} == US
    assert {indication.id for indication in eu.in_force(READ_ON)} == EU


def test_check_rules_has_nothing_to_say_about_the_shipped_packs() -> None:
    assert check_rules(RULES, READ_ON) == []


def test_every_indication_asks_for_current_relapsed_or_refractory_disease(us: Ruleset, eu: Ruleset) -> None:
    for indication in us.indications + eu.indications:
        assert {"age", "diagnosis", "relapsed_or_refractory"} <= set(_criteria(indication)), indication.id


def test_us_labels_ask_for_what_the_reference_says(us: Ruleset) -> None:
    base = {"age", "diagnosis", "relapsed_or_refractory"}
    third = base | {"prior_lines"}
    no_cns = {"not_primary_cns"}
    wanted = {
        "us/kymriah/all-ped-ya": base | {"refractory_or_second_relapse"},
        "us/kymriah/lbcl-3l": third | no_cns,
        "us/kymriah/fl-3l": third,
        "us/yescarta/lbcl-2l-early": base | {"first_line_failure"},
        "us/yescarta/lbcl-3l": third,
        "us/yescarta/fl-3l": third,
        "us/tecartus/mcl-rr": base,
        "us/tecartus/ball-adult": base,
        "us/breyanzi/lbcl-2l-early-relapse": base | {"first_line_failure"} | no_cns,
        "us/breyanzi/lbcl-2l-transplant-ineligible": base | {"first_line_failure", "transplant_ineligible"} | no_cns,
        "us/breyanzi/lbcl-3l": third | no_cns,
        "us/breyanzi/cll-sll-3l": third | {"exposed_btki", "exposed_bcl2i"},
        "us/breyanzi/fl-3l": third,
        "us/breyanzi/mcl-3l": third | {"exposed_btki"},
        "us/breyanzi/mzl-3l": third,
        "us/abecma/mm-3l": third | {"exposed_imid", "exposed_pi", "exposed_cd38"},
        "us/carvykti/mm-2l-len-refractory": third | {"exposed_imid", "exposed_pi", "refractory_to_lenalidomide"},
        "us/aucatzyl/ball-adult": base,
    }
    assert {indication.id: set(_criteria(indication)) for indication in us.in_force(READ_ON)} == wanted


def test_eu_labels_ask_for_what_the_reference_says(eu: Ruleset) -> None:
    base = {"age", "diagnosis", "relapsed_or_refractory"}
    third = base | {"prior_lines"}
    second = base | {"first_line_failure"}
    no_cns = {"not_primary_cns"}
    last = {"progressed_on_last_therapy"}
    wanted = {
        "eu/kymriah/b-all": base | {"refractory_or_second_relapse"},
        "eu/kymriah/dlbcl": third | no_cns,
        "eu/kymriah/fl": third,
        "eu/yescarta/lbcl-2l": second | no_cns,
        "eu/yescarta/lbcl-3l": third | no_cns,
        "eu/yescarta/fl": third,
        "eu/tecartus/mcl": third | {"exposed_btki"},
        "eu/tecartus/b-all": base,
        "eu/breyanzi/lbcl-2l": second | no_cns,
        "eu/breyanzi/lbcl-3l": third | no_cns,
        "eu/breyanzi/fl": third,
        "eu/breyanzi/mcl": third | {"exposed_btki"},
        "eu/abecma/mm": third | {"exposed_imid", "exposed_pi", "exposed_cd38"} | last,
        "eu/carvykti/mm": third | {"exposed_imid", "exposed_pi", "refractory_to_lenalidomide"} | last,
        "eu/aucatzyl/b-all": base,
    }
    assert {indication.id: set(_criteria(indication)) for indication in eu.in_force(READ_ON)} == wanted


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("us/kymriah/lbcl-3l", 2),
        ("us/breyanzi/cll-sll-3l", 2),
        ("us/abecma/mm-3l", 2),
        ("us/carvykti/mm-2l-len-refractory", 1),
        ("eu/yescarta/fl", 3),
        ("eu/kymriah/fl", 2),
        ("eu/tecartus/mcl", 2),
        ("eu/abecma/mm", 2),
        ("eu/carvykti/mm", 1),
    ],
)
def test_the_number_of_lines_a_label_asks_for(name: str, lines: int, us: Ruleset, eu: Ruleset) -> None:
    assert _criteria(_on(us if name.startswith("us") else eu, name))["prior_lines"] == {"min": lines}


@pytest.mark.parametrize(
    ("name", "age"),
    [
        ("us/kymriah/all-ped-ya", {"max_years": 25}),
        ("eu/kymriah/b-all", {"max_years": 25}),
        ("us/tecartus/ball-adult", {"min_years": 18}),
        ("eu/tecartus/b-all", {"min_years": 26}),
        ("us/aucatzyl/ball-adult", {"min_years": 18}),
        ("eu/aucatzyl/b-all", {"min_years": 26}),
    ],
)
def test_the_ages_of_the_leukaemia_labels(name: str, age: dict[str, int], us: Ruleset, eu: Ruleset) -> None:
    assert _criteria(_on(us if name.startswith("us") else eu, name))["age"] == age


MATRIX = {
    # columns: us/kymriah/lbcl-3l, us/yescarta/lbcl-2l-early, us/yescarta/lbcl-3l, us/breyanzi/lbcl-3l (labels-us 9b)
    "dlbcl_nos": ("met", "met", "met", "met"),
    "transformed_follicular_lymphoma": ("met", "met", "met", "met"),
    "transformed_indolent_lymphoma": ("review", "met", "review", "met"),
    "richter_transformation": ("review", "review", "review", "review"),
    "primary_mediastinal_lbcl": (None, "met", "met", "met"),
    "high_grade_b_cell_lymphoma": ("met", "met", "met", "met"),
    "high_grade_b_cell_lymphoma_double_hit": ("met", "met", "met", "met"),
    "follicular_lymphoma_grade_3b": ("review", "review", "review", "met"),
    "follicular_lymphoma_grade_3_unspecified": ("unknown", "unknown", "unknown", "unknown"),
    "t_cell_histiocyte_rich_lbcl": ("review", "met", "review", "review"),
    "dlbcl_other_named_subtype": ("review", "met", "review", "review"),
    "primary_cns_lymphoma": (None, "review", "review", None),
    "burkitt_lymphoma": (None, None, None, None),
    "plasmablastic_lymphoma": (None, None, None, None),
    "primary_effusion_lymphoma": (None, None, None, None),
    "follicular_lymphoma": (None, None, None, None),
}
COLUMNS = ("us/kymriah/lbcl-3l", "us/yescarta/lbcl-2l-early", "us/yescarta/lbcl-3l", "us/breyanzi/lbcl-3l")
EU_MATRIX = {
    # columns: eu/kymriah/dlbcl, eu/yescarta/lbcl-2l, eu/yescarta/lbcl-3l, eu/breyanzi/lbcl-2l, eu/breyanzi/lbcl-3l
    "dlbcl_nos": ("met",) * 5,
    "transformed_follicular_lymphoma": ("met",) * 5,
    "transformed_indolent_lymphoma": ("met",) * 5,
    "high_grade_b_cell_lymphoma": ("review", "met", "review", "met", "review"),
    "primary_mediastinal_lbcl": (None, None, "met", "met", "met"),
    "follicular_lymphoma_grade_3b": ("review", None, None, "met", "met"),
    "t_cell_histiocyte_rich_lbcl": ("review",) * 5,
    "richter_transformation": ("review",) * 5,
    "primary_cns_lymphoma": (None,) * 5,
    "burkitt_lymphoma": (None,) * 5,
}
EU_COLUMNS = (
    "eu/kymriah/dlbcl",
    "eu/yescarta/lbcl-2l",
    "eu/yescarta/lbcl-3l",
    "eu/breyanzi/lbcl-2l",
    "eu/breyanzi/lbcl-3l",
)


def _listed(indication: Indication, concept: str) -> str | None:
    lists = _criteria(indication)["diagnosis"]
    found = [name for name in ("met", "review", "unknown") if concept in lists.get(name, ())]  # type: ignore[operator]
    assert len(found) < 2
    return found[0] if found else None


@pytest.mark.parametrize("concept", MATRIX)
def test_the_us_decision_matrix_of_large_b_cell_lymphomas(concept: str, us: Ruleset) -> None:
    assert tuple(_listed(_on(us, name), concept) for name in COLUMNS) == MATRIX[concept]


@pytest.mark.parametrize("concept", EU_MATRIX)
def test_the_eu_readings_of_large_b_cell_lymphomas(concept: str, eu: Ruleset) -> None:
    assert tuple(_listed(_on(eu, name), concept) for name in EU_COLUMNS) == EU_MATRIX[concept]


def test_the_three_breyanzi_entries_name_the_same_lymphomas(us: Ruleset) -> None:
    names = ("lbcl-2l-early-relapse", "lbcl-2l-transplant-ineligible", "lbcl-3l")
    lists = [_criteria(_on(us, f"us/breyanzi/{name}"))["diagnosis"] for name in names]
    assert lists[0] == lists[1] == lists[2]


def test_the_answer_is_that_of_the_label_of_the_day(us: Ruleset, eu: Ruleset) -> None:
    def lines(ruleset: Ruleset, name: str, day: str) -> object:
        return _criteria(_on(ruleset, name, date.fromisoformat(day)))["prior_lines"]["min"]

    assert lines(us, "us/abecma/mm-3l", "2024-04-03") == 4
    assert lines(us, "us/abecma/mm-3l", "2024-04-04") == 2
    assert lines(us, "us/carvykti/mm-2l-len-refractory", "2024-04-04") == 4
    assert lines(us, "us/carvykti/mm-2l-len-refractory", "2024-04-05") == 1
    assert lines(eu, "eu/abecma/mm", "2024-03-20") == 3
    assert lines(eu, "eu/abecma/mm", "2024-03-21") == 2
    assert "not_primary_cns" in _criteria(_on(us, "us/yescarta/lbcl-3l", date(2026, 2, 5)))
    assert "not_primary_cns" not in _criteria(_on(us, "us/yescarta/lbcl-3l", date(2026, 2, 6)))
    assert _on(us, "us/breyanzi/fl-3l", date(2026, 1, 31)).approval == "accelerated"
    assert _on(us, "us/breyanzi/fl-3l", date(2026, 2, 1)).approval == "regular"
    assert "us/breyanzi/mzl-3l" not in {indication.id for indication in us.in_force(date(2025, 12, 3))}
    assert "eu/aucatzyl/b-all" not in {indication.id for indication in eu.in_force(date(2025, 7, 16))}


def test_accelerated_and_conditional_approvals_are_those_of_the_reference(us: Ruleset, eu: Ruleset) -> None:
    assert {i.id for i in us.in_force(READ_ON) if i.approval == "accelerated"} == {
        "us/kymriah/fl-3l",
        "us/yescarta/fl-3l",
        "us/tecartus/mcl-rr",
        "us/breyanzi/cll-sll-3l",
    }
    assert {i.id for i in eu.in_force(READ_ON) if i.approval == "conditional"} == {
        "eu/tecartus/mcl",
        "eu/tecartus/b-all",
        "eu/aucatzyl/b-all",
    }


@settings(max_examples=50, deadline=None)
@given(day=st.dates(date(2017, 1, 1), date(2030, 12, 31)))
def test_on_no_day_are_two_wordings_of_one_indication_in_force(day: date) -> None:
    for ruleset in (_LOADED["us"], _LOADED["eu"]):
        counted = Counter(indication.id for indication in ruleset.in_force(day))
        assert set(counted.values()) <= {1}


def test_an_older_wording_is_followed_by_the_next_without_a_gap(us: Ruleset, eu: Ruleset) -> None:
    for ruleset in (us, eu):
        for one in ruleset.indications:
            if one.until is not None:
                after = one.until + timedelta(days=1)
                assert any(n.id == one.id and n.effective_from == after for n in ruleset.indications), one.id


def test_boxed_warnings_are_a_matter_of_the_us_and_carvykti_carries_enterocolitis(us: Ruleset, eu: Ruleset) -> None:
    assert all(product.boxed and not product.risks for product in us.products)
    assert all(product.risks and not product.boxed for product in eu.products)
    by_brand = {product.brand: product.boxed for product in us.products}
    assert {brand for brand, boxed in by_brand.items() if "enterocolitis" in boxed} == {"Carvykti"}
    assert {brand for brand, boxed in by_brand.items() if "hlh_mas" in boxed} == {"Abecma", "Carvykti"}
    assert all("infection_inflammation" in boxed and "crs" in boxed for boxed in by_brand.values())


def test_no_us_word_stands_in_an_eu_pack_and_nothing_unverified_in_any() -> None:
    for path in sorted((RULES / "labels").glob("*/*.yaml")):
        text = path.read_text(encoding="utf-8").casefold()
        assert "unverified" not in text, path.name
        if path.parent.name == "eu":
            assert "boxed" not in text, path.name


def test_the_packs_of_the_two_jurisdictions_mirror_each_other() -> None:
    names = [{path.name for path in (RULES / "labels" / jurisdiction).glob("*.yaml")} for jurisdiction in ("us", "eu")]
    assert names[0] == names[1]


def test_the_kinds_of_criteria_in_the_schema_are_those_that_can_be_judged() -> None:
    schema = json.loads((RULES / "schema" / "label.schema.json").read_text(encoding="utf-8"))
    assert set(schema["$defs"]["criterion"]["properties"]["kind"]["enum"]) == KINDS


def test_a_jurisdiction_nobody_wrote_rules_for_is_refused() -> None:
    with pytest.raises(ValueError, match="one of us, eu"):
        load_ruleset(RULES, "uk")


def test_a_rules_folder_without_packs_says_so(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    shutil.copytree(RULES / "schema", rules / "schema")
    (rules / "labels").mkdir()
    with pytest.raises(RuleFileError, match=r"ruleset\.yaml: the file does not exist"):
        load_ruleset(rules, "us")
    shutil.copy(RULES / "labels" / "ruleset.yaml", rules / "labels" / "ruleset.yaml")
    with pytest.raises(RuleFileError, match="the folder holds no label pack"):
        load_ruleset(rules, "us")


def test_a_version_that_is_no_version_is_refused(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    shutil.copytree(RULES / "schema", rules / "schema")
    (rules / "labels").mkdir()
    text = 'schema: cart-cds.ruleset/1\nversion: "newest"\n'
    (rules / "labels" / "ruleset.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(RuleFileError, match="line 2: 'version' is 'newest', which has the wrong form"):
        load_ruleset(rules, "us")


def test_a_second_file_for_one_product_is_refused(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    shutil.copytree(RULES, rules)
    text = (RULES / "labels" / "us" / "aucatzyl.yaml").read_text(encoding="utf-8")
    (rules / "labels" / "us" / "obe.yaml").write_text(text.replace("us/aucatzyl/", "us/obe/"), encoding="utf-8")
    with pytest.raises(RuleFileError, match="the brand 'Aucatzyl' already has a pack"):
        load_ruleset(rules, "us")


def test_a_newcomer_adds_a_made_up_product_in_yaml_alone(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    shutil.copytree(RULES, rules)
    sound = Path(__file__).parent / "museum" / "sound.yaml"
    shutil.copy(sound, rules / "labels" / "us" / "exempla.yaml")
    ruleset = load_ruleset(rules, "us")
    assert "Exempla" in [product.brand for product in ruleset.products]
    assert len(ruleset.in_force(READ_ON)) == 19
    findings = check_rules(rules, READ_ON)
    assert [finding for finding in findings if finding.level == "error"] == []
    wrong = sound.read_text(encoding="utf-8").replace("prior_lines, min: 1", "prior_lines, min: 3")
    (rules / "labels" / "us" / "exempla.yaml").write_text(wrong, encoding="utf-8")
    problems = [finding.problem for finding in check_rules(rules, READ_ON) if finding.level == "error"]
    assert any("'progression after one line' expects met, and it is not_met" in problem for problem in problems)


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("regimens.yaml", "  type: pulsed\n", "  type: pulsing\n", "'type' cannot be 'pulsing'"),
        ("regimens.yaml", "  role: 'frontline'\n", "  roll: 'frontline'\n", "the key 'roll' means nothing here"),
        ("lines_of_therapy.yaml", "schema:", "\tschema:", "not YAML"),
        ("labels/ruleset.yaml", 'version: "', 'version: "v', "which has the wrong form"),
    ],
)
def test_check_rules_reads_the_rule_files_beside_the_packs(
    file: str, old: str, new: str, words: str, tmp_path: Path
) -> None:
    rules = tmp_path / "rules"
    shutil.copytree(RULES, rules, ignore=shutil.ignore_patterns("eu", "us"))
    text = (RULES / file).read_text(encoding="utf-8")
    assert old in text
    (rules / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    found = [finding for finding in check_rules(rules) if finding.file == file]
    assert any(words in finding.problem and finding.line for finding in found), found


def test_a_label_disease_that_no_pack_names_is_found(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    shutil.copytree(RULES, rules)
    table = rules / "terminology" / "concepts.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    new = next(line for line in lines if line.startswith("mantle_cell_lymphoma,"))
    table.write_text("\n".join([*lines, new.replace("mantle_cell", "new_mantle_cell", 1), ""]), encoding="utf-8")
    problems = [finding.problem for finding in check_rules(rules) if finding.file == "terminology/concepts.csv"]
    assert problems == ["no pack names the label disease 'new_mantle_cell_lymphoma', so it silently meets nothing"]


def test_without_a_terminology_the_packs_still_load(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    for part in ("schema", "labels"):
        shutil.copytree(RULES / part, rules / part)
    assert len(load_ruleset(rules, "eu").in_force(READ_ON)) == 15
    assert Known().diseases is None


_LOADED = {jurisdiction: load_ruleset(RULES, jurisdiction) for jurisdiction in ("us", "eu")}
