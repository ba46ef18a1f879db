"""The rooms strung together: resources of one patient to an assessment, an assessment to cards.

Both front doors (the service and the command line) go through here. Everything is loaded and compiled once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from cds_service.cards import Card, CardOptions, Composition, HookView, composition
from cds_service.cards.wording import load_wording
from cds_service.draft_orders import DraftReader
from cds_service.errors import UnreadableInput
from cds_service.fhir.model import Record
from cds_service.labels import Rulebook, assess
from cds_service.labels.loader import load_ruleset
from cds_service.labels.model import Assessment
from cds_service.labels.packs import Ruleset
from cds_service.oncology import describe
from cds_service.oncology.knowledge import Knowledge, load_knowledge
from cds_service.oncology.model import ClinicalPicture

JURISDICTIONS = ("us", "eu")


def shipped_rules() -> Path:
    """The rules folder that came with this package: inside an installed wheel, or beside a source tree."""
    package = Path(__file__).resolve().parent
    inside = package / "_rules"
    return inside if inside.is_dir() else package.parent / "rules"


def code_pairs(codes: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """(system, code) of each "system|code", in the order given."""
    parted = (text.rpartition("|") for text in codes)
    return tuple((system.strip(), code.strip()) for system, _, code in parted)


class _Reads(dict[tuple[str, str], bool]):
    """Whether a rule reads Observations with a code, worked out once for each code.

    Charts hold thousands of results under few codes. What is kept is bounded, whatever a client sends.
    """

    MOST, LONGEST = 16384, 200

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge

    def __missing__(self, place: tuple[str, str]) -> bool:
        system, code = place
        answer = self.knowledge.reads(system, code)
        if len(self) < self.MOST and len(system) + len(code) <= self.LONGEST:
            self[place] = answer
        return answer


class Pipeline:
    """Rules, loaded once, and what they say about a record. Safe to share between threads.

    ``referral_codes`` are the site's own codes of a CAR-T referral, each "system|code". Raises RuleFileError when a
    rule file cannot be used.
    """

    def __init__(
        self,
        rules: Path | None = None,
        jurisdictions: Iterable[str] = JURISDICTIONS,
        *,
        referral_codes: Iterable[str] = (),
    ) -> None:
        self.rules = rules or shipped_rules()
        self.referral_codes = frozenset(referral_codes)
        self.knowledge = load_knowledge(self.rules)
        self._reads = _Reads(self.knowledge)
        self.wording = load_wording(self.rules)
        self.drafts = DraftReader(self.knowledge, code_pairs(self.referral_codes))
        self.rulesets: dict[str, Ruleset] = {j: load_ruleset(self.rules, j) for j in jurisdictions}
        self.rulebooks: dict[str, Rulebook] = {j: Rulebook(ruleset) for j, ruleset in self.rulesets.items()}

    def reads(self, system: str, code: str) -> bool:
        """True when a rule reads an Observation with this code: ``known`` of ``fhir.read_record``."""
        return self._reads[system, code]

    def assessment(self, record: Record, as_of: date, jurisdiction: str) -> Assessment:
        """The record compared with the rules of a jurisdiction in force on ``as_of``.

        Raises UnreadableInput for a jurisdiction that is not loaded.
        """
        rulebook = self._rulebook(jurisdiction)
        return assess(self.picture(record, as_of), rulebook)

    def picture(self, record: Record, as_of: date) -> ClinicalPicture:
        """What the record says on ``as_of``, before any rule."""
        return describe(record, as_of, self.knowledge, referral_codes=self.referral_codes)

    def judged(self, picture: ClinicalPicture, jurisdiction: str) -> Assessment:
        """The picture compared with the rules of a jurisdiction; see ``assessment``."""
        return assess(picture, self._rulebook(jurisdiction))

    def _rulebook(self, jurisdiction: str) -> Rulebook:
        rulebook = self.rulebooks.get(jurisdiction)
        if rulebook is None:
            raise UnreadableInput(f"jurisdiction: expected one of {', '.join(sorted(self.rulebooks))}")
        return rulebook

    def composition(self, assessment: Assessment, hook: HookView, options: CardOptions) -> Composition:
        """The cards for a hook call, and why other families are silent."""
        return composition(assessment, hook, self.wording, options)

    def cards(self, assessment: Assessment, hook: HookView, options: CardOptions) -> list[Card]:
        """The cards for a hook call, best family first; empty when there is nothing to say."""
        return list(self.composition(assessment, hook, options).cards)
