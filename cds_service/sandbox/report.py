"""The page to take away: a draft of a referral packet, one HTML file that needs nothing else and prints well."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path

from flask import render_template
from markupsafe import Markup

from cds_service.cdshooks.services import Context
from cds_service.labels.model import IndicationResult
from cds_service.oncology.model import MET, NOT_MET, REVIEW, UNKNOWN, FamilyPicture
from cds_service.sandbox.timeline import STATUS_NAMES, known
from cds_service.sandbox.view import View

STYLE = (Path(__file__).resolve().parent / "assets" / "report.css").read_text(encoding="utf-8")
POLICY = "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'{frame}"


def report_page(view: View, context: Context) -> tuple[str, str]:
    """(HTML, content security policy) of the report. The file carries the policy itself for when it is opened alone."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    wording = context.pipeline.wording
    html = render_template(
        "sandbox/report.html",
        view=view,
        style=Markup(STYLE),  # noqa: S704 - a file of ours
        policy=POLICY.format(hash=digest, frame=""),
        histories=[(course, _status(course.picture)) for course in view.courses if not course.ahead],
        open_rules=[r for r in view.assessment.indications if r.status in (MET, REVIEW, UNKNOWN)],
        missing=_missing(view, wording.criterion_name),
        flags={
            status: [f for f in view.picture.flags if f.status == status] for status in ("present", "absent", "unknown")
        },
        name=wording.criterion_name,
        purpose=wording.intended_use,
        products=_products(view),
    )
    return html, POLICY.format(hash=digest, frame="; frame-ancestors 'none'")


def _status(picture: FamilyPicture) -> list[tuple[str, str, str]]:
    """(date, status, references) of every disease status, in time."""
    if picture.course is None:
        return []
    events = sorted(picture.course.status, key=lambda e: (e.when.last, e.reference))
    return [
        (e.when.text or str(e.when.last), STATUS_NAMES.get(e.kind, e.kind), ", ".join(e.evidence))
        for e in events
        if known(e.when)
    ]


def _missing(view: View, name: Callable[[str], str]) -> list[str]:
    """What the record does not say, each once: open criteria, open questions of the count, gaps of the history."""
    found: dict[str, None] = {}
    for result in view.assessment.indications:
        if _concerns(result):
            for criterion in result.criteria:
                if criterion.status == UNKNOWN:
                    found[f"{name(criterion.id)}: {criterion.because}"] = None
    for course in view.courses:
        if course.ahead:
            continue
        for text in (*course.picture.history.count.questions, *course.picture.history.gaps):
            found[text] = None
    return list(found)


def _concerns(result: IndicationResult) -> bool:
    diagnosis = result.criterion("diagnosis")
    return diagnosis is not None and NOT_MET not in (diagnosis.status, result.status)


def _products(view: View) -> list[tuple[str, str, str, str]]:
    """(product, label revision, day it was read, official page) of the rules that speak."""
    products = (r.indication.product for r in view.assessment.indications if r.status != NOT_MET)
    return sorted({(f"{p.short_name} ({p.brand})", p.label_revision, str(p.read_on), p.page) for p in products})
