"""Results as flags read them: which Observations count, the latest of a question, a number in the unit of a limit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TypeVar

from cds_service.fhir.dates import Interval
from cds_service.fhir.model import Concept, ObservationEntry, Record
from cds_service.oncology.flag_rules import Answer, FlagRules, Limit, Measure
from cds_service.oncology.flag_units import folded
from cds_service.terminology import Concepts

SAME_DAY = 4
"""Results of one day that are looked at; a lab repeats a value, a flood of repeats is cut."""
MAX_WORDS = 40
Test = TypeVar("Test", Measure, Answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a flag can show: its sentence, its date, and where it stands. ``key`` is what it answers."""

    text: str
    when: Interval | None
    evidence: tuple[str, ...]
    key: str = ""
    strong: bool = False


@dataclass(slots=True, kw_only=True)
class Look:
    """What a part of a flag found: ``present`` findings, ``settled`` (recent and unremarkable), ``open`` (why not)."""

    present: list[Finding] = field(default_factory=list)
    settled: list[Finding] = field(default_factory=list)
    open: list[Finding] = field(default_factory=list)
    unusable: list[tuple[str, str, str]] = field(default_factory=list)
    """(reference, question, problem) of results that could not be used: data issues."""

    def add(self, other: Look) -> None:
        """Take over what another part found."""
        self.present += other.present
        self.settled += other.settled
        self.open += other.open
        self.unusable += other.unusable


@dataclass(frozen=True, slots=True)
class Number:
    """The lowest and highest value a result allows, in the unit of ``limit``; ``shown`` and ``unit`` as recorded."""

    low: float
    high: float
    limit: Limit
    shown: str
    unit: str


class Results:
    """The record's results by question, read once."""

    def __init__(self, record: Record, concepts: Concepts, rules: FlagRules, as_of: date) -> None:
        self.rules, self.as_of, self.concepts = rules, as_of, concepts
        self.by_question: dict[str, list[ObservationEntry]] = {}
        wanted, statuses = rules.questions, rules.results.statuses
        kept: dict[Concept, str] = {}
        for entry in record.observations:
            question = kept.get(entry.code)
            if question is None:
                meaning = concepts.observation_question(entry.code)
                question = meaning.concept if meaning is not None and meaning.concept in wanted else ""
                kept[entry.code] = question
            if not question or entry.status not in statuses or entry.absent:
                continue
            if entry.date is None or entry.date.first <= as_of:
                self.by_question.setdefault(question, []).append(entry)

    def asked(self, tests: Iterable[Test]) -> list[Test]:
        """Those tests of which the record holds any result."""
        return [test for test in tests if test.question in self.by_question]

    def latest(self, question: str) -> list[ObservationEntry]:
        """The results of the latest day of a question (all that may be of that day), by reference; none undated."""
        return newest(self.by_question.get(question, ()))

    def recent(self, when: Interval | None, days: int | None) -> bool | None:
        """Whether a date lies at most ``days`` before the assessment; None when the record leaves it open."""
        if days is None:
            return True
        if when is None:
            return None
        since = self.since(days)
        if when.last < since:
            return False
        return True if when.first >= since else None

    def shows_as_recent(self, when: Interval | None, days: int | None) -> bool:
        """Recent, or possibly so and dated closely enough to be shown: for findings, never for their absence."""
        recent = self.recent(when, days)
        if recent is None and when is not None:
            return when.first == date.min or (when.last - when.first).days < self.rules.results.widest_date
        return recent is True

    def since(self, days: int) -> date:
        """The first day of a window that ends with the assessment."""
        return self.as_of - timedelta(days=days)

    def number(self, entry: ObservationEntry, measure: Measure) -> Number | str:
        """The value against the first limit whose unit it can be brought to; or the sentence that says why not."""
        low, high, shown = self._bounds(entry, measure)
        if low is None or high is None:
            return "no_value"
        if _alien_specimen(entry, measure.refused | self._refused(measure.any_specimen)):
            return "specimen"
        units, problem = self.rules.units, ""
        for limit in measure.limits:
            factor = self._factor(entry, limit.unit, measure)
            if isinstance(factor, str):
                problem = problem or factor
                continue
            found = Number(_scaled(low, factor), _scaled(high, factor), limit, shown, self._printed(entry))
            if not _plausible(found, measure):
                problem = "implausible"
                continue
            if found.unit or not (entry.unit or entry.unit_text) or measure.unit_optional:
                return found
            converted = _said_number(found.low if found.low != float("-inf") else found.high)
            return replace(found, shown=f"{entry.comparator}{converted}", unit=units.printed(limit.unit) or "")
        return problem

    def _bounds(self, entry: ObservationEntry, measure: Measure) -> tuple[float | None, float | None, str]:
        """Lowest and highest value, and the value as a person reads it."""
        if measure.values and (coded := self.concepts.observation_value(entry.value)) is not None:
            grade = measure.values.get(coded.concept)
            return (grade, grade, str(grade)) if grade is not None else (None, None, "")
        if entry.comparator and entry.bound is not None:
            shown = f"{entry.comparator}{_said_number(entry.bound)}"
            if entry.comparator in ("<", "<="):
                return float("-inf"), entry.bound, shown
            return (entry.bound, float("inf"), shown) if entry.comparator in (">", ">=") else (None, None, "")
        value: float | None = entry.quantity if entry.quantity is not None else entry.integer
        if value is None and measure.whole and len(entry.text) <= 3 and entry.text.strip().isdecimal():
            value = int(entry.text)
        if value is None:
            return None, None, ""
        return float(value), float(value), _said_number(float(value))

    def _factor(self, entry: ObservationEntry, wanted: str, measure: Measure) -> float | str:
        """The factor to the wanted unit. The coded unit and the unit a person reads must agree where both are known."""
        coded, text = entry.unit, entry.unit_text
        units = self.rules.units
        if not coded and not text:
            return 1.0 if measure.unit_optional else "no_unit"
        if measure.also and measure.also in (units.known(coded), units.known(text)):
            return 1.0
        found = units.factor(coded, wanted) if coded else None
        if text and folded(text) != folded(coded) and units.known(text):
            said = units.factor(text, wanted)
            if found is None:
                found = said
            elif said is not None and said != found:
                return "two_units"
        return found if found is not None else "odd_unit"

    def _printed(self, entry: ObservationEntry) -> str:
        units = self.rules.units
        for text in (entry.unit, entry.unit_text):
            if text and (shown := units.printed(text)) is not None:
                return shown
        return ""

    def positive(self, entry: ObservationEntry, *, copies: bool, any_specimen: bool) -> bool | str | None:
        """True for a positive answer, False for a negative one, None for neither; or the sentence of a problem."""
        if _alien_specimen(entry, self._refused(any_specimen)):
            return "specimen"
        words = self.rules.results
        coded = self.concepts.observation_value(entry.value)
        if coded is not None and coded.concept in words.positive | words.negative:
            return coded.concept in words.positive
        said = {self._worded(text) for text in _words(entry)} - {None}
        if len(said) == 2:
            return "conflict"
        if said:
            return said.pop()
        return True if copies and _counted(entry) else None

    def _worded(self, text: str) -> bool | None:
        words, plain = self.rules.results, " ".join(text.casefold().split())
        if plain in words.positive_words:
            return True
        return False if plain in words.negative_words else None

    def _refused(self, any_specimen: bool) -> frozenset[str]:
        return frozenset() if any_specimen else self.rules.results.specimens_refused


