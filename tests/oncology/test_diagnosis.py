"""Which blood cancers a record holds, in what state, how sure."""

from __future__ import annotations

from datetime import date

import pytest
from diagnosis_kit import ICDO, condition, diagnoses, knowledge, medication, only, pathology, problems, record

from cds_service.oncology.diagnosis import find_diagnoses, may_hold_haematological


@pytest.mark.parametrize(
    ("name", "expected", "family", "role"),
    [
        ("dlbcl", "dlbcl_nos", "lbcl", "indication"),
        ("fl3b", "follicular_lymphoma_grade_3b", "lbcl", "indication"),
        ("fl3", "follicular_lymphoma_grade_3_unspecified", "fl", "ambiguous"),
        ("b_cell", "b_cell_lymphoma_unspecified", "lbcl", "ambiguous"),
        ("pcnsl", "primary_cns_lymphoma", "lbcl", "exclusion"),
        ("richter", "richter_transformation", "lbcl", "ambiguous"),
        ("myeloma", "multiple_myeloma", "multiple_myeloma", "indication"),
        ("pcl", "plasma_cell_leukemia", "multiple_myeloma", "ambiguous"),
        ("smouldering", "smoldering_myeloma", "multiple_myeloma", "exclusion"),
        ("b_lbl", "b_lymphoblastic_lymphoma", "b_all", "ambiguous"),
        ("burkitt", "burkitt_lymphoma", None, "exclusion"),
        ("t_all", "t_all_lbl", None, "exclusion"),
    ],
)
def test_a_code_gives_its_disease_and_family(name: str, expected: str, family: str | None, role: str) -> None:
    found = only(condition(name))
    assert (found.concept, found.family, found.role, found.certainty) == (expected, family, role, "confirmed")


@pytest.mark.parametrize(
    ("name", "may_be", "speaks"),
    [
        ("all", ("b_all",), True),
        ("lbl", ("b_all",), True),
        ("fl3", ("lbcl", "fl"), True),
        ("b_cell", ("lbcl", "fl", "mzl", "mcl", "cll_sll"), True),
        ("small_b", ("mzl", "cll_sll"), True),
        ("nhl", ("lbcl", "fl", "mzl", "mcl", "cll_sll"), False),
        ("leukaemia", ("cll_sll", "b_all"), False),
        ("dlbcl", (), False),
    ],
)
def test_an_unspecific_code_says_what_it_can_mean_and_whether_it_speaks(
    name: str, may_be: tuple[str, ...], speaks: bool
) -> None:
    found = only(condition(name))
    assert (found.may_be, found.speaks_when_ambiguous) == (may_be, speaks)


@pytest.mark.parametrize(
    ("clinical", "state"),
    [
        ("active", "active"),
        ("recurrence", "relapse"),
        ("relapse", "relapse"),
        ("remission", "remission"),
        ("inactive", "inactive"),
        ("resolved", "resolved"),
        ("", "active"),
        ("unknown", "active"),
    ],
)
def test_clinical_status_gives_the_state(clinical: str, state: str) -> None:
    assert only(condition("dlbcl", clinical=clinical)).state == state


def test_no_clinical_status_but_an_end_is_resolved() -> None:
    assert only(condition("dlbcl", abated="2020-01-01")).state == "resolved"


@pytest.mark.parametrize(
    ("verification", "state", "certainty", "stands"),
    [
        ("confirmed", "active", "confirmed", True),
        ("", "active", "confirmed", True),
        ("provisional", "active", "provisional", True),
        ("differential", "active", "provisional", True),
        ("unconfirmed", "active", "provisional", True),
        ("refuted", "refuted", "confirmed", False),
        ("entered-in-error", "entered_in_error", "confirmed", False),
    ],
)
def test_verification_status(verification: str, state: str, certainty: str, stands: bool) -> None:
    found = only(condition("dlbcl", verification=verification))
    assert (found.state, found.certainty, found.stands) == (state, certainty, stands)


@pytest.mark.parametrize(("name", "state"), [("all_relapse", "relapse"), ("myeloma_remission", "remission")])
def test_a_code_carries_its_state(name: str, state: str) -> None:
    assert only(condition(name, clinical="active")).state == state


def test_not_in_remission_is_the_default_code_and_says_nothing() -> None:
    assert only(condition("myeloma")).state == "active"


def test_problem_list_and_encounter_diagnosis_are_one_disease() -> None:
    found = only(
        condition("dlbcl", id="problem", clinical="active", onset="2024-01-03"),
        condition("dlbcl_icd", id="visit", category="encounter-diagnosis", recorded="2024-06-01"),
    )
    assert found.evidence == ("Condition/problem", "Condition/visit")
    assert found.onset is not None and found.onset.text == "2024-01-03"
    assert found.recorded is not None and found.recorded.text == "2024-06-01"


