"""Requests and answers as pydantic models: feedback is parsed with them, the OpenAPI document is made from them.

Hook requests are parsed by ``fhir.decode`` (a big body, read lean); ``HookCall`` below says the same in words, and a
test holds the two together.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

Text = Annotated[str, StringConstraints(min_length=1)]
UuidText = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"),
]


def _written(value: object) -> object:
    """A time stamp must be text with date and time: numbers and bare dates are not RFC 3339."""
    if not isinstance(value, str) or value[10:11] not in ("T", "t"):
        raise PydanticCustomError("datetime_form", "not RFC 3339")
    return value


Instant = Annotated[AwareDatetime, BeforeValidator(_written, json_schema_input_type=AwareDatetime)]
Resource = Annotated[
    dict[str, Any], Field(description="a FHIR resource or Bundle", json_schema_extra={"type": "object"})
]


class Open(BaseModel):
    """Unknown members are accepted and ignored (REQ-08, EXT-02)."""

    model_config = ConfigDict(extra="ignore")


class Closed(BaseModel):
    """What we send: exactly these members."""

    model_config = ConfigDict(extra="forbid")


class HookContext(Open):
    """``context`` of the hooks offered; members beside userId and patientId by hook.

    A member that the hook does not ask for may hold anything: it is not read (REQ-08).
    """

    userId: Annotated[
        str,
        StringConstraints(pattern=r"^(Practitioner|PractitionerRole|Patient|RelatedPerson)/[A-Za-z0-9\-._]{1,64}$"),
    ]
    patientId: Annotated[str, StringConstraints(pattern=r"^(Patient/)?[A-Za-z0-9\-._]{1,64}$")]
    encounterId: str | Any = None
    selections: list[str] | Any = None
    draftOrders: Resource | Any = None
    conditions: Resource | Any = None


class FhirAuthorization(Open):
    """A bearer token for the client's FHIR server; used for this call only, never stored or logged."""

    access_token: Annotated[str, Field(min_length=1, repr=False)]
    token_type: Literal["Bearer", "bearer"] = "Bearer"  # noqa: S105 - a token type, not a token
    expires_in: int | None = None
    scope: str | None = None
    subject: str | None = None
    patient: str | None = None


class HookCall(Open):
    """A CDS Hooks request. What is optional and cannot be used is left unread, never a reason to refuse."""

    hook: Text
    hookInstance: UuidText
    context: HookContext
    fhirServer: str | Any = None
    fhirAuthorization: FhirAuthorization | Any = None
    prefetch: dict[str, Resource | None] | Any = None


class Coding(Closed):
    """A Coding."""

    system: Text
    code: Text
    display: Text | None = None


class OverrideReason(Closed):
    """A Coding whose display is shown."""

    system: Text
    code: Text
    display: Text


class Source(Closed):
    """Who says so."""

    label: Text
    url: Text | None = None
    icon: Text | None = None
    topic: Coding | None = None


class Action(Closed):
    """What accepting does: create one draft order."""

    type: Literal["create"]
    description: Text
    resource: Resource


class Suggestion(Closed):
    """A suggestion with its action."""

    label: Text
    uuid: UuidText
    actions: Annotated[list[Action], Field(min_length=1, max_length=1)]


class Link(Closed):
    """A link."""

    label: Text
    url: Text
    type: Literal["absolute"]


class Card(Closed):
    """A card."""

    uuid: UuidText
    summary: Annotated[str, StringConstraints(min_length=1, max_length=139)]
    detail: Text | None = None
    indicator: Literal["info", "warning"]
    source: Source
    suggestions: Annotated[list[Suggestion], Field(min_length=1)] | None = None
    selectionBehavior: Literal["any"] | None = None
    overrideReasons: Annotated[list[OverrideReason], Field(min_length=1, max_length=8)] | None = None
    links: Annotated[list[Link], Field(min_length=1)] | None = None
    extension: dict[str, Any] | None = None


class CardsAnswer(Closed):
    """The answer of a service; ``cards`` is empty when there is nothing to say."""

    cards: list[Card]


class ServiceEntry(Closed):
    """One service in discovery."""

    hook: Text
    id: Annotated[str, StringConstraints(pattern=r"^[a-z-]+$")]
    title: Text
    description: Text
    usageRequirements: Text
    prefetch: dict[str, Text]


class DiscoveryAnswer(Closed):
    """The answer of discovery."""

    services: list[ServiceEntry]


class ReasonCoding(Open):
    """The code of an override reason; clients may leave out display and even system."""

    code: Text
    system: str | None = None


class FeedbackReason(Open):
    """Why a card was overridden: a code, a comment or both."""

    reason: ReasonCoding | None = None
    userComment: str | None = None


class AcceptedSuggestion(Open):
    """A suggestion the user took."""

    id: Text


class Feedback(Open):
    """What happened to one card."""

    card: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    outcome: Literal["accepted", "overridden"]
    outcomeTimestamp: Instant
    acceptedSuggestions: Annotated[list[AcceptedSuggestion], Field(max_length=50)] | None = None
    overrideReason: FeedbackReason | None = None
    overrideReasons: Any = None
    extension: Any = None


class FeedbackPost(Open):
    """The body of a feedback call."""

    feedback: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=1000)]


class Issue(Closed):
    """OperationOutcome.issue."""

    severity: Literal["fatal", "error"]
    code: Text
    diagnostics: Text


class OperationOutcome(Closed):
    """The body of every error."""

    resourceType: Literal["OperationOutcome"]
    issue: Annotated[list[Issue], Field(min_length=1)]


class Health(Closed):
    """The process is alive."""

    status: Literal["ok"]


class Readiness(Closed):
    """``degraded`` still serves; ``reasons`` say why."""

    status: Literal["ok", "degraded", "not ready"]
    version: Text
    rulesets: dict[str, Text] | None = None
    reasons: Annotated[list[Text], Field(min_length=1)] | None = None
