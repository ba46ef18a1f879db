"""Details of the line method that a count alone does not show: words, range, transformation, what was set aside."""

from __future__ import annotations

from datetime import date

from line_kit import coded, derive, done, dose, history, ordered, resources, status, supplied, taken

R_CHOP = ("rituximab", "cyclophosphamide", "doxorubicin", "vincristine", "prednisone")
BR = ("bendamustine", "rituximab")


def test_a_reason_that_names_the_disease_keeps_treatment_from_before_the_recorded_onset() -> None:
    """A1 goes before A3."""
    case = history("FL", dose("2019-01-14", *BR, n=6, q=28, **{"for": "follicular_lymphoma"}))
    assert derive(case).lines == [("BR", "2019-01-14", "2019-06-03")]


def test_biosimilar_brand_and_subcutaneous_form_are_one_drug() -> None:
    """F1."""
    case = history(
        "FL", dose("2020-02-03", "rituximab-abbs"), dose("2020-02-10", "Rituxan Hycela"), dose("2020-02-24", "MabThera")
    )
    (line,) = derive(case).derivation.lines
    assert line.agents == ("rituximab",)
    assert not line.modified


def test_every_asparaginase_product_is_asparaginase() -> None:
    """F1."""
    case = history(
        "B-ALL", dose("2020-01-13", "vincristine", "daunorubicin", "pegaspargase"), dose("2020-01-27", "Erwinaze")
    )
    assert "asparaginase" in derive(case).derivation.lines[0].agents


def test_an_intrathecal_dose_is_no_systemic_exposure() -> None:
    """F3."""
    case = history("LBCL", dose("2020-01-13", *R_CHOP), dose("2020-01-13", "cytarabine", route="IT"))
    assert all("cytarabine" not in e.ingredients for e in derive(case).derivation.exposures)


def test_a_stopped_cell_infusion_is_only_probable() -> None:
    """E7."""
    case = history(
        "LBCL", dose("2020-01-13", *R_CHOP, n=6), status("2020-06-01", "PD"), done("2020-07-06", "car-t", st="stopped")
    )
    answer = derive(case)
    assert answer.count == (2, 1, 2)
    assert "probable_only" in answer.derivation.lines[1].flags


def test_intravenous_methotrexate_after_the_last_cycle_is_prophylaxis() -> None:
    """L9."""
    case = history("LBCL", dose("2020-01-13", *R_CHOP, n=6), dose("2020-05-25", "methotrexate", n=2, q=14, route="IV"))
    answer = derive(case)
    assert answer.lines == [("R-CHOP", "2020-01-13", "2020-06-08")]
    assert "prophylaxis of the central nervous system" in answer.why(1)


def test_a_recorded_count_above_what_was_found_widens_the_range_and_says_so() -> None:
    """Q3."""
    case = history("FL", dose("2020-02-03", *BR, n=6, q=28), {"r": "OB", "d": "2024-05-05", "prior_lines": 3})
    answer = derive(case)
    assert answer.count == (1, 1, 3)
    assert answer.derivation.recorded == 3
    assert any("treatment may be missing" in gap for gap in answer.derivation.gaps)


def test_a_preliminary_count_is_not_read() -> None:
    """Q1."""
    case = history(
        "FL", dose("2020-02-03", *BR, n=6, q=28), {"r": "OB", "d": "2024-05-05", "prior_lines": 3, "st": "preliminary"}
    )
    assert derive(case).count == (1, 1, 1)


def test_a_preliminary_status_opens_no_line() -> None:
    """X1: a preliminary progression is a hint, the same drugs go on."""
    case = history("MM", dose("2020-02-03", "bortezomib", n=16, q=7), status("2020-04-06", "PD", st="preliminary"))
    assert derive(case).derivation.status == ()


def test_a_status_about_another_condition_is_not_ours() -> None:
    case = history(
        "FL",
        dose("2020-02-03", *BR, n=6, q=28),
        status("2021-04-06", "PD", focus="breast"),
        extra=[
            {
                "resourceType": "Condition",
                "id": "breast",
                "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "C50.919"}]},
            }
        ],
    )
    assert derive(case).derivation.status == ()


def test_worsened_after_a_remission_is_a_relapse_and_in_leukaemia_before_one_refractory() -> None:
    """Decision 11."""
    after = history("FL", status("2020-08-03", "CR"), status("2021-08-02", "PD"))
    before = history("B-ALL", status("2020-03-02", "PD"))
    assert [e.kind for e in derive(after).derivation.status] == ["CR", "REL"]
    assert [e.kind for e in derive(before).derivation.status] == ["IF"]


def test_a_relapse_seen_in_an_observation_and_in_the_condition_is_one() -> None:
    """X1."""
    case = history(
        "FL", status("2020-08-03", "CR"), status("2021-08-02", "REL"), {"r": "CO", "d": "2021-08-09", "clin": "relapse"}
    )
    events = derive(case).derivation.status
    assert [e.kind for e in events] == ["CR", "REL"]
    assert len(events[1].evidence) == 2


def test_lines_since_transformation_stand_beside_the_total() -> None:
    """Decision 15."""
    case = {
        "dz": "LBCL",
        "dx": "2015-03-02",
        "tx": "2020-01-06",
        "events": [dose("2015-04-06", *BR, n=6, q=28), dose("2020-01-13", *R_CHOP, n=6)],
    }
    count = derive(case).derivation.count
    assert (count.n, count.since_transformation) == (2, 1)


