"""The draft referral a card suggests: a ServiceRequest that nobody has signed (R-19, decisions 35 and 42).

Its fixed part is built once with ``fhir.resources`` (R4B) and so checked; a card fills in references and a note. No
requester, no priority, no author: a clinician decides and signs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from cds_service.cards.choose import Choice
from cds_service.cards.flag_block import flag_line, present_flags
from cds_service.cards.items import item_lines
from cds_service.cards.markdown import safe
from cds_service.cards.model import CardOptions
from cds_service.cards.scene import Scene
from cds_service.cards.therapy import STEPS, line_phrase
from cds_service.cards.wording import Wording

ORDER_SYSTEM, ORDER_CODE = "urn:cart-cds:order", "car-t-referral-review"
MAX_SUPPORTING = 20
MAX_NOTE_ROWS = 30
REASONS = frozenset({"Condition", "Observation", "DiagnosticReport", "DocumentReference"})
"""What ServiceRequest.reasonReference may point to."""


def draft_referral(scene: Scene) -> Mapping[str, Any]:
    """The draft ServiceRequest of a card, ready to be sent as JSON."""
    choice, picture, hook = scene.choice, scene.picture, scene.hook
    draft = dict(referral_template(scene.wording, scene.options))
    reasons = [r for diagnosis in choice.course.diagnoses if diagnosis.stands for r in diagnosis.evidence]
    reason_references = list(dict.fromkeys(r for r in reasons if _kind(r) in REASONS))
    draft["subject"] = {"reference": f"Patient/{hook.patient_id}" if hook.patient_id else picture.patient_reference}
    if hook.encounter_id:
        draft["encounter"] = {"reference": f"Encounter/{hook.encounter_id}"}
    draft["authoredOn"] = picture.as_of
    if reason_references:
        draft["reasonReference"] = [{"reference": reference} for reference in reason_references[:MAX_SUPPORTING]]
    supporting = _supporting(choice, set(reason_references), picture.patient_reference)
    if supporting:
        draft["supportingInfo"] = [{"reference": reference} for reference in supporting]
    draft["note"] = [{"text": _note(scene)}]
    return draft


def referral_template(wording: Wording, options: CardOptions) -> Mapping[str, Any]:
    """The fixed part of every draft, checked once; a service calls this at start. Raises ValueError for a bad code."""
    words = wording.sections["suggestion"]
    return _template(words["code_display"], words["code_text"], options.referral_codes[:1])


@lru_cache(maxsize=16)
def _template(display: str, text: str, site_codes: tuple[tuple[str, str], ...]) -> Mapping[str, Any]:
    from fhir.resources.R4B.servicerequest import ServiceRequest  # noqa: PLC0415 - half a second only cards need

    own = {"system": ORDER_SYSTEM, "code": ORDER_CODE, "display": display}
    coding = [own, *({"system": system, "code": code} for system, code in site_codes)]
    fixed: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "proposal",
        "code": {"coding": coding, "text": text},
    }
    checked = ServiceRequest.model_validate({**fixed, "subject": {"reference": "Patient/example"}})
    if checked.status != "draft" or checked.intent != "proposal":
        raise ValueError("the draft referral lost its status or intent")
    return fixed


def _kind(reference: str) -> str:
    parts = reference.rsplit("/", 2)
    return parts[-2] if len(parts) > 1 else ""


def _supporting(choice: Choice, used: set[str], patient: str) -> list[str]:
    """Evidence of the criteria, then of the lines, the newest first; at most twenty.

    What has no ``Type/id`` (an entry that was sent with a ``urn:uuid`` alone) cannot be found again and is left out.
    """
    criteria = (r for result in choice.leading for criterion in result.criteria for r in criterion.evidence)
    lines = (r for line in reversed(choice.course.history.lines) for r in line.evidence)
    found: dict[str, None] = {}
    for reference in (*criteria, *lines):
        if reference in used or reference == patient or _kind(reference) in ("", "Patient"):
            continue
        found.setdefault(reference)
        if len(found) == MAX_SUPPORTING:
            break
    return list(found)


def _note(scene: Scene) -> str:
    """Structured text: lines, open items, flags, what the record seldom holds. FHIR reads notes as Markdown."""
    choice, picture, wording = scene.choice, scene.picture, scene.wording
    words = wording.sections["suggestion"]
    sections = (
        ("note_lines", [line_phrase(line, wording, STEPS[0]) for line in choice.course.history.lines]),
        ("note_items", item_lines(scene.items, wording, picture.medication_count, short=False)),
        ("note_flags", [flag_line(flag) for flag in present_flags(picture, wording)]),
        ("note_ask", list(wording.lists["ask"])),
    )
    blocks = [words["note_head"].format(date=picture.as_of)]
    blocks += [_block(words[name], rows) for name, rows in sections if rows]
    return "\n\n".join(blocks)


def _block(head: str, rows: Iterable[str]) -> str:
    return "\n".join((f"{safe(head)}:", "", *(f"- {row}" for row in list(rows)[:MAX_NOTE_ROWS])))
