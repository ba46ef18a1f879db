"""What did not come, asked of the client's FHIR server and filed with the rest (FHA-01 to FHA-05, PRE-04, PRE-09).

Only where the site allows it: without that, the source is not active and nothing here is called.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import msgspec

from cds_service.cdshooks.calls import Call
from cds_service.cdshooks.prefetch import Supplied, Template, fill, types_in
from cds_service.cdshooks.seams import Caller, Fetched, FetchRequest, PrefetchSource
from cds_service.fhir.elements import CodeableReference, Reference
from cds_service.fhir.model import DataIssue
from cds_service.fhir.wire import Bundle, Drug, Medication, Resource

TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
MEDICATION = re.compile(r"(?:.*/)?(Medication/[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
MAX_MEDICATIONS = 60
"""Medications read one by one; those beyond stay unknown drugs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The way to the client's FHIR server for the time of one call; ``deadline`` is a time of ``monotonic``."""

    server: str
    token: str = field(repr=False)
    deadline: float
    caller: Caller

    def request(self, *, queries: dict[str, str], pages: dict[str, str] | None = None) -> FetchRequest:
        """A fetch within the time that is left."""
        return FetchRequest(
            fhir_server=self.server,
            token=self.token,
            queries=queries,
            pages=pages or {},
            seconds=self.deadline - monotonic(),
            caller=self.caller,
        )


class _Authorized(msgspec.Struct):
    fhirAuthorization: Any = None

    def __repr__(self) -> str:
        return "_Authorized()"


def reach(call: Call, body: bytes, caller: Caller, seconds: float) -> Reach | None:
    """The way to the FHIR server a call names; None when it names none. A token that may not be used is left out."""
    server = call.request.fhirServer
    if not server:
        return None
    try:
        found = msgspec.json.decode(body, type=_Authorized).fhirAuthorization
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    token, life = _usable(found, call.patient_id) if isinstance(found, dict) else ("", seconds)
    return Reach(server=server, token=token, deadline=monotonic() + min(seconds, life), caller=caller)


def _usable(authorization: dict[str, Any], patient_id: str) -> tuple[str, float]:
    """The token and its seconds to live. "" for one of another kind or patient, or one that has run out."""
    token, kind = authorization.get("access_token"), authorization.get("token_type", "Bearer")
    patient, life = authorization.get("patient"), authorization.get("expires_in")
    seconds = float("inf")
    if life is not None and not isinstance(life, bool):
        try:
            seconds = float(life)
        except (TypeError, ValueError, OverflowError):
            return "", 0.0
    usable = (
        isinstance(token, str)
        and TOKEN.fullmatch(token) is not None
        and isinstance(kind, str)
        and kind.lower() == "bearer"
        and (patient in (None, "") or str(patient).removeprefix("Patient/") == patient_id)
        and seconds > 0
    )
    return (str(token), seconds) if usable else ("", float("inf"))


def fill_gaps(source: PrefetchSource, way: Reach, call: Call, supplied: Supplied) -> None:
    """Fetch lists that are missing, and the further pages of lists that came in part."""
    named = {"patientId": call.patient_id, "encounterId": call.encounter_id}
    queries = {template.key: fill(template.query, named) for template in supplied.missing}
    queries = {key: query for key, query in queries.items() if "{{" not in query}
    open_lists = {f"page {number}": found for number, found in enumerate(_open_lists(supplied.resources))}
    if not queries and not open_lists:
        return
    pages = {key: following for key, (_, following) in open_lists.items()}
    fetched = source.fetch(way.request(queries=queries, pages=pages))
    supplied.issues += fetched.issues
    for key, (bundle, _) in open_lists.items():
        _append(bundle, fetched, key)
    supplied.missing = [template for template in supplied.missing if not _filed(template, fetched, supplied)]


def _filed(template: Template, fetched: Fetched, supplied: Supplied) -> bool:
    found = fetched.resources.get(template.key)
    if found is None:
        supplied.issues.append(DataIssue(template.type, "could not be fetched; its absence says nothing"))
        return False
    for resource in found:
        supplied.take(resource, template.type, types_in(resource))
    if template.key in fetched.incomplete:
        supplied.partial.add(template.type)
    return True


def _open_lists(resources: Iterable[Resource]) -> Iterator[tuple[Bundle, str]]:
    """Searches that name a next page which did not come with them, and its URL."""
    bundles = [resource for resource in resources if isinstance(resource, Bundle)]
    there = {link.url for bundle in bundles for link in bundle.link or () if link and link.relation == "self"}
    for bundle in bundles:
        for link in bundle.link or ():
            if link is not None and link.relation == "next" and link.url and link.url not in there:
                yield bundle, link.url
                break


def _append(bundle: Bundle, fetched: Fetched, key: str) -> None:
    """Put the further pages into the list they belong to; it stays open unless all of them came."""
    for page in fetched.resources.get(key, ()):
        if isinstance(page, Bundle):
            bundle.entry = [*(bundle.entry or ()), *(page.entry or ())]
    if key in fetched.resources and key not in fetched.incomplete:
        bundle.link = [link for link in bundle.link or () if link is not None and link.relation != "next"]


def fetch_medications(source: PrefetchSource, way: Reach, call: Call, supplied: Supplied) -> bool:
    """Fetch the Medications that orders refer to and that did not come (decision 48); True when any was had."""
    known: set[str] = set()
    wanted: dict[str, None] = {}
    drafts = [call.drafts] if call.drafts is not None else []
    for resource in _flat([*supplied.resources, *drafts]):
        if isinstance(resource, Medication):
            known.add(f"Medication/{resource.id}")
        elif isinstance(resource, Drug):
            reference = _medication_of(resource)
            if reference:
                wanted[reference] = None
    queries = {reference: reference for reference in wanted if reference not in known}
    if not queries:
        return False
    if len(queries) > MAX_MEDICATIONS:
        queries = dict(list(queries.items())[:MAX_MEDICATIONS])
    fetched = source.fetch(way.request(queries=queries))
    supplied.issues += fetched.issues
    found = [r for resources in fetched.resources.values() for r in resources if isinstance(r, Medication)]
    supplied.resources += found
    return bool(found)


def _flat(resources: Iterable[Resource | None]) -> Iterator[Resource]:
    """Resources and what Bundles among them hold."""
    waiting = list(resources)
    while waiting:
        resource = waiting.pop(0)
        if isinstance(resource, Bundle):
            waiting[:0] = [entry.resource for entry in resource.entry or () if entry is not None]
        elif resource is not None:
            yield resource


def _medication_of(drug: Drug) -> str:
    """``Medication/<id>`` of the drug's reference; "" for a contained one, another kind, or none."""
    reference: Any = drug.medicationReference
    if reference is None and isinstance(drug.medication, CodeableReference):
        reference = drug.medication.reference
    text = reference.reference if isinstance(reference, Reference) else reference
    found = MEDICATION.fullmatch(text) if isinstance(text, str) else None
    return found.group(1) if found else ""
