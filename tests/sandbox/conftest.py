"""The service with its sandbox: in this process for what needs no browser, really served for what does."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.pipeline import Pipeline
from cds_service.settings import PREFIX, Settings
from tests.serving import until_ready

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "fhir_samples"
AS_OF = "2026-11-21"
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith((PREFIX, "OTEL_", "PROMETHEUS_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def pipeline() -> Pipeline:
    """US and EU rules, loaded once."""
    return Pipeline()


def client_of(pipeline: Pipeline, **settings: Any) -> FlaskClient:
    """A client of an application with these settings."""
    chosen = {"sandbox": True, "auth": "off", "public_url": "https://cds.example.org", "log_level": "info", **settings}
    return create_app(Settings(**chosen), pipeline=pipeline).test_client()


@pytest.fixture(scope="session")
def client(pipeline: Pipeline) -> FlaskClient:
    """A client of the service with its sandbox on."""
    return client_of(pipeline)


def text_of(name: str) -> str:
    """A sample Bundle as text."""
    return (SAMPLES / f"{name}.json").read_text(encoding="utf-8")


def bundle_of(name: str) -> dict[str, Any]:
    """A sample Bundle, freshly parsed."""
    found: dict[str, Any] = json.loads(text_of(name))
    return found


def question(record: str, **more: Any) -> dict[str, Any]:
    """What the page asks about a record."""
    return {"record": record, "asOf": AS_OF, "default": AS_OF, "jurisdiction": "us", **more}


HOSTILE = (
    '<script>window.hacked="script"</script>',
    "<img src=x onerror=\"window.hacked='img'\">",
    "<svg/onload=\"window.hacked='svg'\">",
    '"><iframe src=https://evil.example></iframe>',
    "' onmouseover='window.hacked=1' x='",
    "[click](javascript:window.hacked=1) ![x](https://evil.example/x.png)",
    "{{ 7*7 }}${7*7}</textarea></title><b>bold</b>",
)


def hostile(value: Any, number: int = 0) -> Any:
    """The value with hostile text in every field that may hold free text."""
    if isinstance(value, dict):
        changed = {name: hostile(item, number + place) for place, (name, item) in enumerate(value.items())}
        for name in ("display", "text", "family", "unit", "title", "comment", "description"):
            if isinstance(changed.get(name), str):
                changed[name] = f"{changed[name]} {HOSTILE[number % len(HOSTILE)]}"
        if isinstance(value.get("coding"), list):
            changed["text"] = f"text {HOSTILE[(number + 3) % len(HOSTILE)]}"
        if isinstance(value.get("resourceType"), str) and value["resourceType"] != "Bundle":
            changed["note"] = [{"text": one} for one in HOSTILE]
        return changed
    if isinstance(value, list):
        return [hostile(item, number + place) for place, item in enumerate(value)]
    return value


@pytest.fixture(scope="session")
def served() -> Iterator[str]:
    """The address of the service, served as ``cart-cds serve`` does, with two worker processes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith((PREFIX, "OTEL_"))}
    environment |= {"CART_CDS_SANDBOX": "on", "CART_CDS_AUTH": "off", "CART_CDS_LOG_LEVEL": "error"}
    command = [sys.executable, "-m", "cds_service.cli", "serve", "--host", "127.0.0.1", "--port", str(port)]
    service = subprocess.Popen(
        [*command, "--workers", "2"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT
    )
    base = f"http://127.0.0.1:{port}"
    try:
        until_ready(base, service)
        yield base
    finally:
        service.terminate()
        service.wait(timeout=30)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A real Chromium of this machine; none is ever downloaded (decision 52)."""
    found = next((path for name in CHROMIUMS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium on this machine: install chromium to run the browser tests")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


class Watched:
    """A page and everything it should not do: console messages, errors, calls to other origins, dialogs."""

    def __init__(self, page: Any, base: str) -> None:
        self.page, self.base = page, base
        self.troubles: list[str] = []
        page.on("console", lambda message: self.troubles.append(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        page.on("request", self._asked)
        page.on("dialog", self._dialog)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.base, "data:", "blob:", "about:")):
            self.troubles.append(f"request: {request.url}")

    def _dialog(self, dialog: Any) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, path: str) -> Any:
        """Go to a path of the service."""
        self.page.goto(self.base + path)
        return self.page


@pytest.fixture
def watched(chromium: Any, served: str) -> Iterator[Watched]:
    """A fresh page that must stay quiet: the test fails if it did not."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(15_000)
    found = Watched(context.new_page(), served)
    yield found
    context.close()
    assert found.troubles == []
