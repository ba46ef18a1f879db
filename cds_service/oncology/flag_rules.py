"""``rules/flags.yaml``, typed: what each flag looks for, how a result is read, and the sentences.

Every question, drug, class and disease is checked against the terminology when the file is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from cds_service.oncology.drug_classes import class_members
from cds_service.oncology.flag_units import Units
from cds_service.oncology.model import FACT_NAMES, FLAG_IDS
from cds_service.rule_files import Document, Place
from cds_service.terminology import Concepts

SCHEMA = "cart-cds.flags/1"
QUOTED, PROPOSED = "quoted", "proposed"
LIMITS = ("below", "up_to", "above", "from", "above_times_high", "listed")
"""How a value crosses its limit: less than, at most, more than, at least, more than so many times the upper limit of
normal that came with the result, or always (values that are only listed)."""
EVENTS = ("allo_hsct", "car_t")
KEPT_SENTENCES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """``number`` in ``unit``; ``kind`` is one of LIMITS. ``least`` and ``most`` bound the plausible values."""

    kind: str
    number: float
    unit: str
    least: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A number that is compared: the question's concept, its limits (one a unit), and how old it may be in days."""

    question: str
    name: str
    limits: tuple[Limit, ...]
    days: int
    also: str = ""
    unit_optional: bool = False
    whole: bool = False
    or_zero: bool = False
    values: Mapping[str, int] = field(default_factory=dict)
    any_specimen: bool = False
    refused: frozenset[str] = frozenset()
    stronger: float | None = None
    """From this value on the stronger sentence of the flag is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A positive or negative test. ``days`` None: any positive ever. ``copies``: a counted amount is positive."""

    question: str
    name: str
    days: int | None = None
    copies: bool = False
    any_specimen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A condition. ``ever``: also when it is over; ``days``: only when it began at most so many days ago."""

    concepts: frozenset[str]
    name: str
    ever: bool = False
    days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Drugs given at most ``days`` ago (None: ever), by ``route`` where one is named."""

    drugs: frozenset[str]
    days: int | None
    route: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A transplant or cell infusion; ``fact`` is the fact that can say "never"."""

    kind: str
    name: str
    fact: str
    unclear: tuple[str, ...] = ()
    concepts: frozenset[str] = frozenset()
    products: frozenset[str] | None = None
    """Only infusions of these products count; None: any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """Groups of tests (name, flag they belong to) that must have a result of the last ``days`` days."""

    days: int
    groups: tuple[tuple[str, str], ...]
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagRule:
    """One flag. ``needs``: of each group one recent negative or unremarkable result, before "absent" is said."""

    id: str
    looks_for: str
    say: str
    not_coded: str = ""
    measures: tuple[Measure, ...] = ()
    answers: tuple[Answer, ...] = ()
    conditions: tuple[Named, ...] = ()
    drugs: tuple[Given, ...] = ()
    event: Event | None = None
    screening: Screening | None = None
    needs: tuple[frozenset[str], ...] = ()
    absent_days: int | None = None
    latest_decides: bool = False
    other_cancers_but: frozenset[str] | None = None
    """Set: other blood cancers on record are findings, but not these concepts."""
    stronger_say: str = ""
    stronger_days: int | None = None
    questions: frozenset[str] = frozenset()
    """Every question of its measures and answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRules:
    """How an Observation is read; words are lower case."""

    statuses: frozenset[str]
    widest_date: int
    specimens_refused: frozenset[str]
    positive: frozenset[str]
    negative: frozenset[str]
    positive_words: frozenset[str]
    negative_words: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagRules:
    """The whole file. ``questions``, ``ingredients``, ``conditions``: all that any flag asks for."""

    flags: tuple[FlagRule, ...]
    results: ResultRules
    units: Units
    sentences: Mapping[str, str]
    questions: frozenset[str]
    ingredients: frozenset[str]
    conditions: frozenset[str]
    _unfound: dict[tuple[str, date], str] = field(default_factory=dict, repr=False, compare=False)

    def say(self, sentence: str, **values: object) -> str:
        """A sentence of the file with its values, without doubled blanks."""
        return " ".join(self.sentences[sentence].format(**values).split()).replace(" )", ")")

    def not_found(self, rule: FlagRule, as_of: date) -> str:
        """Why a flag is unknown of which the record holds nothing, and what would settle it. Made once a day."""
        known = self._unfound.get((rule.id, as_of))
        if known is None:
            if len(self._unfound) >= KEPT_SENTENCES:
                self._unfound.clear()
            known = self._unfound[rule.id, as_of] = self._not_found(rule, as_of)
        return known

    def _not_found(self, rule: FlagRule, as_of: date) -> str:
        said = self.sentences
        coded = rule.measures or rule.answers or rule.conditions or rule.drugs or rule.event
        if not coded:
            return _spoken(said["not_coded"], rule.looks_for)
        days = [measure.days for measure in rule.measures] or ([rule.absent_days] if rule.absent_days else [])
        since = (as_of - timedelta(days=max(days))).isoformat() if days else ""
        remedy = _spoken(said["since"], "", since) if since else said["any_result"]
        because = _spoken(said["not_found"], rule.looks_for, remedy=remedy)
        return f"{because}; {_spoken(said['not_coded'], rule.not_coded)}" if rule.not_coded else because


@lru_cache(maxsize=512)
def _spoken(sentence: str, looked_for: str, date: str = "", remedy: str = "") -> str:
    return sentence.format(looked_for=looked_for, date=date, remedy=remedy)


def read_flag_rules(document: Document, concepts: Concepts, cd19_products: frozenset[str]) -> FlagRules:
    """The rules of ``rules/flags.yaml``. Raises RuleFileError with line and remedy."""
    return _Reader(document, concepts, cd19_products).rules()


class _Reader:
    """Values with their place, so that a wrong one is named by its line."""

    def __init__(self, document: Document, concepts: Concepts, cd19_products: frozenset[str]) -> None:
        self.document, self.concepts, self.cd19_products = document, concepts, cd19_products
        self.questions = concepts.observation_concepts("question")

    def rules(self) -> FlagRules:
        content = self.document.content
        try:
            if content["schema"] != SCHEMA:
                raise self.document.error(("schema",), f"not the schema {SCHEMA}", "compare it with the shipped file")
            units = content["units"]
            flags = tuple(self.flag(row, ("flags", at)) for at, row in enumerate(content["flags"]))
            results = self.results(content["results"])
            sentences = {name: str(text) for name, text in content["sentences"].items()}
            made = Units(factors=units["factors"], spellings=units["spellings"], shown=units["shown"])
        except (KeyError, TypeError, AttributeError) as problem:
            raise self.document.error(
                (), f"a value is missing or not understood ({problem})", "compare it with the shipped file"
            ) from problem
        if tuple(flag.id for flag in flags) != FLAG_IDS:
            raise self.document.error(("flags",), "the flags are not those of the contract", "keep ids and order")
        return FlagRules(
            flags=flags,
            results=results,
            units=made,
            sentences=MappingProxyType(sentences),
            questions=frozenset().union(*(flag.questions for flag in flags)),
            ingredients=frozenset(name for flag in flags for given in flag.drugs for name in given.drugs),
            conditions=frozenset(_conditions(flags)),
        )

    def results(self, row: Mapping[str, Any]) -> ResultRules:
        return ResultRules(
            statuses=frozenset(row["statuses"]),
            widest_date=int(row["widest_date"]),
            **{
                name: frozenset(str(word).lower() for word in row[name])
                for name in ("specimens_refused", "positive", "negative", "positive_words", "negative_words")
            },
        )

    def flag(self, row: Mapping[str, Any], place: Place) -> FlagRule:
        absent, stronger = row.get("absent") or {}, row.get("stronger") or {}
        others = row.get("other_blood_cancers_but")
        measures = tuple(self.measure(m, (*place, "measures", at)) for at, m in enumerate(row.get("measures", ())))
        strong = [m["stronger"] for m in row.get("measures", ()) if "stronger" in m]
        answers = tuple(self.answer(a, (*place, "answers", at)) for at, a in enumerate(row.get("answers", ())))
        event = row.get("event")
        return FlagRule(
            id=row["id"],
            looks_for=row["looks_for"],
            say=row["say"],
            not_coded=row.get("not_coded", ""),
            measures=measures,
            answers=answers,
            conditions=tuple(
                self.named(c, (*place, "conditions", at)) for at, c in enumerate(row.get("conditions", ()))
            ),
            drugs=tuple(self.given(d, (*place, "drugs", at)) for at, d in enumerate(row.get("drugs", ()))),
            event=self.event(event, (*place, "event")) if event else None,
            screening=_screening(row["screening"]) if "screening" in row else None,
            needs=tuple(frozenset(group) for group in absent.get("needs", ())),
            absent_days=absent.get("days"),
            latest_decides=row.get("latest_decides", False),
            other_cancers_but=self.diseases(others, place) if others is not None else None,
            stronger_say=next((s["say"] for s in strong), stronger.get("say", "")),
            stronger_days=stronger.get("days"),
            questions=frozenset({m.question for m in measures} | {a.question for a in answers}),
        )

    def measure(self, row: Mapping[str, Any], place: Place) -> Measure:
        rows = [row, *([row["other_unit"]] if "other_unit" in row else [])]
        return Measure(
            question=self.question(row, place),
            name=row["name"],
            limits=tuple(self.limit(r, place) for r in rows),
            days=int(row["days"]),
            also=row.get("also", ""),
            unit_optional=row.get("unit_optional", False),
            whole=row.get("whole", False),
            or_zero=row.get("or_zero", False),
            values=MappingProxyType(dict(row.get("values", {}))),
            any_specimen=row.get("any_specimen", False),
            refused=frozenset(row.get("specimens_refused", ())),
            stronger=row["stronger"]["from"] if "stronger" in row else None,
        )

    def limit(self, row: Mapping[str, Any], place: Place) -> Limit:
        kinds = [kind for kind in LIMITS if kind in row]
        if len(kinds) != 1:
            raise self.document.error(place, "a measure with no limit, or more than one", f"give one of {LIMITS}")
        if row["unit"] not in self.document.content["units"]["factors"]:
            raise self.document.error(
                place, f"the unit {row['unit']} has no conversion factors", "add it under units, factors"
            )
        least, most = row["plausible"]
        number = 0.0 if kinds[0] == "listed" else float(row[kinds[0]])
        return Limit(kind=kinds[0], number=number, unit=row["unit"], least=float(least), most=float(most))

    def answer(self, row: Mapping[str, Any], place: Place) -> Answer:
        return Answer(
            question=self.question(row, place),
            name=row["name"],
            days=row.get("days"),
            copies=row.get("copies", False),
            any_specimen=row.get("any_specimen", False),
        )

    def question(self, row: Mapping[str, Any], place: Place) -> str:
        name = str(row["question"])
        if name not in self.questions:
            raise self.document.error(
                place, f"'{name}' is no question of the tables", "use a concept of terminology/observations.csv"
            )
        return name

    def named(self, row: Mapping[str, Any], place: Place) -> Named:
        return Named(
            concepts=self.diseases(row["concepts"], place),
            name=row["name"],
            ever=row.get("ever", False),
            days=row.get("days"),
        )

    def diseases(self, names: Iterable[str], place: Place) -> frozenset[str]:
        known = frozenset(names)
        for name in sorted(known - set(self.concepts.diseases)):
            raise self.document.error(place, f"'{name}' is no concept", "use one of terminology/concepts.csv")
        return known

    def given(self, row: Mapping[str, Any], place: Place) -> Given:
        names = set(row.get("drugs", ()))
        for name in sorted(names - set(self.concepts.drugs)):
            raise self.document.error(place, f"'{name}' is no drug", "use a concept of terminology/drugs.csv")
        for kind in row.get("classes", ()):
            names |= class_members(kind, self.concepts, self.document, place)
        return Given(drugs=frozenset(names), days=row.get("days"), route=row.get("route", ""))

    def event(self, row: Mapping[str, Any], place: Place) -> Event:
        if row["kind"] not in EVENTS or row["fact"] not in FACT_NAMES:
            raise self.document.error(place, "not a known event or fact", f"kind is one of {EVENTS}, fact a fact name")
        return Event(
            kind=row["kind"],
            name=row["name"],
            fact=row["fact"],
            unclear=tuple(row.get("unclear", ())),
            concepts=self.diseases(row.get("concepts", ()), place),
            products=self.cd19_products if row.get("products") == "cd19" else None,
        )


def _conditions(flags: Iterable[FlagRule]) -> Iterable[str]:
    for flag in flags:
        for named in flag.conditions:
            yield from named.concepts
        if flag.event is not None:
            yield from flag.event.concepts


def _screening(row: Mapping[str, Any]) -> Screening:
    groups = tuple((group["name"], group["of"]) for group in row["groups"])
    return Screening(days=int(row["days"]), groups=groups, found=row["found"])
