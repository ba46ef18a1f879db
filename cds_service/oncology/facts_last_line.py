"""Facts about the last line: ``progressed_on_last_line`` (X10) and ``refractory_last_line`` (X3)."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.fhir.dates import Interval
from cds_service.oncology.course import RESPONSES, Course, Spoken, best_of, evidence_of, today, unique
from cds_service.oncology.facts_first_line import untreated_fact
from cds_service.oncology.first_line import completion_of, status_words
from cds_service.oncology.model import INFERRED, MET, NOT_MET, RECORDED, UNKNOWN, Fact
from cds_service.oncology.spans import days_between, is_after, later_by, said, said_days
from cds_service.oncology.steps import DerivedLine, StatusEvent


def last_line_facts(course: Course) -> Iterator[tuple[str, Fact]]:
    """Both facts of the last line."""
    yield "refractory_last_line", refractory_last_line(course)
    yield "progressed_on_last_line", progressed_on_last_line(course)


def progressed_on_last_line(course: Course) -> Fact:
    """A failure after the start of the last line, whenever; response and no failure is not_met (X10)."""
    blocked = _blocked(course)
    if blocked is not None:
        return blocked
    line = course.lines[-1]
    failures = course.failures_after(line.start)
    certain = [f.event for f in failures if f.certain]
    if certain:
        because = f"{status_words(certain[0])} after the start of the last line ({said(line.start)})"
        return Fact(status=MET, grade=RECORDED, because=because, evidence=evidence_of(certain[0]))
    if failures:
        because = f"{status_words(failures[0].event)} may precede the last line; a full date would settle it"
        return Fact(status=UNKNOWN, because=because)
    kinds = (*RESPONSES, "MR") if course.family == "multiple_myeloma" else RESPONSES
    responses = [s.event for s in course.after(line.start, kinds) if s.certain]
    if responses and not course.gaps.status_lists:
        because = f"{status_words(responses[-1])} and no failure after the last line"
        return Fact(status=NOT_MET, grade=RECORDED, because=because, evidence=evidence_of(responses[-1]))
    return Fact(status=UNKNOWN, because=_looked_for(course, line))


def last_progress(course: Course) -> tuple[str, tuple[int, int] | None]:
    """Decision 20: "failure" with days from the last dose to the first failure, "none", or "unknown"."""
    fact = progressed_on_last_line(course)
    if fact.status == NOT_MET:
        return "none", None
    if fact.status == UNKNOWN:
        return "unknown", None
    line = course.lines[-1]
    dates = [f.event.when for f in course.failures_after(line.start)]
    end = last_dose_of(course, line)
    first = Interval(min(d.first for d in dates), min(d.last for d in dates), "")
    return "failure", days_between(end, first)


def last_dose_of(course: Course, line: DerivedLine) -> Interval:
    """The last dose, maintenance included; the assessment date while the line goes on."""
    if line.end is None and line.last_dose is None:
        return today(course)
    return line.last_dose or line.end or today(course)


def refractory_last_line(course: Course) -> Fact:
    """Refractory to the last line by the family's convention (X3)."""
    blocked = _blocked(course)
    if blocked is not None:
        return blocked
    line = course.lines[-1]
    seen = course.during(len(course.lines) - 1)
    if course.family == "b_all":
        return _without_remission(course, line, seen)
    end = completion_of(course, line) if course.family == "lbcl" else last_dose_of(course, line)
    window = course.numbers.family.refractory_days or course.numbers.windows.response_after_completion
    return _by_window(course, line, seen, end, window)


def _by_window(course: Course, line: DerivedLine, seen: tuple[Spoken, ...], end: Interval, window: int) -> Fact:
    limit = later_by(end, window)
    failures = [s for s in seen if s.event in course.failures]
    responses = [s.event for s in seen if s.event.kind in (*RESPONSES, "MR")]
    best = best_of(responses)
    transplanted = _after_transplant(course, line, failures)
    if transplanted is not None:
        return transplanted
    lymphoma = course.family == "lbcl"
    inside = [f for f in failures if is_after(f.event.when, limit) is False and f.certain]
    if inside and not (lymphoma and (responses or course.unseen_response(inside[0].event))):
        return _met(course, inside[0].event, end, resting=lymphoma)
    stable = [s.event for s in seen if s.event.kind == "SD" and s.certain]
    if stable and not responses:
        because = f"best response to the last line was {status_words(stable[0])}"
        return _resting(course, MET, because, evidence_of(stable[0]))
    doubtful = [f for f in failures if not f.certain or is_after(f.event.when, limit) is None]
    if doubtful and not (lymphoma and responses):
        days = said_days(days_between(end, doubtful[0].event.when))
        told = f"{status_words(doubtful[0].event)} lies {days} from the end of the last line ({said(end)})"
        return Fact(status=UNKNOWN, because=f"{told}; a full date would settle it")
    if best is not None and any(s.event is best and s.certain for s in seen):
        later = f", {status_words(failures[0].event)} later than {window} days after the last dose" if failures else ""
        later = f", then {status_words(failures[0].event)}" if failures and lymphoma else later
        because = f"{status_words(best)} to the last line{later or ' and no failure'}"
        return _resting(course, NOT_MET, because, evidence_of(best, *(f.event for f in failures[:1])))
    if failures and not lymphoma:
        because = f"{status_words(failures[0].event)}, later than {window} days after the last dose ({said(end)})"
        return _resting(course, NOT_MET, because, evidence_of(failures[0].event))
    return Fact(status=UNKNOWN, because=_looked_for(course, line))