def test_a_written_remission_beats_an_encounter_that_says_nothing() -> None:
    assert only(condition("dlbcl", id="a", clinical="remission"), condition("dlbcl", id="b")).state == "remission"


def test_an_entry_recorded_as_active_after_the_remission_is_active() -> None:
    old = condition("dlbcl", id="a", clinical="remission", recorded="2022-01-01")
    new = condition("dlbcl", id="b", clinical="active", recorded="2024-01-01")
    assert only(old, new).state == "active"


def test_an_error_retracts_only_itself() -> None:
    found = only(condition("dlbcl", id="a"), condition("dlbcl", id="b", verification="entered-in-error"))
    assert (found.state, found.evidence) == ("active", ("Condition/a",))


def test_a_diagnosis_refuted_later_is_in_doubt_and_reported() -> None:
    stated = condition("dlbcl", id="a", recorded="2024-01-01")
    refuted = condition("dlbcl", id="b", recorded="2024-02-01", verification="refuted")
    assert only(stated, refuted).certainty == "provisional"
    assert problems(stated, refuted) == ["dlbcl_nos is stated here and refuted later"]


def test_family_history_never_counts() -> None:
    told = {
        "resourceType": "FamilyMemberHistory",
        "id": "f1",
        "patient": {"reference": "Patient/p1"},
        "condition": [{"code": {"coding": [{"system": "http://snomed.info/sct", "code": "109969005"}]}}],
    }
    assert diagnoses(told, condition("dlbcl", category="family-history")) == {}
    assert diagnoses(condition(text="Family history of multiple myeloma")) == {}


def test_a_history_of_lymphoma_is_history_and_no_lymphoma() -> None:
    found = only(condition("history_nhl"))
    assert (found.concept, found.state, found.stands) == ("history_hematologic_malignancy", "history", False)
    assert only(condition("history_car_t")).state == "history"


def test_other_diseases_are_no_blood_cancer() -> None:
    assert diagnoses(condition("diabetes"), condition(id="c2", text="Hypertension")) == {}


def test_a_named_disease_takes_the_vague_code_beside_it() -> None:
    found = only(condition("b_all", id="a"), condition("all_relapse", id="b", recorded="2025-01-01"))
    assert (found.concept, found.state, found.evidence) == ("b_all", "relapse", ("Condition/a", "Condition/b"))


def test_t_lineage_takes_the_vague_code_so_that_it_cannot_speak() -> None:
    assert only(condition("t_all", id="a"), condition("all", id="b")).concept == "t_all_lbl"


def test_plasmablastic_lymphoma_takes_the_mixed_icd_code_but_not_a_precise_one() -> None:
    assert only(condition("plasmablastic", id="a"), condition("dlbcl_icd", id="b")).concept == "plasmablastic_lymphoma"
    assert sorted(diagnoses(condition("plasmablastic", id="a"), condition("dlbcl", id="b"))) == [
        "dlbcl_nos",
        "plasmablastic_lymphoma",
    ]


def test_high_grade_lymphoma_takes_the_mixed_code() -> None:
    assert only(condition("hgbl", id="a"), condition("dlbcl_icd", id="b"), condition("nhl", id="c")).evidence == (
        "Condition/a",
        "Condition/b",
        "Condition/c",
    )


def test_smouldering_myeloma_that_became_myeloma_is_myeloma_too() -> None:
    found = diagnoses(condition("smouldering", id="a", onset="2019"), condition("myeloma", id="b", onset="2022"))
    assert sorted(found) == ["multiple_myeloma", "smoldering_myeloma"]


def test_plasma_cell_leukaemia_beside_myeloma_leaves_the_myeloma() -> None:
    assert "multiple_myeloma" in diagnoses(condition("pcl", id="a"), condition("myeloma", id="b"))


def test_several_diseases_live_side_by_side() -> None:
    found = diagnoses(condition("cll", id="a"), condition("myeloma", id="b"), condition("hodgkin", id="c"))
    assert list(found) == ["cll_sll", "multiple_myeloma", "hodgkin_lymphoma"]


def test_codings_of_one_entry_that_name_two_diseases_are_a_conflict() -> None:
    entry = condition("dlbcl", "hodgkin")
    assert {d.certainty for d in diagnoses(entry).values()} == {"provisional"}
    assert problems(entry) == ["its codings name different diseases: dlbcl_nos, hodgkin_lymphoma"]


