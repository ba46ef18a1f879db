"""Prefetch: the templates we publish, and what each state of a key means (conformance section 2.2).

What comes is read by resource type, not by key, since sites rename keys (decision 47). A type whose list is missing,
failed or cut off is *incomplete*: nothing may be concluded from what it does not hold.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from cds_service.fhir.decode import HookRequest
from cds_service.fhir.model import DataIssue
from cds_service.fhir.pages import cut_off, page_of
from cds_service.fhir.wire import KINDS, Bundle, OperationOutcome, Resource, kind_of
from cds_service.rule_files import Document, Place, read_yaml

FILE = "prefetch.yaml"
MAX_KEY = 64
"""Longer keys are cut before they are looked at, since looked-up keys are kept."""
REQUIRED = ("Patient", "Condition")
"""Types without which no answer is possible: 412."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One prefetch template: key, resource type, FHIR query with tokens, the criteria that need it."""

    key: str
    type: str
    query: str
    needed_for: str = ""


def load_templates(rules: Path) -> tuple[Template, ...]:
    """The templates of ``rules/prefetch.yaml``; codes come from the observation tables of the terminology.

    Raises RuleFileError.
    """
    document = read_yaml(rules / FILE, FILE)
    rows = document.content.get("templates") if isinstance(document.content, dict) else None
    if not isinstance(rows, list):
        raise document.error((), "no list of templates", "add the key 'templates' with a list of templates")
    codes = _question_codes(rules / "terminology")
    return tuple(_template(row, ("templates", number), document, codes) for number, row in enumerate(rows))


def _template(row: Any, place: Place, document: Document, codes: Mapping[str, set[str]]) -> Template:
    members = {"key", "type", "query", "needed_for"}
    if not isinstance(row, dict) or not members <= set(row) <= members | {"concepts"}:
        raise document.error(place, "a template with a missing or unknown key", f"give it {', '.join(sorted(members))}")
    query = str(row["query"])
    if "concepts" in row:
        for number, concept in enumerate(row["concepts"]):
            if concept not in codes:
                problem = f"no code asks for the concept {concept}"
                raise document.error((*place, "concepts", number), problem, "name a question of observations.csv")
        asked = {code for concept in row["concepts"] for code in codes[concept]}
        query = query.replace("{codes}", ",".join(sorted(asked)))
    return Template(key=row["key"], type=row["type"], query=query, needed_for=row["needed_for"])


