"""The parts of resources we read (FHIR data types), as they come over the wire.

Types are generous where senders are: an object for a list, a string for a concept, null in a list.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

Text: TypeAlias = str | None


class Element(msgspec.Struct, gc=False):
    """Base of the parts of resources."""


class Identifier(Element):
    """Identifier."""

    system: Text = None
    value: Text = None


class Coding(Element):
    """Coding."""

    system: Text = None
    code: Text = None
    display: Text = None
    extension: Extensions = None


class CodeableConcept(Element):
    """CodeableConcept."""

    coding: list[Coding | None] | Coding | None = None
    text: Text = None


Concepts: TypeAlias = list[CodeableConcept | None] | CodeableConcept | None
ConceptOrCode: TypeAlias = CodeableConcept | list[CodeableConcept | None] | str | None


class Reference(Element):
    """Reference."""

    reference: Text = None
    display: Text = None
    type: Text = None
    identifier: Identifier | None = None


References: TypeAlias = list[Reference | None] | Reference | None


class CodeableReference(Element):
    """R5 CodeableReference; also reads an older CodeableConcept in its place."""

    concept: CodeableConcept | None = None
    reference: Reference | str | None = None
    coding: list[Coding | None] | Coding | None = None
    text: Text = None


class Period(Element):
    """Period."""

    start: Text = None
    end: Text = None


class Quantity(Element):
    """Quantity, Age, Duration, SimpleQuantity."""

    value: float | None = None
    unit: Text = None
    system: Text = None
    code: Text = None
    comparator: Text = None


class Extension(Element):
    """Extension, with the values we look at."""

    url: Text = None
    valueCodeableConcept: CodeableConcept | None = None
    valueCoding: Coding | None = None
    valueDateTime: Text = None
    valueDate: Text = None
    valueInteger: int | None = None
    valuePositiveInt: int | None = None
    valueUnsignedInt: int | None = None


Extensions: TypeAlias = list[Extension | None] | Extension | None


class Repeat(Element):
    """Timing.repeat."""

    boundsPeriod: Period | None = None


class Timing(Element):
    """Timing."""

    repeat: Repeat | None = None


class Dosage(Element):
    """Dosage, of any medication resource."""

    route: CodeableConcept | None = None
    timing: Timing | None = None


Dosages: TypeAlias = list[Dosage | None] | Dosage | None


class Meta(Element):
    """Resource.meta."""

    versionId: Text = None
    lastUpdated: Text = None


class Ingredient(Element):
    """Medication.ingredient."""

    itemCodeableConcept: CodeableConcept | None = None
    itemReference: Reference | None = None
    item: CodeableReference | None = None


class Adherence(Element):
    """R5 MedicationStatement.adherence."""

    code: CodeableConcept | None = None
    reason: CodeableConcept | None = None


class DispenseRequest(Element):
    """MedicationRequest.dispenseRequest."""

    validityPeriod: Period | None = None


class RangeOf(Element):
    """Observation.referenceRange, or an age as a Range."""

    low: Quantity | None = None
    high: Quantity | None = None


class Component(msgspec.Struct, gc=False):
    """Observation.component."""

    code: ConceptOrCode = None
    valueCodeableConcept: CodeableConcept | None = None
    valueQuantity: Quantity | None = None
    valueInteger: int | None = None
    valueString: Text = None
    valueBoolean: bool | None = None
    interpretation: Concepts = None
    referenceRange: list[RangeOf | None] | None = None


class Issue(Element):
    """OperationOutcome.issue."""

    severity: Text = None
    details: CodeableConcept | None = None


class Answer(Element):
    """QuestionnaireResponse.item.answer."""

    valueInteger: int | None = None
    valueDecimal: float | None = None
    valueQuantity: Quantity | None = None
    valueString: Text = None
    valueCoding: Coding | None = None
    valueBoolean: bool | None = None
    item: list[Item | None] | Item | None = None


class Item(Element):
    """QuestionnaireResponse.item."""

    linkId: Text = None
    definition: Text = None
    text: Text = None
    answer: list[Answer | None] | Answer | None = None
    item: list[Item | None] | Item | None = None


class Link(Element):
    """Bundle.link."""

    relation: Text = None
    url: Text = None


class Response(Element):
    """Bundle.entry.response."""

    status: Text = None


class Search(Element):
    """Bundle.entry.search."""

    mode: Text = None
