"""Lists that came in part: next links, totals, failed entries (PRE-09, PRE-13, PRE-14)."""

from __future__ import annotations

from dataclasses import dataclass

from cds_service.fhir.elements import Issue
from cds_service.fhir.model import EVERY
from cds_service.fhir.wire import Bundle, OperationOutcome

NO_LOSS = frozenset({"information", "success"})
"""Severities that have nothing to do with what came."""
STANDING_NOTICE = ("urn:oid:1.2.840.114350.", "4119")
"""Start of the system, and code: the notice under every search of Epic, that what the user may not see is not in it.
Seen beside matches in https://github.com/onc-healthit/inferno-program/issues/229.
"""


@dataclass(frozen=True, slots=True)
class Page:
    """One Bundle as a page of a list: where it and the next page are found, and how much it holds."""

    own: str
    following: str
    cut: bool
    total: int | None
    matches: int
    kind: str


def page_of(bundle: Bundle, matches: int, kinds: set[str]) -> Page | None:
    """The page a Bundle is; None when it says nothing about more and no other page can lead to it."""
    own = following = ""
    cut = False
    for link in bundle.link or ():
        if link is None:
            continue
        if link.relation == "self":
            own = link.url or ""
        elif link.relation == "next":
            cut, following = True, link.url or ""
    total = bundle.total if bundle.type == "searchset" else None
    if not cut and total is None and not own:
        return None
    return Page(own, following, cut, total, matches, next(iter(kinds)) if len(kinds) == 1 else EVERY)


def cut_off(pages: list[Page]) -> set[str]:
    """Types of the lists of which not every page is there, EVERY where the type is not known."""
    by_own: dict[str, Page] = {page.own: page for page in pages if page.own}
    followers = {page.following for page in pages if page.following}
    found: set[str] = set()
    walked: set[str] = set()
    chains = [by_own[page.own] if page.own else page for page in pages if not page.own or page.own not in followers]
    for page in chains + list(by_own.values()):
        if page.own and page.own in walked:
            continue
        found |= _missing(page, by_own, walked)
    return found


def _missing(page: Page, by_own: dict[str, Page], walked: set[str]) -> set[str]:
    """Types of one chain of pages when something of it is missing."""
    matches, total, kinds = 0, page.total, set()
    at: Page | None = page
    cut = False
    while at is not None:
        walked.add(at.own)
        matches += at.matches
        kinds.add(at.kind)
        ahead = by_own.get(at.following) if at.cut and at.following else None
        cut = at.cut and (ahead is None or ahead.own in walked)
        at = None if cut else ahead
    short = total is not None and total > matches
    if not cut and not short:
        return set()
    kinds = kinds - {EVERY} if len(kinds) > 1 else kinds
    return kinds


def tells_of_loss(outcome: OperationOutcome) -> bool:
    """True for an outcome beside the matches of a search, unless it only informs: some were left out (PRE-14)."""
    issues = [issue for issue in outcome.issue or () if issue is not None]
    return not issues or any(_severity(issue) not in NO_LOSS and not _is_standing_notice(issue) for issue in issues)


def _is_standing_notice(issue: Issue) -> bool:
    found = issue.details.coding if issue.details is not None else None
    codings = found if isinstance(found, list) else [found]
    system, code = STANDING_NOTICE
    return any(c is not None and c.code == code and (c.system or "").startswith(system) for c in codings)


def severities(outcome: OperationOutcome) -> set[str]:
    """The severities of an OperationOutcome, in lower case."""
    return {_severity(issue) for issue in outcome.issue or () if issue is not None}


def _severity(issue: Issue) -> str:
    return (issue.severity or "").strip().lower()
