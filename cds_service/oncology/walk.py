"""One pass over the treatment of one disease in date order: which day opens a line, which goes on with it (c4)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from cds_service.fhir.dates import Interval
from cds_service.oncology.cell_therapy import CarTCourse, CellTherapy
from cds_service.oncology.filters import Filtered
from cds_service.oncology.method import LineRules
from cds_service.oncology.parameters import FamilyParameters
from cds_service.oncology.shift import shifted
from cds_service.oncology.spans import said
from cds_service.oncology.steps import Exposure, StatusEvent, TreatmentEvent
from cds_service.oncology.transplants import join_transplant
from cds_service.oncology.walk_days import Day, days_of, moments
from cds_service.oncology.walk_rules import Verdict, decide_by
from cds_service.oncology.walk_state import Doubt, Marks, OpenLine, Step, marks


@dataclass(slots=True, kw_only=True)
class Walked:
    """Lines in order, aborted starts (L18), and gaps that the walk saw (X0)."""

    lines: list[OpenLine] = field(default_factory=list)
    aborted: list[OpenLine] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


def walk(
    filtered: Filtered,
    cells: CellTherapy,
    events: Sequence[TreatmentEvent],
    status: Sequence[StatusEvent],
    rules: LineRules,
    *,
    family: str,
    forced: Mapping[str, bool] | None = None,
) -> Walked:
    """The lines. ``forced`` settles ambiguous boundaries by their key (Q2)."""
    parameters = rules.families[family]
    return _Walk(filtered, cells, status, rules, family=parameters, forced=dict(forced or {})).over(events)


class _Walk:
    def __init__(
        self,
        filtered: Filtered,
        cells: CellTherapy,
        status: Sequence[StatusEvent],
        rules: LineRules,
        *,
        family: FamilyParameters,
        forced: dict[str, bool],
    ) -> None:
        self.filtered, self.cells, self.rules, self.family, self.forced = filtered, cells, rules, family, forced
        self.all_status = tuple(status)
        self.result = Walked()
        self.starts = [e.start.first for e in cells.drugs]
        self.mobilisation = deque(sorted(filtered.mobilisation, key=lambda e: (e.start.first, e.reference)))

    @property
    def line(self) -> OpenLine | None:
        return self.result.lines[-1] if self.result.lines else None

    def over(self, events: Sequence[TreatmentEvent]) -> Walked:
        for day in days_of(self.cells, events):
            self._mobilise(day.when.first)
            if day.car_t is not None:
                self._car_t(day.car_t)
            elif day.transplant is not None:
                self._transplant(day.transplant)
            else:
                self._drugs(day)
        self._mobilise(date.max)
        return self.result

    # --- drugs ------------------------------------------------------------------------------------------------------
    def _drugs(self, day: Day) -> None:
        line = self.line
        if line is None:
            self._open(day, "L1", ["first treatment on record"])
            return
        group = list(day.drugs)
        if len(self.result.lines) > 1:
            carried = [self._carries_over(line, e) for e in group]
            for exposure in [e for e, goes_on in zip(group, carried, strict=True) if goes_on]:
                line.add(exposure, "carried_over", "L17", self.rules, named=True)
                line.shares_doses = True
            group = [e for e, goes_on in zip(group, carried, strict=True) if not goes_on]
        if not group:
            return
        if self._simply_continues(line, group, day):
            for exposure in group:
                line.add(exposure, "core", "L15", self.rules)
            return
        verdict = self._settled(self._verdict(line, day, group), day)
        if verdict.aborts:
            self._abort(line, day, verdict)
        elif verdict.new:
            self._open(day, verdict.rule, [verdict.why], self._doubt(verdict, day), previous=line)
        else:
            self._continue(line, group, verdict, day)

    def _simply_continues(self, line: OpenLine, group: list[Exposure], day: Day) -> bool:
        """The same drugs soon after their last dose, on exact dates: L15 without asking every rule.

        True only where ``decide`` answers GOES_ON, which is most days of most records.
        """
        windows = self.rules.windows
        if not (line.start.exact and day.when.exact and line.first_end == line.last_end):
            return False
        if line.transplants or line.is_car_t or line.parts[-1].role == "maintenance":
            return False
        begin = day.when.first.toordinal()
        if begin - line.last_end > windows.mid_course or self._marks(line).vague_failures:
            return False
        recent = begin - windows.failure_gap
        for exposure in group:
            for ingredient in exposure.ingredients:
                if ingredient not in line.names or line.drugs[self.rules.key(ingredient)].last_end < recent:
                    return False
        return True

    def _verdict(self, line: OpenLine, day: Day, group: list[Exposure]) -> Verdict:
        names = frozenset(i for e in group for i in e.ingredients)
        new = frozenset(n for n in names if self.rules.key(n) not in line.drugs)
        swapped = names - new - line.names
        status = self._marks(line)
        keys = self.rules.keys(names)
        ahead = self._ahead(day.when) if new else frozenset()
        return decide_by(
            [
                Step(
                    line=line,
                    group=group,
                    names=names,
                    keys=keys,
                    new=new,
                    swapped=swapped,
                    ahead=ahead,
                    moment=moment,
                    status=status,
                    family=self.family,
                    rules=self.rules,
                )
                for moment in moments(line, day.when, status)
            ]
        )

    def _settled(self, verdict: Verdict, day: Day) -> Verdict:
        """A recorded count has settled this boundary (Q2)."""
        wanted = self.forced.get(day.key)
        if wanted is None or not verdict.ambiguous:
            return verdict
        if verdict.aborts:
            return Verdict(new=True, rule=verdict.rule, why=verdict.why)
        return Verdict(
            new=wanted,
            rule=verdict.rule,
            why=f"{verdict.why}; settled by the recorded number of lines (Q2)",
            role=verdict.role,
            modified=verdict.modified,
        )

    def _doubt(self, verdict: Verdict, day: Day) -> Doubt | None:
        if verdict.ambiguous:
            return Doubt(rule=verdict.rule, key=day.key, is_new=verdict.new, question=_asked(day, verdict.question))
        for first, last in self.cells.doubtful_from:
            if first < day.when.first <= last:
                question = "was this bridging to a CAR-T infusion that never took place, or treatment of its own?"
                return Doubt(rule="L3", key=day.key, is_new=True, question=_asked(day, question))
        return None

    def _carries_over(self, line: OpenLine, exposure: Exposure) -> bool:
        """L17: a drug of the line before that simply goes on."""
        if len(self.result.lines) < 2 or line.names.issuperset(exposure.ingredients):
            return False
        before = self.result.lines[-2]
        for ingredient in exposure.ingredients:
            key = self.rules.key(ingredient)
            doses = before.drugs.get(key)
            if key in line.drugs or doses is None or not self._goes_on(doses.last_end, doses.usual(), exposure):
                return False
        return True

    def _goes_on(self, last: int, usual: float | None, exposure: Exposure) -> bool:
        waited = exposure.start.first.toordinal() - last
        if waited <= 1:
            return True
        return usual is not None and waited <= usual * self.rules.windows.carry_factor

    def _open(
        self,
        day: Day,
        rule: str,
        because: list[str],
        doubt: Doubt | None = None,
        previous: OpenLine | None = None,
    ) -> None:
        line = OpenLine(start=day.when, opened_by=rule, because=because, opening=doubt)
        for exposure in day.drugs:
            line.add(exposure, "core", rule, self.rules, named=True)
        self.result.lines.append(line)
        if previous is not None:
            self._take_along(previous, line, day)
        self._question_vague_day(line, day)

    def _take_along(self, previous: OpenLine, line: OpenLine, day: Day) -> None:
        """L17: drugs of the old line that run on into the new one become part of it."""
        begin = day.when.first.toordinal()
        for ingredient in sorted({i for e in day.drugs for i in e.ingredients}):
            doses = previous.drugs.get(self.rules.key(ingredient))
            first = next((e for e in day.drugs if ingredient in e.ingredients), None)
            if doses is not None and first is not None and self._goes_on(doses.last_end, doses.usual(), first):
                line.shares_doses = True
        running: dict[str, Exposure] = {}
        for part in previous.parts:
            exposure = part.exposure
            end = exposure.end
            if part.role in ("conditioning", "mobilisation", "lymphodepletion", "steroid", "bridging"):
                continue
            if not (exposure.period or exposure.days or exposure.ongoing):
                continue
            runs_on = end is None or end.first.toordinal() - begin >= self.rules.windows.mid_course
            runs_on = runs_on or (exposure.estimated_end and end is not None and end.first.toordinal() >= begin)
            if exposure.start.last < day.when.first and runs_on:
                for ingredient in exposure.ingredients:
                    running[ingredient] = exposure
        for ingredient, exposure in sorted(running.items()):
            if exposure.estimated_end and not self._taken_again(ingredient, day.when.first, exposure):
                continue
            line.carried_over = True
            line.add(exposure, "carried_over", "L17", self.rules, named=True)

    def _taken_again(self, ingredient: str, begin: date, exposure: Exposure) -> bool:
        """A supply that overlaps the change goes on only when the drug was supplied again."""
        end = exposure.end
        if end is None:
            return True
        limit = shifted(end.last, self.rules.windows.mid_course)
        position = bisect_left(self.starts, begin)
        while position < len(self.starts) and self.starts[position] <= limit:
            if ingredient in self.cells.drugs[position].ingredients:
                return True
            position += 1
        return False

    def _question_vague_day(self, line: OpenLine, day: Day) -> None:
        """Drugs that share only a vague date may be more than one regimen."""
        width = (day.when.last - day.when.first).days
        keys = self.rules.keys(i for e in day.drugs for i in e.ingredients)
        if width <= self.family.assembly_days or len(keys) < 2 or self.rules.fits(keys, self.family.name):
            return
        question = _asked(day, "were these drugs one regimen? Their dates on record are too vague to tell")
        line.doubts.append(Doubt(rule="L4", key=day.key, is_new=False, question=question))

    def _continue(self, line: OpenLine, group: list[Exposure], verdict: Verdict, day: Day) -> None:
        for exposure in group:
            fresh = any(self.rules.key(i) not in line.drugs for i in exposure.ingredients)
            role = verdict.role if fresh or verdict.role == "maintenance" else "core"
            line.add(exposure, role, verdict.rule, self.rules, named=verdict.assembles)
        line.modified = line.modified or verdict.modified
        if verdict.why and verdict.rule != "L15":
            _tell(line, f"{verdict.why} ({verdict.rule})")
        doubt = self._doubt(verdict, day) if verdict.ambiguous else None
        if doubt is not None:
            line.doubts.append(doubt)

    def _abort(self, line: OpenLine, day: Day, verdict: Verdict) -> None:
        """L18: the new regimen takes over the place and the opening of the aborted one."""
        self.result.lines.pop()
        line.doubts.append(Doubt(rule="L18", key=day.key, is_new=False, question=_asked(day, verdict.question)))
        self.result.aborted.append(line)
        drugs = self.rules.labels(sorted(line.names))
        why = [*line.because, f"an aborted start of {drugs} on {said(line.start)} is not counted (L18)"]
        self._open(day, line.opened_by, why, line.opening, previous=self.line)

    # --- procedures -------------------------------------------------------------------------------------------------
    def _mobilise(self, until: date) -> None:
        """F5: mobilisation belongs to the current line and adds no drug to it."""
        while self.mobilisation and self.mobilisation[0].start.first < until:
            exposure = self.mobilisation.popleft()
            line = self.line
            if line is None:
                line = OpenLine(start=exposure.start, opened_by="L1", because=["first treatment on record"])
                self.result.lines.append(line)
            line.attach(exposure, "mobilisation", "F5")
            line.first_end = max(line.first_end, exposure.start.first.toordinal())
            line.last_end = max(line.last_end, exposure.start.last.toordinal())

    def _transplant(self, event: TreatmentEvent) -> None:
        line = self.line
        before = self.filtered.conditioning.get(event.reference, [])
        start = min((e.start for e in before), key=lambda s: (s.first, s.last), default=event.when)
        verdict = join_transplant(line, event, self.all_status, self.rules)
        wanted = self.forced.get(event.reference)
        if wanted is not None and verdict.ambiguous:
            verdict = Verdict(new=wanted, rule="L7", why=verdict.why)
        if line is None or verdict.new:
            because = [verdict.why if line is not None else "a transplant is the first treatment on record"]
            if line is None:
                self.result.gaps.append("a transplant is the first treatment on record (L7)")
            line = OpenLine(start=start, opened_by="L7", because=because)
            self.result.lines.append(line)
        elif verdict.why:
            _tell(line, f"{verdict.why} (L7)")
        if verdict.ambiguous:
            doubt = Doubt(rule="L7", key=event.reference, is_new=verdict.new, question=verdict.question)
            line.doubts.append(doubt)
        for exposure in before:
            line.attach(exposure, "conditioning", "F5")
        line.transplants.append(event)
        line.includes.add(event.kind)
        line.infuse(event)

    def _car_t(self, course: CarTCourse) -> None:
        """L2, L3: an infusion opens a line of its own, from its first bridging or lymphodepletion dose."""
        starts = [p.exposure.start for p in course.parts] + [e.when for e in course.local] + [course.infused.when]
        label = self.rules.label(course.product) if course.product else "CAR-T cells, product not named"
        line = OpenLine(
            start=min(starts, key=lambda s: (s.first, s.last)),
            opened_by="L2",
            because=[f"infusion of {label} on {said(course.infused.when)}"],
            car_t=course.product,
            is_car_t=True,
            infused=course.infused.when.first.toordinal() - 1,
        )
        for part in course.parts:
            line.parts.append(part)
            line.includes.add(part.role)
        for event in course.local:
            line.events.append(event)
            line.includes.update(("bridging", "radiotherapy"))
        for event in course.infusions:
            line.infuse(event)
        bridging = [p for p in course.parts if p.role == "bridging"]
        if bridging:
            drugs = self.rules.labels(sorted({i for p in bridging for i in p.exposure.ingredients}))
            _tell(line, f"{drugs} from {said(bridging[0].exposure.start)}: bridging (L3)")
        depletion = [p for p in course.parts if p.role == "lymphodepletion"]
        if depletion:
            drugs = self.rules.labels(sorted({i for p in depletion for i in p.exposure.ingredients}))
            _tell(line, f"{drugs} from {said(depletion[0].exposure.start)}: lymphodepletion (L3)")
        if course.presumed and self.forced.get(course.infused.reference) is None:
            question = (
                "no leukapheresis is recorded: was the treatment before the infusion bridging, or a line of its own?"
            )
            line.doubts.append(Doubt(rule="L3", key=course.infused.reference, is_new=False, question=question))
        if not self.result.lines:
            self.result.gaps.append("CAR-T is the first treatment on record (X0)")
        self.result.lines.append(line)

    # --- looking around ---------------------------------------------------------------------------------------------
    def _marks(self, line: OpenLine) -> Marks:
        """Status events that may lie after the start of the line."""
        if line.marks is None:
            line.marks = marks(self.all_status, line.start.first)
        return line.marks

    def _ahead(self, when: Interval) -> frozenset[str]:
        """Keys of what is given in the four weeks from that day."""
        begin = bisect_left(self.starts, when.first)
        end = bisect_right(self.starts, shifted(when.first, self.rules.windows.mid_course))
        return self.rules.keys({i for e in self.cells.drugs[begin:end] for i in e.ingredients})


def _asked(day: Day, question: str) -> str:
    return f"{said(day.when)}: {question}"


def _tell(line: OpenLine, sentence: str) -> None:
    if sentence not in line.because:
        line.because.append(sentence)
