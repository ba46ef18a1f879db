"""Charts for tests of the line method: short events become FHIR R4 resources, the service's own rooms read them.

Event keys: r MA | MR | MS | MD | PR | OB | CP | CO; d date (partial allowed, absent = none); to end; n, q repeats;
days supply; rx drug names as text; route IV | SC | PO | IT; st status; proc, prod; ds disease status; prior_lines;
why; for (reason); plan; intent; asserted; reported; trial; link (basedOn or request); id; clin (of a CO).
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cds_service.fhir import read_record
from cds_service.fhir.decode import decode_record
from cds_service.fhir.model import Record
from cds_service.oncology.diagnosis import find_diagnoses
from cds_service.oncology.knowledge import Knowledge, load_knowledge
from cds_service.oncology.lines import derive_lines, read_status, read_treatment
from cds_service.oncology.steps import Derivation

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "rules"
AS_OF = date(2026, 11, 21)
CONCEPTS = {
    "LBCL": ("dlbcl_nos", "lbcl"),
    "FL": ("follicular_lymphoma", "fl"),
    "MZL": ("marginal_zone_lymphoma", "mzl"),
    "MCL": ("mantle_cell_lymphoma", "mcl"),
    "CLL": ("cll_sll", "cll_sll"),
    "B-ALL": ("b_all", "b_all"),
    "MM": ("multiple_myeloma", "multiple_myeloma"),
}
TYPES = {
    "MA": "MedicationAdministration",
    "MR": "MedicationRequest",
    "MS": "MedicationStatement",
    "MD": "MedicationDispense",
}
STATUS = {
    "CR": "complete_remission",
    "PR": "partial_remission",
    "MR": "minimal_response",
    "SD": "disease_stable",
    "PD": "disease_progressive",
    "REL": "relapse",
    "IF": "no_response_to_treatment",
}
PROCEDURES = {
    "auto-hsct": "hsct_autologous",
    "allo-hsct": "hsct_allogeneic",
    "hsct": "hsct_unspecified",
    "car-t": "car_t_infusion",
    "leukapheresis": "leukapheresis_car_t",
    "stem-cell-collection": "stem_cell_collection",
    "rt": "radiotherapy",
    "tbi": "total_body_irradiation",
    "chemotherapy": "antineoplastic_administration",
}
WHY = {"not-tolerated": "407563006", "no-response": "266721009", "refused": "105480006"}
ROUTES = {"IV": "intravenous", "SC": "subcutaneous", "PO": "oral", "IT": "intrathecal"}
SNOMED = "http://snomed.info/sct"


@cache
def knowledge() -> Knowledge:
    """The shipped rules."""
    return load_knowledge(RULES)


@cache
def coded(table: str, concept: str, product: str = "") -> dict[str, Any]:
    """A CodeableConcept for a concept, from the shipped tables."""
    systems = {r["key"]: r["uri"] for r in _rows("systems.csv")}
    for path in sorted((RULES / "terminology").glob(f"{table}*.csv"), reverse=True):
        for row in _rows(path.name):
            plain = not row.get("disease_status") and row.get("match", "exact") == "exact"
            if row["concept"] == concept and plain and row.get("product", "") == product:
                return {"coding": [{"system": systems[row["system"]], "code": row["code"]}]}
    raise KeyError((table, concept, product))


def _rows(name: str) -> list[dict[str, str]]:
    with (RULES / "terminology" / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@dataclass(frozen=True)
class Answer:
    """Derivation of a chart in the words of the case files."""

    derivation: Derivation

    @property
    def count(self) -> tuple[int, int, int]:
        count = self.derivation.count
        return (count.n, count.min, count.max)

    @property
    def lines(self) -> list[tuple[str, str | None, str | None]]:
        return [
            (line.regimen, line.start.text or None, (line.end.text or None) if line.end else None)
            for line in self.derivation.lines
        ]

    @property
    def rules(self) -> set[str]:
        """Rule ids that any line names."""
        found = {line.opened_by for line in self.derivation.lines}
        found |= {part.rule for line in self.derivation.lines for part in line.parts}
        return found | {b.rule for b in self.derivation.boundaries}

    def why(self, number: int) -> str:
        return self.derivation.lines[number - 1].because


def resources(case: dict[str, Any]) -> list[dict[str, Any]]:
    """The chart of a case as FHIR R4 resources."""
    return _Chart(case).resources()


def derive(case: dict[str, Any], chart: list[dict[str, Any]] | None = None) -> Answer:
    """The lines of a case; ``chart`` replaces its own resources."""
    record = record_of(chart if chart is not None else resources(case))
    as_of = date.fromisoformat(case["as_of"]) if "as_of" in case else AS_OF
    family = CONCEPTS[case["dz"]][1]
    known = knowledge()
    diagnoses, _ = find_diagnoses(record, known, as_of)
    treatment = read_treatment(record, known, as_of)
    status = read_status(record, known, diagnoses, family, as_of)
    return Answer(derive_lines(treatment, status, family, diagnoses, record, known, as_of))


def record_of(chart: list[dict[str, Any]]) -> Record:
    """The record of a list of resources."""
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in chart]}
    return read_record(decode_record(json.dumps(bundle).encode()).resources)


def history(dz: str, *events: dict[str, Any], dx: str = "2020-01-06", **more: Any) -> dict[str, Any]:
    """A case from events."""
    return {"dz": dz, "dx": dx, "events": list(events), **more}


def dose(day: str, *drugs: str, n: int = 1, q: int = 21, **more: Any) -> dict[str, Any]:
    """Administrations."""
    return {"r": "MA", "d": day, "n": n, "q": q, "rx": list(drugs), **more}


def taken(day: str | None, to: str | None, *drugs: str, **more: Any) -> dict[str, Any]:
    """A statement over a period."""
    return {"r": "MS", "rx": list(drugs), **({"d": day} if day else {}), **({"to": to} if to else {}), **more}


def supplied(day: str, *drugs: str, n: int = 1, days: int = 28, **more: Any) -> dict[str, Any]:
    """Dispenses, one after the other."""
    return {"r": "MD", "d": day, "n": n, "q": days, "days": days, "rx": list(drugs), **more}


def ordered(day: str, *drugs: str, **more: Any) -> dict[str, Any]:
    """Orders."""
    return {"r": "MR", "d": day, "rx": list(drugs), **more}


def status(day: str, kind: str, **more: Any) -> dict[str, Any]:
    """A disease status."""
    return {"r": "OB", "d": day, "ds": kind, **more}


def done(day: str, what: str, **more: Any) -> dict[str, Any]:
    """A procedure."""
    return {"r": "PR", "d": day, "proc": what, **more}


class _Chart:
    def __init__(self, case: dict[str, Any]) -> None:
        self.case = case
        self.made: list[dict[str, Any]] = []

    def resources(self) -> list[dict[str, Any]]:
        self.made.append({"resourceType": "Patient", "id": "p", "birthDate": self.case.get("birth", "1958-05-14")})
        if "tx" in self.case:
            self._condition("index", "dlbcl_nos", self.case["tx"])
            self._condition("origin", self.case.get("from", "follicular_lymphoma"), self.case.get("dx"))
        else:
            self._condition("index", CONCEPTS[self.case["dz"]][0], self.case.get("dx"))
        for extra in self.case.get("extra", ()):
            self.made.append({"subject": {"reference": "Patient/p"}, **extra})
        for event in self.case["events"]:
            for moment in _moments(event):
                self._event(event, moment)
        return self.made

    def _add(self, kind: str, **content: Any) -> dict[str, Any]:
        given = {k: v for k, v in content.items() if v is not None}
        resource = {"resourceType": kind, "id": f"r{len(self.made):04d}", "subject": {"reference": "Patient/p"}} | given
        self.made.append(resource)
        return resource

    def _condition(self, key: str, concept: str, onset: str | None) -> None:
        verified = {"coding": [{"code": "confirmed"}]}
        self._add(
            "Condition", id=key, code=coded("diagnoses", concept), onsetDateTime=onset, verificationStatus=verified
        )

    def _event(self, event: dict[str, Any], moment: str | None) -> None:
        kind = event["r"]
        if kind == "OB":
            self._status(event, moment)
        elif kind == "PR":
            self._procedure(event, moment)
        elif kind == "CP":
            self._add("CarePlan", id=event["plan"], status=event.get("st", "active"), intent="plan")
        elif kind == "CO":
            when = {"clinicalStatus": {"coding": [{"code": event["clin"]}]}, "recordedDate": moment}
            self.made[1].update(when)
        else:
            for drug in event["rx"]:
                self._drug(event, moment, drug)

    def _status(self, event: dict[str, Any], moment: str | None) -> None:
        focus = [{"reference": f"Condition/{event.get('focus', 'index')}"}]
        common = {"status": event.get("st", "final"), "effectiveDateTime": moment, "focus": focus}
        if "prior_lines" in event:
            code = {"coding": [{"system": "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl", "code": "C133518"}]}
            self._add("Observation", code=code, valueInteger=event["prior_lines"], **common)
        elif event["ds"] in STATUS:
            code = {"coding": [{"system": "http://loinc.org", "code": "97509-4"}]}
            self._add(
                "Observation", code=code, valueCodeableConcept=coded("observations", STATUS[event["ds"]]), **common
            )

    def _procedure(self, event: dict[str, Any], moment: str | None) -> None:
        name = event["proc"]
        code = {"text": name}
        if name in PROCEDURES:
            code = coded("procedures", PROCEDURES[name], event.get("prod", "").replace(" ", "_"))
        performed = (
            {"performedPeriod": {"start": moment, "end": event["to"]}}
            if "to" in event
            else {"performedDateTime": moment}
        )
        self._add(
            "Procedure",
            status=event.get("st", "completed"),
            code=code,
            basedOn=_plan(event),
            reasonCode=_reason(event),
            **performed,
        )

    def _drug(self, event: dict[str, Any], moment: str | None, drug: str) -> None:
        kind = TYPES[event["r"]]
        more: dict[str, Any] = {"id": event["id"]} if "id" in event else {}
        more["status"] = event.get("st", "active" if event["r"] == "MR" else "completed")
        more["reasonCode"] = _reason(event)
        if event.get("trial"):
            more["reasonReference"] = [{"reference": "Condition/index"}]
        why = {"coding": [{"system": SNOMED, "code": WHY[event["why"]]}]} if "why" in event else None
        route = {"text": ROUTES[event["route"]]} if "route" in event else None
        dosage: dict[str, Any] = {"route": route} if route else {}
        if event["r"] == "MA":
            more |= {"statusReason": [why] if why else None, "dosage": dosage or None} | _effective(event, moment)
            more["request"] = {"reference": event["link"]} if "link" in event else None
        elif event["r"] == "MS":
            open_ended = more["status"] == "active"
            more |= {
                "statusReason": [why] if why else None,
                "dosage": [dosage] if dosage else None,
                "dateAsserted": event.get("asserted"),
            }
            more |= _effective(event, moment, open_ended=open_ended)
            more["basedOn"] = [{"reference": event["link"]}] if "link" in event else _plan(event)
        elif event["r"] == "MD":
            more |= {"whenHandedOver": moment, "statusReasonCodeableConcept": why}
            more |= {"daysSupply": {"value": event["days"], "unit": "days"} if "days" in event else None}
            more["dosageInstruction"] = [dosage] if dosage else None
            more["authorizingPrescription"] = [{"reference": event["link"]}] if "link" in event else None
        else:
            if "to" in event:
                dosage = dosage | {"timing": {"repeat": {"boundsPeriod": {"start": moment, "end": event["to"]}}}}
            more |= {
                "intent": event.get("intent", "order"),
                "authoredOn": moment,
                "dosageInstruction": [dosage] if dosage else None,
            }
            more |= {
                "reportedBoolean": event.get("reported"),
                "doNotPerform": event.get("doNotPerform"),
                "basedOn": _plan(event),
            }
        self._add(kind, medicationCodeableConcept={"text": drug}, **more)


def _plan(event: dict[str, Any]) -> list[dict[str, Any]] | None:
    return [{"reference": f"CarePlan/{event['plan']}"}] if "plan" in event else None


def _reason(event: dict[str, Any]) -> list[dict[str, Any]] | None:
    if "for" not in event:
        return None
    if event["for"] == "breast cancer":
        return [{"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "C50.919"}]}]
    return [coded("diagnoses", event["for"])]


def _effective(event: dict[str, Any], moment: str | None, *, open_ended: bool = False) -> dict[str, Any]:
    if moment is None:
        return {}
    if "to" in event:
        return {"effectivePeriod": {"start": moment, "end": str(event["to"])}}
    return {"effectivePeriod": {"start": moment}} if open_ended else {"effectiveDateTime": moment}


def _moments(event: dict[str, Any]) -> list[str | None]:
    start = event.get("d")
    if start is None:
        return [None]
    start = str(start)
    if len(start) < 10:
        return [start] * event.get("n", 1)
    first = date.fromisoformat(start)
    return [(first + timedelta(days=k * event.get("q", 1))).isoformat() for k in range(event.get("n", 1))]
