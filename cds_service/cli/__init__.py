"""``cart-cds``: the same rooms as the service, for people with a file and a terminal.

Exit codes: 0 answered; 1 a check found problems (``check-rules``, ``validate``); 2 the input or an option cannot be
used; 3 the record mixes patients or names none.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, NoReturn

import click

from cds_service import __version__
from cds_service.errors import CartCdsError, InputError, MixedPatients, NoPatient

PATIENT_EXIT = 3


class _Commands(click.Group):
    """Commands imported when first used, so that help is quick; errors of ours become one line on standard error."""

    names: ClassVar[dict[str, str]] = {
        "call": "call",
        "check-rules": "rules",
        "codes": "codes",
        "evaluate": "evaluate",
        "feedback": "feedback",
        "labels": "rules",
        "serve": "serve",
        "timeline": "timeline",
        "validate": "validate_command",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self.names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = self.names.get(cmd_name)
        if module is None:
            return None
        import importlib

        found = getattr(importlib.import_module(f"cds_service.cli.{module}"), cmd_name.replace("-", "_"))
        return found if isinstance(found, click.Command) else None

    def main(self, *args: Any, **kwargs: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(encoding="utf-8", errors="replace")
        try:
            return super().main(*args, **kwargs)
        except CartCdsError as error:
            stop(error)
        except BrokenPipeError:
            # The reader (head, less) has seen enough.
            sys.stderr.close()
            sys.exit(0)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cart-cds")
def main() -> None:
    """Compare a patient's FHIR record with the label rules of the approved CAR-T products."""


def stop(error: CartCdsError, where: str = "") -> NoReturn:
    """One clear line on standard error, and the exit code that belongs to the error."""
    text = " ".join(str(error).split("\n")) if isinstance(error, InputError) else str(error)
    print(f"cart-cds: {where + ': ' if where else ''}{text}", file=sys.stderr)
    sys.exit(PATIENT_EXIT if isinstance(error, MixedPatients | NoPatient) else 2)


def about_file(command: Callable[..., None]) -> Callable[..., None]:
    """Errors of the command name the file it was given (its argument ``file``)."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except InputError as error:
            name = "standard input" if kwargs.get("file") == "-" else str(kwargs.get("file", ""))
            stop(error, "" if str(error).startswith(name) else name)

    return run
