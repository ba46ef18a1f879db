"""Packs and patients made for the tests of the label rules: values, no files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from cds_service.fhir.model import Coverage
from cds_service.labels.packs import Criterion, Indication, Product, Ruleset
from cds_service.oncology.model import (
    ClinicalPicture,
    Diagnosis,
    Fact,
    FamilyPicture,
    History,
    LineCount,
)
from cds_service.oncology.signals import SIGNALS

DAY = date(2026, 11, 21)
CLOCK = {"within_days": 365, "review_from_day": 335, "review_to_day": 395}
LARGE = ["dlbcl_nos", "high_grade_b_cell_lymphoma"]


def criterion(kind: str, name: str = "", **params: Any) -> Criterion:
    return Criterion(id=name or kind, kind=kind, params=params)


ADULT = criterion("age", min_years=18)
UP_TO_25 = criterion("age", max_years=25)
LBCL = criterion(
    "diagnosis",
    met=LARGE,
    review=["richter_transformation", "follicular_lymphoma_grade_3b"],
    unknown=["large_b_cell_lymphoma"],
)
FL = criterion("diagnosis", met=["follicular_lymphoma"], review=["follicular_lymphoma_grade_3b"])
MYELOMA = criterion("diagnosis", met=["multiple_myeloma"], review=["plasma_cell_leukemia"])
B_ALL = criterion("diagnosis", met=["b_all"], unknown=["all_unspecified_lineage"])
CURRENT = criterion("relapsed_or_refractory", **{"from": "course"})
CURRENT_AFTER_FIRST_LINE = criterion(
    "relapsed_or_refractory",
    **{"from": "first_line", "first_line_within_days": 365, "review_from_day": 335, "review_to_day": 395},
)
TWO_LINES = criterion("prior_lines", min=2)
EARLY_FAILURE = criterion("first_line_failure", **CLOCK)
ANY_FAILURE = criterion("first_line_failure")
NO_CNS = criterion(
    "absent_diagnosis", "not_primary_cns", of=["primary_cns_lymphoma"], unknown_for=["cns_lymphoma_unspecified"]
)
CNS_TO_A_CLINICIAN = criterion(
    "absent_diagnosis",
    "not_primary_cns",
    review_for=["primary_cns_lymphoma"],
    unknown_for=["cns_lymphoma_unspecified"],
)
UNFIT = criterion("transplant_ineligible")
LENALIDOMIDE = criterion("refractory_to_lenalidomide")
LAST_THERAPY = criterion("progressed_on_last_therapy", within_days=60)
SECOND_RELAPSE_US = criterion(
    "refractory_or_second_relapse", min_relapses=2, first_relapse_after_allo="review", one_failed_course="review"
)
SECOND_RELAPSE_EU = criterion(
    "refractory_or_second_relapse", min_relapses=2, first_relapse_after_allo="met", one_failed_course="review"
)


def exposed(drug_class: str) -> Criterion:
    return criterion("exposed", f"exposed_{drug_class}", signal=f"exposed_{drug_class}")


PRODUCT = Product(
    name="examplecabtagene",
    brand="Example",
    short_name="ex-cel",
    concept="examplecabtagene",
    jurisdiction="us",
    holder="Nobody",
    target="CD19",
    first_approved=date(2020, 1, 1),
    label_revision="2026-02",
    label_change="none",
    read_on=date(2026, 11, 1),
    review_by=date(2027, 2, 28),
    expires=date(2027, 11, 30),
    reviewer="nobody",
    page="https://example.org",
)


def indication(
    name: str,
    family: str,
    *criteria: Criterion,
    since: date = date(2020, 1, 1),
    until: date | None = None,
    product: Product = PRODUCT,
) -> Indication:
    return Indication(
        id=name,
        product=product,
        family=family,
        title=name,
        text=name,
        section="1.1",
        effective_from=since,
        until=until,
        approval="regular",
        trial="",
        evidence="",
        sources=("S1",),
        criteria=criteria,
    )


def ruleset(*indications: Indication) -> Ruleset:
    ordered = tuple(sorted(indications, key=lambda one: (one.id, one.effective_from)))
    return Ruleset(jurisdiction="us", version="test", products=(PRODUCT,), indications=ordered)


SECOND_LINE = indication("us/example/lbcl-2l", "lbcl", ADULT, LBCL, CURRENT_AFTER_FIRST_LINE, EARLY_FAILURE, NO_CNS)
UNFIT_LINE = indication("us/example/lbcl-2l-unfit", "lbcl", ADULT, LBCL, ANY_FAILURE, UNFIT, NO_CNS)
THIRD_LINE = indication("us/example/lbcl-3l", "lbcl", ADULT, LBCL, CURRENT, TWO_LINES)
FL_LINE = indication("us/example/fl-3l", "fl", ADULT, FL, CURRENT, TWO_LINES)
MM_LINE = indication(
    "us/example/mm",
    "multiple_myeloma",
    ADULT,
    MYELOMA,
    CURRENT,
    exposed("imid"),
    exposed("pi"),
    LENALIDOMIDE,
    LAST_THERAPY,
)
ALL_LINE = indication("us/example/all", "b_all", UP_TO_25, B_ALL, CURRENT, SECOND_RELAPSE_US)
EVERYTHING = ruleset(SECOND_LINE, UNFIT_LINE, THIRD_LINE, FL_LINE, MM_LINE, ALL_LINE)


def signals(**changed: Any) -> dict[str, Any]:
    """Every signal of a man of 64 with one line, relapsed 230 days after it; ``changed`` on top."""
    usual = {
        "age_known": True,
        "age_min": 64,
        "age_max": 64,
        "lines_min": 1,
        "lines_max": 1,
        "rr": "met",
        "rr_grade": "recorded",
        "first_line": "relapse",
        "first_line_days_min": 230,
        "first_line_days_max": 230,
    }
    return {name: kind.default for name, kind in SIGNALS.items()} | usual | changed


def diagnosis(concept: str = "dlbcl_nos", family: str | None = "lbcl", **changed: Any) -> Diagnosis:
    usual: dict[str, Any] = {
        "label": concept.replace("_", " "),
        "role": "indication",
        "state": "active",
        "certainty": "confirmed",
        "evidence": (f"Condition/{concept}",),
    }
    return Diagnosis(concept=concept, family=family, **{**usual, **changed})


def course(family: str = "lbcl", statements: Mapping[str, Fact] | None = None, **changed: Any) -> FamilyPicture:
    told = {
        "lines": Fact(
            status="met",
            because="1 systemic line of therapy (R-CHOP from 2025-10-13)",
            grade="inferred",
            evidence=("MedicationAdministration/m1",),
        ),
        "rr": Fact(
            status="met",
            because="relapse (2026-09-14) and no complete remission since",
            grade="recorded",
            evidence=("Observation/o9",),
        ),
        "first_line": Fact(
            status="met",
            because="relapse (2026-09-14), 230 days after the end of the first line",
            grade="inferred",
            evidence=("Observation/o9", "MedicationAdministration/m6"),
        ),
        "transplant_ineligible": Fact(
            status="unknown",
            because="no transplant was ruled out on record; a Procedure not done, with its reason, would settle it",
        ),
    }
    return FamilyPicture(
        family=family,
        diagnoses=(),
        history=History(count=LineCount(n=1, min=1, max=1), lines=()),
        facts={},
        signals=signals(**changed),
        statements={**told, **(statements or {})},
    )


def picture(
    *diagnoses: Diagnosis,
    families: Mapping[str, FamilyPicture] | None = None,
    hypothetical: Mapping[str, FamilyPicture] | None = None,
    age: tuple[int, int] | None = (64, 64),
    incomplete: frozenset[str] = frozenset(),
    as_of: str = "2026-11-21",
    **changed: Any,
) -> ClinicalPicture:
    known = families or {}
    usual: dict[str, Any] = {
        "patient_reference": "Patient/p1",
        "age_because": "" if age else "no usable birth date",
        "deceased": False,
        "gender": "male",
        "flags": (),
        "issues": (),
    }
    return ClinicalPicture(
        as_of=as_of,
        age=age,
        haematological=bool(diagnoses),
        lead=next(iter(known), None),
        diagnoses=diagnoses,
        families=known,
        hypothetical=hypothetical or {},
        coverage=Coverage(incomplete=incomplete),
        **{**usual, **changed},
    )