def test_a_display_that_names_another_disease_takes_the_certainty() -> None:
    swapped = condition("myeloma_sct", display="B-cell acute lymphoblastic leukemia")
    found = only(swapped)
    assert (found.concept, found.certainty) == ("multiple_myeloma", "provisional")
    assert problems(swapped) == [
        "code and display disagree: the code says multiple_myeloma, the display b_all",
    ]


def test_text_never_makes_a_code_say_more() -> None:
    assert only(condition("all", text="B-cell acute lymphoblastic leukemia")).concept == "all_unspecified_lineage"
    assert only(condition("dlbcl_icd", text="double-hit lymphoma")).concept == "dlbcl_nos"


def test_text_can_take_certainty_from_a_mixed_code() -> None:
    assert only(condition("myeloma", text="Smoldering multiple myeloma")).certainty == "provisional"
    assert only(condition("dlbcl_icd", text="Richter transformation")).concept == "richter_transformation"
    assert not only(condition("all", text="T-ALL")).speaks_when_ambiguous


@pytest.mark.parametrize("text", ["History of DLBCL", "rule out DLBCL", "Personal history of lymphoma"])
def test_a_coded_entry_whose_text_doubts_it_is_in_doubt(text: str) -> None:
    assert only(condition("dlbcl", text=text)).certainty == "provisional"


def test_a_text_that_repeats_the_code_changes_nothing() -> None:
    assert only(condition("dlbcl", text="Diffuse large B-cell lymphoma, stage IV")).certainty == "confirmed"


def test_a_code_under_the_wrong_system_is_read_and_reported() -> None:
    entry = condition("dlbcl")
    entry["code"] = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "C8330"}]}
    assert only(entry).certainty == "confirmed"
    assert "was read by its shape" in problems(entry)[0]


def test_a_morphology_extension_counts_like_a_coding() -> None:
    entry = condition(
        text="Malignant tumour",
        extension=[
            {
                "url": "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-histology-morphology-behavior",
                "valueCodeableConcept": {"coding": [{"system": ICDO, "code": "9680/3"}]},
            }
        ],
    )
    assert (only(entry).concept, only(entry).certainty) == ("dlbcl_nos", "confirmed")


@pytest.mark.parametrize(
    "drug", ["blinatumomab", "inotuzumab_ozogamicin", "tisagenlecleucel", "brexucabtagene_autoleucel"]
)
def test_a_drug_of_b_lineage_tells_the_lineage(drug: str) -> None:
    found = only(condition("all"), given=[drug])
    assert (found.concept, found.certainty, found.role) == ("b_all", "inferred", "indication")
    assert "B lineage inferred" in found.note


@pytest.mark.parametrize("drugs", [["nelarabine"], ["nelarabine", "blinatumomab"], ["vincristine"], []])
def test_other_drugs_leave_the_lineage_open(drugs: list[str]) -> None:
    assert only(condition("all"), given=drugs).concept == "all_unspecified_lineage"


def test_a_code_of_t_lineage_is_not_overruled_by_a_drug() -> None:
    assert only(condition("t_all"), given=["blinatumomab"]).concept == "t_all_lbl"


def test_lymphoblastic_lymphoma_of_b_lineage_stays_lymphoma() -> None:
    assert only(condition("lbl"), given=["blinatumomab"]).concept == "b_lymphoblastic_lymphoma"


def test_what_begins_after_the_assessment_date_is_not_known_yet() -> None:
    entry = condition("dlbcl", onset="2025-03-01")
    assert diagnoses(entry, as_of=date(2024, 1, 1)) == {}
    assert "dlbcl_nos" in diagnoses(entry, as_of=date(2025, 3, 1))


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (condition("dlbcl"), True),
        (condition("hodgkin"), True),
        (condition("nhl"), True),
        (condition("history_car_t"), True),
        (condition(text="DLBCL"), True),
        (pathology("9680/3"), True),
        (medication(), True),
        (condition("diabetes", text="Diabetes"), False),
        (condition("history_nhl"), False),
        (condition(text="Asthma"), False),
        (pathology("8000/3"), False),
    ],
)
def test_the_cheap_first_question(entry: dict[str, object], expected: bool) -> None:
    assert may_hold_haematological(record(entry), knowledge().concepts) is expected


@pytest.mark.parametrize("name", ["dlbcl", "hodgkin", "nhl", "all", "fl3", "leukaemia"])
def test_the_first_question_misses_no_diagnosis(name: str) -> None:
    entry = record(condition(name))
    assert find_diagnoses(entry, knowledge(), date(2026, 11, 21))[0]
    assert may_hold_haematological(entry, knowledge().concepts)
