"""Whole CDS Hooks requests from sample patients, and the card the service answers with."""

from __future__ import annotations

import json
from typing import Any

import build_samples

from cds_service.app import create_app
from cds_service.ehr import hook_request
from cds_service.pipeline import Pipeline
from cds_service.settings import Settings
from docs_parts.tables import SAMPLES, told_on

INSTANCE = "7b0c9f3e-1f0a-4a61-9d6e-2f4f3d1c8a55"
REQUESTS = {"patient-view": "mantle-cell-with-btk", "order-select": "mantle-cell-with-btk"}
"""Hook -> sample patient; small records, so that the files can be read."""
ORDERED = "bendamustine"
PICTURED = "dlbcl-third-line"
Json = dict[str, Any]


class Service:
    """The service as ``make demo`` runs it, asked without a network."""

    def __init__(self, pipeline: Pipeline) -> None:
        settings = Settings(sandbox=True, auth="off", log_level="error", public_url="http://127.0.0.1:8080")
        self.client = create_app(settings, pipeline=pipeline).test_client()
        self.services: list[Json] = self.client.get("/cds-services").get_json()["services"]

    def service(self, hook: str) -> Json:
        """The discovery entry of a hook."""
        return next(s for s in self.services if s["hook"] == hook)

    def request(self, hook: str, patient: str) -> Json:
        """What an EHR would send for that sample patient; the same on every call."""
        record = json.loads((SAMPLES / f"{patient}.json").read_text(encoding="utf-8"))
        drafts = draft(patient) if hook.startswith("order-") else None
        made = hook_request(hook, self.service(hook), record, drafts)
        made["hookInstance"] = INSTANCE
        return made

    def card(self, hook: str, patient: str) -> Json:
        """The first card for that sample patient on the day of its story."""
        path = f"/cds-services/{self.service(hook)['id']}?asOf={told_on().isoformat()}"
        answer = self.client.post(path, json=self.request(hook, patient))
        card: Json = answer.get_json()["cards"][0]
        return card


def draft(patient: str) -> Json:
    """An unsigned order of a systemic therapy."""
    return {
        "resourceType": "MedicationRequest",
        "id": "draft-1",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": build_samples.Codes().drug(ORDERED),
        "subject": {"reference": f"Patient/{patient}"},
    }


def request_file(service: Service, hook: str) -> str:
    """One request as a file: an entry a line, so that it stays short and can still be read."""
    made = service.request(hook, REQUESTS[hook])
    prefetch = made.pop("prefetch")
    head = json.dumps(made, indent=1, ensure_ascii=False)[:-2]
    keys = []
    for key, value in prefetch.items():
        entries = value.pop("entry", None) if isinstance(value, dict) else None
        text = json.dumps(value, ensure_ascii=False)
        if entries:
            lines = ",\n".join("   " + json.dumps(entry, ensure_ascii=False) for entry in entries)
            text = f'{text[:-1]}, "entry": [\n{lines}\n  ]}}'
        keys.append(f"  {json.dumps(key)}: {text}")
    return head + ',\n "prefetch": {\n' + ",\n".join(keys) + "\n }\n}\n"
