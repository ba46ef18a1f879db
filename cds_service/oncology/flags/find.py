"""``find_flags``: each finding for review of decision 28 as present, absent or unknown. No label is decided here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from cds_service.fhir.model import ConditionEntry, DataIssue, Record
from cds_service.oncology.flag_rules import FlagRule, FlagRules, Screening
from cds_service.oncology.flags.conditions import Conditions, look_at_conditions, look_at_other_cancers
from cds_service.oncology.flags.history import (
    Dose,
    doses_of,
    look_at_drugs,
    look_at_events,
)
from cds_service.oncology.flags.measured import look_at_answer, look_at_measure
from cds_service.oncology.flags.results import Finding, Look, Results
from cds_service.oncology.knowledge import Knowledge
from cds_service.oncology.method import LineRules, rules_of
from cds_service.oncology.model import FLAG_IDS, NOT_MET, UNKNOWN, Diagnosis, Fact, Flag
from cds_service.oncology.steps import Treatment

PRESENT, ABSENT = "present", "absent"
MOST_FINDINGS = 3
"""Findings that one line names; the others are counted."""
UNTREATED = "prior_lines_ge_1"


def unknown_flags(because: str = "not looked for") -> tuple[Flag, ...]:
    """Every flag id of decision 28 in order, unknown."""
    return tuple(Flag(id=name, status=UNKNOWN, because=because) for name in FLAG_IDS)


def find_flags(
    record: Record,
    knowledge: Knowledge,
    as_of: date,
    *,
    conditions: Iterable[ConditionEntry],
    treatment: Treatment,
    diagnoses: Sequence[Diagnosis],
    facts: Iterable[Mapping[str, Fact]],
    lead: str | None,
) -> tuple[tuple[Flag, ...], tuple[DataIssue, ...]]:
    """(flags in the order of decision 28, results that could not be used).

    ``conditions`` are those of the record that state something; ``facts`` are those of each family on record, or of
    those an unspecific diagnosis may mean. Never absent from silence.
    """
    rules = knowledge.flag_rules
    if rules is None:
        return unknown_flags(), ()
    finder = _Finder(
        results=Results(record, knowledge.concepts, rules, as_of),
        record=record,
        conditions=Conditions(conditions, knowledge.concepts, rules.conditions, as_of),
        rules=rules,
        lines=rules_of(knowledge),
        treatment=treatment,
        diagnoses=tuple(diagnoses),
        facts=tuple(facts),
        lead=lead,
    )
    flags = tuple(finder.flag(rule) for rule in rules.flags)
    once = {(reference, question): problem for reference, question, problem in reversed(finder.unusable)}
    issues = {DataIssue(reference, problem) for (reference, _), problem in once.items()}
    return flags, tuple(sorted(issues, key=lambda i: (i.reference, i.problem)))


@dataclass(slots=True, kw_only=True)
class _Finder:
    """Reads one record; each flag by the parts of its rule."""

    results: Results
    record: Record
    conditions: Conditions
    rules: FlagRules
    lines: LineRules
    treatment: Treatment
    diagnoses: tuple[Diagnosis, ...]
    facts: tuple[Mapping[str, Fact], ...]
    lead: str | None
    unusable: list[tuple[str, str, str]] = field(default_factory=list)
    _doses: Mapping[str, tuple[Dose, ...]] | None = None
    _looks: dict[str, Look] = field(default_factory=dict)

    def flag(self, rule: FlagRule) -> Flag:
        """One flag."""
        if rule.screening is not None:
            return self._screening(rule, rule.screening)
        if not (rule.drugs or rule.event or rule.other_cancers_but is not None or self._told_of(rule)):
            return self._not_found(rule)
        look = self._look(rule)
        self.unusable += look.unusable
        present = _newest_first(look.present)
        if present:
            return self._present(rule, present)
        if look.open:
            return self._flag(rule, UNKNOWN, "; ".join(self._shortened(look.open)), look.open)
        settled = self._settled(rule, look)
        if settled:
            return self._flag(rule, ABSENT, "; ".join(f.text for f in settled), settled)
        return self._not_found(rule)

    def _told_of(self, rule: FlagRule) -> bool:
        """True when the record holds a result or condition that the rule may ask for."""
        if self.conditions.stated and rule.conditions:
            return True
        return not self.results.by_question.keys().isdisjoint(rule.questions)

    def _look(self, rule: FlagRule) -> Look:
        """Everything the parts of a rule found; kept, since screening asks again."""
        known = self._looks.get(rule.id)
        if known is not None:
            return known
        look = Look()
        results = self.results
        for measure in results.asked(rule.measures):
            look.add(look_at_measure(results, measure))
        for answer in results.asked(rule.answers):
            look.add(look_at_answer(results, answer, rule.absent_days, latest_only=rule.latest_decides))
        if rule.latest_decides:
            _keep_latest(look)
        if self.conditions.stated and rule.conditions:
            look.add(look_at_conditions(results, rule.conditions, self.conditions))
        if rule.latest_decides:
            _keep_latest(look)
        if rule.drugs:
            look.add(look_at_drugs(results, rule.drugs, self._all_doses(), self.lines))
        if rule.event is not None:
            look.add(
                look_at_events(
                    results,
                    rule.event,
                    treatment=self.treatment,
                    facts=self.facts,
                    conditions=self.conditions,
                    names=self.lines,
                )
            )
        if rule.other_cancers_but is not None:
            look.add(look_at_other_cancers(results, self.diagnoses, self.lead, rule.other_cancers_but))
        self._looks[rule.id] = look
        return look

    def _all_doses(self) -> Mapping[str, tuple[Dose, ...]]:
        if self._doses is None:
            self._doses = doses_of(self.record, self.treatment, self.rules, self.lines, self.results.as_of)
        return self._doses

    def _present(self, rule: FlagRule, present: list[Finding]) -> Flag:
        days = rule.stronger_days
        strong = any(f.strong for f in present) or (
            days is not None and any(self.results.recent(f.when, days) is True for f in present)
        )
        say = rule.stronger_say if strong and rule.stronger_say else rule.say
        because = " ".join(say.format(findings=", ".join(self._shortened(present))).split())
        return self._flag(rule, PRESENT, because[:1].upper() + because[1:], present)

    def _shortened(self, findings: list[Finding]) -> list[str]:
        texts = list(dict.fromkeys(f.text for f in findings))
        if len(texts) <= MOST_FINDINGS + 1:
            return texts
        return [*texts[:MOST_FINDINGS], self.rules.say("more", count=len(texts) - MOST_FINDINGS)]

    def _flag(self, rule: FlagRule, status: str, because: str, findings: Iterable[Finding]) -> Flag:
        evidence = tuple(dict.fromkeys(reference for f in findings for reference in f.evidence))
        return Flag(id=rule.id, status=status, because=because, evidence=evidence)

    def _settled(self, rule: FlagRule, look: Look) -> list[Finding]:
        """The findings that say "no": one of each needed group, or a fact that says never, or no therapy ever."""
        if rule.needs:
            by_key = {f.key: f for f in look.settled}
            chosen = [next((by_key[key] for key in sorted(group) if key in by_key), None) for group in rule.needs]
            return [f for f in chosen if f is not None] if None not in chosen else []
        if rule.event is not None:
            never = bool(self.facts) and all(f[rule.event.fact].status == NOT_MET for f in self.facts)
            return look.settled if never else []
        return self._untreated(rule) if rule.drugs and not rule.not_coded else []

    def _untreated(self, rule: FlagRule) -> list[Finding]:
        """No anticancer therapy before the assessment, in a record that shows the whole course (decision 16)."""
        if not all(self.lines.anticancer(name) for given in rule.drugs for name in given.drugs):
            return []
        said = [found[UNTREATED] for found in self.facts]
        if not said or any(fact.status != NOT_MET for fact in said):
            return []
        text = self.rules.say("untreated", because=said[0].because)
        return [Finding(text=text, when=None, evidence=said[0].evidence, key=rule.id)]

    def _not_found(self, rule: FlagRule) -> Flag:
        if (rule.measures or rule.answers) and self._list_missing():
            return self._flag(rule, UNKNOWN, self.rules.say("list_missing", looked_for=rule.looks_for), ())
        return self._flag(rule, UNKNOWN, self.rules.not_found(rule, self.results.as_of), ())

    def _list_missing(self) -> bool:
        coverage = self.record.coverage
        return coverage.truncated or coverage.lacks("Observation")

    def _screening(self, rule: FlagRule, asked: Screening) -> Flag:
        """Which viruses have no result of the window (F6): said only when the list of results came whole."""
        by_id = {other.id: other for other in self.rules.flags}
        since = self.results.since(asked.days).isoformat()
        found: list[Finding] = []
        missing = []
        for name, flag in asked.groups:
            tests = [f for a in by_id[flag].answers for f in self._answers(a.question, asked.days)]
            found += tests
            if not tests:
                missing.append(name)
        if not missing:
            names = ", ".join(name for name, _ in asked.groups)
            return self._flag(rule, ABSENT, asked.found.format(groups=names, since=since), found)
        if self._list_missing():
            return self._flag(rule, UNKNOWN, self.rules.say("list_missing", looked_for=rule.looks_for), ())
        return self._flag(rule, PRESENT, rule.say.format(groups=", ".join(missing), since=since), ())

    def _answers(self, question: str, days: int) -> list[Finding]:
        """Usable answers of a test that are surely of the window, the newest only."""
        return [
            Finding(text="", when=entry.date, evidence=(entry.reference,), key=question)
            for entry in self.results.latest(question)
            if self.results.recent(entry.date, days) is True
            and isinstance(self.results.positive(entry, copies=True, any_specimen=False), bool)
        ]


def _newest_first(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda f: (-(f.when.last if f.when else date.min).toordinal(), f.text, f.evidence))


def _keep_latest(look: Look) -> None:
    """Of findings that answer one question at different times, those of the latest day."""
    days = [f.when.last for group in (look.present, look.settled) for f in group if f.when is not None]
    if not days:
        return
    last = max(days)
    look.present = [f for f in look.present if f.when is not None and f.when.last >= last]
    look.settled = [f for f in look.settled if f.when is not None and f.when.last >= last]
