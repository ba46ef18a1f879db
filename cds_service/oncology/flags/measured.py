"""Flags from results: numbers beyond a limit (F8 to F15, F30, F31), positive and negative tests (F3 to F7)."""

from __future__ import annotations

from datetime import date

from cds_service.fhir.model import ObservationEntry
from cds_service.oncology.flag_rules import Answer, Measure
from cds_service.oncology.flags.results import Finding, Look, Results, crosses
from cds_service.oncology.spans import said

MOST_TESTS = 64
"""Positive results of one test that are looked at, newest first."""


def look_at_measure(results: Results, measure: Measure) -> Look:
    """The latest value of a question against its limit. A value that is too old, or cannot be used, leaves it open.

    Of several values of one day any beyond the limit counts, then any that can be used.
    """
    look = Look()
    for entry in results.latest(measure.question):
        _judge(results, entry, measure, look)
    if look.present:
        look.settled.clear()
        look.open.clear()
    elif look.settled:
        look.open.clear()
    return look


def _judge(results: Results, entry: ObservationEntry, measure: Measure, look: Look) -> None:
    rules = results.rules
    day = said(entry.date)

    def finding(text: str, strong: bool = False) -> Finding:
        return Finding(text=text, when=entry.date, evidence=(entry.reference,), key=measure.question, strong=strong)

    recent = results.recent(entry.date, measure.days)
    if recent is False:
        since = results.since(measure.days).isoformat()
        look.open.append(finding(rules.say("stale", name=measure.name, date=day, since=since)))
        return
    number = results.number(entry, measure)
    problem = number if isinstance(number, str) else ""
    crossed = crosses(number, entry) if not isinstance(number, str) else None
    if isinstance(crossed, str):
        problem = crossed
    if problem or isinstance(number, str):
        sentence = rules.say(problem, name=measure.name, date=day)
        look.open.append(finding(sentence))
        look.unusable.append((entry.reference, measure.question, sentence))
        return
    text = rules.say("measure", name=measure.name, value=number.shown, unit=number.unit, date=day)
    if crossed is None:
        look.open.append(finding(rules.say("bound", name=measure.name, date=day)))
    elif crossed and results.shows_as_recent(entry.date, measure.days):
        look.present.append(finding(text, measure.stronger is not None and number.low >= measure.stronger))
    elif not crossed and recent:
        look.settled.append(finding(text))
    else:
        look.open.append(finding(rules.say("date_open", name=measure.name, date=day)))


def look_at_answer(results: Results, answer: Answer, absent_days: int | None, *, latest_only: bool = False) -> Look:
    """A test: any positive of its window, the newest shown; else its latest answer when recent enough to settle.

    With ``latest_only`` an earlier positive no longer counts once a later answer is negative.
    """
    look = Look()
    dated = sorted(results.by_question.get(answer.question, ()), key=_newest_last, reverse=True)
    newest = [(entry, _answered(results, entry, answer)) for entry in dated[:MOST_TESTS]]
    latest = results.latest(answer.question)
    for entry, told in newest:
        if told is True and results.shows_as_recent(entry.date, answer.days) and (not latest_only or entry in latest):
            text = results.rules.say("positive", name=answer.name, date=said(entry.date))
            look.present.append(_found(entry, answer, text))
            break
    for entry in latest:
        _settle(results, entry, answer, absent_days, look)
    return look


def _newest_last(entry: ObservationEntry) -> tuple[date, date, str]:
    return (entry.date.last, entry.date.first, entry.reference) if entry.date else (date.min, date.min, entry.reference)


def _settle(results: Results, entry: ObservationEntry, answer: Answer, days: int | None, look: Look) -> None:
    """What the latest result says when it is not positive."""
    rules, day = results.rules, said(entry.date)
    told = _answered(results, entry, answer)
    if told is True:
        return
    if told is not False:
        sentence = rules.say(told or "no_value", name=answer.name, date=day)
        look.open.append(_found(entry, answer, sentence))
        look.unusable.append((entry.reference, answer.question, sentence))
    elif days is None or results.recent(entry.date, days) is True:
        look.settled.append(_found(entry, answer, rules.say("negative", name=answer.name, date=day)))
    elif results.recent(entry.date, days) is False:
        since = results.since(days).isoformat()
        look.open.append(_found(entry, answer, rules.say("stale", name=answer.name, date=day, since=since)))
    else:
        look.open.append(_found(entry, answer, rules.say("date_open", name=answer.name, date=day)))


def _answered(results: Results, entry: ObservationEntry, answer: Answer) -> bool | str | None:
    return results.positive(entry, copies=answer.copies, any_specimen=answer.any_specimen)


def _found(entry: ObservationEntry, answer: Answer, text: str) -> Finding:
    return Finding(text=text, when=entry.date, evidence=(entry.reference,), key=answer.question)
