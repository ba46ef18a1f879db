"""One record, judged and made ready to be shown: the card, the history, the reasoning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup

from cds_service.cards import Card, HookView, card_json
from cds_service.cdshooks.services import Context
from cds_service.ehr import ORDER_HOOKS
from cds_service.errors import MixedPatients, NoPatient, TooComplex, UnreadableInput
from cds_service.fhir import read_record
from cds_service.fhir.dates import Interval
from cds_service.fhir.decode import decode_record
from cds_service.fhir.model import Record
from cds_service.fhir.wire import Entry
from cds_service.labels.model import Assessment, IndicationResult
from cds_service.oncology import describe
from cds_service.oncology.model import MET, NOT_MET, ClinicalPicture, FamilyPicture
from cds_service.sandbox.drafts import Drafts, DraftShelf, own_drafts
from cds_service.sandbox.matrix import Matrix, closest, failing, matrix
from cds_service.sandbox.timeline import Axis, Chart, Window, axis_of, draw
from cds_service.sandbox.timeline import known as known_day

HOOK = "patient-view"
FARTHEST = date(2199, 12, 31)
TELLING = ("refractory_or_second_relapse", "prior_lines", "first_line_failure", "relapsed_or_refractory")
"""Of the criteria that are met these say most about why there is a card, the best first."""
STEPS = 36
"""So many even steps are looked at to find when a card appears; a change inside one that is undone again is missed."""
MOST_RESOURCES = 1500
"""Above this a look at every step would keep the service busy for seconds."""
_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False}).disable(
    ["image", "link", "autolink", "html_inline"]
)


class Unusable(Exception):
    """A record that cannot be shown: ``text`` says what is wrong and where."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a reader asks of a record. ``day`` None is ``default``, the day its story is told on.

    ``hook`` "" is the first one offered; ``order`` is the word of a draft order, used by the order hooks only.
    """

    jurisdiction: str
    default: date
    day: date | None = None
    hook: str = ""
    order: str = ""
    instance: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCard:
    """A card as the EHR gets it (``json``), with its detail as HTML."""

    json: dict[str, Any]
    detail: Markup
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One disease family: its lines and its chart.

    ``supposed``: the diagnosis is not settled. ``ahead``: on the day of the assessment nothing was known of it.
    """

    picture: FamilyPicture
    name: str
    chart: Chart | None
    supposed: bool
    ahead: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything the page of one patient shows on one day under one jurisdiction.

    ``silences`` are words of ``cards.model.SILENCES``, ``nearest`` is the indication that came closest, ``stops`` are
    the days on which something happened, ``deciding`` is the criterion that tells most about the card, with its
    sentence, ``drafts`` the orders an order hook is asked about.
    """

    assessment: Assessment
    picture: ClinicalPicture
    jurisdiction: str
    day: date
    axis: Axis
    cards: tuple[ShownCard, ...]
    silences: tuple[str, ...]
    nearest: IndicationResult | None
    lacking: tuple[tuple[str, str], ...]
    deciding: tuple[str, str] | None
    matrix: Matrix
    courses: tuple[Course, ...]
    call: HookView
    drafts: Drafts | None
    stops: tuple[str, ...]
    record: Record = field(repr=False)


def read(body: bytes, known: Callable[[str, str], bool] | None = None) -> tuple[Record, list[Entry]]:
    """The record of a body, and the draft orders that came with it. Raises Unusable."""
    try:
        decoded = decode_record(body)
        if not decoded.resources:
            raise Unusable("There is no FHIR in it: expected a Bundle, resources, or a CDS Hooks request.")
        return read_record(decoded.resources, decoded.issues, known=known), own_drafts(decoded)
    except UnicodeDecodeError:
        raise Unusable("This is not text in UTF-8.") from None
    except (UnreadableInput, MixedPatients, NoPatient, TooComplex) as error:
        raise Unusable(str(error)) from None


def look(context: Context, shelf: DraftShelf, body: bytes, asked: Question) -> View:
    """The view of a record. Raises Unusable."""
    pipeline = context.pipeline
    if asked.jurisdiction not in pipeline.rulebooks:
        raise Unusable(f"The jurisdiction is not one of {', '.join(sorted(pipeline.rulebooks))}.")
    record, own = read(body, pipeline.reads)
    chosen = asked.day or asked.default
    assessment = pipeline.assessment(record, chosen, asked.jurisdiction)
    picture = assessment.picture
    whole = describe(record, FARTHEST, pipeline.knowledge, referral_codes=pipeline.referral_codes)
    axis = _axis(whole, asked.default)
    services = {service.hook: service.id for service in context.services.values()}
    hook = asked.hook if asked.hook in services else next(iter(services), HOOK)
    call = HookView(
        hook=hook,
        hook_instance=asked.instance,
        service_id=services.get(hook, f"cart-referral-{hook}"),
        patient_id=picture.patient_reference.rpartition("/")[2],
    )
    drafts = None
    if hook in ORDER_HOOKS:
        try:
            drafts = shelf.chosen(asked.order, list(whole.families or whole.hypothetical), own, call.patient_id)
        except (MixedPatients, NoPatient, TooComplex) as error:
            raise Unusable(f"The draft orders cannot be read: {error}") from None
    composed = pipeline.composition(assessment, _with_drafts(context, call, drafts, picture), context.options)
    nearest = None if composed.cards else closest(assessment)
    name = pipeline.wording.criterion_name
    return View(
        assessment=assessment,
        picture=picture,
        jurisdiction=asked.jurisdiction,
        day=chosen,
        axis=axis,
        cards=tuple(
            ShownCard(json=card_json(card), detail=markdown(card.detail), status=card.status) for card in composed.cards
        ),
        silences=tuple(dict.fromkeys(composed.silent.values())),
        nearest=nearest,
        lacking=tuple((name(c.id), c.because) for c in failing(nearest)) if nearest else (),
        deciding=_deciding(composed.cards, assessment, name),
        matrix=matrix(assessment, pipeline.wording),
        courses=tuple(_courses(context, assessment, whole, axis, chosen)),
        call=call,
        drafts=drafts,
        stops=tuple(str(day) for day in _stops(whole, axis, asked.default)),
        record=record,
    )


def _deciding(cards: Sequence[Card], assessment: Assessment, name: Callable[[str], str]) -> tuple[str, str] | None:
    """Of the rules with the card's status: what they turned on, or the first item they leave open."""
    if not cards:
        return None
    leading = [r for r in assessment.indications if r.indication.id in cards[0].rules and r.status == cards[0].status]
    found = [criterion for result in leading for criterion in result.criteria]
    if cards[0].status == MET:
        found = [criterion for one in TELLING for criterion in found if criterion.id == one]
    else:
        found = [criterion for result in leading for criterion in failing(result)]
    return (name(found[0].id), found[0].because) if found else None


