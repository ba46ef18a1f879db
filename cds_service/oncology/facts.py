"""All facts of section (e) about one disease family, and those of a patient without one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cds_service.oncology.cell_facts import cell_facts
from cds_service.oncology.course import Course
from cds_service.oncology.disease_state import DiseaseState, read_state
from cds_service.oncology.facts_counts import count_facts
from cds_service.oncology.facts_exposure import exposure_facts
from cds_service.oncology.facts_first_line import first_line_facts
from cds_service.oncology.facts_last_line import last_line_facts
from cds_service.oncology.first_line import FirstLine, read_first_line
from cds_service.oncology.leukaemia import leukaemia_facts
from cds_service.oncology.model import FACT_NAMES, UNKNOWN, Fact
from cds_service.oncology.refractory_drugs import Verdict, refractory_facts

_NOT_LOOKED = "no label disease is on record, so treatment and course were not read; a coded diagnosis would settle it"


def find_facts(
    course: Course,
    first: FirstLine | None = None,
    state: DiseaseState | None = None,
    refractory: Verdict | None = None,
) -> Mapping[str, Fact]:
    """Every name of FACT_NAMES, in that order; what is known already of the course may be handed in."""
    found = {
        **dict(count_facts(course)),
        "relapsed_or_refractory": (state or read_state(course)).fact,
        **dict(first_line_facts(course, first or read_first_line(course))),
        **dict(last_line_facts(course)),
        **dict(refractory_facts(course, refractory)),
        **dict(exposure_facts(course)),
        **dict(cell_facts(course)),
        **dict(leukaemia_facts(course)),
    }
    return MappingProxyType({name: found[name] for name in FACT_NAMES})


def facts_without_family() -> Mapping[str, Fact]:
    """The facts of a chart without a disease family: none was looked for, so none is known."""
    return MappingProxyType({name: Fact(status=UNKNOWN, because=_NOT_LOOKED) for name in FACT_NAMES})
