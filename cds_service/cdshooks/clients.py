"""The file of ``CART_CDS_CLIENTS``: who may call, with which keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from cds_service.errors import SettingsError
from cds_service.settings import Settings

SANDBOX_ISSUER = "https://sandbox.cds-hooks.org"
SANDBOX_KEY_ID = "44823f3d-0b01-4a6c-a80e-b9d3e8a7226f"
"""Issuer and key of the public sandbox client. Its private key is published, so anyone can sign as it (SEC-11)."""


class Client(BaseModel):
    """One client: an issuer, its keys (a JWK set in place or its https URL), and what it may do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    iss: Annotated[str, Field(min_length=1)]
    jwks: dict[str, Any] | None = Field(default=None, repr=False)
    jku: str | None = None
    algorithms: tuple[str, ...] = ("ES384", "RS384")
    audiences: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    fhirOrigins: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _keys(self) -> Client:
        if (self.jwks is None) == (self.jku is None):
            raise PydanticCustomError("keys", "expected exactly one of jwks and jku")
        for algorithm in self.algorithms:
            if algorithm.lower() == "none" or algorithm.upper().startswith("HS"):
                raise PydanticCustomError("algorithm", "unsigned and symmetric algorithms are refused")
        return self


def load_clients(path: Path) -> tuple[Client, ...]:
    """The clients of a JSON file. Raises SettingsError that names the entry, never a key."""
    name = "CART_CDS_CLIENTS"
    try:
        found = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SettingsError(f"{name}: the file cannot be read as JSON") from None
    if not isinstance(found, list) or not found:
        raise SettingsError(f"{name}: expected a list of clients")
    clients = []
    for number, entry in enumerate(found):
        try:
            clients.append(Client.model_validate(entry))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"][:1])
            raise SettingsError(f"{name}: client {number} {place}: {first['msg']}") from None
    if len({client.iss for client in clients}) < len(clients):
        raise SettingsError(f"{name}: an iss stands twice; give each client one entry")
    return tuple(clients)


def check_clients(settings: Settings) -> tuple[Client, ...]:
    """The clients, if any; outside the sandbox the public sandbox client is refused. Raises SettingsError."""
    if settings.clients is None:
        return ()
    clients = load_clients(settings.clients)
    if not settings.sandbox:
        for client in clients:
            key_ids = [key.get("kid") for key in (client.jwks or {}).get("keys", []) if isinstance(key, dict)]
            published = SANDBOX_KEY_ID in key_ids or (client.jku or "").startswith(SANDBOX_ISSUER)
            if client.iss.rstrip("/") == SANDBOX_ISSUER or published:
                raise SettingsError(
                    "CART_CDS_CLIENTS: the public sandbox client is refused outside the sandbox: its private key is "
                    "published, so anyone can sign as it"
                )
    return clients
