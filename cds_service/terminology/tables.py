"""Code tables as rows: read once, every column and word checked, nothing skipped in silence."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cds_service.rule_files import RuleFileError

REQUIRED = (
    "concepts",
    "systems",
    "diagnoses",
    "drugs",
    "drug_classes",
    "drug_codes",
    "drug_products",
    "procedures",
    "observations",
)
"""Tables without which nothing can be read; those of licensed systems (…_snomed, …_cpt, …_atc, …_who) may be absent."""


@dataclass(frozen=True, slots=True)
class Table:
    """One CSV file, by its columns. ``name`` is the file for messages."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def pick(self, *wanted: str) -> Iterator[tuple[int, tuple[str, ...]]]:
        """(line, values of the wanted columns) of each row. Raises RuleFileError when a column is absent."""
        missing = [name for name in wanted if name not in self.columns]
        if missing:
            raise RuleFileError(
                self.name, 1, f"the column '{missing[0]}' is absent", f"start the file with: {','.join(wanted)}"
            )
        at = [self.columns.index(name) for name in wanted]
        for number, row in enumerate(self.rows, start=2):
            yield number, tuple([row[i] for i in at])


def read_tables(folder: Path, stem: str) -> list[Table]:
    """The table ``stem.csv`` and its companions ``stem_*.csv``, by name. Raises RuleFileError.

    A companion holds the rows of one licensed code system and may be deleted.
    """
    paths = [folder / f"{stem}.csv", *sorted(folder.glob(f"{stem}_*.csv"))]
    return [_read(path) for path in paths if path.is_file() or (stem in REQUIRED and path == paths[0])]


def _read(path: Path) -> Table:
    name = f"{path.parent.name}/{path.name}"
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            rows = [tuple(row) for row in csv.reader(handle) if row]
    except FileNotFoundError:
        raise RuleFileError(name, 0, "the table does not exist", "restore it from the shipped rules") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RuleFileError(
            name, 0, f"the table cannot be read ({type(error).__name__})", "save it as UTF-8 text, comma separated"
        ) from None
    if not rows:
        raise RuleFileError(name, 1, "the table is empty", "restore it, or delete the file if it is optional")
    width = len(rows[0])
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            raise RuleFileError(
                name, number, f"{len(row)} cells where the head has {width}", "quote cells that hold a comma"
            )
    return Table(name, rows[0], tuple(rows[1:]))
