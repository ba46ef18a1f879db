"""``cart-cds validate``: what fhir.resources says about each resource of a file.

Each resource of a Bundle is judged alone, so that one odd entry hides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cds_service.validation import RELEASES, best_fit, problems_of

__all__ = ["RELEASES", "ResourceReport", "validate_content"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceReport:
    """What was found in one resource: its place in the file, the release it was judged by, its problems."""

    place: str
    reference: str
    release: str
    problems: tuple[str, ...]


def validate_content(content: Any, release: str | None = None) -> Iterator[ResourceReport]:
    """Reports of every resource, in the order of the file. ``release`` None: the release that fits each one best."""
    for place, resource in _resources(content, ""):
        yield _judge(place, resource, release)


def _resources(found: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(found, list):
        for number, item in enumerate(found):
            yield from _resources(item, f"{place}[{number}]")
    elif isinstance(found, dict):
        held = list(_held(found, place))
        if held and found.get("resourceType") == "Bundle":
            yield place, {k: v for k, v in found.items() if k != "entry"}
        elif not held:
            yield place, found
        for inside, resource in held:
            yield from _resources(resource, inside.lstrip("."))
    else:
        yield place, found


def _held(found: dict[str, Any], place: str) -> Iterator[tuple[str, Any]]:
    """What a container holds, with its place: Bundle, Parameters, or the prefetch of a CDS Hooks request."""
    for kind, name in (("Bundle", "entry"), ("Parameters", "parameter")):
        parts = found.get(name)
        if found.get("resourceType") == kind and isinstance(parts, list):
            for number, part in enumerate(parts):
                if isinstance(part, dict) and "resource" in part:
                    yield f"{place}.{name}[{number}].resource", part["resource"]
    prefetch = found.get("prefetch")
    if "resourceType" not in found and isinstance(prefetch, dict):
        for key, value in prefetch.items():
            if isinstance(value, dict):
                yield f"{place}.prefetch.{key}", value


def _judge(place: str, resource: Any, release: str | None) -> ResourceReport:
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(kind, str) or not kind.isalnum():
        return ResourceReport(
            place=place, reference="", release="", problems=("no resourceType; expected a FHIR resource",)
        )
    name = resource.get("id")
    reference = f"{kind}/{name}" if isinstance(name, str) else kind
    if release:
        fitting, problems = release, tuple(problems_of(kind, resource, release))
    else:
        fitting, problems = best_fit(kind, resource)
    return ResourceReport(place=place, reference=reference, release=fitting, problems=problems)
