"""Procedures that matter to lines: infusions, collections, local treatment, codes that name a drug (E7, E8)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cds_service.fhir.dates import ANY_DAY, Interval
from cds_service.fhir.model import Concept, ProcedureEntry, Record
from cds_service.oncology.evidence import PROCEDURE, procedure_class
from cds_service.oncology.exposures import Item
from cds_service.oncology.identity import ReasonReader
from cds_service.oncology.method import CAR_T, INVESTIGATIONAL, LineRules
from cds_service.oncology.model import SetAside
from cds_service.oncology.steps import GIVEN, NEGATED, ORDERED, PROBABLE, RETRACTED, TreatmentEvent
from cds_service.terminology.model import ProcedureMeaning

KINDS = {
    "car_t_infusion": "car_t",
    "car_t_infusion_allogeneic": "car_t",
    "hsct_autologous": "auto_hsct",
    "hsct_allogeneic": "allo_hsct",
    "hsct_syngeneic": "allo_hsct",
    "hsct_unspecified": "hsct",
    "leukapheresis": "leukapheresis",
    "leukapheresis_car_t": "car_t_leukapheresis",
    "stem_cell_collection": "stem_cell_collection",
    "radiotherapy": "radiotherapy",
    "total_body_irradiation": "tbi",
    "surgery": "surgery",
}
INFUSIONS = ("car_t", "auto_hsct", "allo_hsct", "hsct")
SURGERY_NAMES = frozenset({"splenectomy"})
_WHY = {
    ORDERED: "planned, not done (E7)",
    NEGATED: "recorded as not done (E7)",
    RETRACTED: "entered in error (E7)",
}


@dataclass(slots=True, kw_only=True)
class Procedures:
    """What the procedures of a record give."""

    events: list[TreatmentEvent] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    unnamed: list[Item] = field(default_factory=list)
    """Chemotherapy given, the drug not named."""
    set_aside: list[SetAside] = field(default_factory=list)
    unknown: list[ProcedureEntry] = field(default_factory=list)
    """Those whose code no table knows."""


def read_procedures(record: Record, rules: LineRules, reasons: ReasonReader) -> Procedures:
    """Events and drug items of every procedure whose code is understood."""
    found = Procedures()
    unknown: set[Concept] = set()
    for entry in record.procedures:
        if entry.code in unknown and not entry.used:
            found.unknown.append(entry)
            continue
        meaning = rules.concepts.procedure(entry.code)
        if meaning is None:
            if entry.code.text.strip().lower() in SURGERY_NAMES:
                _event(found, entry, "surgery", "", reasons)
            elif not _by_drug(found, entry, rules, reasons):
                found.unknown.append(entry)
                if not entry.used:
                    unknown.add(entry.code)
            continue
        kind = KINDS.get(meaning.concept)
        if kind is not None:
            product = meaning.product
            if kind == "car_t" and not product:
                product = next((d for d in _coded_drugs(entry, rules) if rules.drug_class(d) == CAR_T), "")
            _event(found, entry, kind, product, reasons)
        else:
            _drugs(found, entry, meaning, rules, reasons)
    return found


def _event(found: Procedures, entry: ProcedureEntry, kind: str, product: str, reasons: ReasonReader) -> None:
    grade = procedure_class(entry, radiotherapy=kind in ("radiotherapy", "tbi"), infusion=kind in INFUSIONS)
    if kind == "car_t" and grade == NEGATED:
        kind, grade = "car_t_not_done", GIVEN
        found.set_aside.append(SetAside(reference=entry.reference, why=_WHY[NEGATED]))
    elif grade in _WHY:
        found.set_aside.append(SetAside(reference=entry.reference, why=_WHY[grade]))
        return
    found.events.append(
        TreatmentEvent(
            reference=entry.reference,
            evidence=(entry.reference,),
            kind=kind,
            when=_day(entry, kind),
            grade=grade,
            product=product,
            plans=entry.plans,
            reasons=reasons.named(entry.reasons),
        )
    )


def _day(entry: ProcedureEntry, kind: str) -> Interval:
    """The day of an infusion is the last of its period, that of anything else the first."""
    chosen = entry.end if kind in INFUSIONS and entry.end is not None else entry.start
    return chosen or entry.start or ANY_DAY


def _coded_drugs(entry: ProcedureEntry, rules: LineRules) -> tuple[str, ...]:
    """Cancer drugs that the codes of a procedure, or of what was used in it, name: claims put a drug there (E7)."""
    found: dict[str, None] = {}
    for concept in (entry.code, *entry.used):
        identity = rules.coded_drugs.identity(concept.codings, ()) if concept.codings else None
        if identity is not None and identity.use == "systemic":
            found |= dict.fromkeys(identity.ingredients)
    return tuple(name for name in found if rules.treats(name) or rules.steroid(name))


def _by_drug(found: Procedures, entry: ProcedureEntry, rules: LineRules, reasons: ReasonReader) -> bool:
    """A procedure whose code is that of a drug; False when it names none."""
    names = _coded_drugs(entry, rules)
    if not names:
        return False
    cells = [name for name in names if rules.drug_class(name) == CAR_T]
    for product in cells:
        _event(found, entry, "car_t", product, reasons)
    if not cells:
        _items(found, entry, names, rules, reasons)
    return True


def _drugs(
    found: Procedures, entry: ProcedureEntry, meaning: ProcedureMeaning, rules: LineRules, reasons: ReasonReader
) -> None:
    """Procedure codes that name a drug or a regimen; those that name none are kept apart (E8)."""
    names: Iterable[str]
    concept, product, unnamed = meaning.concept, meaning.product, False
    if concept == "antineoplastic_administration":
        names = (product,) if product else _coded_drugs(entry, rules)
        unnamed = not names
        names = names or (INVESTIGATIONAL,)
    elif concept == "radioimmunotherapy":
        names = ("radioimmunotherapy",)
    elif concept in rules.parameters.regimen_procedures:
        wanted = rules.parameters.regimen_procedures[concept]
        names = next((k.regimen.core for k in rules.regimens if k.regimen.name == wanted), ())
    else:
        return
    _items(found, entry, names, rules, reasons, unnamed=unnamed)


def _items(
    found: Procedures,
    entry: ProcedureEntry,
    names: Iterable[str],
    rules: LineRules,
    reasons: ReasonReader,
    *,
    unnamed: bool = False,
) -> None:
    grade = procedure_class(entry)
    if grade in _WHY:
        found.set_aside.append(SetAside(reference=entry.reference, why=_WHY[grade]))
        return
    for name in names:
        item = Item(
            reference=entry.reference,
            kind=PROCEDURE,
            grade=GIVEN if grade == GIVEN else PROBABLE,
            ingredient=rules.parameters.identity.get(name, name),
            start=entry.start or ANY_DAY,
            end=entry.end or entry.start or ANY_DAY,
            period=entry.start is not None and entry.end != entry.start,
            undated=entry.start is None,
            plans=entry.plans,
            links=entry.links,
            reasons=reasons.named(entry.reasons),
            unknown_drug=unnamed,
        )
        (found.unnamed if unnamed else found.items).append(item)
