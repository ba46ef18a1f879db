"""The assessment as a report a haematologist can read: what was found, the lines, each indication with its reasons."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from cds_service.cli.terminal_timeline import timeline_rows
from cds_service.labels.model import Assessment, IndicationResult
from cds_service.oncology.model import (
    MET,
    NOT_MET,
    REVIEW,
    UNKNOWN,
    ClinicalPicture,
    Diagnosis,
    FamilyPicture,
    Line,
)

MARKS = {MET: "+", NOT_MET: "-", UNKNOWN: "?", REVIEW: "!"}
WORDS = {MET: "met", NOT_MET: "not met", UNKNOWN: "unknown", REVIEW: "review"}
STYLES = {MET: "bold green", NOT_MET: "dim", UNKNOWN: "yellow", REVIEW: "cyan"}
ORDER = (MET, REVIEW, UNKNOWN, NOT_MET)
WIDTH = 118


def print_report(assessment: Assessment) -> None:
    """Write the report to standard output; colour only on a terminal."""
    on_terminal = sys.stdout.isatty()
    console = Console(width=None if on_terminal else WIDTH, highlight=False, emoji=False, markup=False)
    picture = assessment.picture
    _head(console, assessment)
    _diagnoses(console, picture)
    for family in (*picture.families.values(), *picture.hypothetical.values()):
        _history(console, picture, family)
    _indications(console, assessment)
    _flags(console, picture)
    _coverage(console, picture)


def _title(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold underline"))


def _item(console: Console, text: str, *, indent: int = 2, style: str = "") -> None:
    """One wrapped paragraph, with a hanging indent."""
    wrapped = Text(text, style=style).wrap(console, max(20, console.width - indent - 2))
    for number, line in enumerate(wrapped):
        console.print(Text(" " * (indent if number == 0 else indent + 2)) + line)


def _head(console: Console, assessment: Assessment) -> None:
    picture = assessment.picture
    age = "age not known" if picture.age is None else _range(*picture.age) + " years"
    console.print(
        Text(f"{picture.patient_reference}, {age}{', deceased' if picture.deceased else ''}", style="bold"),
    )
    console.print(
        f"Judged on {picture.as_of} by the {assessment.jurisdiction.upper()} label rules {assessment.ruleset_version}. "
        "Not an eligibility decision: a clinician reviews, the treatment centre decides."
    )
    if assessment.disagreements:
        _item(console, f"The two evaluators differed on: {', '.join(assessment.disagreements)}", style="bold red")


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"


def _diagnoses(console: Console, picture: ClinicalPicture) -> None:
    _title(console, "Diagnoses")
    if not picture.diagnoses:
        _item(console, "No blood cancer that a CAR-T label could name was found among the conditions.")
    for diagnosis in picture.diagnoses:
        _item(console, _diagnosis(diagnosis))


def _diagnosis(found: Diagnosis) -> str:
    since = f", since {found.onset.text}" if found.onset and found.onset.text else ""
    sure = "" if found.certainty == "confirmed" else f", {found.certainty}"
    note = f" ({found.note})" if found.note else ""
    where = f"  [{', '.join(found.evidence)}]" if found.evidence else ""
    return f"{found.label}: {found.state}{sure}{since}{note}{where}"


def _history(console: Console, picture: ClinicalPicture, family: FamilyPicture) -> None:
    history = family.history
    count = history.count
    spread = "" if count.min == count.max == count.n else f" (the record allows {count.min} to {count.max})"
    _title(console, f"Lines of therapy, {family.family.replace('_', ' ')}: {count.n}{spread}")
    if count.since_transformation is not None:
        _item(console, f"{count.since_transformation} of them since the transformation")
    for line in history.lines:
        _line(console, line)
    for row in timeline_rows(family, picture.as_of, console.width):
        console.print(Text("  ") + row)
    for question in count.questions:
        _item(console, f"open: {question}", style="yellow")
    for gap in history.gaps:
        _item(console, f"history incomplete: {gap}", style="yellow")
    if history.set_aside:
        _item(console, f"set aside: {len(history.set_aside)}")
        for why, references in _grouped((s.why, s.reference) for s in history.set_aside).items():
            _item(console, f"{why}: {_some(references)}", indent=4, style="dim")
    console.print()
    for name, fact in family.facts.items():
        if fact.status != NOT_MET:
            grade = f" ({fact.grade})" if fact.grade else ""
            _item(
                console,
                f"{MARKS[fact.status]} {name.replace('_', ' ')}{grade}: {fact.because}",
                style=STYLES[fact.status],
            )
    quiet = [name.replace("_", " ") for name, fact in family.facts.items() if fact.status == NOT_MET]
    if quiet:
        _item(console, f"- not met: {', '.join(quiet)}", style="dim")


def _line(console: Console, line: Line) -> None:
    span = f"{line.start or 'no date'} to {line.end or 'now'}"
    parts = [f"{line.number}. {line.regimen}, {span}"]
    if line.includes:
        parts.append("with " + ", ".join(i.replace("_", " ") for i in line.includes))
    if line.best_response:
        parts.append("best response " + line.best_response.replace("_", " "))
    if line.modified:
        parts.append("modified")
    _item(console, "; ".join(parts), style="bold")
    _item(console, ", ".join(a.replace("_", " ") for a in line.agents), indent=5)
    if line.because:
        _item(console, line.because, indent=5, style="dim")


def _indications(console: Console, assessment: Assessment) -> None:
    _title(console, "Indications")
    other = [i for i in assessment.indications if _elsewhere(i)]
    rest = [i for i in assessment.indications if not _elsewhere(i)]
    for result in sorted(rest, key=lambda r: (ORDER.index(r.status), r.indication.id)):
        product = result.indication.product
        console.print(
            Text(f"  {WORDS[result.status]:8}", style=STYLES[result.status])
            + Text(
                f"{result.indication.id}  {product.short_name} ({product.brand}): {result.indication.title}",
                style="bold",
            )
        )
        for criterion in result.criteria:
            grade = f" ({criterion.grade})" if criterion.grade == "inferred" else ""
            text = f"{MARKS[criterion.status]} {criterion.id.replace('_', ' ')}{grade}: {criterion.because}"
            _item(console, text, indent=10, style=STYLES[criterion.status] if criterion.status != MET else "")
    if other:
        names = ", ".join(i.indication.id.partition("/")[2] for i in other)
        _item(console, f"not met, another disease: {names}", style="dim")


def _elsewhere(result: IndicationResult) -> bool:
    diagnosis = result.criterion("diagnosis")
    return diagnosis is not None and diagnosis.status == NOT_MET


def _flags(console: Console, picture: ClinicalPicture) -> None:
    present = [f for f in picture.flags if f.status == "present"]
    if not present:
        return
    _title(console, "Flags for review (never exclusions)")
    for flag in present:
        where = f"  [{_some(list(flag.evidence))}]" if flag.evidence else ""
        _item(console, f"{flag.because}{where}")


def _coverage(console: Console, picture: ClinicalPicture) -> None:
    _title(console, "What was received")
    coverage = picture.coverage
    counts = ", ".join(f"{number} {kind}" for kind, number in coverage.resources.items())
    span = f"; dated {coverage.earliest} to {coverage.latest}" if coverage.earliest else ""
    _item(console, f"{counts or 'nothing'}{span}{'; lists were cut off' if coverage.truncated else ''}")
    for problem, references in _grouped((i.problem, i.reference) for i in picture.issues).items():
        _item(console, f"{problem}: {_some(references)}" if any(references) else problem, style="yellow")


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def _some(references: list[str], most: int = 4) -> str:
    shown = ", ".join(r for r in references[:most] if r)
    return shown + (f" and {len(references) - most} more" if len(references) > most else "")
