"""Every shipped code resolves, and the files a site may leave out can be left out."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from cds_service.rule_files import RuleFileError, read_yaml
from cds_service.terminology import load_concepts

RULES = Path(__file__).parents[2] / "rules"
FOLDER = RULES / "terminology"
CONCEPTS = load_concepts(RULES)


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


URIS = {row["key"]: row["uri"] for row in rows("systems")}


@pytest.mark.parametrize("name", ["diagnoses", "diagnoses_snomed", "diagnoses_who"])
def test_every_diagnosis_code_means_its_concept(name: str) -> None:
    for row in rows(name):
        found = CONCEPTS.lookup(URIS[row["system"]], row["code"])
        assert found is not None and found.diagnosis is not None, row
        assert (found.diagnosis.concept, found.diagnosis.disease_status) == (row["concept"], row["disease_status"]), row
        assert found.diagnosis.role == CONCEPTS.disease(row["concept"]).role, row


@pytest.mark.parametrize("name", ["drug_codes", "drug_codes_atc"])
def test_every_drug_code_means_its_ingredient(name: str) -> None:
    for row in rows(name):
        found = CONCEPTS.lookup(URIS[row["system"]], row["code"])
        assert found is not None and found.drug is not None, row
        assert found.drug.ingredients == (row["concept"],), row


def test_every_product_means_its_ingredient() -> None:
    for row in rows("drug_products"):
        found = CONCEPTS.lookup(URIS["rxnorm"], row["code"])
        assert found is not None and found.drug is not None, row
        assert (found.drug.ingredients, found.drug.use) == ((row["concept"],), row["use"]), row


@pytest.mark.parametrize("name", ["procedures", "procedures_snomed", "procedures_cpt"])
def test_every_procedure_code_means_its_concept(name: str) -> None:
    for row in rows(name):
        if row["match"] == "exact":
            found = CONCEPTS.lookup(URIS[row["system"]], row["code"])
            assert found is not None and found.procedure is not None, row
            assert (found.procedure.concept, found.procedure.product) == (row["concept"], row["product"]), row


@pytest.mark.parametrize("name", ["observations", "observations_snomed"])
def test_every_observation_code_means_its_concept(name: str) -> None:
    for row in rows(name):
        found = CONCEPTS.lookup(URIS[row["system"]], row["code"])
        assert found is not None and found.observation is not None, row
        assert (found.observation.concept, found.observation.kind) == (row["concept"], row["kind"]), row


def test_every_row_names_a_source_that_is_listed() -> None:
    known = {row["key"] for row in rows("sources")}
    for path in FOLDER.glob("*.csv"):
        for row in rows(path.stem):
            if path.stem != "lineage" and "source" in row and path.stem != "sources":
                assert row["source"] in known, (path.name, row)


def test_every_ingredient_has_a_class_and_a_setting_with_its_reason() -> None:
    for row in rows("drugs"):
        assert row["class"] and row["setting"] in ("clinic", "self") and row["setting_because"], row


@pytest.mark.parametrize(
    ("drug", "setting"),
    [
        ("lenalidomide", "self"),
        ("ibrutinib", "self"),
        ("dexamethasone", "self"),
        ("rituximab", "clinic"),
        ("bortezomib", "clinic"),
        ("cyclophosphamide", "clinic"),
        ("axicabtagene_ciloleucel", "clinic"),
    ],
)
def test_who_gives_the_drug(drug: str, setting: str) -> None:
    assert CONCEPTS.drug_info(drug).setting == setting


def test_every_drug_of_a_regimen_is_in_the_drug_table() -> None:
    for regimen in read_yaml(RULES / "regimens.yaml", "regimens.yaml").content["regimens"]:
        named = {*regimen["core"], *regimen.get("optional", ())} - {"total_body_irradiation"}
        assert named <= set(CONCEPTS.drugs), regimen["name"]


def test_no_code_is_in_the_tables_that_the_reference_could_not_verify() -> None:
    for code in ("XW0338A", "XW043C3"):
        assert CONCEPTS.lookup(URIS["icd-10-pcs"], code) is None
    assert CONCEPTS.lookup(URIS["snomed"], "77257005") is None


@pytest.fixture
def own_rules(tmp_path: Path) -> Path:
    shutil.copytree(FOLDER, tmp_path / "terminology")
    return tmp_path


def test_licensed_files_may_be_left_out(own_rules: Path) -> None:
    for path in (own_rules / "terminology").glob("*_*.csv"):
        if path.stem not in ("drug_classes", "drug_codes", "drug_products"):
            path.unlink()
    concepts = load_concepts(own_rules)
    assert concepts.lookup(URIS["snomed"], "109989006") is None
    assert concepts.lookup(URIS["icd-10-cm"], "C90.00") is not None


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("diagnoses.csv", "hodgkin_lymphoma", "hodgkin_lymfoma", "line 2: 'hodgkin_lymfoma' in the column 'concept'"),
        ("diagnoses.csv", ",prefix,", ",begins,", "'begins' in the column 'match'"),
        ("drug_codes.csv", ",rxnorm,", ",rxnrom,", "'rxnrom' in the column 'system'"),
        ("drugs.csv", ",btk_inhibitor,", ",btk_inhibitr,", "'btk_inhibitr' in the column 'class'"),
        ("drugs.csv", ",self,", ",home,", "'home' in the column 'setting'"),
        ("concepts.csv", "concept,label", "concept,name", "the column 'label' is absent"),
        ("concepts.csv", ",large_b_cell_lymphoma,", ",big_b_cell_lymphoma,", "which has no row"),
        ("aliases.csv", ",negation,", ",denial,", "'denial' in the column 'kind'"),
    ],
)
def test_a_broken_table_is_refused_by_file_and_line(own_rules: Path, file: str, old: str, new: str, words: str) -> None:
    path = own_rules / "terminology" / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RuleFileError) as refused:
        load_concepts(own_rules)
    assert f"terminology/{file}" in str(refused.value) and words in str(refused.value)


def test_a_row_that_lost_a_cell_is_refused(own_rules: Path) -> None:
    path = own_rules / "terminology" / "systems.csv"
    path.write_text(path.read_text(encoding="utf-8") + "own,http://example.org\n", encoding="utf-8")
    with pytest.raises(RuleFileError, match="2 cells where the head has 4"):
        load_concepts(own_rules)


def test_a_missing_table_is_refused(own_rules: Path) -> None:
    (own_rules / "terminology" / "diagnoses.csv").unlink()
    with pytest.raises(RuleFileError, match=r"terminology/diagnoses\.csv: the table does not exist"):
        load_concepts(own_rules)
