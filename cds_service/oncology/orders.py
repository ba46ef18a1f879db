"""Draft orders of order-select and order-sign: is one a systemic therapy for the index disease, and is it lymphotoxic?

Decision 43; the lymphotoxic drugs are those of rows F27 and F28 of table a.5. A draft is never therapy given.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cds_service.fhir.model import Concept, MedicationEntry
from cds_service.oncology.drug_classes import class_members
from cds_service.oncology.model import ClinicalPicture
from cds_service.rule_files import Document
from cds_service.terminology import Concepts

if TYPE_CHECKING:
    from cds_service.oncology.knowledge import Knowledge

FILE = "orders.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRules:
    """``rules/orders.yaml``, classes spelled out as ingredients."""

    not_systemic: frozenset[str]
    cell_therapy: frozenset[str]
    lymphotoxic: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftTherapy:
    """What the orders mean: ``systemic`` therapy for the index disease, names of the ``lymphotoxic`` drugs among it.

    ``cell_therapy``: a CAR-T product is ordered, so a referral needs no suggestion.
    """

    systemic: bool = False
    lymphotoxic: tuple[str, ...] = ()
    cell_therapy: bool = False


def draft_therapy(
    orders: Iterable[MedicationEntry], picture: ClinicalPicture | None, knowledge: Knowledge
) -> DraftTherapy:
    """The orders read. An order without a readable drug, or for another disease of ``picture``, is no therapy.

    Without a picture every blood cancer counts as the index disease. Without ``rules/orders.yaml`` nothing is read.
    """
    rules, concepts = knowledge.order_rules, knowledge.concepts
    if rules is None:
        return DraftTherapy()
    therapies: set[str] = set()
    cells = False
    for order in orders:
        if order.do_not_perform:
            continue
        names = ingredients(order, concepts)
        cells = cells or not names.isdisjoint(rules.cell_therapy)
        if not for_another_disease(order, picture, concepts):
            therapies |= names - rules.not_systemic - rules.cell_therapy
    toxic = sorted(concepts.drug_info(name).label for name in therapies & rules.lymphotoxic)
    return DraftTherapy(systemic=bool(therapies), lymphotoxic=tuple(toxic), cell_therapy=cells)


def ingredients(order: MedicationEntry, concepts: Concepts) -> frozenset[str]:
    """Ingredients by code; by an exact name only where the order has no coding (decision 18). Local forms give none."""
    coded = (order.drug, *order.ingredients)
    found = [concepts.drug(concept) for concept in coded]
    if not any(found) and not any(concept.codings for concept in coded):
        found = [concepts.drug_text(text) for text in (order.drug.text, order.label) if text]
    return frozenset(name for drug in found if drug and drug.use == "systemic" for name in drug.ingredients)


def for_another_disease(order: MedicationEntry, picture: ClinicalPicture | None, concepts: Concepts) -> bool:
    """True when reasons are coded or lead to a Condition, and none of them is the index disease (decision 23)."""
    told = [found for reason in order.reasons if (found := _is_index(reason.concept, picture, concepts)) is not None]
    told += [found for reason in order.reasons if (found := _leads_to_index(reason.reference, picture)) is not None]
    return bool(told) and not any(told)


def _is_index(reason: Concept, picture: ClinicalPicture | None, concepts: Concepts) -> bool | None:
    """Whether a coded reason is a blood cancer that may be the one at hand; None when nothing is coded."""
    if not any(coding.code for coding in reason.codings):
        return None
    diseases = [concepts.disease(meaning.concept) for meaning in concepts.diagnosis(reason)]
    named = [disease for disease in diseases if disease.haematological]
    if picture is None or not picture.families:
        return bool(named)
    # A reason of no family (lymphoma, not specified) may be the index disease unless it is another one for sure.
    return any(
        disease.family in picture.families or (disease.role == "ambiguous" and disease.family is None)
        for disease in named
    )


def _leads_to_index(reference: str, picture: ClinicalPicture | None) -> bool | None:
    """Whether a reference leads to a diagnosis of the families at hand; None when it leads to no known blood cancer.

    A Condition that nobody could read is no proof of another disease.
    """
    if picture is None or not reference or not picture.families:
        return None
    led = [diagnosis for diagnosis in picture.diagnoses if reference in diagnosis.evidence]
    if not led:
        return None
    return any(d.family in picture.families or not set(d.may_be).isdisjoint(picture.families) for d in led)


def read_order_rules(document: Document, concepts: Concepts) -> OrderRules:
    """The rules of ``rules/orders.yaml``. Raises RuleFileError with line and remedy."""
    return OrderRules(
        not_systemic=_drugs(document, "not_a_systemic_therapy", concepts),
        cell_therapy=_drugs(document, "cell_therapy", concepts),
        lymphotoxic=_drugs(document, "lymphotoxic", concepts),
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
        found |= class_members(drug_class, concepts, document, (group, "classes", number))
    return frozenset(found)
