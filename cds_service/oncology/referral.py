"""Is the patient on the way to CAR-T already? What silences a card (decisions 35, 46)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from cds_service.fhir.model import OrderEntry, ProcedureEntry, Record
from cds_service.oncology.course_rules import CourseRules
from cds_service.oncology.spans import days_between, is_after, on_day
from cds_service.terminology import Concepts

OPEN = ("active", "draft")
DONE = ("completed", "in-progress")


def open_referrals(
    record: Record, as_of: date, concepts: Concepts, *, rules: CourseRules, codes: frozenset[str], days: int
) -> tuple[str, ...]:
    """References of CAR-T referrals, and of collections with no infusion after, of the last ``days`` days.

    ``codes`` are the site's own referral codes, each "system|code".
    """
    site = ((system.strip(), code.strip()) for system, _, code in (text.rpartition("|") for text in codes))
    wanted: dict[str, set[str]] = {}
    for system, code in (rules.referral_order, *site):
        wanted.setdefault(code, set()).add(concepts.systems.canonical(system))
    orders = (o.reference for o in record.orders if _is_referral(o, wanted, concepts) and _open(o, as_of, days))
    steps = (p.reference for p in _collections(record.procedures, as_of, concepts, rules, days))
    return tuple(sorted({*orders, *steps}))


def _is_referral(order: OrderEntry, wanted: Mapping[str, Collection[str]], concepts: Concepts) -> bool:
    """``wanted``: code -> its systems, each in the one spelling of ``Systems.canonical``."""
    return any(
        coding.code in wanted and concepts.systems.canonical(coding.system) in wanted[coding.code]
        for coding in order.code.codings
    )


def _open(order: OrderEntry, as_of: date, days: int) -> bool:
    """Surely at most ``days`` old; a draft without a date is being written now."""
    if order.status not in OPEN:
        return False
    if order.date is None:
        return order.status == "draft"
    age = days_between(order.date, on_day(as_of))
    return age[0] >= 0 and age[1] <= days


def _collections(
    procedures: Iterable[ProcedureEntry], as_of: date, concepts: Concepts, rules: CourseRules, days: int
) -> Iterable[ProcedureEntry]:
    dated = [(p, concepts.procedure(p.code)) for p in procedures if p.status in DONE and p.start is not None]
    infusions = [p.start for p, m in dated if m and m.concept in rules.infusion_concepts and p.start]
    for entry, meaning in dated:
        if meaning is None or meaning.concept not in rules.collection_concepts or entry.start is None:
            continue
        age = days_between(entry.start, on_day(as_of))
        if age[0] < 0 or age[1] > days:
            continue
        if not any(is_after(infusion, entry.start) is not False or infusion == entry.start for infusion in infusions):
            yield entry
