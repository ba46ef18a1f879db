"""Names of regimens (c5, section d). A name is a label: count and dates never depend on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cds_service.oncology.method import INVESTIGATIONAL, KnownRegimen, LineRules
from cds_service.oncology.parameters import PROCEDURE, PULSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """What a set of drugs is called. ``type``: pulsed, continuous or procedure; "" when no regimen fits."""

    text: str
    type: str
    core: tuple[str, ...] = ()
    role: str = ""
    unverified: bool = False


def name_regimen(drugs: Iterable[str], steroids: Iterable[str], family: str, rules: LineRules) -> Name:
    """The regimen with most of its core drugs given, then fewest left over, then best steroid fit; else the drugs."""
    given = list(dict.fromkeys(drugs))
    with_steroid = bool(list(steroids))
    keys = rules.keys(given)
    if INVESTIGATIONAL not in keys:
        own = _best(rules.by_family[family], keys, with_steroid, given)
        if own is not None:
            regimen = own.regimen
            return Name(
                text=regimen.name,
                type=regimen.type,
                core=regimen.core,
                role=regimen.role,
                unverified=regimen.unverified,
            )
    other = _best(rules.regimens, keys, with_steroid, given)
    exact = other is not None and other.core <= keys <= other.all_drugs
    return Name(text=_joined(given, rules), type=other.regimen.type if other is not None and exact else "")


def conditioning_name(drugs: Iterable[str], family: str, rules: LineRules) -> Name:
    """The name of a line that is only a transplant: its conditioning."""
    given = list(dict.fromkeys(drugs))
    keys = rules.keys(given)
    best = _best(rules.by_family[family], keys, False, given, procedures=True)
    if best is None:
        return Name(text=_joined(given, rules) or "stem-cell transplant", type=PROCEDURE)
    return Name(text=best.regimen.name, type=PROCEDURE, core=best.regimen.core, unverified=best.regimen.unverified)


def _best(
    known: Iterable[KnownRegimen],
    keys: frozenset[str],
    with_steroid: bool,
    given: list[str],
    *,
    procedures: bool = False,
) -> KnownRegimen | None:
    fitting = [k for k in known if k.core and k.core <= keys and (k.regimen.type == PROCEDURE) == procedures]
    return min(
        fitting,
        key=lambda k: (
            -len(k.core),
            len(keys - k.all_drugs),
            k.steroid != with_steroid,
            -len(set(given) & set(k.regimen.core)),
            k.regimen.number,
        ),
        default=None,
    )


def _joined(given: list[str], rules: LineRules) -> str:
    return " + ".join(rules.label(i) for i in given)


def pulsed(name: Name) -> bool:
    """True for a regimen whose single cycle is complete once every core drug was given."""
    return name.type == PULSED
