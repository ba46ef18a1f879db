"""Is the record of a disease complete (X0, decision 54)? Where it is not, absence says nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from cds_service.fhir.dates import Interval
from cds_service.fhir.model import EVERY, Coverage
from cds_service.oncology.model import Diagnosis
from cds_service.oncology.numbers import CourseNumbers
from cds_service.oncology.spans import days_between, is_after, on_day, said
from cds_service.oncology.steps import Derivation, DerivedLine, StatusEvent

MEDICATION_LISTS = ("MedicationAdministration", "MedicationDispense", "MedicationRequest", "MedicationStatement")
STATUS_LISTS = ("Condition", "Observation")
READ_LISTS = (*MEDICATION_LISTS, *STATUS_LISTS, "Procedure")
STATES_OF_TREATED_DISEASE = frozenset({"PD", "REL", "IF", "CR", "VGPR", "PR"})
_DISEASE_WORDS = {
    "LBCL": "lbcl",
    "FL": "fl",
    "MZL": "mzl",
    "MCL": "mcl",
    "CLL": "cll_sll",
    "B-ALL": "b_all",
    "MM": "multiple_myeloma",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """Why the record may lack treatment or status.

    ``reasons``: every reason against relying on absent treatment. ``earlier``: why the first line on record may not be
    the first one given, "" when nothing speaks for it. ``lists``: missing, failed or cut-off resource lists.
    """

    reasons: tuple[str, ...] = ()
    earlier: str = ""
    lists: frozenset[str] = frozenset()

    @property
    def complete(self) -> bool:
        """True when what was not found was not given."""
        return not self.reasons

    @property
    def status_lists(self) -> tuple[str, ...]:
        """Lists that hold disease status and did not come in full."""
        return tuple(name for name in STATUS_LISTS if name in self.lists)

    @property
    def medication_lists(self) -> tuple[str, ...]:
        """Lists that hold drugs and did not come in full."""
        return tuple(name for name in MEDICATION_LISTS if name in self.lists)

    @property
    def procedures(self) -> bool:
        """True when the list of procedures came in full."""
        return "Procedure" not in self.lists

    @property
    def why(self) -> str:
        """The reasons as one clause."""
        return "; ".join(self.reasons)


def find_gaps(
    derivation: Derivation,
    diagnoses: Iterable[Diagnosis],
    received: Coverage,
    numbers: CourseNumbers,
    as_of: date,
) -> Gaps:
    """Everything that makes the treatment record of the family incomplete."""
    onset = onset_of(diagnoses, derivation.family)
    lists = received.incomplete | (frozenset(READ_LISTS) if _any_may_be_short(received) else frozenset())
    earlier = tuple(_earlier(derivation, onset, numbers))
    needed = (*MEDICATION_LISTS, "Procedure") if derivation.lines else READ_LISTS
    absent = [name for name in needed if name in lists]
    other = [f"the list {name} is missing or was cut off" for name in absent]
    if onset is None:
        other.append("no date of diagnosis is recorded")
    if not derivation.lines:
        other += _untreated_too_long(derivation, onset, numbers, as_of)
    reasons = tuple(dict.fromkeys((*derivation.gaps, *earlier, *other)))
    unsure = earlier[0] if earlier else _list_hides_first(derivation, onset, absent, numbers)
    return Gaps(reasons=reasons, earlier=unsure, lists=lists)


def onset_of(diagnoses: Iterable[Diagnosis], family: str) -> Interval | None:
    """The earliest dated onset of the family's diagnoses and of what they arose from; None when none is dated."""
    known = [d for d in diagnoses if d.onset is not None and d.onset.first != date.min and d.stands]
    own = [d for d in known if d.family == family]
    dated = [d.onset for d in own or [d for d in known if family in d.may_be] if d.onset]
    return min(dated, key=lambda o: (o.first, o.last), default=None)


def frontline(line: DerivedLine) -> bool:
    """False for a regimen that the table names for salvage only in this disease, and for CAR-T (decision 54)."""
    if line.car_t:
        return False
    roles = [part.strip() for part in line.regimen_role.replace(";", "/").split("/") if part.strip()]
    if not any(role.startswith("salvage") for role in roles):
        return True
    return any(_is_first_role(role, line.family) for role in roles)


def _is_first_role(role: str, family: str) -> bool:
    named = [key for word, key in _DISEASE_WORDS.items() if word in role.replace("(", " ").replace(")", " ").split()]
    early = role.startswith("frontline") or "frontline" in role.split() or "induction" in role.split()
    return early and (not named or family in named)


def _earlier(derivation: Derivation, onset: Interval | None, numbers: CourseNumbers) -> Iterable[str]:
    opened = derivation.lines[0].start if derivation.lines else None
    before = [e.when for e in derivation.status if _unexplained(e, derivation, opened)]
    if before:
        when = min(before, key=lambda w: (w.last, w.first))
        yield f"a disease status of {said(when)} precedes the first treatment on record"
    first, start = _first_treatment(derivation)
    if first is not None and first.car_t:
        yield "CAR-T is the first treatment on record"
    elif first is not None and not frontline(first):
        yield "the first treatment on record is a regimen given after earlier lines"
    limit = numbers.family.treated_within_days
    if limit is not None and onset is not None and start is not None and days_between(onset, start)[0] > limit:
        yield f"the first treatment on record ({said(start)}) starts more than {limit} days after the diagnosis"


def _first_treatment(derivation: Derivation) -> tuple[DerivedLine | None, Interval | None]:
    """The first line and its start; without one what was too short to count, or is not yet a line (bridging)."""
    lines = derivation.lines[:1] or derivation.candidates
    if lines:
        first = min(lines, key=lambda line: (line.start.first, line.number))
        return first, first.start
    starts = [exposure.start for exposure in derivation.exposures]
    return None, min(starts, key=lambda start: (start.first, start.last), default=None)


def _unexplained(event: StatusEvent, derivation: Derivation, start: Interval | None) -> bool:
    """A failure or remission before the first line that no local treatment explains (X0)."""
    if event.kind not in STATES_OF_TREATED_DISEASE or event.when.last == date.max:
        return False
    if start is not None and is_after(start, event.when) is not True:
        return False
    given = [e.start for e in derivation.exposures] + [line.start for line in derivation.candidates]
    given += [e.when for e in derivation.local]
    return not any(is_after(event.when, when) is not False for when in given)


def _untreated_too_long(
    derivation: Derivation, onset: Interval | None, numbers: CourseNumbers, as_of: date
) -> Iterable[str]:
    limit = numbers.family.untreated_after_days
    if limit is None or onset is None or derivation.exposures or derivation.candidates:
        return
    if days_between(onset, on_day(as_of))[0] > limit:
        yield f"no treatment is on record more than {limit} days after the diagnosis"


def _list_hides_first(derivation: Derivation, onset: Interval | None, absent: list[str], numbers: CourseNumbers) -> str:
    """With a drug list missing, a first line is the first only when it began soon after the diagnosis."""
    if not absent or not derivation.lines:
        return ""
    limit = numbers.family.untreated_after_days
    soon = onset is not None and limit is not None and days_between(onset, derivation.lines[0].start)[1] <= limit
    return "" if soon else f"the list {absent[0]} is missing or was cut off"


def _any_may_be_short(received: Coverage) -> bool:
    """Something was cut off without saying which list."""
    return EVERY in received.incomplete or (received.truncated and not received.incomplete)
