"""Rules loaded once, applications made cheaply, and the calls an EHR would send for the sample patients."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.app import Application, create_app
from cds_service.pipeline import Pipeline
from cds_service.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "fhir_samples"
AS_OF = "2026-11-21"
INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
PATIENT_VIEW = "/cds-services/cart-referral-patient-view"
ORDER_SELECT = "/cds-services/cart-referral-order-select"
ORDER_SIGN = "/cds-services/cart-referral-order-sign"
KEYS = {
    "Condition": "conditions",
    "Procedure": "procedures",
    "MedicationRequest": "medicationRequests",
    "MedicationAdministration": "medicationAdministrations",
    "MedicationStatement": "medicationStatements",
    "MedicationDispense": "medicationDispenses",
    "Observation": "observations",
    "ServiceRequest": "serviceRequests",
}
Json = dict[str, Any]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith((PREFIX, "OTEL_", "PROMETHEUS_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def pipeline() -> Pipeline:
    """US and EU rules, loaded once."""
    return Pipeline()


@pytest.fixture(scope="session")
def app_for(pipeline: Pipeline) -> Callable[..., Application]:
    """An application for settings; without any, the sandbox with authentication off."""

    def make(*, authenticator: Any = None, store: Any = None, source: Any = None, **settings: Any) -> Application:
        chosen = {"sandbox": True, "auth": "off", "public_url": "https://cds.example.org", **settings}
        return create_app(
            Settings(**chosen), authenticator=authenticator, store=store, source=source, pipeline=pipeline
        )

    return make


@pytest.fixture(scope="session")
def shared_client(app_for: Callable[..., Application]) -> FlaskClient:
    """A client of the default application."""
    return app_for().test_client()


@pytest.fixture
def client(shared_client: FlaskClient) -> Iterator[FlaskClient]:
    """The same client for each test; applications keep no state between requests."""
    yield shared_client


def sample(name: str) -> Json:
    """A shipped sample patient, freshly parsed."""
    bundle: Json = json.loads((SAMPLES / f"{name}.json").read_text())
    return bundle


def resources(name: str) -> list[Json]:
    """Its resources."""
    return [entry["resource"] for entry in sample(name)["entry"]]


def searchset(found: list[Json]) -> Json:
    """A search answer as a server gives it: absent entry when nothing was found."""
    bundle: Json = {"resourceType": "Bundle", "type": "searchset", "total": len(found)}
    if found:
        bundle["entry"] = [{"resource": resource, "search": {"mode": "match"}} for resource in found]
    return bundle


def prefetch_of(found: list[Json]) -> Json:
    """Every key of our templates answered from these resources; other types ride along."""
    prefetch: Json = {"patient": next(r for r in found if r["resourceType"] == "Patient")}
    for kind, key in KEYS.items():
        prefetch[key] = searchset([r for r in found if r["resourceType"] == kind])
    for resource in found:
        if resource["resourceType"] not in (*KEYS, "Patient"):
            prefetch.setdefault(resource["resourceType"].lower(), searchset([]))
            prefetch[resource["resourceType"].lower()].setdefault("entry", []).append({"resource": resource})
    return prefetch


def hook_call(name: str = "dlbcl-third-line", hook: str = "patient-view", **context: Any) -> Json:
    """The request an EHR would send for a sample patient."""
    found = resources(name)
    patient = next(r for r in found if r["resourceType"] == "Patient")
    return {
        "hook": hook,
        "hookInstance": INSTANCE,
        "context": {"userId": "Practitioner/haem-1", "patientId": patient["id"], **context},
        "prefetch": prefetch_of(found),
    }


def ask(client: FlaskClient, call: Json, path: str = PATIENT_VIEW, *, day: str = AS_OF, **headers: str) -> Any:
    """POST a hook call."""
    return client.post(f"{path}?asOf={day}", data=json.dumps(call), content_type="application/json", headers=headers)


def cards(client: FlaskClient, call: Json, path: str = PATIENT_VIEW) -> list[Json]:
    """The cards of a call that must be answered."""
    response = ask(client, call, path)
    assert response.status_code == 200, response.text
    found: list[Json] = response.get_json()["cards"]
    return found


def draft(code: str, name: str = "drug", *, number: int = 1, patient: str = "", **more: Any) -> Json:
    """A draft MedicationRequest by RxNorm code."""
    coding = {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": code, "display": name}
    return {
        "resourceType": "MedicationRequest",
        "id": f"draft-{number}",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {"coding": [coding]},
        **({"subject": {"reference": f"Patient/{patient}"}} if patient else {}),
        **more,
    }


def orders(*drafts: Json) -> Json:
    """``context.draftOrders``."""
    return {"resourceType": "Bundle", "entry": [{"resource": resource} for resource in drafts]}
