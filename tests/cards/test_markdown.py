"""Text of a record arrives whole and harmless (SAF-03, R-43)."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cds_service.cards.markdown import plain, safe

GFM = MarkdownIt("gfm-like", {"html": True, "linkify": False})
HARMLESS = {"p", "ul", "li", "code"}
AUTOLINK = re.compile(r"(?i)https?://|www\.|[\w.+-]+@[\w-]")


class Seen(HTMLParser):
    """What a reader sees, and the tags a browser would build; text outside code spans apart."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: set[str] = set()
        self.linkable = ""
        self.code = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.code += tag == "code"

    def handle_endtag(self, tag):
        self.code -= tag == "code"

    def handle_data(self, data):
        self.text += data
        self.linkable += " " if self.code else data

    def handle_comment(self, data):
        self.tags.add("comment")


def shown(text: str) -> Seen:
    return Seen(GFM.render(text))


HOSTILE = [
    "Creatinine <ULN and ANC >1.0",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!-- gone --> still here",
    "</p><h1>big",
    "![x](https://evil.example/pixel.png)",
    "[click](javascript:alert(1))",
    "[a]: https://evil.example",
    "https://evil.example/a_b?c=*d*",
    "(www.evil.example)",
    "write to eve@evil.example now",
    "<https://evil.example>",
    "# heading",
    "- item",
    "1. first",
    "> quote",
    "---",
    "===",
    "| a | b |",
    "**bold** and _it_ and ~~gone~~",
    "`code` ``x` y``",
    "a \\* b \\",
    "&lt;b&gt; &amp; &#60; R&D",
    "10*9/L and 10*6/L",
    "snake_case _x_",
    "line one\n# line two\r\n\r\n- three",
    "\u202eright to left\u202c \u200bhidden \ufeffmark",
    "lone \ud800 surrogate, nul \x00 end",
    "$x$ :smile: @someone #12",
    "x" * 3000,
    "",
    "   ",
    "`" * 50,
    "a`b``c```",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_shown_as_it_is_and_builds_nothing(text):
    line = shown(f"- Finding: {safe(text)}")
    assert " ".join(line.text.split()) == " ".join(f"Finding: {plain(text)}".split())
    assert line.tags <= HARMLESS
    assert not AUTOLINK.search(line.linkable)


@pytest.mark.parametrize("text", HOSTILE)
def test_also_at_the_start_of_a_list_item(text):
    line = shown(f"- {safe(text)}")
    assert " ".join(line.text.split()) == plain(text)
    assert line.tags <= HARMLESS


def test_the_whole_finding_arrives():
    assert shown(f"- {safe('Creatinine <ULN and ANC >1.0')}").text.strip() == "Creatinine < ULN and ANC >1.0"


def test_ordinary_words_are_left_alone():
    for text in (
        "R-CHOP, 2026-01 to 2026-05",
        "ANC 0.8 ×10⁹/L (2026-11-10)",
        "value <1.0, at least 5 %",
        "Ménière & co",
    ):
        assert safe(text) == text


def test_no_less_than_before_a_letter_no_entity_no_control_character():
    for text in HOSTILE:
        made = safe(text)
        assert not re.search(r"<[A-Za-z/!?]", made)
        assert "&lt;" not in made or "`" in made
        assert made == "".join(c for c in made if c.isprintable())
        made.encode("utf-8")


def test_long_text_is_cut_and_says_so():
    assert len(plain("a" * 500, 100)) == 100
    assert plain("a" * 500, 100).endswith("…")
    assert plain("relapse after the last dose of 2025-09-14", 36) == "relapse after the last dose of…"


PIECES = st.sampled_from([*"*_`[]()<>!|~\\#-+=&;:@./ \n\t$'\"1aZé", "http://", "www.", "x@y.zz", "<b>", "&amp;", "]("])


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=25).map("".join)))
def test_whatever_the_record_says_is_what_the_reader_sees(text):
    for template in ("- Finding: {}", "- {}", "- A: {} (Observation)"):
        line = shown(template.format(safe(text)))
        expected = template.format(plain(text)).removeprefix("- ")
        assert " ".join(line.text.split()) == " ".join(expected.split())
        assert line.tags <= HARMLESS
        assert not AUTOLINK.search(line.linkable)
