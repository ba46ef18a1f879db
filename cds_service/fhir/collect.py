"""Containers opened, duplicates merged, and the proof that the record speaks of one patient only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from cds_service.errors import MixedPatients, NoPatient, TooComplex
from cds_service.fhir.model import DataIssue
from cds_service.fhir.references import all_references, patient_key, reference_key
from cds_service.fhir.wire import (
    Bundle,
    OperationOutcome,
    Parameters,
    Patient,
    Resource,
    kind_of,
)

MAX_ENTRIES = 100_000
MAX_CONTAINERS = 32
CLINICAL = frozenset(
    {
        "Condition",
        "MedicationAdministration",
        "MedicationDispense",
        "MedicationStatement",
        "MedicationRequest",
        "MedicationOrder",
        "Procedure",
        "Observation",
        "Immunization",
        "ServiceRequest",
    }
)
WITHOUT_PATIENT = frozenset({"OperationOutcome", "Medication", "Patient"})
"""Types whose missing subject is no problem, beside all we do not read."""


@dataclass(slots=True)
class Collected:
    """Resources of one patient by type, free of duplicates, with ways to find each of them."""

    patient: Patient | None = None
    patient_ids: frozenset[str] = frozenset()
    by_kind: dict[str, dict[str, Resource]] = field(default_factory=dict)
    """resourceType -> evidence reference -> resource."""
    by_url: dict[str, str] = field(default_factory=dict)
    """fullUrl -> evidence reference."""
    truncated: bool = False
    incomplete: set[str] = field(default_factory=set)
    issues: list[DataIssue] = field(default_factory=list)


def collect(
    resources: Iterable[Resource], issues: Iterable[DataIssue] = ()
) -> Collected:
    """Open every container, merge duplicates, check the patient.

    Raises MixedPatients, NoPatient or TooComplex.
    """
    found = _Collector(issues)
    for resource in resources:
        found.open("", resource, 0)
    return found.result()


class _Collector:
    def __init__(self, issues: Iterable[DataIssue]) -> None:
        self.out = Collected(issues=list(issues))
        self.unnamed: list[Resource] = []
        self.subjects: dict[str, str] = {}
        self.full_urls: dict[str, str] = {}
        self.seen = 0

    def open(self, url: str, resource: Resource, depth: int) -> None:
        """Take one resource, or what a container holds."""
        if isinstance(resource, Bundle):
            if depth > MAX_CONTAINERS:
                raise TooComplex(
                    "Bundles inside Bundles; nested deeper than anyone sends"
                )
            self._bundle(resource, depth)
        elif isinstance(resource, Parameters):
            parameters = [p for p in resource.parameter or () if p is not None]
            while parameters:
                parameter = parameters.pop()
                if parameter.resource is not None:
                    self.open("", parameter.resource, depth + 1)
                parameters += [p for p in parameter.part or () if p is not None]
        elif isinstance(resource, OperationOutcome):
            self._outcome(resource, "*")
        else:
            self._take(url, resource)

    def _bundle(self, bundle: Bundle, depth: int) -> None:
        matches = 0
        kinds: set[str] = set()
        outcomes: list[OperationOutcome] = []
        for entry in bundle.entry or ():
            if entry is None or entry.resource is None:
                continue
            resource = entry.resource
            mode = entry.search.mode if entry.search else None
            if isinstance(resource, OperationOutcome):
                outcomes.append(resource)
                continue
            if mode != "include":
                matches += 1
            kinds.add(kind_of(resource))
            self.open(entry.fullUrl or "", resource, depth + 1)
        which = kinds.pop() if len(kinds) == 1 else "*"
        for outcome in outcomes:
            self._outcome(outcome, which)
        cut = any(
            link is not None and link.relation == "next" for link in bundle.link or ()
        )
        if cut or (
            bundle.total is not None
            and bundle.type == "searchset"
            and bundle.total > matches
        ):
            self.out.truncated = True
            self.out.incomplete.add(which)
            self.out.issues.append(
                DataIssue(
                    "Bundle", f"the list of {_words(which)} was cut off; more exists"
                )
            )

    def _outcome(self, outcome: OperationOutcome, which: str) -> None:
        severities = {
            issue.severity for issue in outcome.issue or () if issue is not None
        }
        if severities & {"error", "fatal"}:
            self.out.truncated = True
            self.out.incomplete.add(which)
            self.out.issues.append(
                DataIssue(
                    "OperationOutcome", f"the source failed to give {_words(which)}"
                )
            )
        elif severities & {"warning"}:
            self.out.issues.append(
                DataIssue(
                    "OperationOutcome",
                    f"the source warns about the list of {_words(which)}",
                )
            )

    def _take(self, url: str, resource: Resource) -> None:
        self.seen += 1
        if self.seen > MAX_ENTRIES:
            raise TooComplex(
                f"more than {MAX_ENTRIES} resources in one record; send fewer, the newest first"
            )
        kind = kind_of(resource)
        if kind == "MedicationOrder":
            kind = "MedicationRequest"
        reference = f"{kind}/{resource.id}" if resource.id else url
        self._subject(kind, reference or kind, resource)
        if not reference:
            self.unnamed.append(resource)
            return
        if url:
            self.out.by_url[url] = reference
            if kind == "Patient":
                self.full_urls[reference] = url
        same = self.out.by_kind.setdefault(kind, {})
        earlier = same.get(reference)
        same[reference] = resource if earlier is None else _newer(earlier, resource)

    def _subject(self, kind: str, reference: str, resource: Resource) -> None:
        if kind == "Patient":
            return
        texts = all_references(resource.subject) or all_references(resource.patient)
        named = False
        for text in texts:
            key = patient_key(text)
            if key is not None:
                named = True
                if key not in self.subjects:
                    self.subjects[key] = reference
        if not named and kind in CLINICAL:
            self.out.issues.append(
                DataIssue(reference, "names no patient; read as this patient's")
            )

    def result(self) -> Collected:
        """The collected record of one patient."""
        out = self.out
        self._name_the_unnamed()
        patients = out.by_kind.get("Patient", {})
        if len(patients) > 1:
            names = ", ".join(sorted(patients)[:3])
            raise MixedPatients(
                f"the record holds {len(patients)} Patient resources ({names}); send one patient at a time"
            )
        ids: set[str] = set()
        for reference, patient in patients.items():
            assert isinstance(patient, Patient)
            out.patient = patient
            ids.add(reference.rpartition("/")[2])
            ids.add((patient_key(reference) or reference).lower())
            if reference in self.full_urls:
                ids.add(patient_key(self.full_urls[reference]) or "")
        subjects = {k: v for k, v in self.subjects.items() if not k.startswith("#")}
        if not patients:
            if not subjects:
                raise NoPatient(
                    "the record names no patient: neither a Patient resource nor a subject reference"
                )
            ids = {min(subjects)}
        for key, where in sorted(subjects.items(), key=lambda item: item[1]):
            if key not in ids and key.lower() not in ids:
                raise MixedPatients(
                    f"{where} belongs to another patient; send one patient at a time"
                )
        out.patient_ids = frozenset(ids)
        return out

    def _name_the_unnamed(self) -> None:
        """Resources without id and fullUrl get a number by content, so that their order changes nothing."""
        by_content = {msgspec.json.encode(r): r for r in self.unnamed}
        numbers: dict[str, int] = {}
        for content in sorted(by_content):
            resource = by_content[content]
            kind = kind_of(resource)
            numbers[kind] = numbers.get(kind, 0) + 1
            self.out.by_kind.setdefault(kind, {})[f"{kind}/unnamed-{numbers[kind]}"] = (
                resource
            )


def _newer(one: Resource, other: Resource) -> Resource:
    """Of two resources with one id the later version; content decides where versions do not (U3)."""
    if one == other:
        return one
    return max(one, other, key=_age)


def _age(resource: Resource) -> tuple[int, str, str, bytes]:
    meta = resource.meta
    version = (meta.versionId or "") if meta else ""
    number = (
        int(version)
        if version.isascii() and version.isdigit() and len(version) < 12
        else -1
    )
    return (
        number,
        (meta.lastUpdated or "") if meta else "",
        version,
        msgspec.json.encode(resource),
    )


def _words(kind: str) -> str:
    return "resources" if kind == "*" else f"{kind} resources"


def find(out: Collected, text: str) -> tuple[str, Resource] | None:
    """The resource a reference leads to, with its evidence reference; None when it is not in the input."""
    key = out.by_url.get(text) or reference_key(text)
    kind = key.partition("/")[0]
    resource = out.by_kind.get(kind, {}).get(key)
    if resource is not None:
        return key, resource
    if text[:4] == "urn:":
        bare = text.rpartition(":")[2]
        for same in out.by_kind.values():
            for reference, candidate in same.items():
                if candidate.id == bare:
                    return reference, candidate
    return None
