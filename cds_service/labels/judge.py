"""A clinical picture against one jurisdiction's rules: both evaluators, compared, and the reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from cds_service import __version__
from cds_service.errors import EngineError
from cds_service.labels.because import DISAGREED, NOT_READ, absent_result, age_result, course_result, diagnosis_result
from cds_service.labels.criteria import LISTED, OTHER, SUPERSEDED, UNSETTLED
from cds_service.labels.model import Assessment, CriterionResult, IndicationResult
from cds_service.labels.plain import Facts, Found, evaluate, worst
from cds_service.labels.rulebook import FamilyRules, Question, Rulebook
from cds_service.oncology.model import MET, REVIEW, UNKNOWN, ClinicalPicture, Diagnosis, FamilyPicture
from cds_service.oncology.signals import SIGNALS

_NOTHING_READ: Facts = {name: kind.default for name, kind in SIGNALS.items()} | {"lines_complete": False}
_SPEAKS_UNCODED = frozenset({"text", "indirect"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Near:
    """A diagnosis that bears on a family, as a fact for both evaluators."""

    diagnosis: Diagnosis
    fact: Facts


def assess(picture: ClinicalPicture, rulebook: Rulebook, *, service_version: str = __version__) -> Assessment:
    """Every indication in force on ``picture.as_of``, sorted by id (contract section 2).

    Both evaluators judge each family on record; an indication on which they differ, or on which the engine failed, is
    unknown and named in ``disagreements``. Raises ValueError when ``picture.as_of`` is no ISO date.
    """
    day = date.fromisoformat(picture.as_of)
    whole = not picture.coverage.lacks("Condition")
    replaced = frozenset(d.origin for d in picture.diagnoses if d.origin and d.stands)
    results: list[IndicationResult] = []
    disagreements: list[str] = []
    for rules in rulebook.in_force(day):
        near = _near(rules, picture, replaced) if picture.diagnoses else ()
        if near:
            found, differing = _Family(rules, picture, near, whole, day).judged()
            results += found
            disagreements += differing
        else:
            results += _nobody(rules, picture, whole, day)
    results.sort(key=lambda result: result.indication.id)
    return Assessment(
        service_version=service_version,
        jurisdiction=rulebook.jurisdiction,
        ruleset_version=rulebook.version,
        picture=picture,
        indications=tuple(results),
        disagreements=tuple(sorted(disagreements)),
    )


def nothing_to_judge(picture: ClinicalPicture) -> bool:
    """True when ``assess`` would find every indication not met: a whole list of conditions without a diagnosis."""
    return not picture.diagnoses and not picture.coverage.lacks("Condition")


def _near(rules: FamilyRules, picture: ClinicalPicture, replaced: frozenset[str]) -> tuple[_Near, ...]:
    """Standing diagnoses of the family, that may be of it, or that its labels name."""
    found = []
    for one in picture.diagnoses:
        possible = rules.family in one.may_be
        named = one.concept in rules.named
        if not one.stands or not (one.family == rules.family or possible or named):
            continue
        role = "ambiguous" if possible and one.family != rules.family else one.role
        certainty = one.certainty
        if one.may_have_transformed:
            certainty = UNSETTLED
        elif one.concept in replaced:
            certainty = SUPERSEDED
        found.append(
            _Near(
                diagnosis=one,
                fact={"concept": one.concept if named else OTHER, "certainty": certainty, "role": role},
            )
        )
    return tuple(found)


class _Family:
    """The indications of one family for a patient who has, or may have, the disease."""

    def __init__(
        self, rules: FamilyRules, picture: ClinicalPicture, near: tuple[_Near, ...], whole: bool, day: date
    ) -> None:
        self.rules = rules
        self.picture = picture
        self.near = near
        self.whole = whole
        self.day = day
        self.facts = [one.fact for one in near]

    def judged(self) -> tuple[list[IndicationResult], list[str]]:
        """Results, and the ids on which the evaluators differ."""
        courses: dict[str, list[int]] = {}
        pictures: dict[str, FamilyPicture | None] = {}
        decided: dict[int, tuple[str, FamilyPicture | None]] = {}
        for place, number in enumerate(self.rules.diagnoses):
            if number not in decided:
                table = self.rules.tables[self.rules.questions[number].keys[0]]
                decided[number] = self._course(evaluate(table, {LISTED: self.whole}, self.facts))
            family, course = decided[number]
            courses.setdefault(family, []).append(place)
            pictures[family] = course
        results: list[IndicationResult] = []
        differing: list[str] = []
        for family, places in courses.items():
            found, ids = self._on_course(family, pictures[family], places)
            results += found
            differing += ids
        return results, differing

    def _course(self, found: Found) -> tuple[str, FamilyPicture | None]:
        """The course an indication is judged on: that of the disease that decides its diagnosis."""
        status, _, place = found
        own, families = self.rules.family, self.picture.families
        deciding = self.near[place].diagnosis.family if place >= 0 else None
        if status in (MET, REVIEW) and deciding in families:
            return deciding or own, families[deciding or own]
        if own in families:
            return own, families[own]
        if own in self.picture.hypothetical:
            return own, self.picture.hypothetical[own]
        return (deciding, families[deciding]) if deciding in families and deciding else (own, None)

    def _on_course(
        self, family: str, course: FamilyPicture | None, places: Sequence[int]
    ) -> tuple[list[IndicationResult], list[str]]:
        signals: Facts = {**_nothing(self.picture.age), **(course.signals if course else {}), LISTED: self.whole}
        plain = {key: evaluate(table, signals, self.facts) for key, table in self.rules.tables.items()}
        statuses = {key: found[0] for key, found in plain.items()}
        engine, verdicts = self._engine(signals)
        doubted = (
            frozenset() if engine == statuses else {k for k, status in statuses.items() if engine.get(k) != status}
        )
        told = [self._result(question, plain, doubted, course) for question in self.rules.questions]
        results, differing = [], []
        for place in places:
            keys = self.rules.keys[place]
            status = worst([statuses[key] for key in keys])
            criteria = tuple([told[number] for number in self.rules.asked[place]])
            key = self.rules.questions[self.rules.diagnoses[place]].keys[0]
            diagnosis = plain[key]
            if verdicts[place] == status and doubted.isdisjoint(keys):
                speaks = diagnosis[0] == UNKNOWN and self._speaks(place, criteria)
            else:
                status = UNKNOWN
                speaks = bool({statuses[key], engine.get(key)} & {MET, REVIEW})
                differing.append(self.rules.indications[place].id)
            stale, past_review = _late(self.rules, place, self.day)
            results.append(
                IndicationResult(
                    indication=self.rules.indications[place],
                    family=family,
                    status=status,
                    criteria=criteria,
                    diagnosis_concept=self.near[diagnosis[2]].diagnosis.concept if diagnosis[2] >= 0 else None,
                    diagnosis_speaks=speaks,
                    stale=stale,
                    past_review=past_review,
                )
            )
        return results, differing

    def _engine(self, signals: Facts) -> tuple[dict[str, str], list[str]]:
        try:
            return self.rules.run_engine(signals, self.facts)
        except EngineError:
            return {}, [""] * len(self.rules.indications)

    def _result(
        self, question: Question, plain: Mapping[str, Found], doubted: Set[str], course: FamilyPicture | None
    ) -> CriterionResult:
        criterion = question.criterion
        if not doubted.isdisjoint(question.keys):
            return CriterionResult(id=criterion.id, status=UNKNOWN, because=DISAGREED)
        found = [plain[key] for key in question.keys]
        statuses = [one[0] for one in found]
        decides = statuses.index(worst(statuses))
        status, number, place = found[decides]
        deciding = self.near[place].diagnosis if place >= 0 else None
        everyone = tuple(one.diagnosis for one in self.near)
        match criterion.kind:
            case "age":
                return age_result(criterion, status, self.picture)
            case "diagnosis":
                certainty = str(self.near[place].fact["certainty"]) if place >= 0 else ""
                return diagnosis_result(
                    criterion, status, deciding, certainty=certainty, others=everyone, family=self.rules.family
                )
            case "absent_diagnosis":
                return absent_result(criterion, status, deciding, everyone)
        return course_result(criterion, self.rules.tables[question.keys[decides]].clauses[number], course)

    def _speaks(self, place: int, criteria: Sequence[CriterionResult]) -> bool:
        """Decisions 9b, 26b, 66: an unknown diagnosis that can be a label disease, all else being met."""
        asked = self.rules.questions[self.rules.diagnoses[place]].criterion
        if any(one.status != MET for one in criteria if one.id != asked.id):
            return False
        named = asked.params["met"]
        for one in self.near:
            certainty = one.fact["certainty"]
            if certainty in (SUPERSEDED, "provisional"):
                continue
            if one.diagnosis.speaks_when_ambiguous:
                return True
            if certainty in _SPEAKS_UNCODED and one.diagnosis.concept in named:
                return True
        return False


@lru_cache(maxsize=512)
def _nothing(age: tuple[int, int] | None) -> Facts:
    """Signals of a disease of which nothing was read: the age alone is known."""
    least, most = age or (-1, -1)
    return {**_NOTHING_READ, "age_known": age is not None, "age_min": least, "age_max": most}


def _nobody(rules: FamilyRules, picture: ClinicalPicture, whole: bool, day: date) -> list[IndicationResult]:
    """The indications of a family without any concept on record: the engine is not asked (architecture.md)."""
    signals = _nothing(picture.age)
    ages = {}
    for number, question in enumerate(rules.questions):
        if question.criterion.kind == "age":
            status = evaluate(rules.tables[question.keys[0]], signals, ())[0]
            ages[number] = age_result(question.criterion, status, picture)
    results = []
    for place, (shared, asked_age, without_age) in enumerate(_blank(rules, whole)):
        criteria, status = shared, without_age
        if asked_age is not None:
            age = ages[asked_age]
            criteria = tuple(age if one is None else one for one in shared)
            status = worst((age.status, without_age))
        stale, past_review = _late(rules, place, day)
        results.append(
            IndicationResult(
                indication=rules.indications[place],
                family=rules.family,
                status=status,
                criteria=criteria,
                stale=stale,
                past_review=past_review,
            )
        )
    return results


@lru_cache(maxsize=1024)
def _blank(rules: FamilyRules, whole: bool) -> tuple[tuple[tuple[Any, ...], int | None, str], ...]:
    """For each indication of a disease the patient has not: its criteria, None standing for the age; the place of the
    question about the age, None without one; the status without the age.
    """
    signals: Facts = {**_NOTHING_READ, LISTED: whole}
    told = [_blank_result(rules, question, signals) for question in rules.questions]
    found = []
    for row in rules.asked:
        criteria = tuple(told[number] for number in row)
        age = next((number for number in row if told[number] is None), None)
        found.append((criteria, age, worst([one.status for one in criteria if one is not None])))
    return tuple(found)


def _blank_result(rules: FamilyRules, question: Question, signals: Facts) -> CriterionResult | None:
    criterion = question.criterion
    status = evaluate(rules.tables[question.keys[0]], signals, ())[0]
    match criterion.kind:
        case "age":
            return None
        case "diagnosis":
            return diagnosis_result(criterion, status, None, certainty="", others=(), family=rules.family)
        case "absent_diagnosis":
            return absent_result(criterion, status, None, ())
    return CriterionResult(id=criterion.id, status=UNKNOWN, because=NOT_READ)


@lru_cache(maxsize=4096)
def _late(rules: FamilyRules, place: int, day: date) -> tuple[bool, bool]:
    """Past its expiry date, and past its review date, on that day (decision 45)."""
    product = rules.indications[place].product
    return day > product.expires, day > product.review_by
