"""Flags from results: limits, units, dates, specimens, positive and negative tests (F3 to F15, F30, F31)."""

from __future__ import annotations

import pytest
from flag_kit import answer, flag, lab, picture, result, told

LATELY, LAST_YEAR = "2026-11-10", "2025-11-10"


@pytest.mark.parametrize(
    ("name", "concept", "unit", "within", "beyond"),
    [
        ("neutrophils", "neutrophils_absolute", "10*9/L", 1.0, 0.99),
        ("platelets", "platelets", "10*9/L", 45, 44.9),
        ("haemoglobin", "hemoglobin", "g/dL", 8.0, 7.9),
        ("lymphocytes", "lymphocytes_absolute", "10*9/L", 0.3, 0.29),
        ("lvef", "lvef", "%", 45, 44),
        ("oxygen", "oxygen_saturation", "%", 92, 91),
        ("renal", "creatinine_clearance", "mL/min", 40, 39),
        ("renal", "egfr", "mL/min/{1.73_m2}", 40, 39),
        ("performance_status", "ecog_performance_status", "{score}", 1, 2),
        ("performance_status", "karnofsky_performance_status", "{score}", 70, 60),
    ],
)
def test_both_sides_of_every_limit(name: str, concept: str, unit: str, within: float, beyond: float) -> None:
    assert flag(name, lab(concept, LATELY, within, unit)).status == "absent"
    found = flag(name, lab(concept, LATELY, beyond, unit))
    assert found.status == "present"
    assert found.because.find(f"{beyond:g}") > 0
    assert f"({LATELY})" in found.because
    assert found.evidence == (f"Observation/{concept.replace('_', '-')}-{LATELY}",)


@pytest.mark.parametrize(
    ("concept", "value", "unit", "said"),
    [
        ("neutrophils_absolute", 800, "/uL", "ANC 800 /uL"),
        ("neutrophils_absolute", 0.8, "10*3/uL", "ANC 0.8 x10^3/uL"),
        ("neutrophils_absolute", 0.8, "K/uL", "ANC 0.8 x10^3/uL"),
        ("neutrophils_absolute", 800, "10*6/L", "ANC 800 x10^6/L"),
        ("neutrophils_absolute", 0, "10*9/L", "ANC 0 x10^9/L"),
        ("neutrophils_absolute", 8, "10*2/uL", "ANC 0.8 x10^9/L"),
    ],
)
def test_the_value_is_compared_in_one_unit_and_shown_as_recorded(
    concept: str, value: float, unit: str, said: str
) -> None:
    found = flag("neutrophils", lab(concept, LATELY, value, unit))
    assert found.status == "present"
    assert found.because == f"{said} ({LATELY}): for review"


def test_haemoglobin_in_grams_per_litre() -> None:
    assert flag("haemoglobin", lab("hemoglobin", LATELY, 79, "g/L")).status == "present"
    assert flag("haemoglobin", lab("hemoglobin", LATELY, 135, "g/L")).status == "absent"


@pytest.mark.parametrize(
    ("value", "unit", "why"),
    [
        (13.5, None, "no unit"),
        (13.5, "g/L", "implausible"),
        (135, "g/dL", "implausible"),
        (8.4, "mmol/L", "unit does not fit"),
        (13.5, "10*9/L", "unit does not fit"),
        (-3, "g/dL", "implausible"),
    ],
)
def test_a_value_that_cannot_be_used_is_told_and_never_normal(value: float, unit: str | None, why: str) -> None:
    made = lab("hemoglobin", LATELY, value, unit)
    found = flag("haemoglobin", made)
    assert found.status == "unknown"
    assert "not usable" in found.because
    assert why in found.because
    assert [i.problem for i in picture(made).issues if i.reference == f"Observation/{made['id']}"] == [found.because]


def test_a_bilirubin_in_millimoles_is_a_slip_of_the_pen() -> None:
    assert flag("liver", lab("bilirubin_total", LATELY, 34, "mmol/L")).status == "unknown"


