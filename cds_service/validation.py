"""What fhir.resources says about one resource. Slow, so never for a whole record in a request.

fhir.resources has no R4: its R4B models accept R4 resources of the types read here.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

RELEASES = ("R4B", "R5", "STU3")
_PACKAGES = {"R4B": "fhir.resources.R4B", "R5": "fhir.resources", "STU3": "fhir.resources.STU3"}
MAX_PROBLEMS = 20


def problems_of(kind: str, resource: dict[str, Any], release: str) -> Iterator[str]:
    """Place and complaint of each problem; never the value that stands there."""
    try:
        model = getattr(importlib.import_module(f"{_PACKAGES[release]}.{kind.lower()}"), kind)
    except (ImportError, AttributeError):
        yield f"{kind} is no resource of {release}"
        return
    try:
        model.model_validate(resource)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        for one in found[:MAX_PROBLEMS]:
            where = ".".join(str(part) for part in one["loc"]) or kind
            yield f"{where}: {one['msg'] if one['type'] != 'value_error' else 'not a value FHIR allows here'}"
        if len(found) > MAX_PROBLEMS:
            yield f"and {len(found) - MAX_PROBLEMS} more problems"
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        # The library itself stumbles on unknown types in contained and on odd shapes.
        yield f"cannot be checked: {type(error).__name__}"


def best_fit(kind: str, resource: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """(release, problems) of the first release without problems, of the first release when there is none."""
    first: tuple[str, ...] = ()
    for release in RELEASES:
        problems = tuple(problems_of(kind, resource, release))
        if not problems:
            return release, ()
        first = first or problems
    return RELEASES[0], first
