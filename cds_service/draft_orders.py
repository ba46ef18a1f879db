"""What the draft orders of order-select and order-sign say (decisions 35, 43). A draft is no therapy given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cds_service.fhir.model import Concept, MedicationEntry, Record
from cds_service.fhir.references import reference_key
from cds_service.rule_files import Document, read_yaml
from cds_service.terminology.concepts import Concepts

FILE = "orders.yaml"
OWN_REFERRAL = ("urn:cart-cds:order", "car-t-referral-review")
"""The code we put into every suggestion (decision 35)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftView:
    """What matters of the drafts: see ``cards.HookView`` for the three members."""

    systemic_order: bool = False
    lymphotoxic_drugs: tuple[str, ...] = ()
    referral_drafted: bool = False


class DraftReader:
    """Reads draft orders with the data of ``rules/orders.yaml``. Raises RuleFileError when that file cannot be used."""

    def __init__(self, rules: Path, concepts: Concepts, referral_codes: Iterable[tuple[str, str]] = ()) -> None:
        document = read_yaml(rules / FILE, FILE)
        self._concepts = concepts
        self._not_systemic = _drugs(document, "not_a_systemic_therapy", concepts)
        self._cell_therapy = _drugs(document, "cell_therapy", concepts)
        self._lymphotoxic = _drugs(document, "lymphotoxic", concepts)
        self._canonical = concepts.systems.canonical
        self._referrals = frozenset((self._canonical(s), code) for s, code in (OWN_REFERRAL, *referral_codes))

    def read(self, drafts: Record, selections: Iterable[str] | None) -> DraftView:
        """What the drafts say. ``selections`` narrows the drugs to the orders selected; None means every draft."""
        selected = None if selections is None else {reference_key(text) for text in selections}
        systemic = False
        toxic: set[str] = set()
        referral = any(
            (self._canonical(coding.system), coding.code) in self._referrals
            for order in drafts.orders
            for coding in order.code.codings
        )
        for entry in drafts.medications:
            if entry.do_not_perform:
                continue
            names = self._ingredients(entry)
            referral = referral or bool(names & self._cell_therapy)
            if (selected is None or entry.reference in selected) and not self._for_another_disease(entry):
                therapies = names - self._not_systemic - self._cell_therapy
                systemic = systemic or bool(therapies)
                toxic |= therapies & self._lymphotoxic
        labels = tuple(sorted(self._concepts.drug_info(name).label for name in toxic))
        return DraftView(systemic_order=systemic, lymphotoxic_drugs=labels, referral_drafted=referral)

    def _ingredients(self, entry: MedicationEntry) -> frozenset[str]:
        """Ingredients by code; by an exact name only where the order has no coding (decision 18)."""
        concepts = (entry.drug, *entry.ingredients)
        found = [self._concepts.drug(concept) for concept in concepts]
        if not any(found) and not any(concept.codings for concept in concepts):
            found = [self._concepts.drug_text(text) for text in (entry.drug.text, entry.label) if text]
        return frozenset(
            name for meaning in found if meaning and meaning.use == "systemic" for name in meaning.ingredients
        )

    def _for_another_disease(self, entry: MedicationEntry) -> bool:
        """A coded reason, and none that is a blood cancer (decision 23)."""
        coded = [reason.concept for reason in entry.reasons if reason.concept.codings]
        return bool(coded) and not any(self._haematological(concept) for concept in coded)

    def _haematological(self, concept: Concept) -> bool:
        return any(
            self._concepts.disease(meaning.concept).haematological for meaning in self._concepts.diagnosis(concept)
        )


def _drugs(document: Document, group: str, concepts: Concepts) -> frozenset[str]:
    """The ingredients a group of the file names, by drug and by class."""
    rows: Any = document.content.get(group) if isinstance(document.content, dict) else None
    if not isinstance(rows, dict) or not rows or set(rows) - {"drugs", "classes"}:
        raise document.error(
            (group,), f"{group} is not a group of drugs and classes", "give it the lists drugs, classes"
        )
    found: set[str] = set()
    for number, name in enumerate(rows.get("drugs") or ()):
        try:
            found.add(concepts.drug_info(name).name)
        except KeyError:
            raise document.error((group, "drugs", number), f"no drug {name}", "name one of drugs.csv") from None
    for number, drug_class in enumerate(rows.get("classes") or ()):
        members = concepts.drugs_of_class(drug_class)
        if not members:
            raise document.error((group, "classes", number), f"no drug of class {drug_class}", "name one of drugs.csv")
        found |= members
    return frozenset(found)
