"""Clients with keys, tokens, and stub servers on real sockets."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, Key, RSAKey
from sqlalchemy import func, select

from cds_service.app import Application
from cds_service.database.engine import Database
from cds_service.database.tables import Base
from cds_service.settings import Settings
from tests.service.conftest import PATIENT_VIEW, ask

NOW = 1_795_000_000.0
BASE = "https://cds.example.org"
FEEDBACK = f"{PATIENT_VIEW}/feedback"
ISSUER, OTHER = "https://ehr.example.org", "https://other-ehr.example.org"
LOOPBACK = ("127.0.0.0/8",)
Json = dict[str, Any]

EC = ECKey.generate_key("P-384", {"kid": "ec/+=1"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa-1"})
OTHERS = ECKey.generate_key("P-384", {"kid": "other-1"})
STRANGER = ECKey.generate_key("P-384", {"kid": "ec/+=1"})
SMALL = ECKey.generate_key("P-256", {"kid": "small"})


def public(*keys: Key) -> Json:
    """A JWK set of the public halves."""
    return {"keys": [key.as_dict(private=False) for key in keys]}


def claims(path: str = FEEDBACK, **changes: Any) -> Json:
    """Good claims, changed; a change to None leaves the claim out."""
    now = int(time.time())
    good: Json = {"iss": ISSUER, "aud": BASE + path, "iat": now, "exp": now + 300, "jti": str(uuid.uuid4())}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def token(said: Json | None = None, key: Key = EC, **header: Any) -> str:
    """A signed token; header members set to None are left out."""
    algorithm = header.get("alg") or ("RS384" if isinstance(key, RSAKey) else "ES384")
    members = {"alg": algorithm, "typ": "JWT", "kid": key.kid, **header}
    members = {name: value for name, value in members.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    body = json.dumps(claims() if said is None else said)
    return jws.serialize_compact(members, body, key, algorithms=[algorithm], registry=registry)


def bearer(text: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {text}"}


CLIENTS: list[Json] = [
    {"iss": ISSUER, "jwks": public(EC, RSA, SMALL)},
    {"iss": OTHER, "jwks": public(OTHERS), "tenants": ["north"], "audiences": ["typed-by-hand"]},
]


def write_clients(folder: Path, clients: list[Json] | None = None) -> Path:
    """The file of CART_CDS_CLIENTS."""
    path = folder / "clients.json"
    path.write_text(json.dumps(CLIENTS if clients is None else clients))
    return path


def settings(**chosen: Any) -> Settings:
    """Settings of a sandbox without authentication."""
    return Settings(**{"sandbox": True, "auth": "off", "public_url": BASE, **chosen})


@dataclass
class Reply:
    """What a stub server answers."""

    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    hold: threading.Event | None = None
    """Nothing is answered before it is set."""


class Stub:
    """A real HTTP server on loopback. ``answer`` maps a request target to a Reply; requests are remembered."""

    def __init__(self, answer: Callable[[str], Reply] | None = None, tls: Any = None) -> None:
        self.answer = answer or (lambda target: Reply(status=404))
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.busy, self.most = 0, 0
        """Requests at this moment, and the most there were at one moment."""
        counting = threading.Lock()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stub.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                with counting:
                    stub.busy += 1
                    stub.most = max(stub.most, stub.busy)
                reply = stub.answer(self.path)
                time.sleep(reply.wait)
                if reply.hold is not None:
                    reply.hold.wait(60)
                with counting:
                    stub.busy -= 1
                try:
                    self.send_response(reply.status)
                    for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(reply.body)
                except OSError:
                    pass

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def targets(self) -> list[str]:
        """Request targets in the order they came."""
        return [target for target, _ in self.seen]

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def count(database: Database, table: type[Base]) -> int:
    with database.durable.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def cards(app: Application, call: Json, path: str = PATIENT_VIEW) -> list[Json]:
    response = ask(app.test_client(), call, path)
    assert response.status_code == 200, response.text
    found: list[Json] = response.get_json()["cards"]
    return found
