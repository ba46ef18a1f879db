"""The birthday that ends, or opens, an age range of a label, while it is near (labels-us 2.6, labels-eu A11).

Making the product takes weeks, so the age on the day of the assessment may not be the age on the day of infusion. How
near is data of the pack (``note_within_days``). The note changes no status.
"""

from __future__ import annotations

from datetime import date

from cds_service.labels.model import Birthday
from cds_service.labels.packs import Criterion
from cds_service.oncology.age import birthday_of
from cds_service.oncology.model import ClinicalPicture


def near_birthday(criterion: Criterion, picture: ClinicalPicture) -> Birthday | None:
    """The birthday after ``max_years`` or of ``min_years``, when it comes in at most ``note_within_days`` days."""
    within = criterion.params.get("note_within_days")
    if within is None:
        return None
    most = criterion.params.get("max_years")
    years = criterion.params["min_years"] if most is None else most + 1
    day = birthday_of(picture.birth, years)
    if day is None:
        return None
    today = date.fromisoformat(picture.as_of)
    if not 0 < (day.first - today).days <= within:
        return None
    sure = (day.last - today).days <= within
    return Birthday(years=years, first=day.first.isoformat(), last=day.last.isoformat(), sure=sure)


def birthday_words(near: Birthday) -> str:
    """ "turns 26 on 2027-01-01", or what a partial date of birth leaves of it."""
    if not near.sure:
        return f"may turn {near.years} from {near.first} on, a full date of birth would settle it"
    if near.first == near.last:
        return f"turns {near.years} on {near.first}"
    return f"turns {near.years} between {near.first} and {near.last}"
