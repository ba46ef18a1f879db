"""Which disease families are on record, which may be meant, and which one leads (contract 2 rule 8, decision 29)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cds_service.oncology.model import FAMILIES, Diagnosis

TEXT = "text"
_ACTIVE = ("active", "relapse")


def families_on_record(diagnoses: Iterable[Diagnosis]) -> tuple[str, ...]:
    """Families of standing, coded diagnoses in the order of decision 29.

    A disease that has transformed into large B-cell lymphoma is part of that course, so its family drops out
    (decision 13).
    """
    standing = [d for d in diagnoses if d.stands and d.family and d.certainty != TEXT]
    found = {d.family for d in standing}
    return tuple(f for f in FAMILIES if f in found and not _transformed(f, standing))


def families_meant(diagnoses: Iterable[Diagnosis], on_record: Iterable[str]) -> tuple[str, ...]:
    """Families that an unspecific or textual diagnosis may belong to (decisions 63, 66), without those on record."""
    standing = [d for d in diagnoses if d.stands]
    meant = {family for d in standing for family in d.may_be}
    meant |= {d.family for d in standing if d.family and d.certainty == TEXT}
    known = frozenset(on_record)
    return tuple(f for f in FAMILIES if f in meant and f not in known)


def leading(families: Iterable[str], diagnoses: Iterable[Diagnosis], newest: Mapping[str, str]) -> str | None:
    """The family that leads: an active one, then that with the newest evidence, then the order of decision 29."""
    standing = [d for d in diagnoses if d.stands]

    def rank(family: str) -> tuple[int, int, str, int]:
        own = [d for d in standing if d.family == family]
        named = any(d.role in ("indication", "ambiguous") for d in own)
        active = any(d.state in _ACTIVE for d in own)
        return (int(active), int(named), newest.get(family, ""), -FAMILIES.index(family))

    return max(families, key=rank, default=None)


def _transformed(family: str, standing: list[Diagnosis]) -> bool:
    """Every diagnosis of the family is one that a large B-cell lymphoma on record arose from."""
    origins = {d.origin for d in standing if d.family == "lbcl" and d.origin}
    own = [d for d in standing if d.family == family]
    return family != "lbcl" and bool(origins) and all(d.concept in origins for d in own)
