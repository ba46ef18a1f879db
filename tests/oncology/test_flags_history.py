"""Flags from conditions, drugs, transplants and cell therapy (F1, F2, F17 to F28, F32)."""

from __future__ import annotations

from typing import Any

import pytest
from flag_kit import COURSE, R_CHOP, Json, flag, picture
from line_kit import coded, done, dose, history, ordered, resources, taken

ROUTE_IV = {"text": "intravenous"}


def condition(concept: str, on: str | None = "2026-10-26", **more: Any) -> Json:
    """An active, confirmed Condition."""
    system = "http://terminology.hl7.org/CodeSystem"
    made: Json = {
        "resourceType": "Condition",
        "id": f"c-{concept.replace('_', '-')}",
        "subject": {"reference": "Patient/p"},
        "code": coded("diagnoses", concept),
        "clinicalStatus": {"coding": [{"system": f"{system}/condition-clinical", "code": "active"}]},
    }
    if on:
        made["onsetDateTime"] = on
    return made | more


def said(kind: str, code: str) -> Json:
    """A clinicalStatus or verificationStatus."""
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/condition-{kind}", "code": code}]}


def after(*events: dict[str, Any]) -> list[Json]:
    """The base course with further events."""
    return resources(history("LBCL", *COURSE, *events, dx="2022-12-26"))


@pytest.mark.parametrize(
    ("name", "concept", "say"),
    [
        ("secondary_cns", "cns_involvement", "CNS involvement recorded (2026-10-26): for review"),
        ("active_gvhd", "gvhd", "GVHD recorded (2026-10-26): for review"),
        (
            "inflammatory_disorder",
            "hlh",
            "Haemophagocytic lymphohistiocytosis recorded (2026-10-26): inflammatory disorder, for review",
        ),
        ("cns_disorder", "icans", "Neurotoxicity after cell therapy (ICANS) recorded (2026-10-26): for review"),
        ("hiv", "hiv", "HIV infection recorded (2026-10-26): product-dependent, for review"),
        ("pregnancy", "pregnancy", "Pregnancy recorded (2026-10-26): pregnancy, for review"),
        ("previous_malignancy", "history_hematologic_malignancy", "History of a blood cancer recorded (2026-10-26)"),
    ],
)
def test_a_condition_on_record_is_shown_with_its_date(name: str, concept: str, say: str) -> None:
    made = condition(concept)
    found = flag(name, made)
    assert (found.status, found.because) == ("present", say)
    assert found.evidence == (f"Condition/{made['id']}",)
    assert flag(name).status == "unknown"


@pytest.mark.parametrize(
    "more",
    [
        {"clinicalStatus": said("clinical", "resolved")},
        {"clinicalStatus": said("clinical", "inactive")},
        {"verificationStatus": said("ver-status", "refuted")},
        {"verificationStatus": said("ver-status", "entered-in-error")},
        {"verificationStatus": said("ver-status", "provisional")},
        {"onsetDateTime": "2026-12-24"},
        {"category": [{"text": "Family history"}]},
    ],
)
def test_what_is_over_refuted_doubted_or_of_the_family_is_not_shown(more: Json) -> None:
    assert flag("active_gvhd", condition("gvhd", **more)).status == "unknown"


def test_a_provisional_entry_is_named_as_such() -> None:
    made = condition("gvhd", verificationStatus=said("ver-status", "provisional"))
    assert "not a confirmed entry" in flag("active_gvhd", made).because


def test_hepatitis_that_is_over_still_counts_and_an_old_pregnancy_does_not() -> None:
    over = {"clinicalStatus": said("clinical", "resolved")}
    assert flag("hepatitis_b", condition("hepatitis_b", "2009-05-06", **over)).status == "present"
    assert flag("pregnancy", condition("pregnancy", "2014-05-06")).status == "unknown"


def test_another_blood_cancer_is_listed_but_not_mgus_nor_the_disease_itself() -> None:
    assert (
        flag("previous_malignancy", condition("hodgkin_lymphoma", "2009-05-06")).because
        == "Hodgkin lymphoma recorded (2009-05-06)"
    )
    assert flag("previous_malignancy", condition("mgus", "2009-05-06")).status == "unknown"
    assert flag("previous_malignancy").status == "unknown"


def test_prior_car_t_comes_with_product_and_date() -> None:
    chart = after(done("2025-03-08", "car-t", prod="axicabtagene ciloleucel"))
    assert flag("prior_car_t", chart=chart).because == "Prior CAR-T with axicabtagene ciloleucel (2025-03-08)"
    assert flag("prior_cd19_therapy", chart=chart).status == "present"


def test_a_car_t_known_only_from_history() -> None:
    found = flag("prior_car_t", condition("history_car_t", None))
    assert (found.status, found.because) == ("present", "Prior CAR-T recorded (no date recorded)")
    assert flag("prior_cd19_therapy", condition("history_car_t", None)).status == "unknown"


def test_an_allogeneic_transplant_and_a_recent_one() -> None:
    assert (
        flag("prior_allo_hsct", chart=after(done("2025-09-01", "allo-hsct"))).because
        == "Prior allogeneic transplant (2025-09-01): for review"
    )
    assert "recent" in flag("prior_allo_hsct", chart=after(done("2026-09-01", "allo-hsct"))).because
    assert flag("prior_allo_hsct", chart=after(done("2026-09-01", "hsct"))).status == "unknown"


