"""The rules of c4 that decide whether a treatment day goes on with the line or opens a new one.

One function a rule, named after it; each gives a verdict or None ("not my case"). ``decide`` asks them in order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from cds_service.oncology.walk_state import FAR, Step

CERTAIN = "certain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """New line or same, by which rule; ``question`` is what a reader should answer where it is ambiguous (L20)."""

    new: bool
    rule: str
    why: str
    ambiguous: bool = False
    question: str = ""
    role: str = "added"
    modified: bool = False
    assembles: bool = False
    aborts: bool = False


GOES_ON = Verdict(new=False, rule="L15", why="", role="core")
"""The answer to most days: the same drugs again."""


def decide(step: Step) -> Verdict:
    """The verdict on one treatment day under one reading of its dates."""
    asked = NEW_DRUG if step.new else NO_NEW_DRUG
    for rule in asked:
        verdict = rule(step)
        if verdict is not None:
            return verdict
    raise AssertionError("the last rule of each list answers every case")


def decide_by(steps: list[Step]) -> Verdict:
    """The verdict by the earliest dates; ambiguous where another possible reading of partial dates differs (D2, D4)."""
    verdicts = [decide(step) for step in steps]
    first = verdicts[0]
    differing = next((v for v in verdicts if v.new != first.new or (v.ambiguous and not first.ambiguous)), None)
    if differing is None or first.ambiguous:
        return first
    question = differing.question or (
        f"the dates on record leave open whether this is the same line ({first.rule} or {differing.rule})"
    )
    return replace(first, ambiguous=True, question=question)


# --- no new drug ----------------------------------------------------------------------------------------------------


def l13b_resumed_after_failure(step: Step) -> Verdict | None:
    """L13b: failure after the last dose of a drug, and more than 90 days before it is resumed."""
    limit = step.rules.windows.failure_gap
    for key in sorted(step.keys & step.line.drugs.keys()):
        last = step.last_day_of(key)
        if last >= FAR or step.moment.day - last <= limit or _long_schedule(step, key):
            continue
        failure = step.failed_since(last)
        weaker = failure is None and step.failed is not None and step.gap > limit
        if failure is None and not weaker:
            continue
        myeloma = step.family.same_drugs_gap_days is None and step.family.same_drugs_ambiguous_days is not None
        return Verdict(
            new=True,
            rule="L13b",
            why=f"the same drugs were resumed {step.moment.day - last} days after their last dose, after a failure",
            ambiguous=myeloma or weaker,
            question="were the same drugs resumed for progression as a new line, or was it the planned continuation?",
        )
    return None


def _long_schedule(step: Step, key: str) -> bool:
    """A drug that simply goes on at its usual interval."""
    usual = step.line.drugs[key].usual()
    waited = step.moment.day - step.last_day_of(key)
    return usual is not None and waited <= usual * step.rules.windows.carry_factor


def l13_swap_after_failure(step: Step) -> Verdict | None:
    """L13 before L6: an equivalent drug that replaces the old one after a failure is a change of treatment."""
    if not step.swapped or step.failed is None or step.swapped & step.line.names:
        return None
    return Verdict(
        new=True,
        rule="L13",
        why=f"{step.rules.labels(sorted(step.swapped))} replaced an equivalent drug after a failure",
        ambiguous=True,
        question="was the equivalent drug a new regimen for progression, or the same one continued?",
    )


def l16_resumed_without_failure(step: Step) -> Verdict | None:
    """L16: the same drugs resumed after a long gap without recorded failure."""
    limit, doubtful = step.family.same_drugs_gap_days, step.family.same_drugs_ambiguous_days
    question = f"why were the same drugs resumed after {step.gap} days: progression, or a planned pause?"
    if limit is None:
        if doubtful is None or step.gap <= doubtful:
            return None
        why = f"the same drugs resumed after {step.gap} days without recorded failure"
        return Verdict(new=False, rule="L16", why=why, ambiguous=True, question=question)
    if step.gap <= limit or _scheduled_maintenance(step, limit):
        return None
    why = f"the same drugs resumed after {step.gap} days (limit {limit}) without recorded failure"
    return Verdict(new=True, rule="L16", why=why, ambiguous=True, question=question)


def _scheduled_maintenance(step: Step, limit: int) -> bool:
    """Maintenance on a long schedule is exempt (L16): its gap counts from the day the next dose was due."""
    if not step.names <= step.family.maintenance:
        return False
    if all(_long_schedule(step, k) for k in step.keys):
        return True
    interval = step.line.maintenance_interval(step.keys, step.rules)
    return interval is not None and interval > step.rules.windows.mid_course and step.gap <= limit + interval


def l15_continues(step: Step) -> Verdict | None:
    """L15: dropped drugs, other dose, schedule or route: the same line."""
    maintenance = step.names <= step.family.maintenance and _maintains(step)
    if maintenance:
        why = f"{step.rules.labels(sorted(step.names))} went on as maintenance"
        return Verdict(new=False, rule="L8", why=why, role="maintenance", modified=bool(step.swapped))
    if step.swapped:
        why = f"{step.rules.labels(sorted(step.swapped))} in place of an equivalent drug"
        return Verdict(new=False, rule="L6", why=why, role="core", modified=True)
    return GOES_ON


def _maintains(step: Step) -> bool:
    """Only maintenance drugs after the course proper ended, or maintenance that goes on (L8)."""
    if step.line.parts and step.line.parts[-1].role == "maintenance":
        return True
    others = step.line.drugs.keys() - step.keys
    if not others:
        return False
    return step.gap > step.rules.windows.mid_course or step.line.after_transplant()


# --- a new drug -----------------------------------------------------------------------------------------------------


def l13_failure(step: Step) -> Verdict | None:
    """L13: a failure since the line started."""
    failure = step.failed
    if failure is None:
        return None
    when = failure.when.text or "an unknown date"
    return Verdict(new=True, rule="L13", why=f"failure recorded ({failure.kind}, {when}) before the change")


def l18_aborted_start(step: Step) -> Verdict | None:
    """L18: one day of treatment, stopped as not tolerated, replaced within 28 days: less than a cycle, not a line."""
    days = {day for doses in step.line.drugs.values() for day in doses.starts}
    ended = max((d.last_end for d in step.line.drugs.values()), default=0)
    if len(days) != 1 or not step.line.not_tolerated or ended > min(days) or step.line.transplants:
        return None
    if step.moment.day - min(days) > step.rules.windows.aborted or step.line.is_car_t:
        return None
    if step.keys & (step.line.drugs.keys() - step.line.not_tolerated):
        return None
    return Verdict(
        new=True,
        rule="L18",
        why="the first attempt was stopped on its first day as not tolerated",
        aborts=True,
        ambiguous=True,
        question="was the regimen that was stopped on its first day a line of its own?",
    )


def l4_assembly(step: Step) -> Verdict | None:
    """L4: within the assembly window of the start: part of the regimen."""
    family = step.family
    if step.inadequate:
        return None
    if step.from_start <= family.assembly_days:
        return _assembled("L4", f"joined within {family.assembly_days} days of the start")
    lead_in = family.lead_in_days is not None and step.from_start <= family.lead_in_days
    if lead_in and step.all_new_in(family.lead_in_to) and step.line.drugs.keys() & family.lead_in_from:
        return _assembled("L4", f"planned lead-in, joined within {family.lead_in_days} days of the start")
    return None


def _assembled(rule: str, why: str) -> Verdict:
    return Verdict(new=False, rule=rule, why=why, role="core", assembles=True)


def l5_multi_part(step: Step) -> Verdict | None:
    """L5: line and new drugs together fit a multi-part regimen, gap at most 63 days."""
    if step.gap > step.rules.windows.multi_part or step.line.is_car_t:
        return None
    if step.all_new_in(step.family.cns_prophylaxis):
        return None
    together = frozenset(step.line.drugs) | step.keys
    for known in step.rules.by_family[step.family.name]:
        begun = known.core & step.line.drugs.keys()
        if known.regimen.multi_part and begun and together <= known.all_drugs:
            return _assembled("L5", f"a further part of {known.regimen.name}")
    return None


def l9_prophylaxis_and_consolidation(step: Step) -> Verdict | None:
    """L9: intravenous methotrexate after the last dose (CNS), radioimmunotherapy soon after a response."""
    family, windows = step.family, step.rules.windows
    if step.all_new_in(family.cns_prophylaxis) and all(e.route != "oral" for e in step.group):
        inside = step.gap <= windows.cns_prophylaxis
        return Verdict(
            new=False,
            rule="L9",
            why=f"prophylaxis of the central nervous system, {step.gap} days after the last dose",
            role="prophylaxis",
            ambiguous=not inside,
            question=f"was methotrexate {step.gap} days after the last dose prophylaxis, or treatment of its own?",
        )
    radioimmunotherapy = step.new & step.rules.parameters.radioimmunotherapy
    responded = step.responded_within(windows.radioimmunotherapy) and not step.inadequate
    if family.radioimmunotherapy_consolidation and radioimmunotherapy and responded:
        why = f"radioimmunotherapy within {windows.radioimmunotherapy} days of a response: consolidation"
        return Verdict(new=False, rule="L9", why=why, role="consolidation")
    return None


def l10_protocol(step: Step) -> Verdict | None:
    """L10: drugs of the leukaemia protocol backbone within 120 days (180 after transplant) are one line."""
    family = step.family
    if family.protocol_days is None or step.names & family.salvage or "blinatumomab" in step.new:
        return None
    after = family.protocol_days_after_transplant if step.line.after_transplant() else None
    limit = after or family.protocol_days
    if step.all_new_in(family.protocol) and step.gap <= limit:
        return Verdict(new=False, rule="L10", why="a further phase of the leukaemia protocol", role="consolidation")
    return None


def l11_leukaemia_antibodies(step: Step) -> Verdict | None:
    """L11: blinatumomab in remission is consolidation; salvage drugs open a line."""
    family = step.family
    if not family.salvage:
        return None
    if step.new & family.salvage:
        why = f"{step.rules.labels(sorted(step.new & family.salvage))}: salvage, no failure recorded"
        question = "was salvage treatment given for relapse or refractory disease that is not on record?"
        return Verdict(new=True, rule="L11", why=why, ambiguous=True, question=question)
    if "blinatumomab" in step.new and step.new <= family.protocol | {"blinatumomab"}:
        if step.in_remission:
            return Verdict(new=False, rule="L11", why="blinatumomab in remission: consolidation", role="consolidation")
        question = "was blinatumomab given in remission, or for disease that had not gone into remission?"
        why = "blinatumomab without failure and without remission on record"
        return Verdict(new=False, rule="L11", why=why, role="consolidation", ambiguous=True, question=question)
    return None


def l12_within_class(step: Step) -> Verdict | None:
    """L12: one BTK inhibitor replaced by another."""
    rules, kinds = step.rules, step.family.within_class
    if not kinds or not all(rules.drug_class(name) in kinds for name in step.new):
        return None
    replaced = [k for k in step.line.drugs if rules.drug_class(k) in kinds]
    if not replaced or step.inadequate:
        return None
    question = "was the inhibitor changed for intolerance, or for progression?"
    if any(k in step.line.not_tolerated for k in replaced):
        if step.gap > rules.windows.within_class:
            return None
        why = "changed within its class for recorded intolerance, no failure"
        return Verdict(new=False, rule="L12", why=why, ambiguous=True, question=question, modified=True, role="core")
    why = "changed within its class, no reason recorded"
    return Verdict(new=True, rule="L12", why=why, ambiguous=True, question=question)


def l8_maintenance(step: Step) -> Verdict | None:
    """L8: maintenance begun in its window after the last dose or transplant, without inadequate response.

    A drug added while the course goes on is no maintenance, nor one that replaces a drug of its own class. Where a
    different regimen after the end of the old one is a new line for certain (L14, myeloma), other drugs after the end
    of a maintenance may be either.
    """
    family = step.family
    if family.maintenance_days is None or step.inadequate or step.gap > family.maintenance_days:
        return None
    if not step.all_new_in(family.maintenance) or (step.goes_on and not step.line.after_transplant()):
        return None
    if family.within_class and not _follows_chemotherapy(step):
        return None
    return Verdict(
        new=False,
        rule="L8",
        why=f"maintenance begun {step.gap} days after the last dose or transplant",
        role="maintenance",
        ambiguous=family.replacement == CERTAIN and not step.goes_on and _maintenance_ended(step),
        question="was this further maintenance as planned, or a new regimen after the maintenance had ended?",
    )


def _maintenance_ended(step: Step) -> bool:
    return bool(step.line.parts) and step.line.parts[-1].role == "maintenance"


def _follows_chemotherapy(step: Step) -> bool:
    """Lymphoma maintenance follows chemotherapy, an antibody or a transplant, never another targeted drug."""
    return bool(step.line.transplants) or not any(step.rules.in_class(k, "targeted") for k in step.line.drugs)


def l14_everything_else(step: Step) -> Verdict | None:
    """L14: a complete replacement or an unplanned change."""
    names = step.rules.labels(sorted(step.new))
    if step.family.replacement == CERTAIN:
        return Verdict(new=True, rule="L14", why=f"{names}: changed or added without a plan")
    if step.gap > step.rules.windows.mid_course:
        return Verdict(new=True, rule="L14", why=f"{names}: the old course had ended {step.gap} days before")
    if step.inadequate:
        return Verdict(new=True, rule="L14", why=f"{names}: changed in mid-course after an inadequate response")
    if _targeted_replaced(step):
        return Verdict(new=True, rule="L14", why=f"{names}: replaced a targeted drug of another class")
    question = "why was the treatment changed in mid-course: progression, intolerance, or logistics?"
    shared = _overlap(step)
    if shared >= step.rules.windows.overlap:
        tolerated = not step.line.not_tolerated
        return Verdict(
            new=False,
            rule="L14",
            why=f"{names}: {shared:.0%} of the drugs stayed the same",
            modified=True,
            ambiguous=tolerated,
            question=question,
        )
    return Verdict(
        new=True,
        rule="L14",
        why=f"{names}: changed in mid-course, {shared:.0%} of the drugs stayed the same",
        ambiguous=True,
        question=question,
    )


def _overlap(step: Step) -> float:
    """The part of the larger regimen that both have; the new one is what is given in the four weeks from this day."""
    old, now = frozenset(step.line.drugs), step.keys | step.ahead
    larger = max(len(old), len(now))
    return len(old & now) / larger if larger else 0.0


def _targeted_replaced(step: Step) -> bool:
    """MCL: a targeted drug that stops, and the new drugs are of other classes."""
    if not step.family.targeted_replacement_certain:
        return False
    rules = step.rules
    stopped = [k for k in step.line.drugs if rules.in_class(k, "targeted") and k not in step.keys | step.ahead]
    classes = {rules.drug_class(name) for name in step.new}
    return any(rules.drug_class(k) not in classes for k in stopped)


NO_NEW_DRUG: tuple[Callable[[Step], Verdict | None], ...] = (
    l13b_resumed_after_failure,
    l13_swap_after_failure,
    l16_resumed_without_failure,
    l15_continues,
)
NEW_DRUG: tuple[Callable[[Step], Verdict | None], ...] = (
    l13_failure,
    l18_aborted_start,
    l4_assembly,
    l5_multi_part,
    l9_prophylaxis_and_consolidation,
    l10_protocol,
    l11_leukaemia_antibodies,
    l12_within_class,
    l8_maintenance,
    l14_everything_else,
)
