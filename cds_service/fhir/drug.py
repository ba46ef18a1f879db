"""Which drug a medication resource means: its code, or the Medication it refers to (lines-of-therapy.md (b))."""

from __future__ import annotations

from typing import NamedTuple

from cds_service.fhir.collect import Collected
from cds_service.fhir.convert import concept, contained
from cds_service.fhir.elements import CodeableReference, Ingredient, Reference
from cds_service.fhir.model import NOTHING, Concept
from cds_service.fhir.wire import Drug, Medication, Resource


class Identity(NamedTuple):
    """What is known of a drug.

    ``code`` stands in the resource or in its Medication, ``ingredients`` are those of the Medication, ``label`` is the
    display of the reference; ``resolved`` is False when a reference leads nowhere in the input.
    """

    code: Concept = NOTHING
    ingredients: tuple[Concept, ...] = ()
    label: str = ""
    resolved: bool = True


def drug_of(found: Drug, collected: Collected) -> Identity:
    """The drug: inline code first, then the Medication referred to, inside the resource or anywhere in the input."""
    inline = concept(found.medicationCodeableConcept)
    reference = found.medicationReference
    if inline.codings and found.medication is None:
        return Identity(inline)
    if found.medication is not None:
        inline = inline or concept(found.medication)
        reference = reference or _target(found.medication)
    if inline.codings or reference is None:
        return Identity(inline)
    label = (reference.display or "")[:500]
    medication = _medication(found, reference, collected)
    if medication is None:
        return Identity(inline, (), label, resolved=bool(inline))
    items = medication.ingredient
    ingredients = [
        _ingredient(item, (found, medication), collected)
        for item in (items if isinstance(items, list) else [items])
        if item is not None
    ]
    return Identity(concept(medication.code) or inline, tuple(i for i in ingredients if i), label)


def _ingredient(item: Ingredient, holders: tuple[Resource, ...], collected: Collected) -> Concept:
    read = concept(item.itemCodeableConcept) or concept(item.item)
    reference = item.itemReference or (_target(item.item) if item.item is not None else None)
    if read or reference is None:
        return read
    for holder in holders:
        inner = _medication(holder, reference, collected)
        if inner is not None:
            return concept(inner.code)
    return Concept((), (reference.display or "")[:500])


def _target(found: CodeableReference) -> Reference | None:
    return Reference(reference=found.reference) if isinstance(found.reference, str) else found.reference


def _medication(holder: Resource, reference: Reference, collected: Collected) -> Medication | None:
    text = reference.reference or ""
    if text[:1] == "#":
        held = contained(holder, text)
    else:
        key = collected.key_of(reference)
        held = collected.find(key) if key else None
    return held if isinstance(held, Medication) else None
