"""What each code of a record was read as, and the codes that nothing is known about, most frequent first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from cds_service.fhir.model import Record
from cds_service.terminology.concepts import Concepts, record_codings
from cds_service.terminology.model import Meaning


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRow:
    """One code of a record. ``read_as`` is "" for a code in no table; ``misplaced``: found under another system."""

    system: str
    code: str
    display: str
    count: int
    read_as: str = ""
    misplaced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeReport:
    """The codes of a record, each list most frequent first."""

    mapped: tuple[CodeRow, ...]
    unmapped: tuple[CodeRow, ...]


def code_report(record: Record, concepts: Concepts) -> CodeReport:
    """Every code of the record and what it was read as."""
    counts: Counter[tuple[str, str]] = Counter()
    names: dict[tuple[str, str], str] = {}
    for coding in record_codings(record):
        if coding.code:
            place = (coding.system, coding.code)
            counts[place] += 1
            names[place] = max(names.get(place, ""), coding.display)
    rows = [
        CodeRow(
            system=system,
            code=code,
            display=names[system, code],
            count=count,
            read_as=words(concepts.lookup(system, code), concepts),
            misplaced=concepts.misplaced(system, code),
        )
        for (system, code), count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    return CodeReport(
        mapped=tuple(row for row in rows if row.read_as), unmapped=tuple(row for row in rows if not row.read_as)
    )


def words(meaning: Meaning | None, concepts: Concepts) -> str:
    """A meaning in a few words; "" for none."""
    if meaning is None:
        return ""
    said = []
    if meaning.diagnosis is not None:
        state = f", {meaning.diagnosis.disease_status.replace('_', ' ')}" if meaning.diagnosis.disease_status else ""
        said.append(f"diagnosis {meaning.diagnosis.concept} ({meaning.diagnosis.role}{state})")
    if meaning.drug is not None:
        drugs = [concepts.drug_info(name) for name in meaning.drug.ingredients]
        use = "" if meaning.drug.use == "systemic" else f", {meaning.drug.use.replace('_', ' ')}"
        said.append("drug " + " + ".join(f"{drug.name} ({drug.drug_class}{use})" for drug in drugs))
    if meaning.procedure is not None:
        product = f" of {meaning.procedure.product}" if meaning.procedure.product else ""
        said.append(f"procedure {meaning.procedure.concept}{product}")
    if meaning.observation is not None:
        said.append(f"{meaning.observation.kind} {meaning.observation.concept}")
    return "; ".join(said)
