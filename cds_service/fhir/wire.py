"""The resources we read, as they come over the wire: slim structs for msgspec, one tagged union.

Only named elements are decoded, everything else is skipped without making objects. What does not fit goes the lenient
way in ``decode``. Covers R4 and R4B, and the R5, STU3 and DSTU2 names of the same elements.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

from cds_service.fhir.elements import (
    Adherence,
    CodeableConcept,
    CodeableReference,
    Component,
    ConceptOrCode,
    Concepts,
    DispenseRequest,
    Dosages,
    Element,
    Extensions,
    Identifier,
    Ingredient,
    Issue,
    Item,
    Link,
    Meta,
    Period,
    Quantity,
    RangeOf,
    Reference,
    References,
    Response,
    Search,
    Text,
)
from cds_service.fhir.resource_types import OTHER_TYPES


class Resource(msgspec.Struct, gc=False, tag_field="resourceType"):
    """What every resource may carry."""

    id: Text = None
    meta: Meta | None = None
    subject: References = None
    patient: References = None
    contained: list[AnyResource | None] | None = None


class Patient(Resource, tag="Patient"):
    """Patient."""

    identifier: list[Identifier | None] | Identifier | None = None
    birthDate: Text = None
    deceasedBoolean: bool | None = None
    deceasedDateTime: Text = None
    deceased_absent: msgspec.Raw | None = msgspec.field(default=None, name="_deceasedDateTime")
    gender: Text = None


class Condition(Resource, tag="Condition"):
    """Condition, of any version."""

    identifier: list[Identifier | None] | Identifier | None = None
    code: ConceptOrCode = None
    clinicalStatus: ConceptOrCode = None
    verificationStatus: ConceptOrCode = None
    category: list[CodeableConcept | str | None] | CodeableConcept | str | None = None
    bodySite: Concepts = None
    onsetDateTime: Text = None
    onsetPeriod: Period | None = None
    onsetAge: Quantity | None = None
    onsetRange: RangeOf | None = None
    recordedDate: Text = None
    assertedDate: Text = None
    dateRecorded: Text = None
    abatementDateTime: Text = None
    abatementPeriod: Period | None = None
    abatementAge: Quantity | None = None
    abatementString: Text = None
    abatementBoolean: bool | None = None
    extension: Extensions = None


class Medication(Resource, tag="Medication"):
    """Medication."""

    identifier: list[Identifier | None] | Identifier | None = None
    code: ConceptOrCode = None
    ingredient: list[Ingredient | None] | Ingredient | None = None


class Drug(Resource):
    """What the four medication resources share."""

    identifier: list[Identifier | None] | Identifier | None = None
    status: Text = None
    medicationCodeableConcept: CodeableConcept | None = None
    medicationReference: Reference | None = None
    medication: CodeableReference | None = None
    reasonCode: Concepts = None
    reasonReference: References = None
    reason: list[CodeableReference | None] | CodeableReference | None = None
    reasonCodeableConcept: CodeableConcept | None = None
    statusReason: Concepts = None
    basedOn: References = None
    partOf: References = None
    extension: Extensions = None


class MedicationAdministration(Drug, tag="MedicationAdministration"):
    """MedicationAdministration; R5 spells occurence with one r."""

    effectiveDateTime: Text = None
    effectivePeriod: Period | None = None
    effectiveTimeDateTime: Text = None
    effectiveTimePeriod: Period | None = None
    occurenceDateTime: Text = None
    occurencePeriod: Period | None = None
    occurrenceDateTime: Text = None
    occurrencePeriod: Period | None = None
    request: Reference | None = None
    prescription: Reference | None = None
    dosage: Dosages = None
    notGiven: bool | None = None
    wasNotGiven: bool | None = None
    reasonGiven: Concepts = None
    reasonNotGiven: Concepts = None


class MedicationDispense(Drug, tag="MedicationDispense"):
    """MedicationDispense."""

    whenHandedOver: Text = None
    whenPrepared: Text = None
    daysSupply: Quantity | None = None
    authorizingPrescription: References = None
    dosageInstruction: Dosages = None
    statusReasonCodeableConcept: CodeableConcept | None = None
    notPerformedReason: CodeableReference | None = None
    notDone: bool | None = None
    notDoneReasonCodeableConcept: CodeableConcept | None = None


class MedicationStatement(Drug, tag="MedicationStatement"):
    """MedicationStatement."""

    taken: Text = None
    wasNotTaken: bool | None = None
    adherence: Adherence | None = None
    effectiveDateTime: Text = None
    effectivePeriod: Period | None = None
    dateAsserted: Text = None
    dosage: Dosages = None
    derivedFrom: References = None
    reasonForUseCodeableConcept: CodeableConcept | None = None
    reasonNotTaken: Concepts = None


class MedicationRequest(Drug, tag="MedicationRequest"):
    """MedicationRequest."""

    intent: Text = None
    authoredOn: Text = None
    dateWritten: Text = None
    reported: bool | None = None
    reportedBoolean: bool | None = None
    reportedReference: Reference | None = None
    doNotPerform: bool | None = None
    dosageInstruction: Dosages = None
    effectiveDosePeriod: Period | None = None
    dispenseRequest: DispenseRequest | None = None


class MedicationOrder(MedicationRequest, tag="MedicationOrder"):
    """The DSTU2 name of MedicationRequest."""


class Procedure(Resource, tag="Procedure"):
    """Procedure."""

    identifier: list[Identifier | None] | Identifier | None = None
    status: Text = None
    code: ConceptOrCode = None
    performedDateTime: Text = None
    performedPeriod: Period | None = None
    performedAge: Quantity | None = None
    occurrenceDateTime: Text = None
    occurrencePeriod: Period | None = None
    occurrenceAge: Quantity | None = None
    statusReason: Concepts = None
    reasonCode: Concepts = None
    reasonReference: References = None
    reason: list[CodeableReference | None] | CodeableReference | None = None
    basedOn: References = None
    partOf: References = None
    usedCode: Concepts = None
    used: list[CodeableReference | None] | CodeableReference | None = None
    bodySite: Concepts = None
    notPerformed: bool | None = None
    notDone: bool | None = None
    reasonCodeableConcept: CodeableConcept | None = None
    reasonNotPerformed: Concepts = None
    notDoneReason: Concepts = None
    extension: Extensions = None


class Valued(Resource):
    """The value[x] of an Observation or one of its components."""

    code: ConceptOrCode = None
    valueCodeableConcept: CodeableConcept | None = None
    valueQuantity: Quantity | None = None
    valueInteger: int | None = None
    valueString: Text = None
    valueBoolean: bool | None = None
    interpretation: Concepts = None
    referenceRange: list[RangeOf | None] | None = None


class Observation(Valued, tag="Observation"):
    """Observation."""

    identifier: list[Identifier | None] | Identifier | None = None
    status: Text = None
    effectiveDateTime: Text = None
    effectivePeriod: Period | None = None
    effectiveInstant: Text = None
    issued: Text = None
    focus: References = None
    method: CodeableConcept | None = None
    specimen: Reference | None = None
    component: list[Component | None] | None = None


class Immunization(Resource, tag="Immunization"):
    """Immunization."""

    status: Text = None
    vaccineCode: CodeableConcept | None = None
    occurrenceDateTime: Text = None
    date: Text = None
    notGiven: bool | None = None
    wasNotGiven: bool | None = None


class ServiceRequest(Resource, tag="ServiceRequest"):
    """ServiceRequest; R5 has a CodeableReference as code."""

    status: Text = None
    intent: Text = None
    code: CodeableReference | None = None
    authoredOn: Text = None


class ProcedureRequest(ServiceRequest, tag="ProcedureRequest"):
    """The STU3 name of ServiceRequest."""


class Specimen(Resource, tag="Specimen"):
    """Specimen."""

    identifier: list[Identifier | None] | Identifier | None = None
    type: CodeableConcept | None = None


class QuestionnaireResponse(Resource, tag="QuestionnaireResponse"):
    """QuestionnaireResponse."""

    status: Text = None
    authored: Text = None
    item: list[Item | None] | Item | None = None


class EpisodeOfCare(Resource, tag="EpisodeOfCare"):
    """EpisodeOfCare."""

    status: Text = None
    type: Concepts = None
    period: Period | None = None
    extension: Extensions = None


class CarePlan(Resource, tag="CarePlan"):
    """CarePlan."""

    status: Text = None
    intent: Text = None
    title: Text = None
    description: Text = None


class RequestGroup(CarePlan, tag="RequestGroup"):
    """RequestGroup."""


class RequestOrchestration(CarePlan, tag="RequestOrchestration"):
    """The R5 name of RequestGroup."""


class OperationOutcome(Resource, tag="OperationOutcome"):
    """OperationOutcome."""

    issue: list[Issue | None] | None = None


class Entry(Element):
    """Bundle.entry."""

    fullUrl: Text = None
    resource: AnyResource | None = None
    search: Search | None = None
    response: Response | None = None


class Bundle(Resource, tag="Bundle"):
    """Bundle of any type."""

    type: Text = None
    total: int | None = None
    link: list[Link | None] | None = None
    entry: list[Entry | None] | None = None


class Parameter(Element):
    """Parameters.parameter."""

    resource: AnyResource | None = None
    part: list[Parameter | None] | None = None


class Parameters(Resource, tag="Parameters"):
    """Parameters."""

    parameter: list[Parameter | None] | None = None


READ: tuple[type[Resource], ...] = (
    Patient,
    Condition,
    Medication,
    MedicationAdministration,
    MedicationDispense,
    MedicationStatement,
    MedicationRequest,
    MedicationOrder,
    Procedure,
    Observation,
    Immunization,
    ServiceRequest,
    ProcedureRequest,
    Specimen,
    QuestionnaireResponse,
    EpisodeOfCare,
    CarePlan,
    RequestGroup,
    RequestOrchestration,
    OperationOutcome,
    Bundle,
    Parameters,
)
OTHER: tuple[type[Resource], ...] = tuple(
    cast(type[Resource], msgspec.defstruct(name, [], bases=(Resource,), tag=name, gc=False, module=__name__))
    for name in OTHER_TYPES
)
TYPES: dict[str, type[Resource]] = {str(struct.__struct_config__.tag): struct for struct in READ + OTHER}
AnyResource: Any = READ[0]
for _kind in READ[1:] + OTHER:
    AnyResource = AnyResource | _kind


_RENAMED = {"MedicationOrder": "MedicationRequest", "ProcedureRequest": "ServiceRequest"}
TAGS: dict[type[Resource], str] = {struct: name for name, struct in TYPES.items()}
"""Struct -> resourceType as it stands in the input."""
KINDS: dict[type[Resource], str] = {struct: _RENAMED.get(name, name) for name, struct in TYPES.items()}
"""Struct -> resourceType, older names of a type under its present one."""


def kind_of(resource: Resource) -> str:
    """The resourceType of a decoded resource, by its present name."""
    return KINDS[type(resource)]
