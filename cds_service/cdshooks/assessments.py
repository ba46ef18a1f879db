"""``POST /api/assessment``: a record as ``evaluate`` reads it, the full assessment back. Only in the sandbox."""

from __future__ import annotations

from typing import Any

from cds_service.cdshooks.body import JSON_TYPES, NDJSON_TYPES, check_media_type, read_body
from cds_service.cdshooks.errors import Refusal
from cds_service.cdshooks.evidence import with_evidence_checked
from cds_service.cdshooks.services import Context, Json, parse_day
from cds_service.errors import MixedPatients, NoPatient, TooComplex, UnreadableInput
from cds_service.fhir import read_record
from cds_service.fhir.decode import decode_record
from cds_service.labels import as_json


def answer_assessment(context: Context, environ: Json, as_of: str | None, jurisdiction: str | None, notes: Any) -> Json:
    """The assessment of contract section 2. Raises Refusal: 400, 413, 415, 422."""
    body = read_body(environ, context.settings.max_body_bytes)
    check_media_type(environ, JSON_TYPES | NDJSON_TYPES)
    notes.fields["bytes"] = len(body)
    day = context.today() if as_of is None else parse_day(as_of)
    chosen = context.settings.jurisdiction if jurisdiction is None else jurisdiction
    ruleset = context.pipeline.rulesets.get(chosen)
    if ruleset is None:
        raise Refusal(400, f"jurisdiction is not one of {', '.join(sorted(context.pipeline.rulesets))}")
    try:
        decoded = decode_record(body)
        if not decoded.resources:
            raise Refusal(400, "no FHIR in it: expected a Bundle, resources, or a CDS Hooks request")
        record = read_record(decoded.resources, decoded.issues, known=context.pipeline.reads)
    except UnreadableInput as error:
        raise Refusal(400, str(error)) from None
    except UnicodeDecodeError:
        raise Refusal(400, "not JSON: the body is not UTF-8") from None
    except (MixedPatients, NoPatient, TooComplex) as error:
        raise Refusal(422, str(error)) from None
    assessment = context.pipeline.assessment(record, day, chosen)
    if context.settings.validate_ == "evidence":
        assessment = with_evidence_checked(assessment, body)
    notes.fields.update(
        jurisdiction=chosen,
        ruleset=ruleset.version,
        resources=dict(sorted(assessment.picture.coverage.resources.items())),
        rules={r.indication.id: r.status for r in assessment.indications if r.status != "not_met"},
    )
    notes.version = ruleset.version
    if assessment.disagreements:
        notes.fields["disagreements"] = list(assessment.disagreements)
        context.metrics.disagreements.inc(len(assessment.disagreements))
    return as_json(assessment)
