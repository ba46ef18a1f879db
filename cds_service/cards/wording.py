"""``rules/wording.yaml`` in memory: every sentence a card or rule page can say, checked when it is loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import Any

from cds_service.cards.lint import Lint
from cds_service.cards.model import Coding
from cds_service.cards.wording_fields import ENTRIES, LISTS, SENTENCES, WORDS
from cds_service.labels.yaml_lines import Document, read_yaml
from cds_service.oncology.model import FAMILIES, FLAG_IDS

SCHEMA = "cart-cds.wording/1"
FILE = "wording.yaml"
MAX_REASONS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """All sentences by section and name. ``say`` fills one in."""

    intended_use: str
    sections: Mapping[str, Mapping[str, str]]
    jurisdictions: Mapping[str, Mapping[str, str]]
    safety_terms: Mapping[str, tuple[str, tuple[str, ...]]]
    """Key of a pack -> text ("" for none), keys it stands in for."""
    criteria: Mapping[str, Mapping[str, str]]
    families: Mapping[str, str]
    flags_first: tuple[str, ...]
    lists: Mapping[str, tuple[str, ...]]
    attributes: tuple[tuple[str, str], ...]
    override_reasons: tuple[Coding, ...]
    instead: tuple[tuple[str, str], ...]
    """Phrases of reasons that a card does not say, and what it says for them."""
    lint: Lint = field(repr=False)

    def say(self, name: str, /, **values: object) -> str:
        """The sentence of the section ``card`` with that name, filled in."""
        return self.sections["card"][name].format(**values)

    def word(self, section: str, name: str) -> str:
        """The word for a name of the model; the name with blanks for underscores where the file has none."""
        found = self.sections[section].get(name)
        return name.replace("_", " ") if found is None else found

    def reason(self, because: str) -> str:
        """The record's half of a criterion's reason; what the label asks stands in the basis line of a card."""
        told = because.split("; label: ", 1)[0].rstrip(". ")
        for never, instead in self.instead:
            told = told.replace(never, instead)
        return told

    def criterion_name(self, name: str) -> str:
        """What a card calls a criterion."""
        found = self.criteria.get(name)
        return found["name"] if found else name.replace("_", " ").capitalize()

    def family_name(self, family: str) -> str:
        """What a card calls a disease family."""
        return self.families.get(family, family.replace("_", " "))


def load_wording(rules: Path) -> Wording:
    """The wording of a rules folder. Raises RuleFileError naming file, line and remedy."""
    document = read_yaml(rules / FILE, FILE)
    content = document.content
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise document.error(("schema",), f"the schema is not {SCHEMA}", "start the file with that line")
    _check_sections(document)
    lint = Lint(
        banned=tuple(content["banned"]),
        banned_eu=tuple(content["banned_eu"]),
        allowed=tuple(content["allowed"]),
    )
    system = content["override_system"]
    return Wording(
        intended_use=content["intended_use"].strip(),
        sections={
            name: {key: text for key, text in content[name].items() if isinstance(text, str)}
            for name in (*SENTENCES, *WORDS)
            if name != "jurisdictions"
        },
        jurisdictions=content["jurisdictions"],
        safety_terms={
            key: (term["text"], tuple(term.get("covers", ()))) for key, term in content["safety_terms"].items()
        },
        criteria=content["criteria"],
        families={key: entry["name"] for key, entry in content["families"].items()},
        flags_first=tuple(content["flags_first"]),
        lists={
            "inputs": tuple(content["page"]["inputs"]),
            "statuses": tuple(content["page"]["statuses"]),
            "limits": tuple(content["page"]["limits"]),
            "ask": tuple(content["suggestion"]["ask"]),
        },
        attributes=tuple((one["name"], one["value"]) for one in content["page"]["attributes"]),
        override_reasons=tuple(
            Coding(system=system, code=one["code"], display=one["display"]) for one in content["override_reasons"]
        ),
        instead=tuple((one["never"], one["instead"]) for one in content["instead"]),
        lint=lint,
    )


def _check_sections(document: Document) -> None:
    content = document.content
    for section, fields in SENTENCES.items():
        if section == "jurisdictions":
            continue
        _check_sentences(document, (section,), content.get(section), fields)
    regions = content.get("jurisdictions")
    if not isinstance(regions, dict) or set(regions) != {"us", "eu"}:
        raise document.error(("jurisdictions",), "jurisdictions are not us and eu", "give both, and no other")
    for region in regions:
        _check_sentences(document, ("jurisdictions", region), regions[region], SENTENCES["jurisdictions"])
    for section in WORDS:
        _check_words(document, section)
    for section, members in ENTRIES.items():
        _check_entries(document, section, members)
    for place in LISTS:
        _check_list(document, place)
    if set(content["families"]) != set(FAMILIES):
        raise document.error(("families",), "the families are not those of the program", f"give {', '.join(FAMILIES)}")
    unknown = [flag for flag in content["flags_first"] if flag not in FLAG_IDS]
    if unknown:
        raise document.error(("flags_first",), f"'{unknown[0]}' is no flag", "take an id of decision 28")
    if not 1 <= len(content["override_reasons"]) <= MAX_REASONS:
        raise document.error(("override_reasons",), "a card offers one to eight override reasons", "take some out")


def _check_sentences(
    document: Document, place: tuple[str, ...], found: Any, fields: Mapping[str, frozenset[str]]
) -> None:
    if not isinstance(found, dict):
        raise document.error(place, f"the section '{'.'.join(place)}' is missing", "restore it from the shipped file")
    for name, allowed in fields.items():
        text = found.get(name)
        if not isinstance(text, str) or not text.strip():
            raise document.error(place, f"the sentence '{name}' is missing or empty", "restore it")
        used = _placeholders(text)
        if used is None or not used <= allowed:
            wanted = ", ".join(sorted(f"{{{one}}}" for one in allowed)) or "no words in braces"
            raise document.error((*place, name), f"'{name}' has words in braces nobody fills in", f"use {wanted}")
    for name in found:
        if name not in fields and (*place, name) not in LISTS and name != "attributes":
            raise document.error((*place, name), f"no sentence is called '{name}'", "check its spelling, or delete it")


def _placeholders(text: str) -> frozenset[str] | None:
    try:
        parsed = list(Formatter().parse(text))
    except ValueError:
        return None
    names = [name for _, name, _, _ in parsed if name is not None]
    if any(not re.fullmatch(r"[a-z_]+", name) for name in names):
        return None
    return frozenset(names)


def _check_words(document: Document, section: str) -> None:
    found = document.content.get(section)
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise document.error((section,), f"'{section}' is not a list of names with their words", "write name: words")


def _check_entries(document: Document, section: str, members: frozenset[str]) -> None:
    found = document.content
    for key in section.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    entries = list(found.values()) if isinstance(found, dict) else found
    if not isinstance(entries, list) or not entries:
        raise document.error((section,), f"'{section}' is missing or empty", "restore it from the shipped file")
    for entry in entries:
        if not isinstance(entry, dict) or not members <= set(entry) <= members | {"covers"}:
            wanted = ", ".join(sorted(members))
            raise document.error((section,), f"an entry of '{section}' does not have {wanted}", "give each of them")


def _check_list(document: Document, place: tuple[str, ...]) -> None:
    found = document.content
    for key in place:
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
        raise document.error(place, f"'{'.'.join(place)}' is not a list of texts", "write one text a line")
