"""Containers opened and duplicates merged: the resources of one patient by type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

import msgspec

from cds_service.errors import TooComplex
from cds_service.fhir.elements import Reference
from cds_service.fhir.model import EVERY, DataIssue
from cds_service.fhir.pages import Page, cut_off, page_of, severities, tells_of_loss
from cds_service.fhir.references import identifier_key, identifier_keys, reference_key
from cds_service.fhir.versions import IDENTIFIED, newer, same_version, superseded
from cds_service.fhir.whose import Subjects
from cds_service.fhir.wire import KINDS, TAGS, Bundle, Entry, OperationOutcome, Parameter, Parameters, Patient, Resource

MAX_ENTRIES = 100_000
MAX_CONTAINERS = 32
CONTAINERS: frozenset[type[Resource]] = frozenset({Bundle, Parameters, OperationOutcome})


@dataclass(slots=True)
class Collected:
    """Resources of one patient by type, free of duplicates, with ways to find each of them."""

    patient: Patient | None = None
    patient_reference: str = ""
    patient_ids: frozenset[str] = frozenset()
    by_kind: dict[str, dict[str, Resource]] = field(default_factory=dict)
    """resourceType -> evidence reference -> resource."""
    addresses: list[tuple[str, str]] = field(default_factory=list)
    """(fullUrl, evidence reference) of every entry that has one."""
    replaced: dict[str, str] = field(default_factory=dict)
    """Evidence reference of a superseded version -> that of the version that is read."""
    truncated: bool = False
    incomplete: set[str] = field(default_factory=set)
    issues: list[DataIssue] = field(default_factory=list)
    _by_url: dict[str, str] | None = None
    _by_id: dict[str, list[str]] | None = None
    _by_identifier: dict[tuple[str, str], list[str]] | None = None

    def key(self, text: str) -> str:
        """The evidence reference of what a reference text leads to; its ``Type/id`` where that is not in the input."""
        by_url = self._urls()
        found = by_url.get(text)
        if found is not None:
            return found
        key = reference_key(text)
        found = by_url.get(key)
        if found is not None or not key or key[0] == "#":
            return found or key
        if key[:4] == "urn:" or "/" not in key:
            same = self._ids().get(key.rpartition(":")[2].lower(), ())
            return same[0] if len(same) == 1 else key
        return key

    def find(self, text: str) -> Resource | None:
        """The resource that a reference text leads to; None when it is not in the input."""
        key = self.key(text)
        return self.by_kind.get(key.partition("/")[0], {}).get(key) or next(
            (same[key] for same in self.by_kind.values() if key in same), None
        )

    def key_of(self, found: Reference) -> str:
        """The evidence reference a Reference leads to, by its text or, without one, by its identifier; "" for none."""
        if found.reference:
            return self.key(found.reference)
        identity = identifier_key(found.identifier)
        if identity is None:
            return ""
        same = [r for r in self._identifiers().get(identity, ()) if not found.type or r.startswith(f"{found.type}/")]
        return same[0] if len(same) == 1 else ""

    def _urls(self) -> dict[str, str]:
        """fullUrl -> reference; where two resources claim one, the smaller reference has it, whatever their order."""
        if self._by_url is None:
            by_url: dict[str, str] = {}
            for url, reference in self.addresses:
                if reference < by_url.get(url, "\uffff"):
                    by_url[url] = reference
                if reference == url and url[:4] != "urn:":
                    by_url.setdefault(reference_key(url), reference)
            by_url = {url: self.replaced.get(reference, reference) for url, reference in by_url.items()}
            self._by_url = by_url | self.replaced
        return self._by_url

    def _ids(self) -> dict[str, list[str]]:
        if self._by_id is None:
            self._by_id = {}
            for same in self.by_kind.values():
                for reference, resource in same.items():
                    if resource.id:
                        self._by_id.setdefault(resource.id.lower(), []).append(reference)
        return self._by_id

    def _identifiers(self) -> dict[tuple[str, str], list[str]]:
        if self._by_identifier is None:
            self._by_identifier = {}
            for same in self.by_kind.values():
                for reference, resource in same.items():
                    for key in identifier_keys(getattr(resource, "identifier", None)):
                        self._by_identifier.setdefault(key, []).append(reference)
        return self._by_identifier


def collect(resources: Iterable[Resource], issues: Iterable[DataIssue] = ()) -> Collected:
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
        self.subjects = Subjects(self.out.issues)
        self.unnamed: list[Resource] = []
        self.patient_urls: dict[str, str] = {}
        self.pages: list[Page] = []
        self.clashes: set[str] = set()
        self.addresses = self.out.addresses
        self.shelves: dict[type[Resource], tuple[str, str, dict[str, Resource]]] = {}
        self.seen = 0

    def open(self, url: str, resource: Resource, depth: int) -> None:
        """Take one resource, or what a container holds."""
        if type(resource) not in CONTAINERS:
            self._count(1)
            self._take(url, resource)
            return
        if depth > MAX_CONTAINERS:
            raise TooComplex("Bundles inside Bundles, nested deeper than anyone sends; send one Bundle")
        if isinstance(resource, Bundle):
            self._bundle(resource, depth)
        elif isinstance(resource, Parameters):
            self._parameters(resource, depth)
        elif isinstance(resource, OperationOutcome):
            self._outcome(resource, EVERY)

    def _parameters(self, found: Parameters, depth: int) -> None:
        waiting: list[Parameter | None] = list(found.parameter or ())
        while waiting:
            parameter = waiting.pop()
            if parameter is None:
                continue
            if parameter.resource is not None:
                self.open("", parameter.resource, depth + 1)
            waiting += parameter.part or ()

    def _bundle(self, bundle: Bundle, depth: int) -> None:
        matches = 0
        structs: set[type[Resource]] = set()
        outcomes: list[OperationOutcome] = []
        take = self._take
        self._count(len(bundle.entry or ()))
        for entry in bundle.entry or ():
            if entry is None:
                continue
            resource: Resource | None = entry.resource
            if resource is None:
                if entry.response is not None:
                    self._answer(entry)
                continue
            struct = type(resource)
            if struct is OperationOutcome:
                outcomes.append(cast(OperationOutcome, resource))
                continue
            if entry.search is None or entry.search.mode != "include":
                matches += 1
                structs.add(struct)
            if struct in CONTAINERS:
                self.open(entry.fullUrl or "", resource, depth + 1)
            else:
                take(entry.fullUrl or "", resource)
        kinds = {KINDS[struct] for struct in structs}
        # One type, whatever Medications it brings: a list that was asked for. A whole record is no such list.
        listed = kinds - {"Medication"} or kinds
        which = next(iter(listed)) if len(listed) == 1 else EVERY
        search = bundle.type == "searchset" and which != EVERY
        for outcome in outcomes:
            self._outcome(outcome, which, beside_matches=search)
        page = page_of(bundle, matches, kinds)
        if page is not None:
            self.pages.append(page)

    def _answer(self, entry: Entry) -> None:
        """An entry of a batch-response that holds no resource: a refusal means that something is missing."""
        status = (entry.response.status or "").strip() if entry.response else ""
        if status[:1] in ("4", "5"):
            self._missing(EVERY, "OperationOutcome", f"the source refused a part of the request (status {status[:3]})")

    def _outcome(self, outcome: OperationOutcome, which: str, *, beside_matches: bool = False) -> None:
        """An error means that something is missing; a warning too, beside the matches of a search (PRE-14). In a search
        that found nothing it says just that (PRE-13).
        """
        found = severities(outcome)
        if found & {"error", "fatal"} or (beside_matches and tells_of_loss(outcome)):
            self._missing(which, "OperationOutcome", f"the source failed to give {_words(which)}")
        elif "warning" in found:
            problem = f"the source warns about the list of {_words(which)}"
            self.out.issues.append(DataIssue("OperationOutcome", problem))

    def _missing(self, which: str, reference: str, problem: str) -> None:
        self.out.truncated = True
        self.out.incomplete.add(which)
        self.out.issues.append(DataIssue(reference, problem))

    def _count(self, more: int) -> None:
        self.seen += more
        if self.seen > MAX_ENTRIES:
            raise TooComplex(f"more than {MAX_ENTRIES} resources in one record; send fewer, the newest first")

    def _shelf(self, struct: type[Resource]) -> tuple[str, str, dict[str, Resource]]:
        """Type as it is read, type as it was sent, and the resources of the first so far."""
        kind = KINDS[struct]
        shelf = self.shelves[struct] = (kind, TAGS[struct], self.out.by_kind.setdefault(kind, {}))
        return shelf

    def _take(self, url: str, resource: Resource) -> None:
        kind, tag, same = self.shelves.get(type(resource)) or self._shelf(type(resource))
        name = resource.id
        reference = f"{tag}/{name}" if name else url
        subjects = self.subjects
        if not subjects.is_known(resource) and not subjects.accept(kind, reference or kind, resource):
            return
        if not reference:
            self.unnamed.append(resource)
            return
        earlier = same.get(reference)
        if earlier is None:
            same[reference] = resource
        elif earlier != resource:
            if same_version(earlier, resource):
                self.clashes.add(reference)
            same[reference] = newer(earlier, resource)
        if url:
            self.addresses.append((url, reference))
            if kind == "Patient":
                self.patient_urls[reference] = min(url, self.patient_urls.get(reference, url))

    def result(self) -> Collected:
        """The collected record of one patient."""
        out = self.out
        self._name_the_unnamed()
        self._supersede()
        for kind in sorted(cut_off(self.pages)):
            self._missing(kind, "Bundle", f"the list of {_words(kind)} was cut off; more exists")
        for reference in self.clashes:
            problem = "came more than once with different content and nothing says which is later; one was read"
            out.issues.append(DataIssue(reference, problem))
        patients: dict[str, tuple[Patient, str]] = {}
        for reference, patient in out.by_kind.get("Patient", {}).items():
            if isinstance(patient, Patient):
                patients[reference] = (patient, self.patient_urls.get(reference, ""))
        out.patient_reference, out.patient, out.patient_ids = self.subjects.settle(patients, out.by_kind)
        return out

    def _supersede(self) -> None:
        for kind in IDENTIFIED:
            same = self.out.by_kind.get(kind)
            if not same:
                continue
            for earlier, latest in superseded(same).items():
                del same[earlier]
                self.out.replaced[earlier] = latest
                self.out.issues.append(DataIssue(earlier, f"superseded by {latest}, a later version; not read"))

    def _name_the_unnamed(self) -> None:
        """Resources without id and fullUrl get a number by content, so that their order changes nothing."""
        by_content = {msgspec.json.encode(r): r for r in self.unnamed}
        numbers: dict[str, int] = {}
        for content in sorted(by_content):
            resource = by_content[content]
            kind = KINDS[type(resource)]
            numbers[kind] = numbers.get(kind, 0) + 1
            self.out.by_kind.setdefault(kind, {})[f"{kind}/unnamed-{numbers[kind]}"] = resource


def _words(kind: str) -> str:
    return "resources" if kind == EVERY else f"{kind} resources"
