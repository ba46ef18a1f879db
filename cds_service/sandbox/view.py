"""One record, judged and made ready to be shown: the card, the history, the reasoning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup

from cds_service.cards import HookView, card_json
from cds_service.cdshooks.services import Context
from cds_service.errors import MixedPatients, NoPatient, TooComplex, UnreadableInput
from cds_service.fhir import read_record
from cds_service.fhir.dates import Interval
from cds_service.fhir.decode import decode_record
from cds_service.fhir.model import Record
from cds_service.labels.model import Assessment, IndicationResult
from cds_service.oncology import describe
from cds_service.oncology.model import MET, NOT_MET, ClinicalPicture, FamilyPicture
from cds_service.sandbox.matrix import Matrix, closest, failing, matrix
from cds_service.sandbox.timeline import Axis, Chart, Window, axis_of, draw

HOOK = "patient-view"
FARTHEST = date(2199, 12, 31)
_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False}).disable(["image", "link", "autolink", "html_inline"])


class Unusable(Exception):
    """A record that cannot be shown: ``text`` says what is wrong and where."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCard:
    """A card as the EHR gets it (``json``), with its detail as HTML."""

    json: dict[str, Any]
    detail: Markup
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One disease family: its lines, its chart, and whether it is only supposed (the diagnosis is not settled)."""

    picture: FamilyPicture
    name: str
    chart: Chart | None
    supposed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything the page of one patient shows on one day under one jurisdiction.

    ``silences`` are words of ``cards.model.SILENCES``, and ``nearest`` the indication that came closest.
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
    matrix: Matrix
    courses: tuple[Course, ...]
    hook_instance: str
    service: str


def read(body: bytes) -> Record:
    """The record of a body. Raises Unusable."""
    try:
        decoded = decode_record(body)
        if not decoded.resources:
            raise Unusable("There is no FHIR in it: expected a Bundle, resources, or a CDS Hooks request.")
        return read_record(decoded.resources, decoded.issues)
    except UnicodeDecodeError:
        raise Unusable("This is not text in UTF-8.") from None
    except (UnreadableInput, MixedPatients, NoPatient, TooComplex) as error:
        raise Unusable(str(error)) from None


def look(context: Context, body: bytes, day: date | None, jurisdiction: str, default: date, instance: str) -> View:
    """The view of a record. ``default`` is the day its story is told on. Raises Unusable."""
    pipeline = context.pipeline
    if jurisdiction not in pipeline.rulebooks:
        raise Unusable(f"The jurisdiction is not one of {', '.join(sorted(pipeline.rulebooks))}.")
    record = read(body)
    chosen = day or default
    assessment = pipeline.assessment(record, chosen, jurisdiction)
    picture = assessment.picture
    whole = describe(record, FARTHEST, pipeline.knowledge, referral_codes=pipeline.referral_codes)
    axis = _axis(whole, default)
    service = next(iter(context.services), "cart-referral-patient-view")
    hook = HookView(
        hook=HOOK,
        hook_instance=instance,
        service_id=service,
        patient_id=picture.patient_reference.rpartition("/")[2],
    )
    composed = pipeline.composition(assessment, hook, context.options)
    nearest = None if composed.cards else closest(assessment)
    name = pipeline.wording.criterion_name
    return View(
        assessment=assessment,
        picture=picture,
        jurisdiction=jurisdiction,
        day=chosen,
        axis=axis,
        cards=tuple(
            ShownCard(json=card_json(card), detail=markdown(card.detail), status=card.status) for card in composed.cards
        ),
        silences=tuple(dict.fromkeys(composed.silent.values())),
        nearest=nearest,
        lacking=tuple((name(c.id), c.because) for c in failing(nearest)) if nearest else (),
        matrix=matrix(assessment, pipeline.wording),
        courses=tuple(_courses(context, assessment, whole, axis, chosen)),
        hook_instance=instance,
        service=service,
    )


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
        return date.fromisoformat((f"{text}-01-01" if len(text) == 4 else f"{text}-01" if len(text) == 7 else text)[:10]) if text else None
    except ValueError:
        return None


def _courses(context: Context, assessment: Assessment, whole: ClinicalPicture, axis: Axis, day: date) -> list[Course]:
    picture = assessment.picture
    later = {**whole.hypothetical, **whole.families}
    found = []
    for supposed, families in ((False, picture.families), (True, picture.hypothetical)):
        for name, one in families.items():
            chart = None
            if one.course is not None:
                window = _window(assessment, one)
                chart = draw(one, later.get(name), axis, day, label=lambda c: _label(context, c), window=window)
            title = context.pipeline.wording.family_name(name)
            found.append(Course(picture=one, name=title, chart=chart, supposed=supposed))
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