@pytest.mark.parametrize(
    ("name", "drug", "inside", "outside"),
    [
        ("bendamustine", "bendamustine", "2026-02-21", "2026-02-19"),
        ("bcma_therapy", "teclistamab", "2026-05-22", "2026-05-21"),
        ("washout", "gemcitabine", "2026-11-07", "2026-11-06"),
        ("washout", "cyclophosphamide", "2026-10-31", "2026-10-30"),
        ("washout", "methotrexate", "2026-10-31", "2026-10-30"),
        ("washout", "bortezomib", "2026-10-31", "2026-10-30"),
        ("washout", "daratumumab", "2026-10-10", "2026-10-09"),
        ("washout", "alemtuzumab", "2026-10-10", "2026-10-09"),
        ("washout", "cladribine", "2026-05-22", "2026-05-21"),
        ("washout", "nivolumab", "2026-08-21", "2026-08-20"),
        ("immunosuppression", "prednisone", "2026-11-14", "2026-11-13"),
    ],
)
def test_both_sides_of_every_window(name: str, drug: str, inside: str, outside: str) -> None:
    found = flag(name, chart=after(dose(inside, drug)))
    assert found.status == "present"
    assert f"{drug.capitalize() if name != 'washout' else drug} ({inside})" in found.because
    assert flag(name, chart=after(dose(outside, drug))).status != "present"


@pytest.mark.parametrize("drug", ["epcoritamab", "glofitamab", "mosunetuzumab"])
def test_a_cd20_bispecific_is_listed_without_comment(drug: str) -> None:
    assert (
        flag("cd20_bispecific", chart=after(dose("2021-11-01", drug))).because
        == f"CD20 bispecific: {drug} (2021-11-01)"
    )


@pytest.mark.parametrize("drug", ["blinatumomab", "loncastuximab tesirine", "tafasitamab"])
def test_an_anti_cd19_drug_asks_to_check_cd19_again(drug: str) -> None:
    found = flag("prior_cd19_therapy", chart=after(dose("2024-11-01", drug)))
    assert found.because == f"Prior CD19-directed therapy: {drug} (2024-11-01); re-check CD19"


def test_the_last_dose_of_several_is_shown() -> None:
    chart = after(dose("2026-05-04", "bendamustine", n=4, q=28))
    assert flag("bendamustine", chart=chart).because == "Bendamustine (2026-07-27): tell centre before next line"


def test_an_undated_drug_leaves_the_window_open() -> None:
    found = flag("bendamustine", chart=after(taken(None, None, "bendamustine")))
    assert found.status == "unknown"
    assert "exact date" in found.because


def test_orders_given_to_nobody_are_not_shown_and_a_running_immunosuppressant_is() -> None:
    assert flag("bendamustine", chart=after(ordered("2026-11-10", "bendamustine", st="draft"))).status != "present"
    running = after({**taken("2026-08-01", None, "tacrolimus"), "st": "active"})
    assert (
        flag("immunosuppression", chart=running).because
        == "Tacrolimus since 2026-08-01, dose not read: timing before collection"
    )


def test_antithymocyte_globulin_is_read_though_it_is_no_line() -> None:
    assert (
        "antithymocyte globulin (2026-10-20)"
        in flag("washout", chart=after(dose("2026-10-20", "antithymocyte globulin"))).because
    )


def test_intrathecal_methotrexate_is_no_lymphotoxic_drug_for_the_washout() -> None:
    assert flag("washout", chart=after(dose("2026-11-10", "methotrexate", route="IT"))).status == "unknown"


def test_an_anti_infective_into_a_vein_hints_at_infection_a_tablet_does_not() -> None:
    assert flag("active_infection", chart=after(dose("2026-11-18", "acyclovir", route="IV"))).status == "present"
    assert flag("active_infection", chart=after(dose("2026-11-18", "acyclovir", route="PO"))).status == "unknown"
    assert flag("active_infection", chart=after(dose("2026-10-18", "acyclovir", route="IV"))).status == "unknown"


def test_many_drugs_are_counted_beyond_the_first() -> None:
    chart = after(
        dose("2026-11-16", "gemcitabine", "oxaliplatin", "ifosfamide", "etoposide", "vincristine", "dexamethasone")
    )
    assert flag("washout", chart=chart).because.endswith("and 2 more")


def test_an_untreated_patient_had_no_such_drug() -> None:
    chart = resources(history("LBCL", dx="2026-11-10"))
    statuses = {f.id: f.status for f in picture(chart=chart).flags}
    assert {statuses[n] for n in ("bendamustine", "bcma_therapy", "cd20_bispecific", "prior_car_t")} == {"absent"}
    assert {statuses[n] for n in ("washout", "immunosuppression", "active_infection", "platelets")} == {"unknown"}


def test_flags_without_a_code_in_the_tables_say_so() -> None:
    for name in ("movement_disorder", "live_vaccine"):
        found = flag(name)
        assert found.status == "unknown"
        assert "hold no code" in found.because


def test_r_chop_within_the_window_shows_its_cytotoxics_and_its_steroid() -> None:
    chart = after(dose("2026-11-16", *R_CHOP))
    assert flag("washout", chart=chart).status == "present"
    assert flag("immunosuppression", chart=chart).status == "present"