def _with_drafts(context: Context, call: HookView, drafts: Drafts | None, picture: ClinicalPicture) -> HookView:
    """The call with what the draft orders say of the patient on the day of ``picture``."""
    if drafts is None:
        return call
    told = context.pipeline.drafts.read(drafts.record, None, picture)
    return replace(
        call,
        systemic_order=told.systemic_order,
        lymphotoxic_drugs=told.lymphotoxic_drugs,
        referral_drafted=told.referral_drafted,
    )


def cards_by_day(context: Context, view: View) -> list[tuple[date, str]]:
    """(day, what a card says on it: met, review, unknown, or silent), ascending; between equal days nothing changes.

    Empty for a very large record. The days of the chart are looked at in even steps and where something happened, and
    each change is found to the day.
    """
    axis = view.axis
    if sum(view.picture.coverage.resources.values()) > MOST_RESOURCES:
        return []
    days = {axis.start + timedelta(days=axis.days * step // STEPS) for step in range(STEPS + 1)}
    days |= {date.fromisoformat(text) for text in view.stops}
    known = {day: _kind(context, view, day) for day in sorted(days)}
    ordered = sorted(known)
    for early, late in pairwise(ordered):
        low, high = early, late
        while known[low] != known[high] and (high - low).days > 1:
            middle = low + (high - low) // 2
            known[middle] = _kind(context, view, middle)
            if known[middle] == known[low]:
                low = middle
            else:
                high = middle
    return sorted(known.items())


def _kind(context: Context, view: View, day: date) -> str:
    assessment = context.pipeline.assessment(view.record, day, view.jurisdiction)
    call = _with_drafts(context, view.call, view.drafts, assessment.picture)
    cards = context.pipeline.composition(assessment, call, context.options).cards
    return cards[0].status if cards else "silent"


def _stops(whole: ClinicalPicture, axis: Axis, default: date) -> list[date]:
    """Days of status, procedures and line starts, and the day on which the story is told."""
    days = {default}
    for picture in (*whole.families.values(), *whole.hypothetical.values()):
        if picture.course is not None:
            whens = [event.when for event in picture.course.status] + [line.start for line in picture.course.lines]
            whens += [event.when for line in picture.course.lines for event in line.events]
            days |= {when.last for when in whens if known_day(when)}
    return sorted(day for day in days if axis.start <= day <= axis.end)


def markdown(text: str) -> Markup:
    """Card text as HTML. Raw HTML, links and images of the text stay text (R-43, SAF-03)."""
    return Markup(_MARKDOWN.render(text))  # noqa: S704 - the renderer escapes everything, HTML being off


def _axis(whole: ClinicalPicture, default: date) -> Axis:
    pictures = (*whole.families.values(), *whole.hypothetical.values())
    spare = [day for text in (whole.coverage.earliest, whole.coverage.latest) if (day := _day(text)) is not None]
    return axis_of([p.course for p in pictures if p.course], whole.diagnoses, default, spare)


def _day(text: str | None) -> date | None:
    """The first day of a date of any precision."""
    try:
        return (
            date.fromisoformat((f"{text}-01-01" if len(text) == 4 else f"{text}-01" if len(text) == 7 else text)[:10])
            if text
            else None
        )
    except ValueError:
        return None


def _courses(context: Context, assessment: Assessment, whole: ClinicalPicture, axis: Axis, day: date) -> list[Course]:
    """Courses on record, then those supposed, then those that nobody knows of on ``day``."""
    picture = assessment.picture
    later = {**whole.hypothetical, **whole.families}
    known = [(one, False, False) for one in picture.families.values()]
    known += [(one, True, False) for one in picture.hypothetical.values()]
    here = {one.family for one, _, _ in known}
    known += [(one, False, True) for one in whole.families.values() if one.family not in here and one.course]
    found = []
    for one, supposed, ahead in known:
        chart = None
        if one.course is not None:
            now = None if ahead else one
            window = None if ahead else _window(assessment, one)
            chart = draw(now, later.get(one.family), axis, day, label=lambda c: _label(context, c), window=window)
        name = context.pipeline.wording.family_name(one.family)
        found.append(Course(picture=one, name=name, chart=chart, supposed=supposed, ahead=ahead))
    return found


def _label(context: Context, concept: str) -> str:
    """The name of a drug for people."""
    try:
        return context.pipeline.knowledge.concepts.drug_info(concept).label
    except KeyError:
        return concept.replace("_", " ")


def _window(assessment: Assessment, family: FamilyPicture) -> Window | None:
    """The span in which a failure of the first line counts as early, where a rule of this family asks for it (X2)."""
    days = [
        int(criterion.params["within_days"])
        for result in assessment.indications
        if result.family == family.family and _on_record(result)
        for criterion in result.indication.criteria
        if criterion.kind == "first_line_failure" and criterion.params.get("within_days")
    ]
    course = family.course
    if not days or course is None or not course.lines:
        return None
    since = family.history.count.since_transformation
    lines = course.lines[-since:] if since else course.lines
    end: Interval | None = lines[0].completion
    if end is None or end.last >= FARTHEST - timedelta(days=1):
        return None
    return Window(start=end.last, days=max(days))


def _on_record(result: IndicationResult) -> bool:
    diagnosis = result.criterion("diagnosis")
    return diagnosis is not None and diagnosis.status != NOT_MET


def met_brands(view: View) -> list[str]:
    """Brands with an indication that is met, each once."""
    return list(dict.fromkeys(r.indication.product.brand for r in view.assessment.indications if r.status == MET))
