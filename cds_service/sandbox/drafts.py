"""Draft orders to try the order hooks with: the record's own, or one made of the shipped terminology.

What is offered are the drugs of the named regimens of the disease, one supportive drug, which is no systemic therapy,
and a drug with a CAR-T referral beside it: so that one sees when the order hooks speak and when they are silent
(decisions 35 and 43).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import orjson

from cds_service.draft_orders import OWN_REFERRAL
from cds_service.ehr import DRAFT_TYPES
from cds_service.fhir import read_record
from cds_service.fhir.decode import Decoded, decode_record
from cds_service.fhir.model import Record
from cds_service.fhir.wire import Bundle, Entry, Medication, Patient, Resource
from cds_service.oncology.model import FAMILIES
from cds_service.pipeline import Pipeline
from cds_service.terminology.tables import read_tables

Json = dict[str, Any]
OWN, REFERRAL, AND = "own", "car-t-referral", "+"
SUPPORTIVE = "acyclovir"
FIRST = "bendamustine"
"""The drug of ``fhir_samples/hooks/order-select.json``: offered first wherever a regimen of the disease holds it."""
RXNORM, INGREDIENT = "rxnorm", "IN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One order to choose: ``word`` in the address, ``label`` for people, ``group`` of the list."""

    word: str
    label: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafts:
    """The draft orders chosen: ``word`` and ``label`` of the offer, all ``offers``, and what was read of the orders."""

    word: str
    label: str
    offers: tuple[Offer, ...]
    record: Record

    @property
    def groups(self) -> list[tuple[str, list[Offer]]]:
        """The offers by group, in their order."""
        return [(group, list(found)) for group, found in groupby(self.offers, key=lambda offer: offer.group)]


class DraftShelf:
    """The orders that can be made, from the terminology and the regimens of ``pipeline``. Raises RuleFileError."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        folder = pipeline.rules / "terminology"
        system_uri = pipeline.knowledge.concepts.systems.uri(RXNORM)
        wanted = ("concept", "system", "code", "display", "tty", "use")
        self._codings: dict[str, Json] = {}
        for table in read_tables(folder, "drug_codes"):
            for _, (name, system, code, display, kind, use) in table.pick(*wanted):
                if (system, kind, use) == (RXNORM, INGREDIENT, "systemic"):
                    coding = {"system": system_uri, "code": code, "display": display}
                    self._codings.setdefault(name, coding)
        self._of_family = {family: self._drugs(family) for family in FAMILIES}

    def offers(self, families: Iterable[str], own: bool) -> tuple[Offer, ...]:
        """What can be ordered for these diseases (for none of them: for any), the record's own drafts first."""
        families = list(families)
        label = self._pipeline.knowledge.concepts.drug_label
        found = dict.fromkeys(drug for family in families or FAMILIES for drug in self._of_family.get(family, ()))
        drugs = sorted(found, key=label)
        listed = [Offer(word=OWN, label="the draft orders of this record", group="From the record")] if own else []
        listed += [Offer(word=drug, label=label(drug), group="Drugs of its regimens") for drug in drugs]
        if SUPPORTIVE in self._codings:
            listed.append(Offer(word=SUPPORTIVE, label=label(SUPPORTIVE), group="No systemic therapy"))
        drug = self._first(families)
        together = f"{label(drug)} and a CAR-T referral" if drug else "a CAR-T referral"
        listed.append(Offer(word=f"{drug}{AND}{REFERRAL}", label=together, group="A referral drafted with it"))
        return tuple(listed)

    def chosen(self, word: str, families: Sequence[str], own: Sequence[Entry], patient: str) -> Drafts:
        """The drafts of ``word``; of the first that fits where nothing of that word can be ordered here.

        ``patient`` is the bare id. Raises MixedPatients for own drafts of another patient.
        """
        offers = self.offers(families, bool(own))
        words = {offer.word: offer for offer in offers}
        offer = words.get(word) or words.get(OWN) or words.get(self._first(families)) or offers[-1]
        if offer.word == OWN:
            resources: list[Resource] = [Bundle(type="collection", entry=list(own))]
        else:
            made = decode_record(orjson.dumps(self.orders(offer.word, patient)))
            resources = [Patient(id=patient), *made.resources]
        return Drafts(word=offer.word, label=offer.label, offers=offers, record=read_record(resources))

    def orders(self, word: str, patient: str) -> list[Json]:
        """The draft orders of an offer as an EHR would send them; empty for a word nobody offers."""
        basis = {"id": "draft-1", "status": "draft", "intent": "order", "subject": {"reference": f"Patient/{patient}"}}
        drug, _, referral = word.partition(AND)
        coding = self._codings.get(drug)
        orders: list[Json] = []
        if coding:
            concept = {"coding": [coding], "text": coding["display"]}
            orders.append({"resourceType": "MedicationRequest", **basis, "medicationCodeableConcept": concept})
        if referral == REFERRAL:
            system, code = OWN_REFERRAL
            concept = {"coding": [{"system": system, "code": code}], "text": "Referral for CAR-T evaluation"}
            orders.append({"resourceType": "ServiceRequest", **basis, "id": "draft-2", "code": concept})
        return orders

    def _drugs(self, family: str) -> tuple[str, ...]:
        """Systemic drugs of the regimens that name the family, in the order of the table."""
        knowledge = self._pipeline.knowledge
        rules = knowledge.order_rules
        apart = rules.not_systemic | rules.cell_therapy if rules else frozenset()
        named = (one for one in knowledge.regimens if family in one.families and one.type != "procedure")
        found = dict.fromkeys(drug for regimen in named for drug in regimen.core)
        return tuple(drug for drug in found if drug not in apart and drug in self._codings)

    def _first(self, families: Sequence[str]) -> str:
        """The drug that is ordered before one is chosen; "" when no regimen names one."""
        drugs = self._of_family.get(families[0] if families else FAMILIES[0], ())
        rules = self._pipeline.knowledge.order_rules
        toxic = [drug for drug in drugs if rules and drug in rules.lymphotoxic]
        return FIRST if FIRST in drugs else next(iter([*toxic, *drugs]), "")


def own_drafts(decoded: Decoded) -> list[Entry]:
    """Draft orders among the resources and in the context of a hook request, with patient and Medications they name."""
    context = decoded.hook.context if decoded.hook else None
    found = [entry for resource in decoded.resources for entry in _entries(resource)]
    told = list(_entries(context.draftOrders)) if context else []
    drafts = [entry for entry in found if _orders(entry) and getattr(entry.resource, "status", None) == "draft"]
    drafts += [entry for entry in told if _orders(entry)]
    named = [entry for entry in (*found, *told) if isinstance(entry.resource, Patient | Medication)]
    return [*named, *drafts] if drafts else []


def _orders(entry: Entry) -> bool:
    return type(entry.resource).__name__ in DRAFT_TYPES


def _entries(resource: Resource | None, url: str | None = None) -> Iterator[Entry]:
    """Every resource with its fullUrl; Bundles are opened."""
    if isinstance(resource, Bundle):
        for entry in resource.entry or ():
            if entry is not None:
                yield from _entries(entry.resource, entry.fullUrl)
    elif resource is not None:
        yield Entry(fullUrl=url, resource=resource)
