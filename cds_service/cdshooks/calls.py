"""A hook request checked: hook, hookInstance, context. What is wrong is said by name, never with its value."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cds_service.cdshooks.catalogue import Service
from cds_service.cdshooks.errors import Refusal
from cds_service.errors import TooComplex, UnreadableInput
from cds_service.fhir.decode import Decoded, HookContext, HookRequest, decode_hook
from cds_service.fhir.wire import Bundle

UUID = re.compile(r"(?:urn:uuid:)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})", re.IGNORECASE)
"""A UUID of any version (REQ-02)."""
FHIR_ID = re.compile(r"[A-Za-z0-9\-._]{1,64}")
CLINICIANS = ("Practitioner", "PractitionerRole")
PATIENTS = ("Patient", "RelatedPerson")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A valid hook request. ``patient_id`` and ``encounter_id`` are bare ids, "" where the hook has none."""

    service: Service
    request: HookRequest
    decoded: Decoded
    hook_instance: str
    user_type: str
    patient_id: str
    encounter_id: str = ""
    selections: tuple[str, ...] = ()
    drafts: Bundle | None = None

    @property
    def by_patient(self) -> bool:
        """The user is a patient or a relative: nothing is shown (R-02)."""
        return self.user_type in PATIENTS


def read_call(body: bytes, service: Service) -> Call:
    """The call in a request body. Raises Refusal: 400, or 422 for JSON too deep to read."""
    try:
        decoded = decode_hook(body)
    except TooComplex as error:
        raise Refusal(422, str(error)) from None
    except UnreadableInput as error:
        raise Refusal(400, str(error)) from None
    except UnicodeDecodeError:
        raise Refusal(400, "not JSON: the body is not UTF-8") from None
    request = decoded.hook
    if request is None:
        raise Refusal(400, "the request is not a JSON object")
    if not request.hook:
        raise Refusal(400, "hook is missing or not a string")
    if request.hook != service.hook:
        raise Refusal(400, f"hook is not {service.hook}, the hook of this service")
    instance = UUID.fullmatch(request.hookInstance or "")
    if instance is None:
        raise Refusal(400, "hookInstance is missing or not a UUID")
    context = request.context
    if context is None:
        raise Refusal(400, "context is missing or not an object")
    _check_required(service, context)
    return Call(
        service=service,
        request=request,
        decoded=decoded,
        hook_instance=instance.group(1).lower(),
        user_type=_user_type(context.userId),
        patient_id=_patient_id(context.patientId),
        encounter_id=_bare(context.encounterId, "Encounter"),
        selections=tuple(context.selections or ()),
        drafts=context.draftOrders if isinstance(context.draftOrders, Bundle) else None,
    )


def _user_type(text: str | None) -> str:
    if not text:
        raise Refusal(400, "context.userId is missing or not a string")
    parts = text.split("/")
    if len(parts) < 2 or parts[-2] not in CLINICIANS + PATIENTS or not FHIR_ID.fullmatch(parts[-1]):
        kinds = ", ".join((*CLINICIANS, *PATIENTS))
        raise Refusal(400, f"context.userId is not a reference Type/id with one of the types {kinds}")
    return parts[-2]


def _patient_id(text: str | None) -> str:
    if not text:
        raise Refusal(400, "context.patientId is missing or not a string")
    bare = text.removeprefix("Patient/")
    if not FHIR_ID.fullmatch(bare):
        raise Refusal(400, "context.patientId is not a FHIR id")
    return bare


def _bare(text: str | None, kind: str) -> str:
    """An id that is optional: one that is no FHIR id is left out, not refused."""
    bare = (text or "").removeprefix(f"{kind}/")
    return bare if FHIR_ID.fullmatch(bare) else ""


def _check_required(service: Service, context: HookContext) -> None:
    for name in service.required:
        value = getattr(context, name)
        if name in ("draftOrders", "conditions"):
            if not isinstance(value, Bundle):
                raise Refusal(400, f"context.{name} is missing or not a Bundle")
        elif name == "selections":
            if value is None:
                raise Refusal(400, "context.selections is missing or not a list of references")
        elif not value:
            raise Refusal(400, f"context.{name} is missing or not a string")
