"""What a command reads: a file or standard input, with errors that name it."""

from __future__ import annotations

import sys
from pathlib import Path

from cds_service.errors import UnreadableInput

MAX_BYTES = 1 << 30


def read_source(name: str) -> bytes:
    """The bytes of the file, or of standard input for "-". Raises UnreadableInput."""
    if name == "-":
        return sys.stdin.buffer.read(MAX_BYTES)
    path = Path(name)
    if path.is_dir():
        raise UnreadableInput("is a folder; expected one file with FHIR as JSON or NDJSON", name)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UnreadableInput("is larger than 1 GiB; send one patient at a time", name)
        return path.read_bytes()
    except FileNotFoundError:
        raise UnreadableInput("no such file", name) from None
    except OSError as error:
        raise UnreadableInput(f"cannot be read ({error.strerror or type(error).__name__})", name) from None
