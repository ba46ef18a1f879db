"""Which disease families speak, on which indications, and why the others are silent.

Silence rules c.2 1 to 8 of safety and card content; decisions 9, 31, 35, 36, 43 to 46.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from cds_service.cards.model import READERS_WHO_ARE_PATIENTS, CardOptions, HookView
from cds_service.labels.model import Assessment, IndicationResult
from cds_service.oncology.model import (
    FAMILIES,
    MET,
    NOT_MET,
    REVIEW,
    UNKNOWN,
    ClinicalPicture,
    Diagnosis,
    FamilyPicture,
    History,
    LineCount,
)

STATUS_CRITERIA = frozenset(
    {
        "relapsed_or_refractory",
        "first_line_failure",
        "refractory_to_lenalidomide",
        "progressed_on_last_therapy",
        "refractory_or_second_relapse",
        "transplant_ineligible",
    }
)
"""Response, relapse and refractory criteria, and the one that is only asked after a failure (decision 36)."""

SUBTYPE, TEXT_ONLY, INDIRECT = "subtype", "text_only", "indirect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One family that speaks.

    A family with no match is ``review`` when the record answers all of one rule but what the label leaves open.
    ``leading`` are the indications of the best status, ``open_ones`` those that stay undetermined (the same when
    nothing is met). ``ambiguous`` says how the diagnosis is unclear (decisions 9b, 26b, 66), "" for one that is named.
    """

    family: str
    status: str
    leading: tuple[IndicationResult, ...]
    open_ones: tuple[IndicationResult, ...]
    course: FamilyPicture
    ambiguous: str = ""


def choose(
    assessment: Assessment, hook: HookView, options: CardOptions
) -> tuple[tuple[Choice, ...], Mapping[str, str]]:
    """The families that speak, first those with a rule that is met, then the leading one; and why others are silent."""
    whole = _whole_silence(assessment.picture, hook)
    if whole:
        return (), {"": whole}
    silent: dict[str, str] = {}
    chosen: list[Choice] = []
    by_family: dict[str, list[IndicationResult]] = {}
    for result in assessment.indications:
        by_family.setdefault(result.family, []).append(result)
    for family in _ordered(by_family):
        found = _family_choice(family, by_family[family], assessment)
        if isinstance(found, Choice):
            reason = _choice_silence(found, assessment.picture, hook, options)
            if not reason:
                chosen.append(found)
                continue
            found = reason
        silent[family] = found
    kept = _without_repeats(chosen, assessment.picture, silent)
    lead = assessment.picture.lead
    kept.sort(key=lambda choice: (choice.status != MET, choice.family != lead))
    return tuple(kept), silent


def _ordered(families: Iterable[str]) -> list[str]:
    places = {family: place for place, family in enumerate(FAMILIES)}
    return sorted(families, key=lambda family: (places.get(family, len(places)), family))


def _whole_silence(picture: ClinicalPicture, hook: HookView) -> str:
    if hook.user_type in READERS_WHO_ARE_PATIENTS:
        return "reader_is_patient"
    if picture.deceased:
        return "deceased"
    if hook.about_orders and not hook.systemic_order:
        return "no_systemic_order"
    if hook.referral_drafted:
        return "referral_drafted"
    if picture.referral_open:
        return "referral_open"
    return ""


def _family_choice(family: str, results: list[IndicationResult], assessment: Assessment) -> Choice | str:
    picture = assessment.picture
    disputed = frozenset(assessment.disagreements)
    named = [r for r in results if _diagnosis_status(r) in (MET, REVIEW) or _disputed(r, disputed)]
    unclear = [result for result in results if result.diagnosis_speaks and result not in named]
    if not named and not unclear:
        return "no_diagnosis"
    for group in (named, unclear):
        speaking = tuple(result for result in group if result.status != NOT_MET and not result.stale)
        if speaking:
            return _choice(family, speaking, picture, ambiguous=group is unclear)
    alive = any(result.status != NOT_MET for result in (*named, *unclear))
    return "rule_expired" if alive else "criteria_not_met"


def _choice(
    family: str, speaking: tuple[IndicationResult, ...], picture: ClinicalPicture, *, ambiguous: bool
) -> Choice:
    met = tuple(result for result in speaking if result.status == MET)
    open_ones = tuple(result for result in speaking if result.status != MET)
    leading = met or open_ones
    status = MET if met else REVIEW if any(result.status == REVIEW for result in open_ones) else UNKNOWN
    course = picture.families.get(family) or picture.hypothetical.get(family) or _nothing_known(family)
    return Choice(
        family=family,
        status=status,
        leading=leading,
        open_ones=open_ones,
        course=course,
        ambiguous=_ambiguity(leading, picture) if ambiguous else "",
    )


def _disputed(result: IndicationResult, disputed: Collection[str]) -> bool:
    """The two evaluators differ on the diagnosis: a fault of the service, not an ambiguous record."""
    return result.indication.id in disputed and result.diagnosis_speaks


def _diagnosis_status(result: IndicationResult) -> str:
    found = result.criterion("diagnosis")
    return found.status if found else MET


def _ambiguity(results: tuple[IndicationResult, ...], picture: ClinicalPicture) -> str:
    certainties = {diagnosis.certainty for diagnosis in _deciding(results, picture)}
    if "text" in certainties:
        return TEXT_ONLY
    return INDIRECT if "indirect" in certainties else SUBTYPE


def _deciding(results: tuple[IndicationResult, ...], picture: ClinicalPicture) -> list[Diagnosis]:
    concepts = {result.diagnosis_concept for result in results}
    return [diagnosis for diagnosis in picture.diagnoses if diagnosis.concept in concepts]


def _nothing_known(family: str) -> FamilyPicture:
    history = History(count=LineCount(n=0, min=0, max=0), lines=(), complete=False)
    return FamilyPicture(family=family, diagnoses=(), history=history, facts={}, signals={}, statements={})


def _choice_silence(choice: Choice, picture: ClinicalPicture, hook: HookView, options: CardOptions) -> str:
    if not hook.about_orders and _first_line_under_way(choice, picture):
        return "first_line_under_way"
    if options.suppress_prior_car_t:
        prior = choice.course.facts.get("prior_car_t")
        if prior is not None and prior.status == MET:
            return "prior_car_t"
    return "unknown_cards_off" if choice.status != MET and not options.unknown_cards else ""


def _first_line_under_way(choice: Choice, picture: ClinicalPicture) -> bool:
    """Decision 36; a list that is missing or was cut off is one more unknown, so then the card speaks."""
    if choice.status == MET or choice.ambiguous or not choice.course.first_line_under_way:
        return False
    if picture.coverage.truncated or picture.coverage.incomplete:
        return False
    unknown = {c.id for result in choice.leading for c in result.criteria if c.status == UNKNOWN}
    return unknown <= STATUS_CRITERIA


def _without_repeats(chosen: list[Choice], picture: ClinicalPicture, silent: dict[str, str]) -> list[Choice]:
    """One card for an unclear diagnosis (9b), and none when a card speaks of a named disease it may be."""
    named = [choice for choice in chosen if not choice.ambiguous]
    spoken = {choice.family for choice in named}
    kept = list(named)
    for choice in chosen:
        if not choice.ambiguous:
            continue
        can_be = {choice.family}
        for diagnosis in _deciding(choice.leading, picture):
            can_be.update(diagnosis.may_be)
            can_be.update([diagnosis.family] if diagnosis.family else [])
        if spoken & can_be or len(kept) > len(named):
            silent[choice.family] = "another_family_speaks"
        else:
            kept.append(choice)
    return kept
