"""What is loaded beside the record, and what refuses to load."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from diagnosis_kit import RULES, knowledge

from cds_service.oncology.knowledge import load_knowledge
from cds_service.oncology.model import FAMILIES
from cds_service.rule_files import RuleFileError


def test_every_family_has_its_numbers() -> None:
    families = knowledge().lines.families
    assert tuple(families) == FAMILIES
    assert families["lbcl"].assembly_days == 35 and families["multiple_myeloma"].same_drugs_gap_days is None


def test_classes_are_spelled_out_as_ingredients() -> None:
    assert "ibrutinib" in knowledge().lines.families["mcl"].maintenance
    assert {"lenalidomide", "pomalidomide", "thalidomide"} <= knowledge().lines.drugs_of["imid"]


def test_every_regimen_is_read_in_the_order_of_the_table() -> None:
    regimens = knowledge().regimens
    assert [r.number for r in regimens] == sorted(r.number for r in regimens)
    first = regimens[0]
    assert (first.name, first.core[0], "lbcl" in first.families) == ("R-CHOP", "rituximab", True)


@pytest.fixture
def own_rules(tmp_path: Path) -> Path:
    shutil.copytree(RULES, tmp_path / "rules")
    return tmp_path / "rules"


def test_flags_may_be_absent(own_rules: Path) -> None:
    (own_rules / "flags.yaml").unlink(missing_ok=True)
    assert load_knowledge(own_rules).flags == {}


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (
            "lines_of_therapy.yaml",
            "maintenance: [rituximab, obinutuzumab]",
            "maintenance: [ritux]",
            "'ritux' is no drug",
        ),
        ("lines_of_therapy.yaml", "class:btk_inhibitor", "class:btk", "'class:btk' is no drug or class"),
        ("lines_of_therapy.yaml", "  imid: [imid]", "  imid: [imd]", "no drug of class imd"),
        ("lines_of_therapy.yaml", "within_class: [btk_inhibitor]", "within_class: [btk]", "no drug of class btk"),
        ("lines_of_therapy.yaml", "assembly_days: 35 ", "assembly_days: soon ", "'soon' is no number of days"),
        ("lines_of_therapy.yaml", "  tandem: 180 ", "  tandems: 180 ", "the key 'tandems' means nothing here"),
        ("lines_of_therapy.yaml", "  tandem: 180 ", "  # tandem: 180 ", "'windows.tandem' is absent"),
        ("lines_of_therapy.yaml", "  tandem: 180 ", "  tandem: half a year ", "'half a year' is no number"),
        (
            "course.yaml",
            "cycles_for_stable_disease: 4",
            "cycles_for_stable_disease: four",
            "'four' is no number of cycles",
        ),
        ("course.yaml", "cycles_for_stable_disease: 4", "cycles: 4", "a value is missing: cycles_for_stable_disease"),
        ("course.yaml", "schema: ", "colour: blue\nschema: ", "the key 'colour' means nothing here"),
        ("course.yaml", "[leukapheresis_car_t, ", "[1, ", "'1' is no concept"),
        ("course.yaml", ', code: "397745006"', "", "no code with its system"),
        ("regimens.yaml", "core: [rituximab,", "core: [ritux,", "regimen 'R-CHOP' names 'ritux'"),
        ("regimens.yaml", "  role: 'frontline; R-mini", "  part: 'frontline; R-mini", "a regimen without 'role'"),
    ],
)
def test_a_wrong_value_is_refused_by_file_and_line(own_rules: Path, file: str, old: str, new: str, words: str) -> None:
    path = own_rules / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RuleFileError) as refused:
        load_knowledge(own_rules)
    assert f"{file}, line " in str(refused.value) and words in str(refused.value)
