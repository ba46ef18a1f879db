"""Where a client's keys are: given in the configuration, or fetched from its one allowed URL (SEC-09)."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from time import monotonic
from typing import Protocol

import httpx
import msgspec

from cds_service.outbound.origins import parse_url
from cds_service.outbound.reading import Unreadable, read_url
from cds_service.security.keys import KeyProblem, KeySet, PublicKey, read_key_set

FRESH_SECONDS = 3600.0
"""A fetched set is fetched again after this."""
STALE_SECONDS = 24 * 3600.0
"""A set that cannot be fetched again is trusted no longer than this."""
AGAIN_SECONDS = 10.0
"""The shortest time between two fetches that failed, and between two that an unknown ``kid`` asked for: made-up names
cannot turn us against the key server. Each worker process counts for itself."""
FETCH_SECONDS = 3.0
MAX_BYTES = 256 * 1024


class KeysUnreachable(Exception):
    """The keys of the client cannot be had now."""


class KeySource(Protocol):
    """The keys of one client."""

    def find(self, key_id: str, jku: str | None) -> tuple[PublicKey, ...]:
        """The keys with this ``kid``; ``jku`` is what the token names. Raises KeysUnreachable."""
        ...


class GivenKeys:
    """Keys of the configuration. A ``jku`` in the token is neither needed nor followed."""

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    def find(self, key_id: str, jku: str | None) -> tuple[PublicKey, ...]:
        """The keys with this ``kid``."""
        return self._keys.get(key_id, ())


class FetchedKeys:
    """Keys of one URL, kept for an hour; an unknown ``kid`` is looked up once more, for keys are rotated."""

    def __init__(self, url: str, client: Callable[[], httpx.Client], clock: Callable[[], float] = monotonic) -> None:
        self._text = url
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: KeySet = {}
        self._fetched: float | None = None
        self._tried = self._looked_up = -math.inf

    def find(self, key_id: str, jku: str | None) -> tuple[PublicKey, ...]:
        """The keys with this ``kid``; none when the token names another URL. Raises KeysUnreachable."""
        if jku is not None and jku != self._text:
            return ()
        found = self._keys.get(key_id, ())
        if found and self._younger_than(FRESH_SECONDS):
            return found
        with self._lock:
            self._refresh(key_id)
        if not self._younger_than(STALE_SECONDS):
            raise KeysUnreachable
        return self._keys.get(key_id, ())

    def _younger_than(self, seconds: float) -> bool:
        return self._fetched is not None and self._clock() - self._fetched < seconds

    def _refresh(self, key_id: str) -> None:
        """Fetch what is missing or old, unless that was tried a moment ago; another thread may just have done it."""
        now = self._clock()
        if not self._younger_than(FRESH_SECONDS):
            if now - self._tried >= AGAIN_SECONDS:
                self._tried = now
                self._fetch(now)
        elif key_id not in self._keys and now - self._looked_up >= AGAIN_SECONDS:
            self._looked_up = now
            self._fetch(now)

    def _fetch(self, now: float) -> None:
        """Fetch once; a failure keeps the keys there are."""
        url = parse_url(self._text)
        if url is None:
            return
        try:
            body = read_url(
                self._client(),
                url,
                {"Accept": "application/jwk-set+json, application/json"},
                deadline=monotonic() + FETCH_SECONDS,
                max_bytes=MAX_BYTES,
            )
            self._keys = read_key_set(msgspec.json.decode(body), strict=False)
            self._fetched = now
        except (Unreadable, KeyProblem, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return
