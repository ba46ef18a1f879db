"""The file of ``CART_CDS_CLIENTS``: who may call, with which keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from cds_service.database.tables import ISSUER, TENANT
from cds_service.errors import SettingsError
from cds_service.outbound.origins import origin_of, parse_url
from cds_service.security.keys import ALGORITHMS, KeyProblem, read_key_set
from cds_service.settings import Settings

NAME = "CART_CDS_CLIENTS"
SANDBOX_ISSUER = "https://sandbox.cds-hooks.org"
SANDBOX_KEY_ID = "44823f3d-0b01-4a6c-a80e-b9d3e8a7226f"
"""Issuer and key of the public sandbox client. Its private key is published, so anyone can sign as it (SEC-11)."""


def _origin(value: object) -> str:
    url = parse_url(value) if isinstance(value, str) else None
    if url is None or url.path.strip("/") or url.query:
        raise PydanticCustomError("origin", "expected origins like https://fhir.example.org, without a path")
    return origin_of(url)


Name = Annotated[str, Field(min_length=1, max_length=2048)]


class Client(BaseModel):
    """One client: an issuer, its keys (a JWK set in place or its https URL), and what it may do.

    ``audiences`` are accepted beside the URL that is called, ``tenants`` None lets every tenant call, ``fhirOrigins``
    replace the general list.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    iss: Annotated[str, Field(min_length=1, max_length=ISSUER)]
    jwks: dict[str, Any] | None = Field(default=None, repr=False)
    jku: str | None = None
    algorithms: Annotated[tuple[str, ...], Field(min_length=1)] = ("ES384", "RS384")
    audiences: tuple[Name, ...] = ()
    tenants: (
        Annotated[tuple[Annotated[str, Field(min_length=1, max_length=TENANT)], ...], Field(min_length=1)] | None
    ) = None
    fhirOrigins: tuple[Annotated[str, BeforeValidator(_origin)], ...] | None = None

    @model_validator(mode="after")
    def _keys(self) -> Client:
        for algorithm in self.algorithms:
            if algorithm not in ALGORITHMS:
                raise PydanticCustomError(
                    "algorithm",
                    "algorithms: unsigned and symmetric ones are refused; expected some of {known}",
                    {"known": ", ".join(ALGORITHMS)},
                )
        if (self.jwks is None) == (self.jku is None):
            raise PydanticCustomError("keys", "expected exactly one of jwks and jku")
        if self.jku is not None and parse_url(self.jku) is None:
            raise PydanticCustomError("jku", "jku: expected an absolute https URL")
        if self.jwks is not None:
            try:
                read_key_set(self.jwks, strict=True)
            except KeyProblem as problem:
                raise PydanticCustomError("jwks", "jwks: {problem}", {"problem": str(problem)}) from None
        return self


def load_clients(path: Path) -> tuple[Client, ...]:
    """The clients of a JSON file. Raises SettingsError that names the entry, never a key."""
    try:
        found = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SettingsError(f"{NAME}: the file cannot be read as JSON") from None
    if not isinstance(found, list) or not found:
        raise SettingsError(f"{NAME}: expected a list of clients")
    clients = []
    for number, entry in enumerate(found):
        try:
            clients.append(Client.model_validate(entry))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"][:1])
            raise SettingsError(f"{NAME}: client {number} {place}: {first['msg']}") from None
    if len({client.iss for client in clients}) < len(clients):
        raise SettingsError(f"{NAME}: an iss stands twice; give each client one entry")
    return tuple(clients)


def check_clients(settings: Settings) -> tuple[Client, ...]:
    """The clients, if any; outside the sandbox the public sandbox client and plain http are refused.

    Raises SettingsError.
    """
    if settings.clients is None:
        return ()
    clients = load_clients(settings.clients)
    if settings.sandbox:
        return clients
    for number, client in enumerate(clients):
        if _is_published(client):
            raise SettingsError(
                f"{NAME}: the public sandbox client is refused outside the sandbox: its private key is "
                "published, so anyone can sign as it"
            )
        plain = [url for url in (client.jku or "", *(client.fhirOrigins or ())) if url.lower().startswith("http:")]
        if plain:
            raise SettingsError(f"{NAME}: client {number}: http is refused outside the sandbox; give https URLs")
    return clients


def _is_published(client: Client) -> bool:
    """The public sandbox client, under its own name or with its key under another."""
    key_ids = [key.get("kid") for key in (client.jwks or {}).get("keys", []) if isinstance(key, dict)]
    return (
        client.iss.rstrip("/").lower() == SANDBOX_ISSUER
        or SANDBOX_KEY_ID in key_ids
        or (client.jku or "").lower().startswith(SANDBOX_ISSUER)
    )
