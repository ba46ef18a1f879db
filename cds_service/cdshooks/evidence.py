"""``CART_CDS_VALIDATE=evidence``: FHIR problems of the resources a result cites, as data issues of the assessment.

Only resources that stand in the request are looked at, never those fetched; never the whole record. A problem changes
no result: what could be read was read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from cds_service.errors import UnreadableInput
from cds_service.fhir.model import DataIssue
from cds_service.fhir.text import checked, parse
from cds_service.labels.model import Assessment
from cds_service.validation import best_fit

MAX_RESOURCES = 50
"""So many cited resources are validated, in the order of their references."""
MAX_PROBLEMS = 5
"""Problems told of one resource."""
MAX_TEXT = 200


def with_evidence_checked(assessment: Assessment, body: bytes) -> Assessment:
    """The assessment with the FHIR problems of the cited resources among its data issues."""
    wanted = cited(assessment)
    if not wanted:
        return assessment
    found = dict(_resources_of(body, wanted))
    issues = [issue for reference in sorted(found)[:MAX_RESOURCES] for issue in _issues(reference, found[reference])]
    if not issues:
        return assessment
    picture = assessment.picture
    return replace(assessment, picture=replace(picture, issues=(*picture.issues, *issues)))


def cited(assessment: Assessment) -> frozenset[str]:
    """References that the criteria of a disease on record cite; none for a chart without one."""
    references: set[str] = set()
    for result in assessment.indications:
        diagnosis = result.criterion("diagnosis")
        if diagnosis is not None and diagnosis.status != "not_met":
            references.update(reference for criterion in result.criteria for reference in criterion.evidence)
    return frozenset(references)


def _issues(reference: str, resource: dict[str, Any]) -> Iterator[DataIssue]:
    release, problems = best_fit(str(resource["resourceType"]), resource)
    for problem in problems[:MAX_PROBLEMS]:
        yield DataIssue(reference, f"not valid FHIR {release}: {problem}"[:MAX_TEXT])
    if len(problems) > MAX_PROBLEMS:
        yield DataIssue(reference, f"not valid FHIR {release}: {len(problems) - MAX_PROBLEMS} more problems")


def _resources_of(body: bytes, wanted: frozenset[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(reference, resource) of each resource in a body whose reference, or fullUrl, is wanted."""
    waiting: list[tuple[str, Any]] = [("", content) for content in _contents(body)]
    while waiting:
        url, found = waiting.pop()
        if isinstance(found, list):
            waiting += [("", item) for item in found]
        if not isinstance(found, dict):
            continue
        kind, name = found.get("resourceType"), found.get("id")
        reference = f"{kind}/{name}" if isinstance(name, str) else url
        if isinstance(kind, str) and kind.isalnum() and reference in wanted:
            yield reference, found
        prefetch = found.get("prefetch")
        if isinstance(prefetch, dict):
            waiting += [("", value) for value in prefetch.values()]
        for held in ("entry", "parameter", "part"):
            inner = found.get(held)
            waiting += [
                (str(one.get("fullUrl") or ""), one.get("resource") or {"part": one.get("part")})
                for one in (inner if isinstance(inner, list) else ())
                if isinstance(one, dict)
            ]


def _contents(body: bytes) -> list[Any]:
    """The JSON values of a body: one, or one a line."""
    try:
        return [parse(checked(body))[0]]
    except (UnreadableInput, RecursionError):
        pass
    contents = []
    for line in body.splitlines():
        try:
            contents.append(parse(line)[0])
        except (UnreadableInput, RecursionError):
            continue
    return contents
