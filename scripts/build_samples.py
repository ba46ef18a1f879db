"""Write the sample Bundles of fhir_samples/ from fhir_samples/patients.yaml.

Usage: build_samples.py [FOLDER]   (FOLDER: where patients.yaml stands; default fhir_samples)

Codes come from rules/terminology by concept; a concept without a code stops the build. Running it twice gives the same
bytes. Everything written is tagged as test data.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from cds_service.rule_files import read_yaml

ROOT = Path(__file__).resolve().parent.parent
TABLES = ROOT / "rules" / "terminology"
SYSTEMS = {
    "snomed": "http://snomed.info/sct",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "icd-10-cm": "http://hl7.org/fhir/sid/icd-10-cm",
    "hcpcs": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
}
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
ORDER_SYSTEM, ORDER_CODE = "urn:cart-cds:order", "car-t-referral-review"
TEST_TAG = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "code": "HTEST",
    "display": "test health data",
}
STATUS_CODES = {
    "CR": "103338009",
    "PR": "103337004",
    "SD": "359746009",
    "PD": "271299001",
    "REL": "263855007",
    "IF": "266721009",
}
# Seen in the public Synthea and US Core examples.
OTHER = {
    "hypertension": ("http://snomed.info/sct", "38341003", "Hypertension"),
    "sinusitis": ("http://snomed.info/sct", "40055000", "Chronic sinusitis (disorder)"),
}
# Value set of the status reasons in decision 1.
REASONS = {"contraindicated": ("http://snomed.info/sct", "397745006", "Medical contraindication")}
Resource = dict[str, Any]


def rows(*names: str) -> Iterator[dict[str, str]]:
    """Rows of terminology tables that are present."""
    for name in names:
        path = TABLES / f"{name}.csv"
        if path.is_file():
            with path.open(encoding="utf-8", newline="") as handle:
                yield from csv.DictReader(handle)


class Codes:
    """Codes by concept, first row of the preferred system."""

    def __init__(self) -> None:
        self.diagnoses = list(rows("diagnoses", "diagnoses_snomed"))
        self.drugs = list(rows("drug_codes"))
        self.labels = {r["concept"]: r["label"] for r in rows("drugs")}
        self.procedures = list(rows("procedures", "procedures_snomed"))
        self.statuses = {r["code"]: r["display"] for r in rows("observations_snomed", "observations")}

    def diagnosis(self, concept: str) -> Resource:
        """CodeableConcept of a disease concept that says nothing about remission or relapse."""
        found = [
            r
            for system in ("snomed", "icd-10-cm")
            for r in self.diagnoses
            if (r["concept"], r["system"], r["match"]) == (concept, system, "exact")
            and r["disease_status"] in ("", "not_in_remission")
        ]
        # A problem list holds disorders; the morphology of the same name is for pathology.
        return _concept(sorted(found, key=lambda r: "morphologic" in r["display"]), concept)

    def drug(self, concept: str) -> Resource:
        """CodeableConcept of an ingredient."""
        found = [r for r in self.drugs if (r["concept"], r["system"], r["tty"]) == (concept, "rxnorm", "IN")]
        found += [r for r in self.drugs if r["concept"] == concept and r["system"] in SYSTEMS]
        made = _concept(found, concept)
        made["text"] = self.labels[concept]
        return made

    def procedure(self, concept: str, product: str = "") -> Resource:
        """CodeableConcept of a procedure; of the product where one is named."""
        same = [r for r in self.procedures if r["concept"] == concept and r["system"] in SYSTEMS]
        exact = [r for r in same if r["product"] == product and r["match"] == "exact"]
        return _concept(exact, f"{concept} {product}")

    def status(self, name: str) -> Resource:
        """CodeableConcept of a disease status value."""
        code = STATUS_CODES[name]
        display = self.statuses[code]
        return {"coding": [{"system": SYSTEMS["snomed"], "code": code, "display": display}], "text": display}


def _concept(found: list[dict[str, str]], what: str) -> Resource:
    if not found:
        sys.exit(f"build_samples: no code for {what} in rules/terminology")
    row = found[0]
    coding = {"system": SYSTEMS[row["system"]], "code": row["code"], "display": row["display"]}
    return {"coding": [coding], "text": row["display"]}


def _coding(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


class Sample:
    """The Bundle of one patient."""

    def __init__(self, patient: dict[str, Any], codes: Codes) -> None:
        self.told = patient
        self.codes = codes
        self.subject = {"reference": f"Patient/{patient['id']}"}
        self.resources: list[Resource] = []
        self.numbers: dict[str, int] = {}

    def add(self, kind: str, **elements: Any) -> None:
        """One more resource about the patient."""
        self.numbers[kind] = number = self.numbers.get(kind, 0) + 1
        short = "".join(c for c in kind if c.isupper()).lower()
        who = {} if kind == "Patient" else {"patient" if kind == "FamilyMemberHistory" else "subject": self.subject}
        name = self.told["id"] if kind == "Patient" else f"{short}{number}"
        self.resources.append({"resourceType": kind, "id": name, "meta": {"tag": [TEST_TAG]}, **elements, **who})

    def bundle(self) -> Resource:
        """The whole record as a collection."""
        told = self.told
        family, given = told["name"]
        died = {"deceasedDateTime": told["deceased"]} if "deceased" in told else {}
        self.add(
            "Patient",
            name=[{"family": family, "given": [given]}],
            gender=told["gender"],
            birthDate=told["birth"],
            **died,
        )
        if "dx" in told:
            dx = told["dx"]
            code = {"text": dx["text"]} if "text" in dx else self.codes.diagnosis(dx["concept"])
            self.condition(code, dx["onset"], dx.get("clinical", "active"))
        if "family_history" in told:
            self.add(
                "FamilyMemberHistory",
                status="completed",
                relationship=_coding("http://terminology.hl7.org/CodeSystem/v3-RoleCode", "MTH", "mother"),
                condition=[{"code": self.codes.diagnosis(told["family_history"]["concept"])}],
            )
        for event in told["events"]:
            (kind, values), *_ = event.items()
            getattr(self, kind)(**{{"is": "what", "from": "start"}.get(k, k): v for k, v in values.items()})
        entries = [
            {"fullUrl": f"https://example.org/fhir/{r['resourceType']}/{r['id']}", "resource": r}
            for r in self.resources
        ]
        return {
            "resourceType": "Bundle",
            "id": told["id"],
            "meta": {"tag": [TEST_TAG]},
            "type": "collection",
            "entry": entries,
        }

    def condition(self, code: Resource, onset: str, clinical: str) -> None:
        """A Condition."""
        self.add(
            "Condition",
            clinicalStatus=_coding(
                "http://terminology.hl7.org/CodeSystem/condition-clinical", clinical, clinical.capitalize()
            ),
            verificationStatus=_coding(
                "http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed", "Confirmed"
            ),
            category=[
                _coding("http://terminology.hl7.org/CodeSystem/condition-category", "problem-list-item", "Problem List")
            ],
            code=code,
            onsetDateTime=onset,
            recordedDate=onset,
        )

    def finding(self, on: str, concept: str = "", other: str = "", clinical: str = "active") -> None:
        """Another condition."""
        self.condition(self.codes.diagnosis(concept) if concept else _coding(*OTHER[other]), on, clinical)

    def give(self, on: str, times: int, every: int, drugs: list[str], status: str = "completed") -> None:
        """Administrations."""
        for day in _days(on, times, every):
            for drug in drugs:
                self.add(
                    "MedicationAdministration",
                    status=status,
                    medicationCodeableConcept=self.codes.drug(drug),
                    effectiveDateTime=day,
                )

    def order(self, on: str, times: int, every: int, drugs: list[str], status: str = "completed") -> None:
        """Orders."""
        for day in _days(on, times, every):
            for drug in drugs:
                self.add(
                    "MedicationRequest",
                    status=status,
                    intent="order",
                    medicationCodeableConcept=self.codes.drug(drug),
                    authoredOn=day,
                )

    def dispense(self, on: str, times: int, every: int, drug: str, days: int) -> None:
        """Dispenses from a pharmacy."""
        for day in _days(on, times, every):
            self.add(
                "MedicationDispense",
                status="completed",
                medicationCodeableConcept=self.codes.drug(drug),
                whenHandedOver=day,
                daysSupply={"value": days, "unit": "days", "system": UCUM, "code": "d"},
            )

    def takes(self, start: str, drug: str, to: str = "", status: str = "") -> None:
        """A statement about a drug taken over a period."""
        self.add(
            "MedicationStatement",
            status=status or ("completed" if to else "active"),
            medicationCodeableConcept=self.codes.drug(drug),
            effectivePeriod={"start": start, "end": to} if to else {"start": start},
        )

    def status(self, on: str, what: str) -> None:
        """A disease status."""
        self.add(
            "Observation",
            status="final",
            code=_coding(LOINC, "97509-4", "Cancer disease status"),
            effectiveDateTime=on,
            valueCodeableConcept=self.codes.status(what),
        )

    def proc(self, on: str, what: str, product: str = "", status: str = "completed", why: str = "") -> None:
        """A procedure."""
        reason = {"statusReason": _coding(*REASONS[why])} if why else {}
        code = self.codes.procedure(what, product)
        self.add("Procedure", status=status, code=code, performedDateTime=on, **reason)

    def lab(self, on: str, loinc: str, display: str, value: float, unit: str) -> None:
        """A measured value."""
        self.add(
            "Observation",
            status="final",
            code=_coding(LOINC, loinc, display),
            effectiveDateTime=on,
            valueQuantity={"value": value, "unit": unit, "system": UCUM, "code": unit},
        )

    def referral(self, on: str, status: str) -> None:
        """A CAR-T referral under way."""
        self.add(
            "ServiceRequest",
            status=status,
            intent="order",
            code=_coding(ORDER_SYSTEM, ORDER_CODE, "Referral for CAR-T evaluation"),
            authoredOn=on,
        )


def _days(on: str, times: int, every: int) -> Iterator[str]:
    first = date.fromisoformat(on)
    return ((first + timedelta(number * every)).isoformat() for number in range(times))


def main(folder: Path) -> None:
    """Write one file a patient."""
    told = read_yaml(folder / "patients.yaml", "patients.yaml").content
    codes = Codes()
    for patient in told["patients"]:
        bundle = Sample(patient, codes).bundle()
        text = json.dumps(bundle, indent=1, ensure_ascii=False) + "\n"
        (folder / f"{patient['id']}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "fhir_samples")
