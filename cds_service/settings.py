"""The configuration: environment variables with the prefix ``CART_CDS_``, read once at start.

Every variable is a field of ``Settings`` with its default, unit and meaning; ``cart-cds serve --help`` and the table of
the README are made from these fields (``settings_table``).
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from cds_service.errors import SettingsError

PREFIX = "CART_CDS_"
HOOKS = ("patient-view", "order-select", "order-sign", "problem-list-item-create", "encounter-start")
"""Hooks that ``CART_CDS_HOOKS`` may name; the first three are on by default."""


def _problem(expected: str) -> PydanticCustomError:
    return PydanticCustomError("unusable", "{expected}", {"expected": expected})


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in ("on", "off"):
        raise _problem("expected on or off")
    return word == "on"


def _words(value: object) -> tuple[str, ...]:
    """A list: items separated by commas or blanks; the word "none" is the empty list."""
    if isinstance(value, str) and value.strip().lower() == "none":
        return ()
    items = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise _problem("expected a list separated by commas")
    return tuple(dict.fromkeys(str(item) for item in items))


def _codes(value: object) -> tuple[str, ...]:
    """A list of ``system|code``: separated by commas only, since local codes may hold blanks."""
    if isinstance(value, str) and value.strip().lower() != "none":
        value = [item.strip() for item in value.split(",") if item.strip()]
    items = _words(value)
    for item in items:
        system, bar, code = item.partition("|")
        if not (bar and system.strip() and code.strip()):
            raise _problem("expected a list of system|code separated by commas")
    return items


def _origins(value: object) -> tuple[str, ...]:
    items = _words(value)
    for item in items:
        if item != "*" and not _is_origin(item):
            raise _problem("expected origins like https://ehr.example.org, without a path, separated by commas")
    return items


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and text == f"{parts.scheme}://{parts.netloc}"
            and "@" not in parts.netloc
        )
    except ValueError:
        return False


def _networks(value: object) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(item) for item in _words(value))
    except ValueError:
        raise _problem("expected networks in CIDR form like 10.0.0.0/8, separated by commas") from None


def _hooks(value: object) -> tuple[str, ...]:
    items = _words(value)
    for item in items:
        if item not in HOOKS:
            near = difflib.get_close_matches(item, HOOKS, 1)
            raise _problem(f"expected hooks out of {', '.join(HOOKS)}" + (f"; did you mean {near[0]}?" if near else ""))
    return tuple(hook for hook in HOOKS if hook in items)


Switch = Annotated[bool, BeforeValidator(_switch)]
Codes = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_codes)]
Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)]
Hooks = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_hooks)]


def _setting(default: Any, values: str, shown: str, meaning: str) -> Any:
    """A field with what the table says: allowed ``values``, the default as ``shown``, the ``meaning``."""
    return Field(default=default, description=meaning, json_schema_extra={"values": values, "shown": shown})


class Settings(BaseSettings):
    """The configuration of one service. Build it with ``load_settings`` in production: its errors name the variable."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    sandbox: Switch = _setting(
        False,
        "on, off",
        "off; `make demo` sets on",
        "page at `/`, `/api/assessment`, `?asOf=` on hooks, banner in every card's source label",
    )
    auth: Literal["jwt", "off"] = _setting(
        "jwt",
        "jwt, off",
        "jwt; `make demo` sets off",
        "who may call; off is refused unless the sandbox is on or CART_CDS_AUTH_OFF_CONFIRMED=yes",
    )
    auth_off_confirmed: Literal["yes", "no"] = _setting(
        "no", "yes, no", "no", "yes: the service may run without authentication outside the sandbox"
    )
    clients: Path | None = _setting(
        None,
        "JSON file",
        "none",
        'list of {"iss", "jwks" or "jku", "algorithms", "audiences", "tenants", "fhirOrigins"}; '
        "all but iss and the keys are optional; CART_CDS_AUTH=jwt needs it",
    )
    discovery_auth: Switch = _setting(
        False, "on, off", "off", "on: `GET /cds-services` needs a token too (it holds no patient data)"
    )
    public_url: str = _setting(
        "",
        "URL",
        "http://host:port of `serve`",
        "base of `aud`, `source.url` and links; never taken from the Host header",
    )
    hooks: Hooks = _setting(HOOKS[:3], "list", ", ".join(HOOKS[:3]), f"hooks offered, out of {', '.join(HOOKS)}")
    order_warning: Switch = _setting(
        False, "on, off", "off", "`warning` for a lymphotoxic draft order in a matched patient"
    )
    unknown_cards: Switch = _setting(True, "on, off", "on", 'off: silent instead of "cannot determine"')
    referral_codes: Codes = _setting(
        (),
        "list of system|code",
        "none",
        "the site's codes for a CAR-T referral; the first goes into the suggestion",
    )
    timezone: str = _setting("UTC", "IANA name", "UTC", 'what "today" is')
    jurisdiction: Literal["us", "eu"] = _setting("us", "us, eu", "us", "label rules that hooks answer with")
    rules: Path | None = _setting(None, "folder", "shipped rules", "a site's own rules")
    database_url: str = _setting(
        "sqlite:///var/cart-cds.db",
        "SQLAlchemy URL",
        "SQLite file in `var/` of the working directory",
        "feedback and replay protection; not opened while both are off",
    )
    feedback: Switch = _setting(
        False, "on, off", "off", "off: feedback is checked, acknowledged and counted, nothing is stored"
    )
    feedback_key: SecretStr = _setting(
        SecretStr(""),
        "text, 32 characters or more",
        "made at first start, kept in the database",
        "key of the fingerprints that snooze a card; the same for every replica",
    )
    feedback_comments: Switch = _setting(
        False, "on, off", "off", "on: the free text of a feedback entry is stored too; it may hold patient data"
    )
    cors_origins: Origins = _setting(
        (),
        "list of origins, or none",
        "none; `*` while the sandbox is on",
        "browser clients; applies to `/cds-services` and below, nowhere else",
    )
    fhir_fetch: Switch = _setting(False, "on, off", "off", "fetch missing prefetch from the client's FHIR server")
    fhir_origins: Origins = _setting(
        (),
        "list of origins",
        "none",
        "FHIR servers that may be called; a client's own `fhirOrigins` replace the list",
    )
    fhir_private_networks: Networks = _setting(
        (),
        "list of CIDR",
        "none",
        "private networks an allowed origin may resolve to; link-local never",
    )
    fhir_seconds: float = _setting(
        4.0, "number, seconds", "4", "time for all fetches of one hook call; what comes later stays unknown"
    )
    max_body_mb: float = _setting(32.0, "number, MiB", "32", "larger request bodies: 413")
    card_extension: Switch = _setting(True, "on, off", "on", "the assessment in every card")
    validate_: Literal["off", "evidence"] = Field(
        default="off",
        validation_alias=PREFIX + "VALIDATE",
        description="evidence: report FHIR problems of the resources a result cites",
        json_schema_extra={"values": "off, evidence", "shown": "off"},
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", "debug, info, warning, error", "info", "what is logged, as JSON lines on standard output"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment; no files."""
        return init_settings, env_settings

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise _problem("expected an IANA time zone like Europe/Berlin") from None
        return value

    @field_validator("public_url")
    @classmethod
    def _absolute(cls, value: str) -> str:
        value = value.rstrip("/")
        try:
            parts = urlsplit(value)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if value and (not usable or parts.query or parts.fragment or "@" in parts.netloc or not value.isascii()):
            raise _problem("expected an absolute http or https URL without query, like https://cds.example.org")
        return value

    @field_validator("max_body_mb")
    @classmethod
    def _sensible_size(cls, value: float) -> float:
        if not 0 < value <= 4096:
            raise _problem("expected a number of MiB above 0 and up to 4096")
        return value

    @field_validator("fhir_seconds")
    @classmethod
    def _sensible_time(cls, value: float) -> float:
        if not 0 < value <= 60:
            raise _problem("expected a number of seconds above 0 and up to 60")
        return value

    @field_validator("feedback_key")
    @classmethod
    def _long_key(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < 32:
            raise _problem("expected at least 32 characters, for instance from `openssl rand -base64 32`")
        return value

    @field_validator("clients")
    @classmethod
    def _file(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise _problem("expected the path of a JSON file; there is none")
        return value

    @field_validator("rules")
    @classmethod
    def _folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise _problem("expected the path of a folder; there is none")
        return value

    @model_validator(mode="after")
    def _combinations(self) -> Settings:
        if self.auth == "off" and not self.sandbox and self.auth_off_confirmed != "yes":
            raise _problem(
                f"{PREFIX}AUTH=off is refused outside the sandbox: set {PREFIX}SANDBOX=on, "
                f"or {PREFIX}AUTH_OFF_CONFIRMED=yes if another layer authenticates every call"
            )
        if self.auth == "jwt" and self.clients is None:
            raise _problem(f"{PREFIX}AUTH=jwt needs clients: set {PREFIX}CLIENTS to a JSON file with their keys")
        if "*" in self.cors_origins and not self.sandbox:
            raise _problem(f"{PREFIX}CORS_ORIGINS=* is refused outside the sandbox: list the origins")
        if "*" in self.fhir_origins:
            raise _problem(f"{PREFIX}FHIR_ORIGINS may not be *: list the origins")
        return self

    @property
    def max_body_bytes(self) -> int:
        """The limit of a request body in bytes."""
        return int(self.max_body_mb * 1024 * 1024)

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """Origins of browser clients; ``*`` alone for any."""
        return self.cors_origins or (("*",) if self.sandbox else ())


def variable(field: str) -> str:
    """The environment variable of a field."""
    return PREFIX + field.rstrip("_").upper()


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process's environment.

    ``environment`` is the mapping searched for unknown names, by default ``os.environ``. Raises SettingsError that
    names every variable that is unknown or unusable, never its value.
    """
    names = os.environ if environment is None else environment
    known = {variable(field) for field in Settings.model_fields}
    problems = []
    for name in sorted(names):
        if name.upper().startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name.upper(), known, 1, 0.75)
            problems.append(f"{name}: no such variable" + (f"; did you mean {near[0]}?" if near else ""))
    try:
        settings = Settings()
    except ValidationError as error:
        problems += [_sentence(problem) for problem in error.errors(include_input=False, include_url=False)]
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def _sentence(problem: Any) -> str:
    """One pydantic problem as a line that names the variable and what was expected."""
    where = str(problem["loc"][0]) if problem["loc"] else ""
    if not where:
        return str(problem["msg"])
    name = where if where.startswith(PREFIX) else variable(where)
    if problem["type"] == "literal_error":
        return f"{name}: expected {problem['ctx']['expected'].replace(chr(39), '')}"
    if problem["type"] in ("float_parsing", "float_type"):
        return f"{name}: expected a number"
    return f"{name}: {problem['msg']}"


def settings_table() -> list[tuple[str, str, str, str]]:
    """Rows of (variable, values, default, meaning), in the order of the fields."""
    rows = []
    for field, info in Settings.model_fields.items():
        extra = cast("dict[str, str]", info.json_schema_extra)
        rows.append((variable(field), extra["values"], extra["shown"], info.description or ""))
    return rows


def settings_markdown() -> str:
    """The table of the README."""
    lines = ["| Variable | Values (default) | Meaning |", "|---|---|---|"]
    for name, values, default, meaning in settings_table():
        cells = f"{values} ({default})".replace("|", "\\|"), meaning.replace("|", "\\|")
        lines.append(f"| `{name}` | {cells[0]} | {cells[1]} |")
    return "\n".join(lines) + "\n"
