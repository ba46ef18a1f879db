"""A hook call answered: request to resources, resources through the pipeline, cards back.

The checks stand in the order of contract section 3, and the first that fails answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from cds_service.cards import CardOptions, Composition, HookView, card_json
from cds_service.cards.model import SILENCES
from cds_service.cdshooks.body import JSON_TYPES, check_media_type, read_body
from cds_service.cdshooks.calls import Call, read_call
from cds_service.cdshooks.catalogue import Service
from cds_service.cdshooks.errors import Refusal
from cds_service.cdshooks.evidence import with_evidence_checked
from cds_service.cdshooks.fetching import Reach, fetch_medications, fill_gaps, reach
from cds_service.cdshooks.metrics import Metrics
from cds_service.cdshooks.prefetch import REQUIRED, Supplied, Template, read_prefetch
from cds_service.cdshooks.seams import Authenticator, Caller, CardCall, FeedbackStore, PrefetchSource
from cds_service.draft_orders import DraftView
from cds_service.errors import MixedPatients, NoPatient, TooComplex
from cds_service.fhir import read_record
from cds_service.fhir.model import Record
from cds_service.fhir.wire import Medication, Patient
from cds_service.labels import nothing_to_judge
from cds_service.labels.model import Assessment, IndicationResult
from cds_service.oncology.model import ClinicalPicture
from cds_service.pipeline import Pipeline
from cds_service.settings import Settings

Json = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Context:
    """What every view needs: loaded once by ``app.create_app``, shared between threads."""

    settings: Settings
    pipeline: Pipeline
    services: dict[str, Service]
    templates: tuple[Template, ...]
    options: CardOptions
    metrics: Metrics
    authenticator: Authenticator
    store: FeedbackStore
    source: PrefetchSource
    log: Any

    def today(self) -> date:
        """The day in the site's time zone (R-25)."""
        return datetime.now(ZoneInfo(self.settings.timezone)).date()

    def authenticated(self, environ: Json, path: str) -> Caller:
        """The caller. Raises Refusal(401) that gives no reason."""
        caller = self.authenticator.caller(environ.get("HTTP_AUTHORIZATION"), path)
        if caller is None:
            raise Refusal(401, "authentication failed", {"WWW-Authenticate": "Bearer"})
        return caller


def answer_hook(context: Context, service: Service, environ: Json, as_of: str | None, fields: Json) -> Json:
    """The body of the answer to one hook call; ``fields`` takes what the log may know. Raises Refusal."""
    fields.update(service=service.id, hook=service.hook)
    body = read_body(environ, context.settings.max_body_bytes)
    check_media_type(environ, JSON_TYPES)
    fields["bytes"] = len(body)
    caller = context.authenticated(environ, f"/cds-services/{service.id}")
    call = read_call(body, service)
    fields["hook_instance"] = call.hook_instance
    if caller.issuer:
        fields.update(issuer=caller.issuer, tenant=caller.tenant)
    day = parse_day(as_of) if as_of is not None and context.settings.sandbox else context.today()
    if call.by_patient:
        return _silent(context, service, fields, "reader_is_patient")
    way = reach(call, body, caller, context.settings.fhir_seconds) if context.source.active else None
    record, supplied = _record_of(context, call, way)
    picture = context.pipeline.picture(record, day)
    if call.drafts is None and nothing_to_judge(picture):
        # Most charts by far: no family is on record, so no rule is asked and no card composed.
        _note(context, picture, (), supplied, fields)
        return _silent(context, service, fields, "deceased" if picture.deceased else "no_diagnosis")
    assessment = context.pipeline.judged(picture, context.settings.jurisdiction)
    if way is not None and picture.haematological and fetch_medications(context.source, way, call, supplied):
        record = _read(context, call, supplied)
        assessment = context.pipeline.assessment(record, day, context.settings.jurisdiction)
    drafts = _drafts(context, call, supplied, assessment)
    hook = HookView(
        hook=service.hook,
        hook_instance=call.hook_instance,
        service_id=service.id,
        user_type=call.user_type,
        patient_id=call.patient_id,
        encounter_id=call.encounter_id,
        systemic_order=drafts.systemic_order,
        lymphotoxic_drugs=drafts.lymphotoxic_drugs,
        referral_drafted=drafts.referral_drafted,
    )
    composed = context.pipeline.composition(assessment, hook, context.options)
    if composed.cards and context.settings.validate_ == "evidence":
        assessment = with_evidence_checked(assessment, body)
        composed = context.pipeline.composition(assessment, hook, context.options)
    cards = list(composed.cards)
    if cards:
        sent = CardCall(
            service=service.id,
            hook_instance=call.hook_instance,
            patient_id=call.patient_id,
            jurisdiction=assessment.jurisdiction,
            ruleset_version=assessment.ruleset_version,
            caller=caller,
        )
        cards = context.store.awake(cards, record, sent)
    _note(context, assessment.picture, assessment.indications, supplied, fields)
    _note_disagreements(context, assessment, fields)
    fields["cards"] = len(cards)
    for card in cards:
        context.metrics.cards.labels(service.id, card.indicator).inc()
    if not cards:
        _silent(context, service, fields, _why(assessment, composed))
    return {"cards": [card_json(card) for card in cards]}


