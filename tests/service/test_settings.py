"""Configuration: contract section 5."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from cds_service.errors import SettingsError
from cds_service.security.clients import check_clients, load_clients
from cds_service.settings import Settings, load_settings, settings_markdown, settings_table, variable

SANDBOX = {"CART_CDS_SANDBOX": "on", "CART_CDS_AUTH": "off"}
CONTRACT = [
    "SANDBOX",
    "AUTH",
    "CLIENTS",
    "PUBLIC_URL",
    "HOOKS",
    "ORDER_WARNING",
    "UNKNOWN_CARDS",
    "REFERRAL_CODES",
    "TIMEZONE",
    "JURISDICTION",
    "RULES",
    "DATABASE_URL",
    "FEEDBACK",
    "CORS_ORIGINS",
    "FHIR_FETCH",
    "FHIR_ORIGINS",
    "FHIR_PRIVATE_NETWORKS",
    "MAX_BODY_MB",
    "CARD_EXTENSION",
    "VALIDATE",
    "AUTH_OFF_CONFIRMED",
]


def load(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_every_variable_of_the_contract_is_known_and_in_the_table() -> None:
    listed = {row[0] for row in settings_table()}
    assert {f"CART_CDS_{name}" for name in CONTRACT} <= listed
    assert all(meaning and default and values for _, values, default, meaning in settings_table())


def test_the_markdown_table_has_a_row_a_variable() -> None:
    lines = settings_markdown().splitlines()
    assert len(lines) == len(Settings.model_fields) + 2
    assert all(line.replace("\\|", "").count("|") == 4 for line in lines)


def test_defaults_of_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, **SANDBOX)
    assert settings.hooks == ("patient-view", "order-select", "order-sign")
    assert (settings.timezone, settings.jurisdiction, settings.max_body_mb) == ("UTC", "us", 32)
    assert settings.max_body_bytes == 32 * 1024 * 1024
    assert settings.unknown_cards and settings.card_extension
    assert not settings.order_warning and not settings.feedback and not settings.fhir_fetch
    assert settings.validate_ == "off"


def test_authentication_is_on_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keys = tmp_path / "clients.json"
    keys.write_text(json.dumps([{"iss": "https://ehr.example.org", "jku": "https://ehr.example.org/jwks.json"}]))
    assert load(monkeypatch, CART_CDS_CLIENTS=str(keys)).auth == "jwt"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SANDBOX", "yes"),
        ("AUTH", "none"),
        ("HOOKS", "patient_view"),
        ("TIMEZONE", "Mars/Olympus"),
        ("JURISDICTION", "uk"),
        ("RULES", "/does/not/exist"),
        ("CLIENTS", "/does/not/exist.json"),
        ("MAX_BODY_MB", "lots"),
        ("MAX_BODY_MB", "-1"),
        ("MAX_BODY_MB", "nan"),
        ("PUBLIC_URL", "cds.example.org"),
        ("PUBLIC_URL", "https://user:secret@cds.example.org"),
        ("CORS_ORIGINS", "https://ehr.example.org/path"),
        ("FHIR_ORIGINS", "ftp://fhir.example.org"),
        ("FHIR_ORIGINS", "*"),
        ("FHIR_PRIVATE_NETWORKS", "10.0.0.0/33"),
        ("REFERRAL_CODES", "only-a-code"),
        ("VALIDATE", "on"),
        ("CARD_EXTENSION", "1"),
    ],
)
def test_an_unusable_value_stops_the_start_and_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        load(monkeypatch, **{**SANDBOX, f"CART_CDS_{name}": value})
    assert f"CART_CDS_{name}" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_an_unknown_variable_stops_the_start_and_names_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="CART_CDS_SANBOX: no such variable; did you mean CART_CDS_SANDBOX"):
        load(monkeypatch, **SANDBOX, CART_CDS_SANBOX="on")


def test_every_problem_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as refused:
        load(monkeypatch, **SANDBOX, CART_CDS_TIMEZONE="x", CART_CDS_JURISDICTION="y", CART_CDS_NONSENSE="z")
    assert all(name in str(refused.value) for name in ("TIMEZONE", "JURISDICTION", "NONSENSE"))


def test_authentication_off_is_refused_outside_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="CART_CDS_AUTH=off is refused outside the sandbox"):
        load(monkeypatch, CART_CDS_AUTH="off")
    assert load(monkeypatch, CART_CDS_AUTH_OFF_CONFIRMED="yes").auth == "off"


def test_jwt_without_clients_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="CART_CDS_CLIENTS"):
        load_settings()


def test_any_origin_is_allowed_only_in_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, **SANDBOX).allowed_origins == ("*",)
    with pytest.raises(SettingsError, match="CORS_ORIGINS"):
        load(monkeypatch, CART_CDS_SANDBOX="off", CART_CDS_AUTH_OFF_CONFIRMED="yes", CART_CDS_CORS_ORIGINS="*")


def test_lists_take_commas_or_blanks_and_codes_keep_their_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(
        monkeypatch,
        **SANDBOX,
        CART_CDS_HOOKS="order-sign, patient-view",
        CART_CDS_REFERRAL_CODES="urn:site|CART REF, http://snomed.info/sct|1234",
    )
    assert settings.hooks == ("patient-view", "order-sign")
    assert settings.referral_codes == ("urn:site|CART REF", "http://snomed.info/sct|1234")
    assert load(monkeypatch, CART_CDS_HOOKS="none").hooks == ()


def test_variable_names_have_the_prefix() -> None:
    assert variable("validate_") == "CART_CDS_VALIDATE"


def test_sec_11_the_public_sandbox_client_is_refused_in_production(tmp_path: Path) -> None:
    keys = tmp_path / "clients.json"
    key = {**ECKey.generate_key("P-384", private=False).as_dict(), "kid": "any"}
    keys.write_text(json.dumps([{"iss": "https://sandbox.cds-hooks.org", "jwks": {"keys": [key]}}]))
    with pytest.raises(SettingsError, match="refused outside the sandbox"):
        check_clients(Settings(clients=keys))
    assert check_clients(Settings(clients=keys, sandbox=True))


def test_sec_11_its_published_key_is_refused_under_any_name(tmp_path: Path) -> None:
    keys = tmp_path / "clients.json"
    key = {**ECKey.generate_key("P-384", private=False).as_dict(), "kid": "44823f3d-0b01-4a6c-a80e-b9d3e8a7226f"}
    keys.write_text(json.dumps([{"iss": "https://ehr.example.org", "jwks": {"keys": [key]}}]))
    with pytest.raises(SettingsError, match="published"):
        check_clients(Settings(clients=keys))


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "{}",
        "[]",
        '[{"iss": "a"}]',
        '[{"iss": "a", "jwks": {}, "jku": "https://a"}]',
        '[{"iss": "a", "jku": "https://a", "algorithms": ["none"]}]',
        '[{"iss": "a", "jku": "https://a", "algorithms": ["HS256"]}]',
        '[{"iss": "a", "jku": "https://a", "keys": 1}]',
        '[{"iss": "a", "jku": "https://a"}, {"iss": "a", "jku": "https://b"}]',
    ],
)
def test_a_client_file_that_cannot_be_used_stops_the_start(tmp_path: Path, text: str) -> None:
    keys = tmp_path / "clients.json"
    keys.write_text(text)
    with pytest.raises(SettingsError, match="CART_CDS_CLIENTS"):
        load_clients(keys)
