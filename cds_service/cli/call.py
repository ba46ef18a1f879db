"""``cart-cds call``: the request an EHR would send, sent, and the cards that come back."""

from __future__ import annotations

import sys
import time
import uuid
from pathlib import Path
from typing import Any

import click
import httpx
import msgspec
import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, RSAKey, import_key
from rich.console import Console
from rich.markdown import Markdown
from rich.panel import Panel

from cds_service.cli import about_file
from cds_service.cli.source import read_source
from cds_service.ehr import hook_request
from cds_service.errors import UnreadableInput

HOOKS = ("patient-view", "order-select", "order-sign", "problem-list-item-create", "encounter-start")
TOKEN_SECONDS = 300
TIMEOUT = 60.0


@click.command()
@click.argument("file", metavar="FILE|-")
@click.option("--hook", type=click.Choice(HOOKS), default="patient-view", show_default=True)
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="Base URL of the service.")
@click.option("--draft", "draft_file", metavar="FILE", help="Draft orders for the order hooks (Bundle or resource).")
@click.option("--as-of", "as_of", metavar="YYYY-MM-DD", help="Day to judge on; honoured only by a sandbox.")
@click.option("--jwt-key", "key_file", metavar="FILE", help="Private key (PEM or JWK) to sign the call with.")
@click.option("--iss", default="https://ehr.example.org", show_default=True, help="Issuer named in the token.")
@click.option("--kid", help="Key id named in the token. Default: the key's own.")
@click.option("--show-request", is_flag=True, help="Print the request and send nothing.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@about_file
def call(  # noqa: PLR0917
    file: str,
    hook: str,
    url: str,
    draft_file: str | None,
    as_of: str | None,
    key_file: str | None,
    iss: str,
    kid: str | None,
    show_request: bool,
    form: str,
) -> None:
    """Call a hook as an EHR would, with a prefetch answered from FILE, and show the cards."""
    content = _json(read_source(file))
    drafts = _json(read_source(draft_file)) if draft_file else None
    base = url.rstrip("/")
    signer = _Signer(key_file, iss, kid)
    with httpx.Client(timeout=TIMEOUT, trust_env=False) as http:
        service = _service(http, base, hook, signer)
        request = hook_request(hook, service, content, drafts)
        if show_request:
            sys.stdout.write(orjson.dumps(request, option=orjson.OPT_INDENT_2).decode() + "\n")
            return
        address = f"{base}/cds-services/{service['id']}"
        query = {"asOf": as_of} if as_of else {}
        answer = _send(http, "POST", address, signer, content=orjson.dumps(request), params=query)
    if form == "json":
        sys.stdout.write(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        _show(answer.get("cards", []))


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError):
        raise UnreadableInput("not one JSON value; expected a FHIR Bundle or resource") from None


class _Signer:
    """Signs a token for each address, as the standard asks; gives no header without a key."""

    def __init__(self, key_file: str | None, iss: str, kid: str | None) -> None:
        self.iss = iss
        self.key: Key | None = _key(key_file) if key_file else None
        self.kid = kid or (self.key.kid if self.key is not None else None) or "cart-cds-call"

    def headers(self, address: str) -> dict[str, str]:
        if self.key is None:
            return {}
        algorithm = "ES384" if isinstance(self.key, ECKey) else "RS384"
        now = int(time.time())
        claims = {"iss": self.iss, "aud": address, "iat": now, "exp": now + TOKEN_SECONDS, "jti": str(uuid.uuid4())}
        header = {"alg": algorithm, "typ": "JWT", "kid": self.kid}
        return {"Authorization": "Bearer " + jwt.encode(header, claims, self.key, algorithms=[algorithm])}


def _key(file: str) -> Key:
    text = read_source(file)
    try:
        if Path(file).suffix in (".json", ".jwk") or text.lstrip()[:1] == b"{":
            found: Key = import_key(msgspec.json.decode(text))
        else:
            found = _either(text)
    except (JoseError, ValueError, TypeError, msgspec.DecodeError):
        raise UnreadableInput("no usable private key; expected EC P-384 or RSA as PEM or JWK", "--jwt-key") from None
    if not isinstance(found, ECKey | RSAKey) or not found.is_private:
        raise UnreadableInput("expected a private EC or RSA key", "--jwt-key")
    return found


def _either(text: bytes) -> Key:
    try:
        return ECKey.import_key(text)
    except (ValueError, TypeError):
        return RSAKey.import_key(text)


def _service(http: httpx.Client, base: str, hook: str, signer: _Signer) -> dict[str, Any]:
    listed = _send(http, "GET", f"{base}/cds-services", signer)
    for service in listed.get("services", []):
        if service.get("hook") == hook:
            return dict(service)
    raise UnreadableInput(f"the service at {base} offers no {hook}", "--hook")


def _send(http: httpx.Client, method: str, address: str, signer: _Signer, **more: Any) -> dict[str, Any]:
    headers = {"Content-Type": "application/json", "Accept": "application/json", **signer.headers(address)}
    try:
        answer = http.request(method, address, headers=headers, **more)
    except httpx.HTTPError as error:
        raise UnreadableInput(f"{address} cannot be reached ({type(error).__name__})", "--url") from None
    if answer.status_code != httpx.codes.OK:
        raise UnreadableInput(f"{address} answered {answer.status_code}: {_diagnostics(answer)}", "--url")
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UnreadableInput(f"{address} did not answer with a JSON object", "--url")
    return found


def _diagnostics(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["issue"][0]["diagnostics"])
    except (ValueError, KeyError, IndexError, TypeError):
        return answer.reason_phrase


def _show(cards: list[dict[str, Any]]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 100)
    if not cards:
        console.print("No card: there is nothing to say about this patient.")
    for card in cards:
        console.print(
            Panel(
                Markdown(card.get("detail", "")),
                title=f"[{card['indicator']}] {card['summary']}".replace("[", "\\["),
                subtitle=card["source"]["label"],
                title_align="left",
            )
        )
        for suggestion in card.get("suggestions", []):
            console.print(f"  suggestion: {suggestion['label']}", markup=False)
        for link in card.get("links", []):
            console.print(f"  link: {link['label']}: {link['url']}", markup=False)
        for reason in card.get("overrideReasons", []):
            console.print(f"  override: {reason['display']}", markup=False)
