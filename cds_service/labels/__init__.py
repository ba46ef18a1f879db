"""Label rules: a clinical picture in, criteria and indications out. No I/O, no clock.

``Rulebook`` compiles a ruleset once, ``assess`` judges a picture with it, ``as_json`` writes the result as the contract
shows it, ``run_case`` judges one of the examples that stand in the packs. ``nothing_to_judge`` spares most charts the
rules: no diagnosis of any family is on record.
"""

from cds_service.labels.judge import assess, nothing_to_judge
from cds_service.labels.model import Assessment, CriterionResult, IndicationResult
from cds_service.labels.report import as_json
from cds_service.labels.rulebook import Rulebook, run_case

__all__ = [
    "Assessment",
    "CriterionResult",
    "IndicationResult",
    "Rulebook",
    "as_json",
    "assess",
    "nothing_to_judge",
    "run_case",
]
