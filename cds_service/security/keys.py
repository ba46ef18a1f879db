"""Public keys of clients: read from a JWK set, fitted to an algorithm, found by ``kid``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

ALGORITHMS: Mapping[str, str] = {
    "ES384": "P-384",
    "RS384": "RSA",
    "ES256": "P-256",
    "ES512": "P-521",
    "RS256": "RSA",
    "RS512": "RSA",
    "PS256": "RSA",
    "PS384": "RSA",
    "PS512": "RSA",
    "Ed25519": "Ed25519",
}
"""Signature algorithms a client may be given, and the kind of key each needs. All asymmetric (SEC-04)."""
MAX_KEYS = 100
MAX_KEY_ID = 512
MIN_RSA_BITS = 2048


class KeyProblem(ValueError):
    """A key set cannot be used. Names the place, never a key."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key: its ``kid``, its kind (a value of ALGORITHMS), and the only algorithm it is for, if it says so."""

    key_id: str
    kind: str
    only: str
    key: Key

    def fits(self, algorithm: str) -> bool:
        """True when a signature of this algorithm can come from this key."""
        return ALGORITHMS.get(algorithm) == self.kind and self.only in ("", algorithm)


KeySet = Mapping[str, tuple[PublicKey, ...]]
"""``kid`` -> the keys that carry it."""


def read_key_set(found: Any, *, strict: bool) -> KeySet:
    """The signature keys of a JWK set. ``strict`` refuses a set with any unusable key, else such keys are left out.

    Raises KeyProblem, also when no key is left.
    """
    entries = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise KeyProblem(f'expected {{"keys": [...]}} with at most {MAX_KEYS} keys')
    keys: dict[str, tuple[PublicKey, ...]] = {}
    for number, entry in enumerate(entries):
        try:
            key = _read_key(entry)
        except KeyProblem as problem:
            if strict:
                raise KeyProblem(f"keys[{number}]: {problem}") from None
            continue
        if key is not None:
            keys[key.key_id] = (*keys.get(key.key_id, ()), key)
    if not keys:
        raise KeyProblem("no key for signatures in it")
    return keys


def _read_key(entry: Any) -> PublicKey | None:
    """A key; None for one that is for encryption. Raises KeyProblem."""
    if not isinstance(entry, dict):
        raise KeyProblem("not an object")
    if entry.get("use", "sig") != "sig":
        return None
    operations = entry.get("key_ops", ["verify"])
    if not isinstance(operations, list) or not {"verify", "sign"} & {str(item) for item in operations}:
        return None
    key_id = entry.get("kid")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= MAX_KEY_ID:
        raise KeyProblem("kid is missing, empty or not a text")
    if entry.get("kty") not in ("EC", "RSA", "OKP"):
        raise KeyProblem("not an EC, RSA or OKP key; symmetric keys are refused")
    public = {name: entry[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in entry}
    try:
        key = import_key(public)
    except (JoseError, ValueError, TypeError, KeyError, OverflowError, AttributeError):
        raise KeyProblem("the key cannot be read") from None
    only = entry.get("alg", "")
    return PublicKey(key_id, _kind(key), only if isinstance(only, str) else "", key)


def _kind(key: Key) -> str:
    if isinstance(key, RSAKey):
        if key.public_key.key_size < MIN_RSA_BITS:
            raise KeyProblem(f"the RSA key is shorter than {MIN_RSA_BITS} bits")
        return "RSA"
    if isinstance(key, ECKey | OKPKey):
        return str(key.curve_name)
    raise KeyProblem("not an EC, RSA or OKP key; symmetric keys are refused")