def parse_day(text: str) -> date:
    """``asOf``. Raises Refusal(400)."""
    try:
        found = date.fromisoformat(text)
        if found.isoformat() != text:
            raise ValueError
        return found
    except ValueError:
        raise Refusal(400, "asOf is not a date like 2026-11-21") from None


def _record_of(context: Context, call: Call, way: Reach | None) -> tuple[Record, Supplied]:
    supplied = read_prefetch(call.request, context.templates)
    added = call.request.context.conditions if call.request.context else None
    if added is not None and "conditions" in call.service.required:
        # The problem just recorded may not be in the prefetch yet.
        supplied.resources.append(added)
    if way is not None:
        fill_gaps(context.source, way, call, supplied)
    supplied.name_lists()
    lacking = [kind for kind in REQUIRED if any(t.type == kind for t in (*supplied.missing, *supplied.failed))]
    if lacking or not supplied.has_patient:
        what = " and ".join(lacking or REQUIRED[:1])
        raise Refusal(412, f"needed data cannot be had: {what}; send them as prefetch")
    return _read(context, call, supplied), supplied


def _read(context: Context, call: Call, supplied: Supplied) -> Record:
    try:
        issues = [*call.decoded.issues, *supplied.issues]
        record = read_record(supplied.resources, issues, supplied.incomplete, context.pipeline.reads)
    except (MixedPatients, NoPatient, TooComplex) as error:
        raise Refusal(422, str(error)) from None
    if record.patient.reference.rpartition("/")[2] != call.patient_id:
        raise Refusal(422, "context.patientId is not the id of the Patient in prefetch")
    return record


def _drafts(context: Context, call: Call, supplied: Supplied, assessment: Assessment) -> DraftView:
    """What the draft orders say; a draft of another patient is refused (decision 32)."""
    if call.drafts is None:
        return DraftView()
    known = [r for r in supplied.resources if isinstance(r, Patient | Medication)]
    if not any(isinstance(r, Patient) for r in known):
        known.append(Patient(id=call.patient_id))
    try:
        drafts = read_record([*known, call.drafts])
    except (MixedPatients, NoPatient):
        raise Refusal(422, "context.draftOrders holds an order of another patient than context.patientId") from None
    except TooComplex as error:
        raise Refusal(422, str(error)) from None
    selections: Sequence[str] | None = call.selections if call.service.hook == "order-select" else None
    return context.pipeline.drafts.read(drafts, selections, assessment.picture)


def _silent(context: Context, service: Service, fields: Json, why: str) -> Json:
    fields.update(cards=0, silent_because=why)
    context.metrics.silent.labels(service.id, why).inc()
    return {"cards": []}


def _why(assessment: Assessment, composed: Composition) -> str:
    """One word of cards.SILENCES; a list of Conditions that was cut off is told apart (contract section 4)."""
    if composed.cards:
        return "snoozed"
    words = set(composed.silent.values()) - {"no_diagnosis"}
    why = next((word for word in SILENCES if word in words), "no_diagnosis")
    cut_off = why == "no_diagnosis" and assessment.picture.coverage.lacks("Condition")
    return "no_diagnosis_list_cut_off" if cut_off else why


def _note(
    context: Context,
    picture: ClinicalPicture,
    indications: Iterable[IndicationResult],
    supplied: Supplied,
    fields: Json,
) -> None:
    """What log and metrics may know: rule ids with results, counts; nothing of the record itself (R-07, R-51)."""
    jurisdiction = context.settings.jurisdiction
    fields.update(
        jurisdiction=jurisdiction,
        ruleset=context.pipeline.rulesets[jurisdiction].version,
        resources=dict(sorted(picture.coverage.resources.items())),
        data_issues=len(picture.issues),
        rules={r.indication.id: r.status for r in indications if r.status != "not_met"},
    )
    incomplete = sorted(supplied.incomplete | picture.coverage.incomplete)
    if incomplete:
        fields["incomplete"] = incomplete


def _note_disagreements(context: Context, assessment: Assessment, fields: Json) -> None:
    if assessment.disagreements:
        fields["disagreements"] = list(assessment.disagreements)
        context.metrics.disagreements.inc(len(assessment.disagreements))
        context.log.error("evaluators disagree", disagreements=list(assessment.disagreements))
