"""The wording file: banned words, and what a broken file is told."""

from __future__ import annotations

import json

import pytest

from cds_service.cards.wording import load_wording
from cds_service.errors import CartCdsError
from tests.cards.scenes import RULES, WORDING

SHIPPED = (RULES / "wording.yaml").read_text(encoding="utf-8")
SAID = ("card", "suggestion", "source", "links", "states", "certainties", "line_parts")


def test_no_sentence_of_a_card_holds_a_banned_word():
    for section in SAID:
        for name, text in WORDING.sections[section].items():
            assert WORDING.lint.findings(text) == [], f"{section}.{name}"
    for region, words in WORDING.jurisdictions.items():
        for text in words.values():
            assert WORDING.lint.findings(text, region) == []
    for entry in WORDING.criteria.values():
        assert WORDING.lint.findings(f"{entry['name']} {entry['remedy']}") == []
    for reason in WORDING.override_reasons:
        assert WORDING.lint.findings(reason.display) == []
    for text in (WORDING.intended_use, *WORDING.families.values()):
        assert WORDING.lint.findings(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "the patient is ELIGIBLE",
        "a good candidate",
        "we recommend CAR-T",
        "you should",
        "a REMS-certified centre",
        "safe",
        "40 %",
        "75%",
    ],
)
def test_the_lint_finds(text):
    assert WORDING.lint.findings(text)


@pytest.mark.parametrize(
    "text", ["not an eligibility decision", "Safety: treatment centre", "safely stored", "unrecommended"]
)
def test_the_lint_lets_pass(text):
    assert WORDING.lint.findings(text) == []


def test_boxed_warnings_are_a_us_term():
    assert WORDING.lint.findings("boxed warnings", "eu") and not WORDING.lint.findings("boxed warnings", "us")


def test_every_safety_term_of_the_schema_has_words():
    schema = json.loads((RULES / "schema" / "label.schema.json").read_text(encoding="utf-8"))
    safety = schema["properties"]["safety"]["properties"]
    terms = {*safety["boxed"]["items"]["enum"], *safety["risks"]["items"]["enum"]}
    assert terms <= set(WORDING.safety_terms)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("schema: cart-cds.wording/1", "schema: other/1", "schema"),
        ("heading_met:", "heading_meet:", "heading_met"),
        ("cannot determine for {family} – {items}", "cannot determine for {familie} – {items}", "braces"),
        ("flags_first: [prior_car_t", "flags_first: [prior_cart", "no flag"),
        ("  lbcl: {name: large B-cell lymphoma}\n", "", "families"),
        ("  - {code: action-completed,", "  - {kode: action-completed,", "override_reasons"),
        ("banned:", "banned: none\nbanned_before:", "banned"),
        ("  eu:\n", "  uk:\n", "jurisdictions"),
    ],
)
def test_a_broken_file_is_refused_with_the_place(tmp_path, old, new, words):
    assert old in SHIPPED
    (tmp_path / "wording.yaml").write_text(SHIPPED.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CartCdsError) as refused:
        load_wording(tmp_path)
    assert "wording.yaml" in str(refused.value) and words in str(refused.value)
