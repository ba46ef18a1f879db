"""Rule files as plain values that remember their lines.

A careful subset of YAML 1.2: ``true`` / ``false`` are the only booleans, so ``no`` and ``on`` stay words; dates stay
text; a key stands once; there are no anchors, aliases or tags. What a haematologist sees is what the program reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml

from cds_service.errors import CartCdsError

Place = tuple[str | int, ...]
"""Where a value stands: keys and positions from the top of the file."""

_LoaderBase: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class RuleFileError(CartCdsError):
    """A rule file cannot be used.

    ``file`` is relative to the rules folder, ``line`` counts from 1 (0 when no line is meant), ``problem`` says what is
    wrong and why, ``remedy`` what to change.
    """

    def __init__(self, file: str, line: int, problem: str, remedy: str) -> None:
        place = f"{file}, line {line}" if line else file
        super().__init__(f"{place}: {problem}. {remedy}.")
        self.file = file
        self.line = line
        self.problem = problem
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Document:
    """One rule file: its values, and the line of every key and list item."""

    file: str
    content: Any
    lines: Mapping[Place, int]

    def line(self, place: Place) -> int:
        """The line (from 1) of the value at ``place``, or of the nearest enclosing value that was written."""
        for length in range(len(place), -1, -1):
            found = self.lines.get(place[:length])
            if found is not None:
                return found
        return 1

    def error(self, place: Place, problem: str, remedy: str) -> RuleFileError:
        """A RuleFileError at the line of ``place``."""
        return RuleFileError(self.file, self.line(place), problem, remedy)


class _Loader(_LoaderBase):  # type: ignore[misc]  # the C loader where it was built, else the Python one
    """Safe loader that only composes nodes; scalars are resolved by the four patterns below."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("null", r"^(?:null|~)?$", ["n", "~", ""]),
    ("int", r"^-?(?:0|[1-9][0-9]*)$", "-0123456789"),
    ("float", r"^-?(?:0|[1-9][0-9]*)\.[0-9]+$", "-0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))

_SCALARS: dict[str, Callable[[str], Any]] = {
    "tag:yaml.org,2002:str": str,
    "tag:yaml.org,2002:bool": lambda text: text == "true",
    "tag:yaml.org,2002:null": lambda text: None,
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": float,
}


def read_yaml(path: Path, file: str) -> Document:
    """The document at ``path``; ``file`` is its name in messages. Raises RuleFileError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RuleFileError(
            file, 0, "the file does not exist", "add it, or point CART_CDS_RULES at a rules folder that has it"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RuleFileError(
            file, 0, f"the file cannot be read ({type(error).__name__})", "make it a readable UTF-8 text file"
        ) from None
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RuleFileError(
            file, line, f"not YAML: {error.problem}", "check indentation, quotes and brackets near that line"
        ) from None
    except yaml.YAMLError:
        raise RuleFileError(
            file, 1, "not YAML: a character that no YAML file may hold", "save the file as plain UTF-8 text"
        ) from None
    finally:
        loader.dispose()
    if node is None:
        raise RuleFileError(file, 1, "the file is empty", "fill it, or delete it")
    lines: dict[Place, int] = {}
    content = _Reader(file, lines).value(node, ())
    return Document(file, content, lines)


class _Reader:
    """Turns composed nodes into values and notes the line of each."""

    def __init__(self, file: str, lines: dict[Place, int]) -> None:
        self.file = file
        self.lines = lines
        self.seen: set[int] = set()

    def value(self, node: Any, place: Place) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(place, line)
        if id(node) in self.seen:
            raise RuleFileError(
                self.file,
                line,
                "an alias repeats another part of the file",
                "write the value out: rule files have no anchors",
            )
        self.seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*place, number)) for number, item in enumerate(node.value)]
        make = _SCALARS.get(node.tag)
        if make is None:
            raise RuleFileError(self.file, line, f"the tag {node.tag} is not used in rule files", "write a plain value")
        return make(node.value)

    def mapping(self, node: Any, place: Place) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value
            if not isinstance(key, str) or key_node.tag == "tag:yaml.org,2002:null":
                raise RuleFileError(self.file, line, "a key that is not a word", "use a plain word before the colon")
            if key in result:
                first = self.lines[(*place, key)]
                problem = f"the key '{key}' stands twice (first on line {first}), so one value would be lost"
                raise RuleFileError(self.file, line, problem, "keep one of them")
            self.lines[(*place, key)] = line
            result[key] = self.value(value_node, (*place, key))
        return result