def test_the_anchor_of_the_twelve_months_leaves_maintenance_out() -> None:
    case = history("FL", dose("2020-02-03", *BR, n=6, q=28), dose("2020-08-31", "rituximab", n=6, q=60))
    (line,) = derive(case).derivation.lines
    assert line.completion is not None
    assert line.completion.text == "2020-06-22"
    assert line.last_dose is not None
    assert line.last_dose.text == "2021-06-27"
    assert line.includes == ("maintenance",)


def test_cycles_are_courses_not_treatment_days() -> None:
    """Decision 57: bendamustine on two days a cycle is one course."""
    case = history("FL", *(dose(day, "bendamustine", n=2, q=1) for day in ("2020-02-03", "2020-03-02", "2020-03-30")))
    assert derive(case).derivation.lines[0].cycles == 3


def test_what_was_ordered_and_what_was_retracted_is_set_aside_with_the_rule() -> None:
    case = history(
        "LBCL",
        dose("2020-01-13", *R_CHOP, n=6),
        dose("2021-03-15", "ifosfamide", st="entered-in-error"),
        ordered("2021-03-15", "carboplatin", st="draft"),
        dose("2020-01-14", "pegfilgrastim", n=6),
    )
    why = " | ".join(s.why for s in derive(case).derivation.set_aside)
    assert "ifosfamide: entered in error (E1)" in why
    assert "carboplatin: ordered or prepared, nothing shows that it was given (E4)" in why
    assert "pegfilgrastim: supportive care, never part of a line (F4)" in why


def test_the_line_says_what_opened_it_and_what_was_folded_into_it() -> None:
    case = history(
        "MM",
        dose("2020-02-03", "bortezomib", "lenalidomide", "dexamethasone", n=6),
        dose("2020-07-04", "melphalan"),
        done("2020-07-06", "auto-hsct"),
        taken("2020-10-05", "2021-10-04", "lenalidomide"),
    )
    why = derive(case).why(1)
    for rule in ("(L1)", "(L7)", "(F5)"):
        assert rule in why


def test_a_reference_that_leads_nowhere_makes_the_record_incomplete() -> None:
    """Section (b), X0."""
    case = history("FL", dose("2020-02-03", *BR, n=6, q=28))
    lost = {
        "resourceType": "MedicationAdministration",
        "id": "lost",
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2021-02-03",
        "medicationReference": {"reference": "Medication/unknown"},
    }
    found = derive(case, [*resources(case), lost]).derivation
    assert found.count.n == 1
    assert any("not in the record" in gap for gap in found.gaps)


def test_a_procedure_code_that_names_the_drug_is_an_administration() -> None:
    case = history("FL", status("2020-02-03", "PD"))
    given = {
        "resourceType": "Procedure",
        "id": "given",
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "performedDateTime": "2020-03-02",
        "code": coded("procedures", "antineoplastic_administration", "mosunetuzumab"),
    }
    found = derive(case, [*resources(case), given]).derivation
    assert [line.agents for line in found.lines] == [("mosunetuzumab",)]


def test_a_dispense_takes_the_reason_of_its_order() -> None:
    """Decision 23."""
    case = history(
        "FL",
        ordered("2020-03-02", "lenalidomide", id="o1", st="completed", **{"for": "breast cancer"}),
        supplied("2020-03-09", "lenalidomide", n=6, link="MedicationRequest/o1"),
    )
    assert derive(case).count == (0, 0, 0)


def test_a_supply_that_reaches_past_the_assessment_keeps_its_last_day() -> None:
    case = history("CLL", supplied("2026-10-05", "ibrutinib", n=2, days=30))
    end = derive(case).derivation.lines[0].end
    assert end is not None
    assert end.first > date(2026, 11, 21)


def test_sentinel_dates_do_not_fall_off_the_calendar() -> None:
    """Year 1 for unknown, 9999-12-31 for open, and an assessment on the last day of the calendar."""
    case = history(
        "CLL",
        taken("2020-02-03", "9999-12-31", "ibrutinib"),
        ordered("2020-03-02", "venetoclax", to="9999-12-31"),
        taken("0001-01-02", "9999-12-30", "acalabrutinib"),
        dose("9999-12-20", "obinutuzumab"),
        done("9999-12-21", "leukapheresis"),
        done("0001-01-03", "car-t"),
        status("0001-01-05", "PD"),
        dx="0001-01-03",
        birth="0001-01-01",
        as_of="9999-12-31",
    )
    count = derive(case).derivation.count
    assert count.min <= count.n <= count.max


def test_other_drugs_after_the_end_of_myeloma_maintenance_may_be_a_new_line() -> None:
    """L8 or L14: a different regimen after all drugs of the old one stopped is a new line in the consensus text."""
    case = history(
        "MM",
        dose("2020-02-03", "bortezomib", "lenalidomide", "dexamethasone", n=6),
        taken("2020-10-05", "2021-10-04", "lenalidomide"),
        dose("2021-11-01", "daratumumab", "carfilzomib", "dexamethasone", n=6, q=28),
    )
    assert derive(case).count == (1, 1, 2)


def test_a_transplant_of_myeloma_is_not_counted_for_the_leukaemia_beside_it() -> None:
    """A4, F5: melphalan before cells fits myeloma and no regimen of CLL."""
    case = history("CLL", dose("2021-06-30", "melphalan"), done("2021-07-02", "auto-hsct"))
    myeloma = {
        "resourceType": "Condition",
        "id": "myeloma",
        "onsetDateTime": "2021-02-15",
        "code": coded("diagnoses", "multiple_myeloma"),
    }
    answer = derive(case, [*resources(case), myeloma])
    assert answer.count == (0, 0, 0)
    assert answer.derivation.gaps == ()
