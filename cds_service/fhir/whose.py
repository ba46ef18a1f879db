"""The proof that a record speaks of one patient only (decision 32)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cds_service.errors import MixedPatients, NoPatient
from cds_service.fhir.elements import Reference, References
from cds_service.fhir.model import DataIssue
from cds_service.fhir.references import (
    CONTAINED,
    GROUP,
    NOBODY,
    PATIENT,
    THING,
    URN,
    each,
    identifier_key,
    identifier_keys,
    whose,
)
from cds_service.fhir.wire import Patient, Resource

CLINICAL = frozenset(
    {
        "Condition",
        "MedicationAdministration",
        "MedicationDispense",
        "MedicationStatement",
        "MedicationRequest",
        "Procedure",
        "Observation",
        "Immunization",
        "ServiceRequest",
        "QuestionnaireResponse",
        "EpisodeOfCare",
    }
)
"""Types that are read as the patient's; their subject has to be the patient."""

ANOTHER = "belongs to another patient; send one patient at a time"
Identity = tuple[str, str]
ByKind = Mapping[str, Mapping[str, Resource]]


class Subjects:
    """Whom the resources name as their subject: every way of naming once, with one resource that does so."""

    def __init__(self, issues: list[DataIssue]) -> None:
        self._issues = issues
        self._known: set[str] = set()
        self._ids: set[str] = set()
        self._urns: set[str] = set()
        self._identities: dict[Identity, str] = {}
        self._contained: list[tuple[str, Patient]] = []
        self._groups: list[str] = []
        self._resources: ByKind = {}

    def is_known(self, resource: Resource) -> bool:
        """True when the resource names its subject as one before it did."""
        subject = resource.subject
        return type(subject) is Reference and subject.reference in self._known and resource.patient is None

    def accept(self, kind: str, reference: str, resource: Resource) -> bool:
        """Note the subject of a resource. False when a clinical resource is about a thing and is not to be read."""
        if kind == "Patient":
            return True
        found = [self._note(kind, reference, one, resource) for one in _subjects(resource.subject, resource.patient)]
        if kind not in CLINICAL or PATIENT in found:
            return True
        if THING in found:
            self._issues.append(DataIssue(reference, "is not about the patient but about a thing or place; not read"))
            return False
        self._issues.append(DataIssue(reference, "names no patient; read as this patient's"))
        return True

    def _note(self, kind: str, reference: str, subject: Reference, resource: Resource) -> str:
        """PATIENT when somebody is named who must be the patient, else THING or NOBODY."""
        text = subject.reference
        named = whose(text, subject.type or "") if text else None
        if text and named is not None and named.kind in (PATIENT, URN):
            self._known.add(text)
            (self._ids if named.kind == PATIENT else self._urns).add(named.name)
            return PATIENT
        if named is not None and named.kind == CONTAINED:
            held = _contained_patient(resource, named.name)
            if held is not None:
                self._contained.append((reference, held))
                return PATIENT
        if named is not None and named.kind == GROUP:
            if kind in CLINICAL:
                self._groups.append(reference)
                return PATIENT
            return THING
        if named is not None and named.kind == THING:
            return THING
        identity = identifier_key(subject.identifier)
        if identity is None or (subject.type or "Patient") != "Patient":
            return NOBODY
        self._identities[identity] = min(reference, self._identities.get(identity, reference))
        return PATIENT

    def settle(
        self, patients: dict[str, tuple[Patient, str]], resources: ByKind
    ) -> tuple[str, Patient | None, frozenset[str]]:
        """(evidence reference, Patient or None, ids) of the one patient.

        ``patients`` are the Patient resources of the record by evidence reference, with their fullUrl. Raises
        MixedPatients or NoPatient.
        """
        self._resources = resources
        if len(patients) > 1:
            names = ", ".join(sorted(patients)[:3])
            raise MixedPatients(
                f"the record holds {len(patients)} Patient resources ({names}); send one patient at a time"
            )
        if self._groups:
            raise MixedPatients(f"{min(self._groups)} is about a group, not one patient; send one patient at a time")
        for reference, (patient, url) in patients.items():
            return reference, patient, self._check(reference, patient, url)
        return self._without_patient()

    def _check(self, reference: str, patient: Patient, url: str) -> frozenset[str]:
        ids: set[str] = {patient.id} if patient.id else set()
        urns: set[str] = set()
        at = whose(url)
        if at.kind == PATIENT and "/" in url:
            ids.add(at.name)
        elif at.kind == URN:
            urns.add(at.name)
        if not ids and not urns and len(self._ids) + len(self._urns) == 1:
            ids |= self._ids
            urns |= self._urns
            self._issues.append(DataIssue(reference, "has no id; taken for the patient that the other resources name"))
        self._refuse_names({name for name in self._ids if name not in ids and name.lower() not in urns})
        self._refuse_names(self._urns - urns - {name.lower() for name in ids})
        self._compare(identifier_keys(patient.identifier), patient)
        return frozenset(ids | urns)

    def _refuse_names(self, names: set[str]) -> None:
        """Raise for the first resource, by reference, whose subject has one of these names."""
        if not names:
            return
        places = (
            reference
            for same in self._resources.values()
            for reference, resource in same.items()
            for subject in _subjects(resource.subject, resource.patient)
            if subject.reference and whose(subject.reference, subject.type or "").name in names
        )
        raise MixedPatients(f"{min(places, default='a resource')} {ANOTHER}")

    def _compare(self, identities: frozenset[Identity], patient: Patient) -> None:
        """Subjects named by identifier or by a contained Patient: refused where they contradict the patient."""
        systems = {system for system, _ in identities}
        for identity, where in sorted(self._identities.items()):
            if identity in identities:
                continue
            if identity[0] in systems:
                raise MixedPatients(f"{where} {ANOTHER}")
            self._issues.append(
                DataIssue(where, "names its patient by an identifier the Patient does not have; read as this patient's")
            )
        _refuse(self._identities[one] for one in _clashes(self._identities))
        for where, held in self._contained:
            own = identifier_keys(held.identifier)
            if own & identities:
                continue
            clash = {system for system, _ in own} & systems
            if clash or (held.birthDate and patient.birthDate and held.birthDate[:10] != patient.birthDate[:10]):
                raise MixedPatients(f"{where} {ANOTHER}")
            self._issues.append(
                DataIssue(
                    where, "holds its own copy of the patient without a shared identifier; read as this patient's"
                )
            )

    def _without_patient(self) -> tuple[str, Patient | None, frozenset[str]]:
        names = self._ids or self._urns
        if names:
            name = min(names)
            self._refuse_names(self._ids - {name})
            self._refuse_names(self._urns - {name.lower()})
            self._compare(frozenset(), Patient())
            return f"Patient/{name}", None, frozenset({name})
        if self._contained:
            reference, patient = min(self._contained, key=lambda pair: pair[0])
            self._compare(identifier_keys(patient.identifier), patient)
            return f"{reference}#{patient.id}", patient, frozenset({patient.id} if patient.id else ())
        if self._identities:
            _refuse(self._identities[one] for one in _clashes(self._identities))
            _, value = min(self._identities)
            return f"Patient/{value}", None, frozenset({value})
        raise NoPatient("the record names no patient: neither a Patient resource nor a subject reference")


def _subjects(one: References, other: References) -> Iterable[Reference]:
    yield from each(one)
    yield from each(other)


def _contained_patient(resource: Resource, name: str) -> Patient | None:
    held = [c for c in resource.contained or () if isinstance(c, Patient)]
    return next((c for c in held if c.id in (name, f"#{name}")), None)


def _clashes(identities: Iterable[Identity]) -> list[Identity]:
    """Identities of a system in which the subjects have more than one value."""
    first: dict[str, Identity] = {}
    return [one for one in sorted(identities) if first.setdefault(one[0], one) != one]


def _refuse(places: Iterable[str]) -> None:
    where = min(places, default=None)
    if where is not None:
        raise MixedPatients(f"{where} {ANOTHER}")
