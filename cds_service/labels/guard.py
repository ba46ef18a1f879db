"""durable-rules without its sharp edges: the only module that knows the library.

As shipped the library segfaults under threads, swallows errors and mixes up long texts, so: no background threads, a
first rule that always fires, sessions and fact ids of our own making, one fact a call, flat facts of closed
vocabulary, one lock, state deleted whatever happens, limits checked before anything is loaded. The library's matching
and its call order are kept; its Python driver is not, because it judges actions by the wall clock, hides their errors
in the session and parses every fact again for each of them, which took four fifths of the time.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import durable_rules_engine as _native  # type: ignore[import-not-found]
import orjson
from durable import engine

from cds_service.errors import EngineError, EngineLimit
from cds_service.labels.criteria import Region

Fact = dict[str, Any]
Schema = Mapping[str, Mapping[str, Region]]
"""For each kind of fact its members and all values they may have."""

BEGIN = "begin"
KIND = "kind"
MAX_FACTS = 200
MAX_RULES = 400
MAX_RULES_PER_MEMBER = 60
MAX_MEMBERS = 200
MAX_TEXT = 200
_NOBODY_LOOKS = 1
_LOCK = threading.Lock()
_SESSIONS = itertools.count(1)


class QuietHost(engine.Host):  # type: ignore[misc]
    """A host without the two chains of background timers."""

    def _run(self) -> None:
        pass


class EngineGuard:
    """One set of rules in the inference engine. Any number of threads may call ``evaluate``.

    ``rules`` maps a rule name to its pattern: the kind of fact and the tests on its members. Raises EngineLimit when
    the set is beyond the limits of the library, which otherwise fail at the first patient, or never return.
    """

    def __init__(self, name: str, rules: Mapping[str, tuple[str, Mapping[str, Any]]], schema: Schema) -> None:
        check_limits(rules, schema)
        self.rules = tuple(rules)
        self._schema = schema
        self._fired: list[str] = []
        self._actions: dict[str, Callable[[], None]] = {BEGIN: lambda: None}
        definition: dict[str, Any] = {BEGIN: {"all": [{"m": {KIND: BEGIN}}], "run": _unused}}
        for rule, (_, pattern) in rules.items():
            definition[rule] = {"all": [{"m": pattern}], "run": _unused}
            self._actions[rule] = self._note(rule)
        self._host = QuietHost({name: definition})
        self._handle = self._host.get_ruleset(name)._handle

    def _note(self, rule: str) -> Callable[[], None]:
        def note() -> None:
            self._fired.append(rule)

        return note

    def evaluate(
        self, facts: Sequence[Fact], then: Callable[[Sequence[str]], Sequence[Fact]] | None = None
    ) -> tuple[str, ...]:
        """Names of the rules that fired, sorted, each once; those of the second wave too.

        ``then`` gets the names that ``facts`` fired and gives the facts of the second wave of the same session.
        Raises EngineError when a fact is refused, the engine fails or an action failed.
        """
        if len(facts) > MAX_FACTS:
            raise EngineError(f"{len(facts)} facts of one patient; the engine gets at most {MAX_FACTS}")
        first = [self._checked(fact) for fact in facts]
        with _LOCK:
            session = f"s{next(_SESSIONS)}"
            self._fired = []
            try:
                self._put(f'{{"kind":"begin","sid":"{session}","id":"b"}}')
                self._wave(first, session, "f")
                if then is not None:
                    second = [self._checked(fact) for fact in then(tuple(self._fired))]
                    self._wave(second, session, "g")
                return tuple(sorted(set(self._fired)))
            finally:
                self._fired = []
                self._delete(session)

    def _wave(self, facts: Iterable[Fact], session: str, letter: str) -> None:
        for number, fact in enumerate(facts):
            self._put(orjson.dumps({**fact, "sid": session, "id": f"{letter}{number}"}).decode())

    def _put(self, fact: str) -> None:
        """Give one fact and run the actions it releases. The error of an action is raised when all have run."""
        failed = False
        try:
            outcome, state = _native.assert_fact(self._handle, fact)
            if outcome == _NOBODY_LOOKS:
                return
            if outcome != 0:
                raise EngineError("the inference engine took a fact for one it had seen")
            released = _native.start_action_for_state(self._handle, state)
            if not released:
                return
            content, action = released
            while action:
                start = action.index('"') + 1
                try:
                    self._actions[action[start : action.index('"', start)]]()
                except Exception:
                    failed = True
                _native.update_state(self._handle, content)
                action = _native.complete_and_start_action(self._handle, state)
        except EngineError:
            raise
        except Exception as error:
            raise EngineError(f"the inference engine failed ({type(error).__name__})") from None
        if failed:
            raise EngineError("the action of a rule failed")

    def _delete(self, session: str) -> None:
        try:
            _native.delete_state(self._handle, session)
        except Exception as error:
            raise EngineError(f"the inference engine kept a session ({type(error).__name__})") from None

    def _checked(self, fact: Fact) -> Fact:
        """The fact itself when kind, members and values are all known; else EngineError, which repeats no value."""
        members = self._schema.get(fact[KIND]) if isinstance(fact.get(KIND), str) else None
        if members is None:
            raise EngineError("a fact of a kind the rules do not know")
        if len(fact) != len(members) + 1:
            raise EngineError(f"a fact of kind '{fact[KIND]}' has not the {len(members)} members it should have")
        for name, region in members.items():
            value = fact.get(name)
            if isinstance(region, range):
                good = type(value) is int and value in region
            else:
                good = type(value) in (str, bool) and value in region
            if not good:
                raise EngineError(f"'{name}' of a fact of kind '{fact[KIND]}' has a value outside its vocabulary")
        return fact


def check_limits(rules: Mapping[str, tuple[str, Mapping[str, Any]]], schema: Schema) -> None:
    """Raises EngineLimit for a set of rules too large for the library, EngineError for names it cannot tell apart."""
    if len(rules) > MAX_RULES:
        raise EngineLimit(f"{len(rules)} rules in one set; the engine is safe up to {MAX_RULES}: split the set")
    tested: dict[tuple[str, str], int] = {}
    for rule, (kind, pattern) in rules.items():
        if not rule.isidentifier() or len(rule) > MAX_TEXT or rule == BEGIN:
            raise EngineError("a rule name that is no short identifier")
        for member in _members(pattern) - {KIND}:
            tested[kind, member] = tested.get((kind, member), 0) + 1
    for (kind, member), count in tested.items():
        if count > MAX_RULES_PER_MEMBER:
            problem = f"{count} rules test '{member}' of '{kind}'; the engine is safe up to {MAX_RULES_PER_MEMBER}"
            raise EngineLimit(f"{problem}: split the set")
    for kind, members in schema.items():
        if len(members) > MAX_MEMBERS:
            raise EngineLimit(
                f"a fact of kind '{kind}' has {len(members)} members; the engine is safe up to {MAX_MEMBERS}"
            )
        for name, region in members.items():
            words = () if isinstance(region, range) else tuple(word for word in region if isinstance(word, str))
            if not name.isidentifier() or name in ("sid", "id", KIND) or len(name) > MAX_TEXT:
                raise EngineError(f"a fact of kind '{kind}' has a member that is no short identifier")
            if any(not word.isascii() or not word.isprintable() or len(word) > MAX_TEXT for word in words):
                raise EngineError(f"'{name}' of '{kind}' may hold a word that is too long or not plain ASCII")


def _members(pattern: Any) -> set[str]:
    """Members of the fact that a pattern tests."""
    if isinstance(pattern, Mapping):
        found: set[str] = set()
        for key, value in pattern.items():
            found |= _members(value) if key.startswith("$") else {key}
        return found
    if isinstance(pattern, (list, tuple)):
        return set().union(*(_members(part) for part in pattern))
    return set()


def _unused(context: Any) -> None:
    """The library wants an action with each rule; ours are kept in the guard."""