def test_bilirubin_in_either_unit_without_a_molar_mass() -> None:
    assert flag("liver", lab("bilirubin_total", LATELY, 35, "umol/L")).status == "present"
    assert (
        flag("liver", lab("bilirubin_total", LATELY, 2.1, "mg/dL")).because
        == f"Bilirubin 2.1 mg/dL ({LATELY}): for review"
    )
    assert flag("renal", lab("creatinine_serum", LATELY, 150, "umol/L")).status == "unknown"


def test_coded_and_written_unit_that_differ_are_not_usable() -> None:
    made = lab("hemoglobin", LATELY, 7.5, "g/dL")
    made["valueQuantity"]["unit"] = "g/L"
    assert "differ" in flag("haemoglobin", made).because


def test_the_latest_value_wins_in_any_order() -> None:
    old, new = lab("platelets", "2026-11-01", 20, "10*9/L"), lab("platelets", "2026-11-15", 180, "10*9/L")
    assert flag("platelets", old, new) == flag("platelets", new, old)
    assert flag("platelets", old, new).status == "absent"
    later = lab("platelets", "2026-11-22", 20, "10*9/L")
    assert flag("platelets", new, later).status == "absent", "a result of the day after the assessment is not known yet"


def test_of_one_day_the_worse_value_is_shown_and_an_unusable_repeat_is_passed_over() -> None:
    good, bad = lab("platelets", LATELY, 180, "10*9/L"), lab("platelets", LATELY, 30, "10*9/L", id="worse")
    assert flag("platelets", good, bad).status == "present"
    assert flag("platelets", good, lab("platelets", LATELY, 180, None, id="bare")).status == "absent"


def test_an_unusable_latest_value_is_not_replaced_by_an_older_one() -> None:
    assert (
        flag("platelets", lab("platelets", "2026-11-01", 180, "10*9/L"), lab("platelets", LATELY, 180, None)).status
        == "unknown"
    )


def test_an_old_value_says_nothing_about_today() -> None:
    for value in (20, 180):
        found = flag("platelets", lab("platelets", LAST_YEAR, value, "10*9/L"))
        assert found.status == "unknown"
        assert LAST_YEAR in found.because
    assert flag("lvef", lab("lvef", "2026-06-01", 40, "%")).status == "present", "an echo keeps longer"


def test_a_month_is_shown_but_settles_nothing() -> None:
    assert flag("platelets", lab("platelets", "2026-10", 20, "10*9/L")).status == "present"
    assert flag("platelets", lab("platelets", "2026-10", 180, "10*9/L")).status == "unknown"
    assert flag("platelets", lab("platelets", "2026", 20, "10*9/L")).status == "unknown"
    assert flag("platelets", lab("platelets", None, 20, "10*9/L")).status == "unknown"


@pytest.mark.parametrize("status", ["preliminary", "cancelled", "entered-in-error", "registered", "unknown"])
def test_only_final_results_are_read(status: str) -> None:
    assert flag("platelets", lab("platelets", LATELY, 20, "10*9/L", status=status)).status == "unknown"


@pytest.mark.parametrize(
    ("comparator", "value", "status"),
    [
        ("<", 0.3, "present"),
        ("<", 1.0, "present"),
        ("<", 2, "unknown"),
        ("<=", 1.0, "unknown"),
        (">", 1.5, "absent"),
        (">=", 1.0, "absent"),
        (">", 0.5, "unknown"),
    ],
)
def test_a_bound_decides_only_where_every_value_behind_it_does(comparator: str, value: float, status: str) -> None:
    assert (
        flag("neutrophils", lab("neutrophils_absolute", LATELY, value, "10*9/L", comparator=comparator)).status
        == status
    )


