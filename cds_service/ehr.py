"""What an EHR does before it calls us: answers our prefetch templates from a record, builds the request of a hook."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from cds_service.errors import UnreadableInput

Json = dict[str, Any]
ORDER_HOOKS = ("order-select", "order-sign")
DRAFT_TYPES = ("MedicationRequest", "ServiceRequest")


def resources_of(content: Any) -> Iterator[Json]:
    """Every resource of a Bundle, a list, or a single resource; Bundles inside are opened."""
    if isinstance(content, list):
        for item in content:
            yield from resources_of(item)
    elif isinstance(content, dict) and content.get("resourceType") == "Bundle":
        for entry in content.get("entry") or ():
            if isinstance(entry, dict):
                yield from resources_of(entry.get("resource"))
    elif isinstance(content, dict) and isinstance(content.get("resourceType"), str):
        yield content


def prefetch(templates: Mapping[str, str], resources: Iterable[Json], patient_id: str) -> Json:
    """The prefetch of these templates: a read gives the resource or null, a search a searchset.

    Of the search parameters ``code`` and ``status`` are applied (tokens, with or without system).
    """
    found = list(resources)
    answers: Json = {}
    for key, template in templates.items():
        path, _, query = template.replace("{{context.patientId}}", patient_id).partition("?")
        kind, slash, name = path.partition("/")
        same = [r for r in found if r["resourceType"] == kind]
        if slash:
            answers[key] = next((r for r in same if r.get("id") == name), None)
            continue
        wanted = parse_qsl(query)
        matching = [r for r in same if all(_matches(r, k, v) for k, v in wanted)]
        entries = [{"resource": r, "search": {"mode": "match"}} for r in matching]
        answers[key] = {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}
    return answers


def _matches(resource: Json, parameter: str, value: str) -> bool:
    if parameter == "status":
        return resource.get("status") in value.split(",")
    if parameter != "code":
        return True
    tokens = set(value.split(","))
    concept = resource.get("code") or resource.get("vaccineCode") or {}
    codings = concept.get("coding") if isinstance(concept, dict) else None
    return any(
        isinstance(c, dict) and ({str(c.get("code")), f"{c.get('system')}|{c.get('code')}"} & tokens)
        for c in codings or ()
    )


def hook_request(hook: str, service: Json, content: Any, drafts: Any = None) -> Json:
    """The request an EHR would send for that hook.

    ``drafts`` are the unsigned orders of the order hooks; by default the record's own draft orders, which are not
    in the prefetch. Raises UnreadableInput when there is no Patient, or no order though the hook needs one.
    """
    resources = list(resources_of(content))
    patient = next((r for r in resources if r["resourceType"] == "Patient" and r.get("id")), None)
    if patient is None:
        raise UnreadableInput("no Patient with an id; an EHR always has one open")
    context: Json = {"userId": "Practitioner/example", "patientId": patient["id"]}
    record = [r for r in resources if not _draft(r)]
    if hook in ORDER_HOOKS:
        orders = list(resources_of(drafts)) if drafts is not None else [r for r in resources if _draft(r)]
        if not orders:
            raise UnreadableInput("no draft order: add one with status draft, or name a file with --draft")
        for number, order in enumerate(orders):
            order.setdefault("id", f"draft-{number + 1}")
        context["draftOrders"] = {"resourceType": "Bundle", "type": "collection"}
        context["draftOrders"]["entry"] = [{"resource": r} for r in orders]
        if hook == "order-select":
            context["selections"] = [f"{r['resourceType']}/{r['id']}" for r in orders]
    elif hook == "encounter-start":
        context["encounterId"] = next((r["id"] for r in resources if r["resourceType"] == "Encounter"), "example")
    elif hook == "problem-list-item-create":
        conditions = [{"resource": r} for r in resources if r["resourceType"] == "Condition"][-1:]
        context["conditions"] = {"resourceType": "Bundle", "type": "collection", "entry": conditions}
    return {
        "hook": hook,
        "hookInstance": str(uuid.uuid4()),
        "context": context,
        "prefetch": prefetch(service.get("prefetch") or {}, record, str(patient["id"])),
    }


def _draft(resource: Json) -> bool:
    return resource["resourceType"] in DRAFT_TYPES and resource.get("status") == "draft"
