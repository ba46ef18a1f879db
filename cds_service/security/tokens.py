"""A token taken apart and its claims checked. Every doubt is None: the caller is told nothing (SEC-02 to SEC-08)."""

from __future__ import annotations

import json
import math
import re
from base64 import urlsafe_b64decode
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec

from cds_service.cdshooks.paths import canonical
from cds_service.database.tables import TENANT

MAX_TOKEN = 8192
"""Characters; what EHRs send has about 1,000."""
LEEWAY_SECONDS = 30
MAX_LIFETIME_SECONDS = 3600
MAX_AUDIENCES = 50
MAX_NAME = 512
BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, repr=False)
class Parts:
    """A token before its signature is checked: nothing in it may be trusted yet."""

    token: str
    algorithm: str
    key_id: str
    jku: str | None
    claims: Json

    @property
    def issuer(self) -> str:
        """``iss``, "" when it is no text."""
        found = self.claims.get("iss")
        return found if isinstance(found, str) else ""


def take_apart(authorization: str | None) -> Parts | None:
    """The parts of an ``Authorization`` header; None when it is not one well-formed bearer token."""
    if authorization is None or len(authorization) > MAX_TOKEN:
        return None
    match = BEARER.fullmatch(authorization)
    if match is None:
        return None
    header, claims = _object(match.group(1)), _object(match.group(2))
    if header is None or claims is None or "crit" in header or "b64" in header:
        return None
    algorithm, key_id, kind, jku = (header.get(name) for name in ("alg", "kid", "typ", "jku"))
    if not isinstance(algorithm, str) or not isinstance(kind, str) or kind.upper() != "JWT":
        return None
    if not isinstance(key_id, str) or not 0 < len(key_id) <= MAX_NAME or not isinstance(jku, str | None):
        return None
    return Parts(authorization[match.start(1) :], algorithm, key_id, jku, claims)


def _object(part: str) -> Json | None:
    """A JSON object that says nothing twice: of two values another reader may believe the other (RFC 7519, 4)."""
    try:
        body = urlsafe_b64decode(part + "=" * (-len(part) % 4))
        found = msgspec.json.decode(body)
        json.loads(body, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _once(members: list[tuple[str, Any]]) -> Json:
    named = dict(members)
    if len(named) < len(members):
        raise ValueError
    return named


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says: its id, its end (seconds since 1970), and the tenant, "" when it names none."""

    jti: str
    expires: float
    tenant: str


def check_claims(
    claims: Json, audiences: Collection[str], tenants: Collection[str] | None, now: float
) -> Claims | None:
    """The claims of a token whose signature is good, None when one is missing or wrong.

    ``audiences`` are the URLs accepted, each in one spelling; ``tenants`` None accepts every tenant.
    """
    if not _is_for(claims.get("aud"), audiences):
        return None
    expires, issued = _time(claims.get("exp")), _time(claims.get("iat"))
    if expires is None or issued is None:
        return None
    if expires + LEEWAY_SECONDS <= now or issued > now + LEEWAY_SECONDS:
        return None
    if not 0 < expires - issued <= MAX_LIFETIME_SECONDS:
        return None
    if "nbf" in claims:
        begins = _time(claims["nbf"])
        if begins is None or begins > now + LEEWAY_SECONDS:
            return None
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_NAME:
        return None
    tenant = claims.get("tenant", "")
    if not isinstance(tenant, str) or len(tenant) > TENANT or not tenant.isprintable():
        return None
    if tenants is not None and tenant not in tenants:
        return None
    return Claims(jti, expires, tenant)


def one_spelling(url: str) -> str:
    """A URL whose path stands as the service reads the path of a call, without a slash at its end."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return url.removesuffix("/")
    host, slash, path = rest.partition("/")
    return scheme + mark + host + canonical(slash + path).rstrip("/")


def _is_for(found: Any, audiences: Collection[str]) -> bool:
    """A URL or a list of URLs, one of them ours; a slash too many makes no difference (SEC-05)."""
    listed = [found] if isinstance(found, str) else found
    if not isinstance(listed, list) or len(listed) > MAX_AUDIENCES:
        return False
    return any(isinstance(item, str) and one_spelling(item) in audiences for item in listed)


def _time(found: Any) -> float | None:
    """A NumericDate; None for anything else."""
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    try:
        seconds = float(found)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None
