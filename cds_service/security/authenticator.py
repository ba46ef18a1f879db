"""The authenticator: a signed token of a known client, for the URL that is called, used for the first time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import time

import httpx
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from cds_service.cdshooks.seams import Caller
from cds_service.database.engine import Database
from cds_service.outbound.addresses import Resolver
from cds_service.outbound.transport import guarded_client
from cds_service.security.clients import Client
from cds_service.security.key_sources import FetchedKeys, GivenKeys, KeySource, KeysUnreachable
from cds_service.security.keys import PublicKey, read_key_set
from cds_service.security.replay import ReplayStore
from cds_service.security.tokens import Parts, check_claims, one_spelling, take_apart
from cds_service.settings import Settings

MAX_TRIED = 4
"""Keys tried when several carry one ``kid``."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A client with its keys (iss and keys belong together, SEC-03)."""

    client: Client
    keys: KeySource


class JwtAuthenticator:
    """Authenticates by JWT.

    ``unreachable`` is told the issuer whose keys could not be had. ``resolver`` replaces the system's name resolution,
    ``clock`` the time of day.
    """

    def __init__(
        self,
        settings: Settings,
        clients: Iterable[Client],
        database: Database,
        *,
        unreachable: Callable[[str], None] = lambda issuer: None,
        resolver: Resolver | None = None,
        clock: Callable[[], float] = time,
    ) -> None:
        self._unreachable = unreachable
        self._base = settings.public_url
        self._networks = settings.fhir_private_networks
        self._resolver = resolver
        self._clock = clock
        self._replay = ReplayStore(database, clock)
        self._http: httpx.Client | None = None
        self._known = {client.iss: _Known(client, self._source(client)) for client in clients}
        decoy = ECKey.generate_key("P-384", private=False)
        self._decoy = (PublicKey("", "P-384", "", decoy),)

    def caller(self, authorization: str | None, path: str) -> Caller | None:
        """The caller of a token, None for any token that is not good. Raises Refusal(503) for a good one that nobody
        can tell to be new.
        """
        parts = take_apart(authorization)
        if parts is None:
            return None
        known = self._known.get(parts.issuer)
        keys = self._keys(known, parts)
        # Someone unknown is compared with a key of nobody, so that the time taken says nothing.
        signed = _is_signed(parts, keys or self._decoy)
        if known is None or not keys or not signed:
            return None
        client = known.client
        audiences = {one_spelling(url) for url in (self._base + path, *client.audiences)}
        claims = check_claims(parts.claims, audiences, client.tenants, self._clock())
        if claims is None or not self._replay.first_use(client.iss, claims.jti, claims.expires):
            return None
        return Caller(issuer=client.iss, tenant=claims.tenant, fhir_origins=client.fhirOrigins)

    def _keys(self, known: _Known | None, parts: Parts) -> tuple[PublicKey, ...]:
        """The client's keys that can have made the signature.

        None while its key server is silent: that is told to the operator, and the caller learns no more than anybody.
        """
        if known is None or parts.algorithm not in known.client.algorithms:
            return ()
        try:
            found = known.keys.find(parts.key_id, parts.jku)
        except KeysUnreachable:
            self._unreachable(known.client.iss)
            return ()
        return tuple(key for key in found if key.fits(parts.algorithm))[:MAX_TRIED]

    def _source(self, client: Client) -> KeySource:
        if client.jwks is not None:
            return GivenKeys(read_key_set(client.jwks, strict=True))
        return FetchedKeys(client.jku or "", self._client)

    def _client(self) -> httpx.Client:
        """Made when first needed, by the worker that needs it."""
        if self._http is None:
            self._http = guarded_client(self._networks, self._resolver)
        return self._http


def _is_signed(parts: Parts, keys: Iterable[PublicKey]) -> bool:
    """True when one of the keys made the signature; its algorithm is one the client may use, never the token's wish."""
    for key in keys:
        algorithm = parts.algorithm if key.fits(parts.algorithm) else "ES384"
        registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
        try:
            jws.deserialize_compact(parts.token, key.key, algorithms=[algorithm], registry=registry)
            return True
        except (JoseError, ValueError, TypeError, KeyError, RecursionError, OverflowError):
            continue
    return False