def newest(entries: Iterable[ObservationEntry]) -> list[ObservationEntry]:
    """Of dated entries those of the latest day, or possibly of it; at most a few, by reference."""
    dated = [(entry.date, entry) for entry in entries if entry.date is not None]
    if not dated:
        return []
    last = max(((d.last, d.first) for d, _ in dated))
    since = last[1] if last[1] != date.min else last[0]
    return sorted((e for d, e in dated if d.last >= since), key=lambda e: e.reference)[:SAME_DAY]


def crosses(number: Number, entry: ObservationEntry) -> bool | str | None:
    """Whether the value lies beyond its limit; None when a comparator leaves it open; or the sentence of a problem."""
    kind, limit = number.limit.kind, number.limit.number
    low, high = number.low, number.high
    if kind == "listed":
        return True
    if kind == "above_times_high":
        if entry.reference_high is None or entry.reference_high <= 0:
            return "no_limit"
        shown = entry.quantity if entry.quantity is not None else entry.bound
        if shown is None:
            return None
        kind, limit = "above", limit * entry.reference_high
        low, high = _raw_bounds(entry, shown)
    if kind in ("above", "from"):
        sure, never = (low > limit, high <= limit) if kind == "above" else (low >= limit, high < limit)
        strict = entry.comparator == ">" and low == limit and kind == "above"
        return True if sure or strict else False if never else None
    sure, never = (high < limit, low >= limit) if kind == "below" else (high <= limit, low > limit)
    strict = entry.comparator == "<" and high == limit and kind == "below"
    return True if sure or strict else False if never else None


def _raw_bounds(entry: ObservationEntry, value: float) -> tuple[float, float]:
    """The bounds in the unit of the record, which is that of its reference range."""
    if entry.comparator in ("<", "<="):
        return float("-inf"), value
    return (value, float("inf")) if entry.comparator in (">", ">=") else (value, value)


def _plausible(number: Number, measure: Measure) -> bool:
    limit = number.limit
    for value in {number.low, number.high} - {float("inf"), float("-inf")}:
        if measure.or_zero and value == 0:
            continue
        if not limit.least <= value <= limit.most or (measure.whole and value != int(value)):
            return False
    return True


def _scaled(value: float, factor: float) -> float:
    return round(value * factor, 9) if abs(value) != float("inf") else value


def _said_number(value: float) -> str:
    """A number as a person writes it: no exponent, at most four places."""
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _words(entry: ObservationEntry) -> Iterable[str]:
    """Every short text that may hold the answer: of the value, of its codes, of the interpretation."""
    concepts = (entry.value, *entry.interpretation)
    texts = (entry.text, *(t for c in concepts for t in (c.text, *(coding.display for coding in c.codings))))
    return (text for text in texts if text and len(text) <= MAX_WORDS)


def _counted(entry: ObservationEntry) -> bool:
    """A counted amount above zero, or above a bound: genome copies were found."""
    if entry.quantity is not None:
        return entry.quantity > 0
    return entry.comparator in (">", ">=") and entry.bound is not None and entry.bound > 0


def _alien_specimen(entry: ObservationEntry, refused: Iterable[str]) -> bool:
    """A specimen, named beside the code, that the test of the code is not made on."""
    texts = [entry.specimen, entry.specimen_type.text, *(c.display for c in entry.specimen_type.codings)]
    said = " ".join(" ".join(t.casefold() for t in texts if t).replace(",", " ").replace("-", " ").split())
    return bool(said) and any(f" {word} " in f" {said} " for word in refused)
