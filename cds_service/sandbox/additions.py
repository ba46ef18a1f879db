"""What a reader may add to a record without writing FHIR: a disease status, a transplant, a CAR-T infusion."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cds_service.terminology.systems import Systems
from cds_service.terminology.tables import read_tables

Json = dict[str, Any]
SNOMED, LOINC = "snomed", "loinc"
QUESTION = "disease_status"
STATUSES = {
    "relapse": "Relapse",
    "disease_progressive": "Progression",
    "complete_remission": "Complete remission",
    "partial_remission": "Partial response",
}
PROCEDURES = {
    "hsct_autologous": "Autologous transplant",
    "hsct_allogeneic": "Allogeneic transplant",
    "car_t_infusion": "CAR-T infusion",
}
EMPTY = "Empty Observation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """One thing to add: ``resource`` has neither id nor subject, and ``date`` names the element its day goes to."""

    label: str
    date: str
    resource: Json


def load_additions(rules: Path, systems: Systems) -> tuple[Addition, ...]:
    """What the code tables of a rules folder can say. Raises RuleFileError."""
    folder = rules / "terminology"
    asked = _codes(folder, "observations", LOINC, systems)
    answers = _codes(folder, "observations", SNOMED, systems)
    done = _codes(folder, "procedures", SNOMED, systems)
    found = []
    for name, label in STATUSES.items():
        if QUESTION in asked and name in answers:
            said = {"code": asked[QUESTION], "valueCodeableConcept": answers[name]}
            resource = {"resourceType": "Observation", "status": "final", **said}
            found.append(Addition(label=label, date="effectiveDateTime", resource=resource))
    for name, label in PROCEDURES.items():
        if name in done:
            resource = {"resourceType": "Procedure", "status": "completed", "code": done[name]}
            found.append(Addition(label=label, date="performedDateTime", resource=resource))
    empty = {"resourceType": "Observation", "status": "final", "code": {"text": ""}}
    return (*found, Addition(label=EMPTY, date="effectiveDateTime", resource=empty))


def _codes(folder: Path, stem: str, system: str, systems: Systems) -> dict[str, Json]:
    """Concept -> CodeableConcept of its first code in a system."""
    found: dict[str, Json] = {}
    for table in read_tables(folder, stem):
        for _, (concept, of, code, display) in table.pick("concept", "system", "code", "display"):
            if of == system:
                coding = {"system": systems.uri(system), "code": code, "display": display}
                found.setdefault(concept, {"coding": [coding], "text": display})
    return found
