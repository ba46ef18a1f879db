"""Names in words: exact drug names (decision 18) and what a diagnosis text can mean (decisions 63, 66)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cds_service.terminology.model import DiseaseConcept, TextMeaning

BREAKS = str.maketrans(dict.fromkeys("-/,;:()[]–—", " "))
EDGES = ".,;:()[]\"'"
SUFFIX_LENGTH = 4
"""A biosimilar suffix is a hyphen and four letters (rituximab-abbs)."""
LONGEST_MENTION, SHORTEST_MENTION = 4, 5
"""Words and letters of a drug name that is looked for inside a longer text."""
NOTHING_MEANT, HINTED = TextMeaning(), TextMeaning(hinted=True)
TAGS = (" (substance)", " (product)")
"""SNOMED CT puts the kind of a concept behind its name."""


def spoken(text: str) -> str:
    """A text as phrases are compared: case folded, hyphen = slash = space, plain apostrophe, single blanks."""
    return " ".join(text.replace("’", "'").casefold().translate(BREAKS).split())


@dataclass(slots=True)
class DrugNames:
    """Names that mean one drug. A name that two drugs share, or that is flagged ambiguous, means none."""

    phrases: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    salts: frozenset[str] = frozenset()
    longest: int = 1

    def add(self, name: str, meaning: str, *, token: bool = False, ambiguous: bool = False) -> None:
        """Note a name; ``token`` must match with its own capitals."""
        key = name.strip() if token else spoken(name)
        table = self.tokens if token else self.phrases
        if ambiguous or table.get(key, meaning) != meaning:
            self.refused.add(key)
        table.setdefault(key, meaning)
        if not token:
            self.longest = max(self.longest, min(len(key.split()), LONGEST_MENTION))

    def known(self, name: str, concept: str) -> str:
        """The meaning already noted for a name, if it is one of that drug; ""."""
        found = self.phrases.get(spoken(name), "")
        return found if found.partition("|")[0] == concept else ""

    def find(self, text: str) -> str:
        """What the whole text names, after case, salt, biosimilar suffix and brand; "" when that is not certain."""
        token = text.strip()
        for tag in TAGS:
            token = token.removesuffix(tag)
        if token in self.refused:
            return ""
        if token in self.tokens:
            return self.tokens[token]
        for name in (token, _without_suffix(token)):
            found = self._phrase(spoken(name))
            if found:
                return found
        return ""

    def mentioned(self, text: str) -> frozenset[str]:
        """Meanings of every name anywhere in the text, the longest first, none inside a longer one, none ambiguous."""
        words = spoken(text).split()
        found: set[str] = set()
        at = 0
        while at < len(words):
            for length in range(min(self.longest, len(words) - at), 0, -1):
                key = " ".join(words[at : at + length])
                if len(key) >= SHORTEST_MENTION and key in self.phrases and key not in self.refused:
                    found.add(self.phrases[key])
                    at += length
                    break
            else:
                at += 1
        return frozenset(found)

    def _phrase(self, name: str) -> str:
        words = name.split()
        while words:
            key = " ".join(words)
            if key in self.refused:
                return ""
            if key in self.phrases:
                return self.phrases[key]
            if words[-1] not in self.salts:
                return ""
            words.pop()
        return ""


def _without_suffix(name: str) -> str:
    stem, hyphen, tail = name.rpartition("-")
    return stem if hyphen and len(tail) == SUFFIX_LENGTH and tail.isascii() and tail.isalpha() else name


@dataclass(slots=True)
class DiseaseNames:
    """Disease names, and the words that take an assertion back."""

    diseases: Mapping[str, DiseaseConcept]
    phrases: dict[str, tuple[str, bool]] = field(default_factory=dict)
    tokens: dict[str, tuple[str, bool]] = field(default_factory=dict)
    denials: list[tuple[str, ...]] = field(default_factory=list)
    hints: tuple[str, ...] = ()
    """Endings of words that sound like a blood cancer."""
    longest: int = 1

    def add(self, name: str, concept: str, *, token: bool, ambiguous: bool) -> None:
        """Note a disease name."""
        if token:
            self.tokens.setdefault(name.strip(), (concept, ambiguous))
            return
        key = spoken(name)
        self.phrases.setdefault(key, (concept, ambiguous))
        self.longest = max(self.longest, len(key.split()))

    def deny(self, cue: str) -> None:
        """Note a word of negation, doubt or history."""
        self.denials.append(tuple(spoken(cue).split()))

    def exact(self, text: str) -> str:
        """The concept that the whole text names without ambiguity; ""."""
        concept, ambiguous = self.tokens.get(text.strip()) or self.phrases.get(spoken(text)) or ("", True)
        return "" if ambiguous else concept

    def denied(self, text: str) -> bool:
        """True when the text holds a word of negation, doubt, family or history."""
        words = spoken(text).split()
        return any(_holds(words, cue) for cue in self.denials)

    def doubted(self, text: str) -> bool:
        """True when such a word opens the text, or follows its first word ("personal history of")."""
        words = spoken(text).split()
        return any(tuple(words[at : at + len(cue)]) == cue for cue in self.denials for at in (0, 1))

    def meaning(self, text: str) -> TextMeaning:
        """What a diagnosis text can mean; nothing for a text that denies, doubts or looks back."""
        concept = self.exact(text)
        if concept:
            return TextMeaning(concept=concept, families=self._families([concept]))
        found = self._named(text)
        if self.denied(text):
            return NOTHING_MEANT
        if not found:
            return HINTED if self.hints and any(w.endswith(self.hints) for w in spoken(text).split()) else NOTHING_MEANT
        return TextMeaning(families=self._families(found))

    def _named(self, text: str) -> list[str]:
        """Concepts named anywhere in the text: whole words, the longest phrase first, none inside a longer one."""
        words = spoken(text).split()
        found: list[str] = []
        at = 0
        while at < len(words):
            for length in range(min(self.longest, len(words) - at), 0, -1):
                hit = self.phrases.get(" ".join(words[at : at + length]))
                if hit:
                    found.append(hit[0])
                    at += length
                    break
            else:
                at += 1
        tokens = text.replace("/", " ").split() + text.split()
        found += [hit[0] for word in tokens if (hit := self.tokens.get(word.strip(EDGES))) and not hit[1]]
        return found

    def _families(self, concepts: list[str]) -> tuple[str, ...]:
        families: set[str] = set()
        for name in concepts:
            disease = self.diseases.get(name)
            if disease is None or disease.role in ("exclusion", "context"):
                continue
            families |= set(disease.may_be) or ({disease.family} if disease.family else set())
        return tuple(sorted(families))


def _holds(words: list[str], cue: tuple[str, ...]) -> bool:
    return any(tuple(words[at : at + len(cue)]) == cue for at in range(len(words) - len(cue) + 1))