def test_a_specimen_that_contradicts_the_code_is_not_read() -> None:
    fluid = lab("platelets", LATELY, 20, "10*9/L", specimen={"display": "Cerebrospinal fluid"})
    assert "specimen" in flag("platelets", fluid).because
    assert (
        flag("platelets", lab("platelets", LATELY, 20, "10*9/L", specimen={"display": "Whole blood"})).status
        == "present"
    )
    urine = answer("pregnancy_test", LATELY, "result_positive", specimen={"display": "Urine"})
    assert flag("pregnancy", urine).status == "present", "urine is what a pregnancy test is made on"


def test_liver_enzymes_are_compared_with_their_own_range() -> None:
    high = lab("alt", LATELY, 121, "U/L", high=40)
    assert flag("liver", high).because == f"ALT 121 U/L ({LATELY}): for review"
    assert "upper limit" in flag("liver", lab("alt", LATELY, 121, "U/L")).because
    usual = (lab("alt", LATELY, 120, "U/L", high=40), lab("ast", LATELY, 30, "U/L", high=40))
    assert flag("liver", *usual).status == "unknown", "bilirubin is not known"
    assert flag("liver", *usual, lab("bilirubin_total", LATELY, 0.8, "mg/dL")).status == "absent"


def test_creatinine_alone_never_settles_renal_function() -> None:
    assert flag("renal", lab("creatinine_serum", LATELY, 0.9, "mg/dL")).status == "unknown"
    assert (
        flag("renal", lab("creatinine_serum", LATELY, 1.5, "mg/dL")).because
        == f"Creatinine 1.5 mg/dL ({LATELY}): affects lymphodepletion dose"
    )


def test_performance_status_as_number_code_or_digit() -> None:
    for made in (
        result("ecog_performance_status", LATELY, valueInteger=3),
        answer("ecog_performance_status", LATELY, "ecog_grade_3"),
        told("ecog_performance_status", LATELY, "3"),
        lab("ecog_performance_status", LATELY, 3, None),
    ):
        assert flag("performance_status", made).because == f"ECOG 3 ({LATELY}): limited self-care, for review"
    assert flag("performance_status", told("ecog_performance_status", LATELY, "3 to 4")).status == "unknown"
    assert flag("performance_status", lab("ecog_performance_status", LATELY, 30, "{score}")).status == "unknown"
    assert flag("performance_status", lab("karnofsky_performance_status", LATELY, 50, "%")).status == "present"


def test_marrow_values_are_listed_without_a_score() -> None:
    found = flag("marrow_reserve", lab("crp", LATELY, 12, "mg/L"), lab("hemoglobin", LATELY, 11, "g/dL"))
    assert found.because == f"Marrow values: CRP 12 mg/L ({LATELY}), Hb 11 g/dL ({LATELY})"
    assert flag("marrow_reserve").status == "unknown"


@pytest.mark.parametrize(
    ("name", "concept", "say"),
    [
        ("hepatitis_b", "hbv_surface_antigen", "HBsAg positive (2019-05-06): plan prophylaxis"),
        ("hepatitis_b", "hbv_core_antibody_total", "Anti-HBc positive (2019-05-06): plan prophylaxis"),
        ("hepatitis_c", "hcv_antibody", "Anti-HCV positive (2019-05-06): specialist input"),
        ("hiv", "hiv_antibody_antigen", "HIV test positive (2019-05-06): product-dependent, for review"),
    ],
)
def test_a_positive_virus_marker_counts_for_ever(name: str, concept: str, say: str) -> None:
    assert flag(name, answer(concept, "2019-05-06", "result_positive")).because == say
    assert (
        flag(name, told(concept, "2019-05-06", "Reactive"), told(concept, LATELY, "non-reactive", id="later")).because
        == say
    )


def test_a_surface_antibody_is_no_sign_of_hepatitis_b() -> None:
    assert flag("hepatitis_b", answer("hbv_surface_antibody", LATELY, "result_positive")).status == "unknown"


