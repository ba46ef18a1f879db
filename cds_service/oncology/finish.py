"""From open lines to derived lines: ends, completion, complete cycle, names, flags, words (c5, decision 17)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

import msgspec
from msgspec.structs import replace

from cds_service.fhir.dates import Interval
from cds_service.oncology.method import INVESTIGATIONAL, LineRules
from cds_service.oncology.naming import Name, conditioning_name, name_regimen, pulsed
from cds_service.oncology.parameters import CONTINUOUS
from cds_service.oncology.shift import shifted
from cds_service.oncology.spans import latest, on_day, said
from cds_service.oncology.steps import GIVEN, PROBABLE, DerivedLine, Exposure, Part, TreatmentEvent
from cds_service.oncology.walk_state import OpenLine

OUTSIDE = ("conditioning", "mobilisation", "lymphodepletion", "bridging")
NOT_COMPLETION = ("maintenance", *OUTSIDE)
INFUSIONS = ("auto_hsct", "allo_hsct", "hsct", "car_t")


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """A derived line with the open line it came from."""

    line: DerivedLine
    opened: OpenLine


@dataclass(slots=True)
class Steroids:
    """Steroid doses by day: they help to name a line and belong to its evidence, nothing else (F2)."""

    doses: list[Exposure]
    starts: list[date] = field(init=False)

    def __post_init__(self) -> None:
        self.starts = [e.start.first for e in self.doses]

    def between(self, first: date, last: date) -> list[Exposure]:
        """Doses that begin from ``first`` to before ``last``."""
        return self.doses[bisect_left(self.starts, first) : bisect_left(self.starts, last)]


def finish_lines(
    lines: Sequence[OpenLine], steroids: Sequence[Exposure], rules: LineRules, family: str, as_of: date
) -> list[Finished]:
    """Every line, finished and in order of its start; numbers are given later, when it is known which count."""
    ordered = sorted(lines, key=lambda o: (o.start.first, o.start.last))
    doses = Steroids(list(steroids))
    finished = []
    for number, opened in enumerate(ordered):
        following = ordered[number + 1] if number + 1 < len(ordered) else None
        finished.append(_finished(opened, following, doses, rules, family=family, as_of=as_of))
    return finished


def _finished(
    opened: OpenLine, following: OpenLine | None, doses: Steroids, rules: LineRules, *, family: str, as_of: date
) -> Finished:
    around = _steroids(opened, following, doses, rules)
    name = _name(opened, around, rules, family)
    carried = _carried(name, following, rules, family)
    last = _end(opened)
    completion, certain = _completion(opened)
    agents = _agents(opened, name, around)
    parts = (*opened.parts, *(Part(exposure=e, role="steroid", rule="F2") for e in around))
    grade = GIVEN if _given(opened) else PROBABLE
    line = DerivedLine(
        number=0,
        family=family,
        parts=parts,
        events=tuple(opened.events),
        start=opened.start,
        end=_clipped(last, opened, following, carried=carried),
        completion=_clipped(completion, opened, following) if completion is not None else None,
        completion_certain=certain,
        last_dose=_clipped(last, opened, following),
        opened_by=opened.opened_by,
        regimen=name.text,
        agents=agents,
        classes=tuple(dict.fromkeys(c for a in agents if (c := rules.drug_class(a)) and c != "steroid")),
        regimen_unverified=name.unverified,
        regimen_role=name.role,
        car_t=opened.car_t,
        includes=_includes(opened),
        modified=opened.modified,
        flags=_flags(opened, rules, grade),
        grade=grade,
        cycles=_cycles(opened, rules),
        complete=_complete(opened, name, rules, as_of),
        because=_because(opened, name),
        evidence=_evidence(opened, around),
    )
    return Finished(line=line, opened=opened)


# --- dates ----------------------------------------------------------------------------------------------------------
def _end(opened: OpenLine) -> Interval | None:
    """The last dose, supplied day, transplant or infusion; None while something is still taken."""
    days: list[Interval] = [e.when for e in opened.events if e.kind in INFUSIONS]
    for part in opened.parts:
        if part.exposure.end is None:
            return None
        days.append(part.exposure.end)
    return latest(days) or opened.start


def _carried(name: Name, following: OpenLine | None, rules: LineRules, family: str) -> bool:
    """L17: a drug goes on into the next line. A drug that two pulsed regimens share is a part of each of them."""
    if following is None:
        return False
    if following.carried_over or not following.shares_doses:
        return following.carried_over
    after = name_regimen(following.assembled, (), family, rules)
    return not (pulsed(name) and pulsed(after))


def _clipped(
    end: Interval | None, opened: OpenLine, following: OpenLine | None, *, carried: bool = False
) -> Interval | None:
    """The day before the next line when a drug carries over or the dates overlap (L17, c5)."""
    if following is None:
        return end
    begin = following.start
    if end is not None and end.first < begin.last and not carried:
        return end
    if not begin.exact or begin.first <= opened.start.first:
        return end if end is not None else begin
    if end is not None and not end.exact:
        return end
    return on_day(shifted(begin.first, -1))


def _completion(opened: OpenLine) -> tuple[Interval | None, bool]:
    """The anchor of the twelve months: last dose or transplant, maintenance and conditioning excluded."""
    days: list[tuple[Interval, str]] = [(e.when, e.grade) for e in opened.events if e.kind in INFUSIONS]
    for part in opened.parts:
        if part.role in NOT_COMPLETION:
            continue
        if part.exposure.end is None:
            return None, False
        days.append((part.exposure.end, part.exposure.grade))
    if not days:
        return None, False
    last = latest(d for d, _ in days)
    return last, any(d == last and grade == GIVEN for d, grade in days)


# --- what is in the line ----------------------------------------------------------------------------------------------
def _steroids(opened: OpenLine, following: OpenLine | None, doses: Steroids, rules: LineRules) -> list[Exposure]:
    """Steroids of the line, the prephase included, up to the line after it."""
    start = opened.start.first
    first = shifted(start, -rules.windows.prephase)
    last = shifted(max(opened.start.last, date.fromordinal(max(opened.last_end, 1))), 1)
    if following is not None and following.start.first < last:
        last = max(following.start.first, start)
    return doses.between(first, last)


def _name(opened: OpenLine, around: Sequence[Exposure], rules: LineRules, family: str) -> Name:
    if opened.is_car_t:
        label = rules.label(opened.car_t).capitalize() if opened.car_t else "CAR-T cells (product not named)"
        return Name(text=label, type="")
    if not opened.assembled:
        before = [i for p in opened.parts if p.role == "conditioning" for i in p.exposure.ingredients]
        if opened.transplants:
            return conditioning_name(before, family, rules)
        return name_regimen([i for p in opened.parts for i in p.exposure.ingredients], (), family, rules)
    steroids = {i for e in around for i in e.ingredients}
    return name_regimen(opened.assembled, steroids, family, rules)


def _agents(opened: OpenLine, name: Name, around: Sequence[Exposure]) -> tuple[str, ...]:
    """Drugs of the line, those of the named regimen first and in its order."""
    if opened.is_car_t:
        first = [opened.car_t] if opened.car_t else []
        return (*first, *sorted(opened.names - set(first)))
    given = set(opened.names)
    if not given:
        given = {i for p in opened.parts for i in p.exposure.ingredients}
    steroids = {i for e in around for i in e.ingredients}
    ordered = [i for i in name.core if i in given or i in steroids]
    ordered += [i for p in opened.parts for i in p.exposure.ingredients if i in given and i not in ordered]
    ordered += sorted(steroids - set(ordered))
    return tuple(dict.fromkeys(ordered))


def _includes(opened: OpenLine) -> tuple[str, ...]:
    roles = {p.role for p in opened.parts} & {"maintenance", "consolidation", *OUTSIDE}
    return tuple(sorted(opened.includes | roles))


def _given(opened: OpenLine) -> bool:
    if any(e.kind in INFUSIONS and e.grade == GIVEN for e in opened.events):
        return True
    if opened.is_car_t:
        return False
    return any(p.exposure.grade == GIVEN for p in opened.parts)


def _flags(opened: OpenLine, rules: LineRules, grade: str) -> tuple[str, ...]:
    found = []
    if opened.modified:
        found.append("modified")
    if grade == PROBABLE:
        found.append("probable_only")
    if opened.names and all(rules.in_class(i, "anti_cd20") for i in opened.names) and not opened.is_car_t:
        found.append("anti_cd20_monotherapy")
    if INVESTIGATIONAL in opened.names:
        found.append("investigational")
    if any(p.exposure.study_drug for p in opened.parts):
        found.append("trial")
    if "bridging" in opened.includes:
        found.append("bridging")
    ends = [end for p in opened.parts if (end := p.exposure.end) is not None]
    if not opened.start.exact or any(end.first != end.last for end in ends):
        found.append("partial_dates")
    return tuple(found)


def _evidence(opened: OpenLine, around: Iterable[Exposure]) -> tuple[str, ...]:
    found: list[str] = [r for e in opened.events for r in e.evidence]
    found += [r for p in opened.parts for r in p.exposure.evidence]
    found += [r for e in around for r in e.evidence]
    return tuple(dict.fromkeys(found))


# --- a complete cycle -----------------------------------------------------------------------------------------------
def _cycles(opened: OpenLine, rules: LineRules) -> int:
    """Treatment courses: core doses at least a cycle apart; a recorded period counts by its length."""
    step = rules.windows.cycle_days
    courses, last = 0, None
    longest = 0
    for exposure in (p.exposure for p in opened.parts if p.role in ("core", "added", "carried_over")):
        day = exposure.start.first
        if last is None or (day - last).days >= step:
            courses += 1
        last = day if last is None else max(last, day)
        if exposure.period and exposure.end is not None and exposure.start.exact:
            longest = max(longest, (exposure.end.last - exposure.start.first).days // (2 * step) + 1)
    return max(courses, longest)


def _complete(opened: OpenLine, name: Name, rules: LineRules, as_of: date) -> bool:
    """At least one complete cycle (c5). Cells, transplants and statements without a period are taken as complete."""
    if opened.is_car_t or opened.transplants or INVESTIGATIONAL in opened.names:
        return True
    doses = [p.exposure for p in opened.parts if p.role != "mobilisation"]
    if any(e.undated or (not e.period and e.kind in ("MedicationStatement", "MedicationRequest")) for e in doses):
        return True
    if not doses:
        return False
    if name.type != CONTINUOUS:
        return True
    if sum(1 for e in doses if e.kind == "MedicationDispense") > 1:
        return True
    first = min(e.start.first for e in doses)
    last = max(min(e.end.last, as_of) if e.end is not None else as_of for e in doses)
    return (last - first).days + 1 >= rules.windows.continuous_days


# --- words ----------------------------------------------------------------------------------------------------------
def _because(opened: OpenLine, name: Name) -> str:
    opening = "; ".join(opened.because[:1]) or "opened"
    more = [*opened.because[1:], *_roles(opened.parts)]
    text = f"{name.text} from {said(opened.start)}: {opening} ({opened.opened_by})"
    return "; ".join([text, *dict.fromkeys(more)])


def _roles(parts: Iterable[Part]) -> list[str]:
    """Conditioning, mobilisation and carried-over drugs in words."""
    words = []
    roles = {p.role for p in parts}
    if "conditioning" in roles:
        words.append("chemotherapy up to 14 days before the cells: conditioning, no line of its own (F5)")
    if "mobilisation" in roles:
        words.append("single-agent chemotherapy before stem-cell collection: mobilisation (F5)")
    if "carried_over" in roles:
        words.append("drugs of the line before went on (L17)")
    return words


def numbered(lines: Iterable[Finished]) -> list[Finished]:
    """Lines numbered from 1."""
    return [replace(f, line=replace(f.line, number=n)) for n, f in enumerate(lines, start=1)]


def local_treatment(events: Iterable[TreatmentEvent]) -> tuple[TreatmentEvent, ...]:
    """Radiotherapy and surgery: never a line, kept because they explain a relapse before systemic therapy (F6)."""
    return tuple(e for e in events if e.kind in ("radiotherapy", "surgery"))
