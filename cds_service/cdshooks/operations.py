"""Routes for those who run the service: /healthz, /readyz, /metrics, /about, /openapi.json. No patient data."""

from __future__ import annotations

from datetime import date
from typing import Any

import cds_service
from cds_service.cdshooks.metrics import Metrics
from cds_service.pipeline import Pipeline
from cds_service.settings import Settings


def readiness(pipeline: Pipeline, metrics: Metrics, today: date) -> tuple[int, dict[str, Any]]:
    """Status and body of /readyz (decision 45): 503 only while no rules are loaded; one stale rule is degraded."""
    loaded = {j: ruleset.version for j, ruleset in pipeline.rulesets.items() if ruleset.indications}
    body: dict[str, Any] = {"status": "ok", "version": cds_service.__version__}
    if not loaded:
        return 503, {**body, "status": "not ready", "reasons": ["no label rules are loaded"]}
    body["rulesets"] = loaded
    reasons = [
        f"{indication.id}: past its expiry date {indication.product.expires.isoformat()}, withheld from cards"
        for ruleset in pipeline.rulesets.values()
        for indication in ruleset.in_force(today)
        if indication.product.expires < today
    ]
    disagreements = int(metrics.total("cart_cds_evaluator_disagreements"))
    if disagreements:
        reasons.append(f"the two evaluators differed {disagreements} times; those indications were answered unknown")
    if reasons:
        body |= {"status": "degraded", "reasons": reasons}
    return 200, body


def about(pipeline: Pipeline, settings: Settings, services: list[str], today: date) -> dict[str, Any]:
    """What this service is, which rules it holds and what it covers."""
    return {
        "name": "cart-cds",
        "version": cds_service.__version__,
        "intendedUse": pipeline.wording.intended_use,
        "specification": "CDS Hooks 2.0.1",
        "sandbox": settings.sandbox,
        "services": services,
        "rulesets": [
            {
                "jurisdiction": ruleset.jurisdiction,
                "version": ruleset.version,
                "indications": [
                    {
                        "id": indication.id,
                        "product": indication.product.name,
                        "brand": indication.product.brand,
                        "family": indication.family,
                        "title": indication.title,
                        "approval": indication.approval,
                        "effectiveFrom": indication.effective_from.isoformat(),
                        "labelRevision": indication.product.label_revision,
                        "readOn": indication.product.read_on.isoformat(),
                        "reviewBy": indication.product.review_by.isoformat(),
                    }
                    for indication in ruleset.in_force(today)
                ],
            }
            for ruleset in pipeline.rulesets.values()
        ],
    }
