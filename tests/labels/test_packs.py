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
from pack_kit import READ_ON, RULES, loaded

from cds_service.labels.check import check_rules
from cds_service.labels.criteria import KINDS
from cds_service.labels.loader import load_ruleset
from cds_service.labels.loader_checks import Known
from cds_service.labels.packs import Ruleset
from cds_service.labels.yaml_lines import RuleFileError

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


def test_eighteen_indications_are_in_force_in_the_us_and_fifteen_in_the_eu(us: Ruleset, eu: Ruleset) -> None:
    assert {indication.id for indication in us.in_force(READ_ON)} == US
    assert {indication.id for indication in eu.in_force(READ_ON)} == EU


def test_check_rules_has_nothing_to_say_about_the_shipped_packs() -> None:
    assert check_rules(RULES, READ_ON) == []


@settings(max_examples=50, deadline=None)
@given(day=st.dates(date(2017, 1, 1), date(2030, 12, 31)))
def test_on_no_day_are_two_wordings_of_one_indication_in_force(day: date) -> None:
    for ruleset in (loaded("us"), loaded("eu")):
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
