"""Assessments built from values: what the engine would give for patients a haematologist can picture."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from cds_service.cards import CardOptions, HookView
from cds_service.cards.wording import Wording, load_wording
from cds_service.fhir.dates import parse_date
from cds_service.fhir.model import Coverage
from cds_service.labels.model import Assessment, CriterionResult, IndicationResult
from cds_service.labels.packs import Indication, Product
from cds_service.oncology.model import (
    FACT_NAMES,
    FLAG_IDS,
    ClinicalPicture,
    Diagnosis,
    Fact,
    FamilyPicture,
    Flag,
    History,
    Line,
    LineCount,
)

RULES = Path(__file__).resolve().parents[2] / "rules"
WORDING: Wording = load_wording(RULES)
INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
VIEW = HookView(hook="patient-view", hook_instance=INSTANCE, service_id="cart-referral-patient-view", patient_id="p1")
SELECT = HookView(
    hook="order-select",
    hook_instance=INSTANCE,
    service_id="cart-referral-order-select",
    patient_id="p1",
    systemic_order=True,
)
OPTIONS = CardOptions(base_url="https://cds.example.org", extension=False)


def product(short: str, brand: str, *, jurisdiction: str = "us", boxed: tuple[str, ...] = (), risks=()) -> Product:
    return Product(
        name=f"{short} full name",
        brand=brand,
        short_name=short,
        concept=short.replace("-", "_"),
        jurisdiction=jurisdiction,
        holder="Holder",
        target="CD19",
        first_approved=date(2018, 1, 1),
        label_revision="2026-02",
        label_change="a change",
        read_on=date(2026, 11, 21),
        review_by=date(2027, 2, 28),
        expires=date(2027, 11, 30),
        reviewer="a reviewer",
        page=f"https://labels.example.org/{brand.lower()}",
        boxed=boxed or (() if risks else ("crs", "neurotoxicity", "secondary_malignancy", "infection_inflammation")),
        risks=tuple(risks),
    )


AXI = product("axi-cel", "Yescarta")
LISO = product("liso-cel", "Breyanzi")
TISA = product("tisa-cel", "Kymriah", boxed=("crs", "neurotoxicity", "t_cell_malignancy", "infection_inflammation"))
BREXU = product("brexu-cel", "Tecartus")
CILTA = product(
    "cilta-cel",
    "Carvykti",
    boxed=(
        "crs",
        "neurotoxicity",
        "icans",
        "parkinsonism",
        "guillain_barre",
        "hlh_mas",
        "prolonged_recurrent_cytopenia",
        "secondary_malignancy",
        "mds_aml",
        "enterocolitis",
        "infection_inflammation",
    ),
)
IDE = product(
    "ide-cel",
    "Abecma",
    boxed=("crs", "neurotoxicity", "hlh_mas", "prolonged_cytopenia", "secondary_malignancy", "infection_inflammation"),
)


def indication(product_: Product, tail: str, family: str, title: str, approval: str = "regular") -> Indication:
    return Indication(
        id=f"{product_.jurisdiction}/{product_.brand.lower()}/{tail}",
        product=product_,
        family=family,
        title=title,
        text=title,
        section="1.1",
        effective_from=date(2022, 1, 1),
        until=None,
        approval=approval,
        trial="",
        evidence="",
        sources=(),
        criteria=(),
    )


def criterion(name: str, status: str = "met", because: str = "", grade: str | None = None, *evidence: str):
    if status == "met" and grade is None:
        grade = "recorded"
    return CriterionResult(id=name, status=status, because=because or f"{name} because", grade=grade, evidence=evidence)


def result(which: Indication, *criteria: CriterionResult, concept: str = "dlbcl_nos", **more) -> IndicationResult:
    statuses = [one.status for one in criteria]
    status = next((s for s in ("not_met", "unknown", "review") if s in statuses), "met")
    return IndicationResult(
        indication=which,
        family=more.pop("family", which.family),
        status=more.pop("status", status),
        criteria=criteria,
        diagnosis_concept=concept,
        **more,
    )


AGE = criterion("age", "met", "67 years; label: 18 or older", None, "Patient/p1")
DIAGNOSED = criterion("diagnosis", "met", "DLBCL; named by the label", None, "Condition/c1")
RELAPSED = criterion(
    "relapsed_or_refractory",
    "met",
    "relapse recorded 2026-11-03; label: relapsed or refractory",
    None,
    "Observation/o9",
)
TWO_LINES = criterion(
    "prior_lines", "met", "2 systemic lines; label: 2 or more", "inferred", "MedicationAdministration/m1"
)
FAILED = criterion(
    "first_line_failure",
    "met",
    "relapse 2026-09-14, 238 days after first line; label: within 365",
    None,
    "Observation/o9",
)
NO_TRANSPLANT = criterion(
    "transplant_ineligible",
    "unknown",
    "no reason against transplant found; a procedure not done for medical contraindication would settle it; "
    "label: not eligible for a transplant because of comorbidity or age",
)

R_CHOP = Line(
    number=1,
    family="lbcl",
    regimen="R-CHOP",
    agents=("rituximab", "cyclophosphamide", "doxorubicin", "vincristine", "prednisone"),
    start="2026-01-13",
    end="2026-05-02",
    evidence=("MedicationAdministration/m1",),
    classes=("anti_cd20", "alkylator", "anthracycline", "vinca", "steroid"),
)
GEMOX = replace(
    R_CHOP,
    number=2,
    regimen="R-GemOx",
    agents=("rituximab", "gemcitabine", "oxaliplatin"),
    start="2026-08-01",
    end="2026-10-10",
    evidence=("MedicationAdministration/m9",),
    classes=("anti_cd20", "antimetabolite", "platinum"),
)
DLBCL = Diagnosis(
    concept="dlbcl_nos",
    label="Diffuse large B-cell lymphoma, NOS (or subtype not coded)",
    family="lbcl",
    role="indication",
    state="active",
    certainty="confirmed",
    onset=parse_date("2026-01-03"),
    evidence=("Condition/c1",),
)


def course(family: str = "lbcl", lines=(R_CHOP, GEMOX), diagnoses=(DLBCL,), signals=None, **more) -> FamilyPicture:
    facts = {name: Fact(status="unknown", because="") for name in FACT_NAMES}
    facts.update(more.pop("facts", {}))
    return FamilyPicture(
        family=family,
        diagnoses=tuple(diagnoses),
        history=History(count=LineCount(n=len(lines), min=len(lines), max=len(lines)), lines=tuple(lines)),
        facts=facts,
        signals=signals or {},
        statements={},
        newest=more.pop("newest", "2026-11-03"),
        **more,
    )


def flags(**present: str) -> tuple[Flag, ...]:
    return tuple(
        Flag(id=one, status="present" if one in present else "unknown", because=present.get(one, "not found"))
        for one in FLAG_IDS
    )


def picture(*courses: FamilyPicture, **more) -> ClinicalPicture:
    families = {one.family: one for one in courses}
    values = {
        "as_of": "2026-11-21",
        "patient_reference": "Patient/p1",
        "age": (67, 67),
        "age_because": "",
        "deceased": False,
        "gender": "female",
        "haematological": True,
        "lead": next(iter(families), None),
        "diagnoses": tuple(d for one in courses for d in one.diagnoses),
        "families": families,
        "hypothetical": {},
        "flags": flags(),
        "issues": (),
        "coverage": Coverage(
            resources={"Condition": 4, "MedicationAdministration": 39}, earliest="2026-01-03", latest="2026-11-10"
        ),
        "medication_count": 39,
    }
    values.update(more)
    return ClinicalPicture(**values)


def assessment(picture_: ClinicalPicture, *results: IndicationResult, jurisdiction: str = "us") -> Assessment:
    return Assessment(
        service_version="0.1.0",
        jurisdiction=jurisdiction,
        ruleset_version="2026.11.1",
        picture=picture_,
        indications=tuple(sorted(results, key=lambda one: one.indication.id)),
    )


LBCL_3L = "Large B-cell lymphoma after two or more lines of systemic therapy"
LBCL_2L = "Large B-cell lymphoma, refractory to first-line chemoimmunotherapy or relapsed within 12 months of it"


def third_line(*, diagnosis=DIAGNOSED, relapsed=RELAPSED, lines=TWO_LINES, **picture_values) -> Assessment:
    """DLBCL relapsed after two lines: three products match, one second-line rule stays open."""
    third = (AGE, diagnosis, relapsed, lines)
    return assessment(
        picture(picture_values.pop("course", course()), **picture_values),
        result(indication(AXI, "lbcl-3l", "lbcl", LBCL_3L), *third),
        result(indication(LISO, "lbcl-3l", "lbcl", LBCL_3L), *third),
        result(
            indication(LISO, "lbcl-2l-transplant-ineligible", "lbcl", "Large B-cell lymphoma after first line"),
            *third[:3],
            NO_TRANSPLANT,
        ),
        result(indication(TISA, "lbcl-3l", "lbcl", LBCL_3L), *third),
        result(
            indication(BREXU, "mcl-rr", "mcl", "Relapsed or refractory mantle cell lymphoma", "accelerated"),
            AGE,
            criterion("diagnosis", "not_met", "no diagnosis of mantle cell lymphoma on record"),
            concept=None,
        ),
    )


VRD = Line(
    number=1,
    family="multiple_myeloma",
    regimen="VRd",
    agents=("bortezomib", "lenalidomide", "dexamethasone"),
    start="2023-07-01",
    end="2026-09-20",
    includes=("auto_hsct", "maintenance"),
    evidence=("MedicationStatement/s1",),
    classes=("proteasome_inhibitor", "imid", "steroid"),
)
MYELOMA = Diagnosis(
    concept="multiple_myeloma",
    label="Multiple myeloma",
    family="multiple_myeloma",
    role="indication",
    state="active",
    certainty="confirmed",
    onset=parse_date("2023-06-20"),
    evidence=("Condition/c1",),
)


def myeloma(lines=(VRD,), **picture_values) -> Assessment:
    """One prior line, refractory to lenalidomide: cilta-cel matches, ide-cel does not."""
    shared = (
        AGE,
        replace(DIAGNOSED, because="Multiple myeloma; named by the label"),
        criterion("relapsed_or_refractory", "met", "progression recorded 2026-10-03", None, "Observation/o9"),
        criterion(
            "exposed_pi", "met", "bortezomib 2023-07-01; label: a proteasome inhibitor", None, "MedicationStatement/s1"
        ),
        criterion("exposed_imid", "met", "lenalidomide 2023-07-01; label: an IMiD", None, "MedicationStatement/s2"),
    )
    return assessment(
        picture(course("multiple_myeloma", lines, (MYELOMA,)), **picture_values),
        result(
            indication(CILTA, "mm-2l-len-refractory", "multiple_myeloma", "Myeloma after one line"),
            *shared,
            criterion("prior_lines", "met", "1 systemic line; label: 1 or more", "inferred", "MedicationStatement/s1"),
            criterion(
                "refractory_to_lenalidomide",
                "met",
                "progression 2026-10-03 on lenalidomide",
                "inferred",
                "Observation/o9",
            ),
            concept="multiple_myeloma",
        ),
        result(
            indication(IDE, "mm-3l", "multiple_myeloma", "Myeloma after two lines"),
            *shared,
            criterion(
                "prior_lines", "not_met", "1 systemic line; label: 2 or more", "inferred", "MedicationStatement/s1"
            ),
            criterion("exposed_cd38", "unknown", "none found in 14 medications; a drug with dates would settle it"),
            concept="multiple_myeloma",
        ),
    )


def mantle(*, jurisdiction: str = "eu", btki: CriterionResult | None = None, **picture_values) -> Assessment:
    """Mantle cell lymphoma whose BTK-inhibitor history is missing."""
    missing = btki or criterion(
        "exposed_btki",
        "unknown",
        "no BTK inhibitor found in 22 medication records, 2022-04 to 2026-11; any BTK inhibitor with dates would "
        "settle it; label: a BTK inhibitor in any line",
    )
    mcl = replace(DLBCL, concept="mantle_cell_lymphoma", label="Mantle cell lymphoma", family="mcl")
    risks = ("crs", "icans", "serious_infection", "secondary_t_cell_malignancy")
    made = [
        product("brexu-cel", "Tecartus", jurisdiction=jurisdiction, risks=risks if jurisdiction == "eu" else ()),
        product("liso-cel", "Breyanzi", jurisdiction=jurisdiction, risks=risks if jurisdiction == "eu" else ()),
    ]
    return assessment(
        picture(course("mcl", (R_CHOP, GEMOX), (mcl,)), **picture_values),
        result(
            indication(made[0], "mcl", "mcl", "Mantle cell lymphoma", "conditional"),
            *(AGE, DIAGNOSED, RELAPSED, TWO_LINES, missing),
            concept="mantle_cell_lymphoma",
        ),
        result(
            indication(made[1], "mcl", "mcl", "Mantle cell lymphoma"),
            *(AGE, DIAGNOSED, RELAPSED, TWO_LINES, missing),
            concept="mantle_cell_lymphoma",
        ),
        jurisdiction=jurisdiction,
    )