def test_hepatitis_b_is_absent_only_with_both_negative_markers_of_the_last_year() -> None:
    antigen, core = told("hbv_surface_antigen", LATELY, "negative"), told("hbv_core_antibody_total", LATELY, "Negative")
    assert flag("hepatitis_b", antigen).status == "unknown"
    both = flag("hepatitis_b", antigen, core)
    assert both.status == "absent"
    assert both.because == f"HBsAg negative ({LATELY}); Anti-HBc negative ({LATELY})"
    assert flag("hepatitis_b", antigen, told("hbv_core_antibody_total", LAST_YEAR, "negative")).status == "unknown"


@pytest.mark.parametrize(
    "words", ["Immune", "indeterminate", "not performed", "see comment: positive control", "positive?"]
)
def test_other_words_are_no_answer(words: str) -> None:
    assert flag("hepatitis_c", told("hcv_antibody", LATELY, words)).status == "unknown"


def test_codes_words_and_interpretation_that_contradict_one_another() -> None:
    made = told("hcv_antibody", LATELY, "negative", interpretation=[{"text": "Positive"}])
    assert "contradict" in flag("hepatitis_c", made).because
    agreed = told("hcv_antibody", LATELY, "negative", interpretation=[{"text": "Negative"}])
    assert flag("hepatitis_c", agreed).status == "absent"


def test_copies_of_a_virus_are_a_positive_answer_and_a_bound_is_none() -> None:
    assert flag("hepatitis_b", lab("hbv_dna", LATELY, 250, "[IU]/mL")).status == "present"
    for made in (lab("hbv_dna", LATELY, 20, "[IU]/mL", comparator="<"), lab("hbv_dna", LATELY, 0, "[IU]/mL")):
        assert flag("hepatitis_b", made).status == "unknown"
    assert flag("hepatitis_b", lab("hbv_core_antibody_total", LATELY, 3.2, "[IU]/mL")).status == "unknown", (
        "a titre needs its cut-off"
    )


def test_negative_virus_copies_alone_do_not_clear_an_infection() -> None:
    assert flag("hiv", told("hiv_rna", LATELY, "not detected")).status == "unknown"
    assert flag("hepatitis_c", told("hcv_rna", LATELY, "not detected")).status == "unknown"


def test_screening_names_what_was_not_found() -> None:
    negative = [told(c, LATELY, "negative") for c in ("hbv_surface_antigen", "hcv_antibody")]
    assert (
        flag("screening_not_found", *negative).because
        == "not found: HIV results since 2025-11-21; the centre will need them"
    )
    assert flag("screening_not_found", *negative, told("hiv_antibody_antigen", LATELY, "negative")).status == "absent"
    old = told("hiv_antibody_antigen", LAST_YEAR, "negative")
    assert flag("screening_not_found", *negative, old).status == "present"


def test_screening_is_not_missed_in_a_list_that_did_not_come() -> None:
    assert flag("screening_not_found", missing=("Observation",)).status == "unknown"
    assert "came in part" in flag("platelets", missing=("Observation",)).because


def test_the_latest_word_about_pregnancy_counts() -> None:
    pregnant = answer("pregnancy_status", "2026-09-01", "pregnant")
    assert flag("pregnancy", pregnant).because == "Pregnancy status positive (2026-09-01): pregnancy, for review"
    negative = answer("pregnancy_test", LATELY, "result_negative")
    assert flag("pregnancy", pregnant, negative).status == "absent"
    assert flag("pregnancy", answer("pregnancy_test", "2026-09-20", "result_negative")).status == "unknown"
    assert flag("pregnancy", answer("pregnancy_status", LATELY, "pregnancy_unknown")).status == "unknown"
    assert flag("pregnancy", answer("pregnancy_test", "2024-01-01", "result_positive")).status == "unknown"
    assert flag("pregnancy", lab("hcg_quantitative", LATELY, 9000, "[IU]/L")).status == "unknown", (
        "no threshold in the source"
    )
