"""The services we offer: ids that never change once published (DIS-09), one hook each (DIS-08)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cds_service.cdshooks.prefetch import Template

USAGE = (
    "Reads FHIR R4, R4B, R5 and STU3. Patient and Condition are needed; the more of the treatment history comes along, "
    "the less stays unknown."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One CDS service. ``required`` are the members of ``context`` the hook demands beside userId and patientId."""

    hook: str
    title: str
    when: str
    required: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The path segment of the service URL."""
        return f"cart-referral-{self.hook}"


SERVICES = (
    Service(hook="patient-view", title="CAR-T referral review: chart opened", when="Answers when a chart is opened"),
    Service(
        hook="order-select",
        title="CAR-T referral review: order selected",
        when="Answers when a systemic therapy is selected",
        required=("selections", "draftOrders"),
    ),
    Service(
        hook="order-sign",
        title="CAR-T referral review: order being signed",
        when="Answers when a systemic therapy is about to be signed",
        required=("draftOrders",),
    ),
    Service(
        hook="problem-list-item-create",
        title="CAR-T referral review: problem recorded",
        when="Answers when a problem is added to the problem list",
        required=("conditions",),
    ),
    Service(
        hook="encounter-start",
        title="CAR-T referral review: encounter started",
        when="Answers when an encounter starts",
        required=("encounterId",),
    ),
)


def offered(hooks: tuple[str, ...]) -> dict[str, Service]:
    """Services by id for the hooks switched on."""
    return {service.id: service for service in SERVICES if service.hook in hooks}


def discovery(services: dict[str, Service], templates: tuple[Template, ...], intended_use: str) -> dict[str, Any]:
    """The answer of ``GET /cds-services``; ``intended_use`` is the sentence of rules/wording.yaml (R-01)."""
    prefetch = {template.key: template.query for template in templates}
    return {
        "services": [
            {
                "hook": service.hook,
                "id": service.id,
                "title": service.title,
                "description": f"{service.when}. {intended_use}",
                "usageRequirements": USAGE,
                "prefetch": prefetch,
            }
            for service in services.values()
        ]
    }