def _met(course: Course, event: StatusEvent, end: Interval, resting: bool) -> Fact:
    """``resting`` on no response having been recorded before the failure."""
    days = days_between(end, event.when)
    when = f"{said_days(days)} after the last dose ({said(end)})" if days[0] > 0 else f"by the last dose ({said(end)})"
    because = f"{status_words(event)}, {when}"
    if resting:
        return _resting(course, MET, because, evidence_of(event))
    return Fact(status=MET, grade=INFERRED, because=because, evidence=evidence_of(event))


def _after_transplant(course: Course, line: DerivedLine, failures: list[Spoken]) -> Fact | None:
    """Relapse within twelve months of an autologous transplant inside the line (SCHOLAR-1 part of X3, LBCL)."""
    transplants = [e for e in line.events if e.kind == "auto_hsct"]
    if course.family != "lbcl" or not transplants or not failures:
        return None
    limit, last = course.numbers.windows.twelve_months, transplants[-1]
    days = [days_between(last.when, f.event.when) for f in failures]
    for failure, (least, most) in zip(failures, days, strict=True):
        if failure.certain and least >= 0 and most <= limit:
            because = f"{status_words(failure.event)}, {said_days((least, most))} after autologous transplant"
            evidence = unique((*evidence_of(last), *evidence_of(failure.event)))
            return Fact(status=MET, grade=INFERRED, because=because, evidence=evidence)
    if any(least <= limit < most for least, most in days):
        because = f"{status_words(failures[0].event)}: whether within {limit} days of transplant is not clear"
        return Fact(status=UNKNOWN, because=because)
    return None


def _without_remission(course: Course, line: DerivedLine, seen: tuple[Spoken, ...]) -> Fact:
    """B-ALL: no remission after the line. A relapse without a recorded remission leaves it open."""
    remissions = [s for s in seen if s.event.kind == "CR"]
    certain = [s.event for s in remissions if s.certain]
    if certain:
        because = f"{status_words(certain[-1])} after the last line"
        return _resting(course, NOT_MET, because, evidence_of(certain[-1]))
    failed = [s.event for s in seen if s.certain and s.event.kind in ("IF", "PD", "SD")]
    if failed and not remissions:
        because = f"{status_words(failed[-1])} and no remission after the last line ({said(line.start)})"
        return _resting(course, MET, because, evidence_of(failed[-1]))
    return Fact(status=UNKNOWN, because=_looked_for(course, line))


def _resting(course: Course, status: str, because: str, evidence: tuple[str, ...]) -> Fact:
    """An answer that a status not seen could overturn."""
    if course.gaps.status_lists:
        name = course.gaps.status_lists[0]
        return Fact(status=UNKNOWN, because=f"{because}, but the list {name} is missing or was cut off")
    return Fact(status=status, grade=INFERRED, because=because, evidence=evidence)


def _blocked(course: Course) -> Fact | None:
    if course.untreated:
        return untreated_fact(course)
    if not course.lines:
        return Fact(status=UNKNOWN, because="no line of therapy was found; a record of the drugs given would settle it")
    if course.gaps.medication_lists:
        name = course.gaps.medication_lists[0]
        return Fact(
            status=UNKNOWN, because=f"the list {name} is missing or was cut off, so a later line may be missing"
        )
    return None


def _looked_for(course: Course, line: DerivedLine) -> str:
    if course.gaps.status_lists:
        return f"the list {course.gaps.status_lists[0]} is missing or was cut off; the full list would settle it"
    return f"no response or failure recorded after {said(line.start)}; a dated disease status would settle it"
