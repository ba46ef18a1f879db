"""Hostile text in every field of every resource: ids, codes, dates, references and all. It is shown as text."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.sandbox.conftest import HOSTILE, bundle_of, question
from tests.sandbox.test_pages import Elements

PARTS = 7
NEVER = frozenset({"script", "img", "iframe", "object", "embed", "b", "base", "link", "textarea"})
"""Tags that no pane of the page holds."""
KEPT = frozenset({"resourceType", "subject", "patient", "fullUrl"})
"""Fields without which the record would be refused as a whole; the ids get hostile text of their own below."""


def poisoned(value: Any, part: int, parts: int, count: Iterator[int]) -> Any:
    """The value with hostile text in every ``parts``-th of its texts, beginning with ``part``."""
    if isinstance(value, dict):
        kept = KEPT | ({"id"} if value.get("resourceType") == "Patient" else set())
        return {k: v if k in kept else poisoned(v, part, parts, count) for k, v in value.items()}
    if isinstance(value, list):
        return [poisoned(item, part, parts, count) for item in value]
    if isinstance(value, str):
        number = next(count)
        if number % parts == part:
            return f"{value} {HOSTILE[number % len(HOSTILE)]}" if number % 2 else HOSTILE[number % len(HOSTILE)]
    return value


def dangers(html: str) -> list[str]:
    """What a browser could run, load or send, and tags that are not ours."""
    found = []
    for tag, attributes in Elements(html).found:
        if tag in NEVER:
            found.append(tag)
        for name, value in attributes.items():
            address = (value or "").strip().lower()
            if name.startswith("on") or (name in ("href", "src", "action") and "evil" in address):
                found.append(f"{tag} {name}")
            if address.startswith(("javascript:", "data:text")):
                found.append(f"{tag} {name}={address}")
    return found


def shown(client: FlaskClient, record: str, hook: str) -> bool:
    """True when the record was shown, without danger; False when it was refused in words."""
    asked = question(record, hook=hook)
    told = client.post("/sandbox/view", json=asked).get_json()
    if "error" in told:
        return False
    for part in ("headline", "order", "card", "history", "reasoning", "notes"):
        assert dangers(told[part]) == [], part
    report = client.post("/sandbox/report", data={"state": json.dumps(asked)}).text
    assert dangers(report) == []
    return True


@pytest.mark.parametrize("name", ["dlbcl-flags", "richter", "myeloma-orders-only"])
def test_any_text_of_a_record_may_be_hostile(client: FlaskClient, name: str) -> None:
    bundle = bundle_of(name)
    hooks = itertools.cycle(("patient-view", "order-select"))
    records = [json.dumps(poisoned(bundle, part, PARTS, itertools.count())) for part in range(PARTS)]
    records.append(json.dumps(poisoned(bundle, 0, 1, itertools.count())))
    assert all(shown(client, record, next(hooks)) for record in records)


def test_ids_may_be_hostile_too(client: FlaskClient) -> None:
    text = json.dumps(bundle_of("dlbcl-flags"))
    for bad in HOSTILE:
        inside = json.dumps(bad)[1:-1]
        assert shown(client, text.replace('dlbcl-flags"', f'dlbcl-flags{inside}"'), "order-sign")
        assert shown(client, text.replace('"c1"', f'"c1{inside}"').replace('"o2"', f'"{inside}"'), "patient-view")


def test_the_look_for_dangers_would_find_one() -> None:
    assert dangers('<p><img src="https://evil.example/x"></p>') == ["img", "img src"]
    assert dangers('<a href=" JavaScript:alert(1)">x</a>') and dangers("<p onclick=x>") and not dangers("<p>&lt;b></p>")