def _question_codes(folder: Path) -> dict[str, set[str]]:
    """Observation concept -> codes that ask for it."""
    codes: dict[str, set[str]] = {}
    for path in sorted(folder.glob("observations*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                if row["kind"] == "question":
                    codes.setdefault(row["concept"], set()).add(row["code"])
    return codes


@dataclass(slots=True)
class Supplied:
    """What of the prefetch can be used.

    ``missing`` are templates whose type did not come (fetch them), ``failed`` those whose source already failed (do
    not ask again), ``partial`` types that came under one key and failed under another, or only in part. ``lists`` are
    Bundles of which the key, and not what they hold, tells the type.
    """

    resources: list[Resource] = field(default_factory=list)
    issues: list[DataIssue] = field(default_factory=list)
    missing: list[Template] = field(default_factory=list)
    failed: list[Template] = field(default_factory=list)
    partial: set[str] = field(default_factory=set)
    lists: list[tuple[Bundle, str]] = field(default_factory=list)
    asked: frozenset[str] = frozenset()
    has_patient: bool = False

    @property
    def incomplete(self) -> frozenset[str]:
        """Types about whose absence nothing is known."""
        return frozenset(template.type for template in (*self.missing, *self.failed)) | self.partial

    def take(self, value: Resource, kind: str, types: set[str]) -> None:
        """Keep a value that stands for ``kind`` and holds ``types``; included types beside it change nothing."""
        self.resources.append(value)
        self.has_patient = self.has_patient or "Patient" in types
        if kind and types != {kind} and isinstance(value, Bundle) and not (types & self.asked) - {kind}:
            self.lists.append((value, kind))

    def name_lists(self) -> None:
        """A list that was cut off before its first match lacks the type it was asked for, not every type (PRE-09).

        A page of a chain is left to the reader of the record, who has all of them.
        """
        bundles = [resource for resource in self.resources if isinstance(resource, Bundle)]
        links = {(link.relation, link.url) for bundle in bundles for link in bundle.link or () if link is not None}
        for bundle, kind in self.lists:
            page = page_of(bundle, _matches(bundle), {kind})
            if page is None or not cut_off([page]):
                continue
            if ("self", page.following) in links or (page.own and ("next", page.own) in links):
                continue
            bundle.link = bundle.total = None
            self.partial.add(kind)
            self.issues.append(DataIssue("Bundle", f"the list of {kind} resources was cut off; more exists"))


def read_prefetch(hook: HookRequest, templates: Iterable[Template]) -> Supplied:
    """Sort the values of ``prefetch`` by state: usable, empty, failed, missing."""
    templates = tuple(templates)
    out = Supplied(asked=frozenset(template.type for template in templates))
    sent: set[str] = set()
    failed: set[str] = set()
    for key, value in (hook.prefetch or {}).items():
        of_key = _type_of(key[:MAX_KEY], templates)
        if value is None:
            if of_key != "Patient":
                sent.add(of_key)
            continue
        types = set() if isinstance(value, str) else types_in(value)
        if isinstance(value, OperationOutcome | str) or (not types and _only_errors(value)):
            failed.add(of_key)
            out.issues.append(DataIssue("OperationOutcome", f"the source failed to give {_list_of(of_key)}"))
            continue
        sent |= types
        sent.add(of_key)
        out.take(value, of_key, types)
    for template in templates:
        if template.type in sent:
            continue
        if template.type in failed or _asked_and_null(hook, template):
            out.failed.append(template)
        else:
            out.missing.append(template)
    out.partial = {template.type for template in templates} & sent & failed
    return out


def _only_errors(value: Resource) -> bool:
    """Of a value without matches: its search failed. A mere warning says that nothing was found (PRE-13)."""
    if not isinstance(value, Bundle):
        return False
    outcomes = [e.resource for e in value.entry or () if e is not None and isinstance(e.resource, OperationOutcome)]
    issues = [issue for outcome in outcomes for issue in outcome.issue or () if issue is not None]
    return any(issue.severity in ("error", "fatal") for issue in issues)


def _asked_and_null(hook: HookRequest, template: Template) -> bool:
    """The client looked for the Patient and found nothing: no second query (PRE-02)."""
    prefetch = hook.prefetch or {}
    return template.key in prefetch and prefetch[template.key] is None


def types_in(value: Resource) -> set[str]:
    """Types of the resources in one prefetch value; empty for an empty search."""
    if not isinstance(value, Bundle):
        return {kind_of(value)}
    held: set[type[Resource]] = set()
    types: set[str] = set()
    for entry in value.entry or ():
        if entry is None or entry.resource is None:
            continue
        struct = type(entry.resource)
        if struct in held or (entry.search is not None and entry.search.mode == "include"):
            continue
        if isinstance(entry.resource, Bundle):
            types |= types_in(entry.resource)
        else:
            held.add(struct)
    return types | {KINDS[struct] for struct in held if struct is not OperationOutcome}


def _matches(bundle: Bundle) -> int:
    entries = [entry for entry in bundle.entry or () if entry is not None and entry.resource is not None]
    matches = [entry for entry in entries if entry.search is None or entry.search.mode != "include"]
    return sum(not isinstance(entry.resource, OperationOutcome) for entry in matches)


@lru_cache(maxsize=256)
def _type_of(key: str, templates: tuple[Template, ...]) -> str:
    """The type a key stands for: our own key, a renamed one that still holds it or the type's name, else ""."""
    word = _plain(key)
    best = ""
    length = 0
    for template in templates:
        if template.key == key:
            return template.type
        for name in (_plain(template.key), _plain(template.type)):
            if name in word and len(name) > length:
                best, length = template.type, len(name)
    return best


def _plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def _list_of(type_name: str) -> str:
    return f"{type_name} resources" if type_name else "a list"


def fill(query: str, context: Mapping[str, str]) -> str:
    """A template's query with its ``{{context.…}}`` tokens filled."""
    for name, value in context.items():
        query = query.replace("{{context." + name + "}}", value)
    return query
