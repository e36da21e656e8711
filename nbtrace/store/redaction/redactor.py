"""Take what looks like a secret out of texts, attributes and cell sources, before they are kept.

Enters: what values.py has cleaned, or a text. Leaves: the same, with `[redacted: RULE]` in the place of each secret. By name
(names.py), by what stands behind a name within a text (assigned.py) and by looks (rules.py). Never raises."""

from __future__ import annotations

import copy
import re
import threading
from collections import Counter
from typing import Any

from nbtrace.store.redaction.assigned import assignments
from nbtrace.store.redaction.choice import OPTIONAL, Choice, Redact, parse_choice
from nbtrace.store.redaction.names import Named as _Named
from nbtrace.store.redaction.names import Names, is_hit, is_listed
from nbtrace.store.redaction.own_patterns import optional, patterns
from nbtrace.store.redaction.rules import formats, shapes
from nbtrace.store.schema import Origin
from nbtrace.store.values import clean_value

CALLABLE = "callable"
"""The rule under which replacements by the user's callable are counted."""

CALLABLE_ERROR = "callable-error"
"""The rule that hits when the user's callable raises, or answers a text with something else."""

_LONG_RUN = re.compile(r"[A-Za-z0-9_-]{14}")
"""No key of a well-known format does without."""

_HEXADECIMAL = re.compile(r"[0-9A-Fa-f-]*+\Z")
"""Ids and hashes, which differ from span to span: no rule hits them by their looks."""

_NAME_LIKE = re.compile(r"[\w.\-]{1,80}")

_HINTS = (
    "pass", "key", "token", "secret", "auth", "@", "pw", "cookie", "bearer", "basic", "sig", "jwt", "srf", "sess", "pat=", "_pat",
    "otp=", "nonce=", "credential", "identified", "curl", "wget", "login", "username", "mysql",
)  # fmt: skip
"""One of them, in lower case, is in every text that a rule other than the formats can hit."""

_SAME_DIGITS = bytes.maketrans(b"123456789", b"000000000")

_SHORTEST = 6
"""Characters of the shortest text with a secret in it: `pw=abc`."""

_REMEMBERED, _MEMORABLE = 4_096, 512
"""How many texts without a secret are remembered, and how long they may be."""

_ROUNDS = 8
"""How often a text in which something was replaced is looked at again; the second time finds nothing, as a rule."""


class Redactor:
    """The rules that a person chose, and how often each has hit.

    `redact` is True for the defaults, False for nothing, a list of `+rule` and `-rule`, or a callable; see `parse_choice`.
    Redacting twice changes nothing, unless a callable of the user's own does.

    The callable `f(key, value)` is called after the rules, with what they left. It returns the value to keep it, or what shall
    stand in its place. Its key is the attribute's; for what has none it is "span.name", "event.name", "status.message" or
    "code.source", as the caller of `text` says. It is called once per value and not remembered; it may be slow. When it raises,
    or answers a text with something that is no text, the value is replaced by a note: what could not be checked is not kept."""

    def __init__(self, redact: Redact | Choice = True) -> None:
        choice = redact if isinstance(redact, Choice) else parse_choice(redact)
        self.choice = choice
        self.active = choice.active
        self.failure: str | None = None
        """The type of the last exception that the user's callable raised; its text may hold the secret."""
        self._names = Names(choice.rules, {name: name for name in choice.names})
        self._optional = frozenset(OPTIONAL) & choice.rules
        self._hints = tuple(dict.fromkeys((*_HINTS, *(stem for stem in self._names.stems if not _hinted(stem)))))
        self._everything = bool(choice.patterns or self._optional)
        """Whether there are rules that no hint announces."""
        self._clean: set[str] = set()
        self._shapes: set[bytes] = set()
        """Texts with the same digits throughout that no rule can hit, whatever their digits."""
        self._counts: dict[int, Counter[str]] = {}
        self.origins: dict[Origin, Origin] = {}
        """Origins as they are without secrets: once they are redacted, they need not be again."""
        self._calling: set[int] = set()
        """Threads in which the user's callable is at work."""

    @property
    def counts(self) -> dict[str, int]:
        """How often each rule has replaced something."""
        total: Counter[str] = Counter()
        # Each thread counts for itself, which takes no lock; copies, as they may go on while they are added up.
        for counts in list(self._counts.values()):
            total.update(counts.copy())
        return dict(total.most_common())

    def uncounted(self) -> Redactor:
        """Return a redactor with the same rules whose hits count nowhere: for rows that will be sealed, and counted, later."""
        other = copy.copy(self)
        other._counts, other.origins = {}, self.origins.copy()
        return other

    def text(self, text: str, key: str = "") -> str:
        """Return `text` without secrets: a name, a message, a stack trace. `key` is for the callable alone."""
        if not self.active:
            return text
        text = self._by_value(text)
        return text if self.choice.call is None else self._called(key, text)

    def source(self, source: str) -> str:
        """Return a cell's source without secrets. Bare words are variables there, but in shell lines, strings and comments. It
        keeps its number of lines, by which statements and samples name them; what a callable makes of it is its own affair."""
        if not self.active:
            return source
        source = with_lines_of(source, self._by_value(source, code=True))
        return source if self.choice.call is None else self._called("code.source", source)

    def title(self, line: str) -> str:
        """Return a line of code as a name may show it. By the rules alone: this is asked while a cell begins."""
        return self._by_value(line, code=True) if self.active else line

    def key(self, key: str) -> str:
        """Return a key, of an attribute or within a map, without secrets. Two keys of a row may become one by that."""
        return self._by_value(key) if self.active else key

    def value(self, key: str, value: Any) -> Any:
        """Return the value of an attribute without secrets, of the same type: by its key, by the keys within it, by its looks.

        Numbers, booleans and None are never hit by name. Where the key itself may hold a secret, redact it first (`key`)."""
        if not self.active:
            return value
        kind = type(value)
        if kind is str:
            name = self._names.named(key)
            value = self._hit(name.rule) if name is not None and is_hit(name, value) else self._by_value(value)
        elif kind is tuple or kind is dict or kind is bytes:
            value = self._nested(key, value, None)
        return value if self.choice.call is None else self._called(key, value)

    # ── within ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _by_value(self, text: str, *, code: bool = False) -> str:
        if text in self._clean or (len(text) < _SHORTEST and not self._everything):
            return text
        if (hinted := self._hinted(text)) is None:
            return text
        try:
            redacted = self._searched(text, hinted, code)
        except RecursionError:  # the user's stack is nearly used up; nothing here recurses
            return self._hit("unreadable")
        if redacted is text or redacted == text:
            # Remembered is only what any text may be: a source may hold what a message may not.
            if not code and len(text) <= _MEMORABLE:
                if len(self._clean) >= _REMEMBERED:
                    self._clean.clear()
                self._clean.add(text)
            return text
        return redacted

    def _hinted(self, text: str) -> bool | None:
        """Whether a hint is in `text`; None if no rule can hit it at all."""
        memorable = len(text) <= _MEMORABLE and text.isascii() and not self._everything
        # Texts of a program differ by their digits, mostly, and hints have none.
        if memorable and (shape := text.encode().translate(_SAME_DIGITS)) in self._shapes:
            return None
        if not self._everything and _HEXADECIMAL.match(text):
            return None
        lowered = _lower(text)
        for hint in self._hints:
            if hint in lowered:
                return True
        if self._everything or _LONG_RUN.search(text) is not None:
            return False
        if memorable:
            if len(self._shapes) >= _REMEMBERED:
                self._shapes.clear()
            self._shapes.add(shape)
        return None

    def _searched(self, text: str, hinted: bool, code: bool) -> str:
        rules, hit = self.choice.rules, self._hit
        for _ in range(_ROUNDS):
            before = text
            if hinted:
                lowered = _lower(text)
                text = shapes(text, lowered, rules, hit)
                text = assignments(text, lowered if text is before else _lower(text), self._names, hit, code=code)
            if _LONG_RUN.search(text):
                text = formats(text, rules, hit)
            if self._everything:
                text = patterns(text, self.choice.patterns, hit)
                text = optional(text, self._optional, hit)
            if text == before:
                return text
        return text

    def _nested(self, key: str, value: Any, above: _Named | None) -> Any:
        """Redact a value within a value; `above` is what the name of the container promises."""
        name = self._names.named(key) or above
        kind = type(value)
        if kind is str:
            return self._hit(name.rule) if name is not None and is_hit(name, value) else self._by_value(value)
        if kind is bytes:
            return self._bytes(name, value)
        if kind is tuple:
            # ("X-Api-Key", "x"): how headers are written down that may occur twice.
            pair = self._told(value[0]) if len(value) == 2 and type(value[1]) is str else None
            if pair is not None and pair.sure and not is_listed(value[1]):
                return (value[0], self._nested(value[0], value[1], pair))
            return tuple(self._items(key, value, name))
        if kind is dict:
            return self._map(value, name)
        return value

    def _items(self, key: str, items: tuple[Any, ...], name: _Named | None) -> list[Any]:
        redacted = []
        option: _Named | None = None
        for item in items:
            if option is not None and type(item) is str and item.startswith("-"):
                option = None  # the next option, not the value of the last
            redacted.append(self._nested(key, item, name or option))
            # ["tool", "--password", "x"]: what stands behind an option is its value.
            option = self._told(item) if type(item) is str and item[:2] == "--" else None
        return redacted

    def _map(self, items: dict[str, Any], above: _Named | None) -> dict[str, Any]:
        redacted: dict[str, Any] = {}
        # {"name": "DB_PASSWORD", "value": "x"}: how containers' environments are written down.
        told = items.get("name", items.get("key")) if "value" in items else None
        for key, item in items.items():
            name = self._told(told) if key == "value" else None
            safe = self.key(key)
            while safe in redacted:
                safe += "'"
            redacted[safe] = self._nested(safe, item, name or above)
        return redacted

    def _told(self, name: Any) -> _Named | None:
        """What a value promises that may be the name of another: none that holds a secret itself, or is no name."""
        if type(name) is not str or not _NAME_LIKE.fullmatch(name) or self._by_value(name) != name:
            return None
        return self._names.named(name)

    def _bytes(self, name: _Named | None, value: bytes) -> bytes:
        try:
            text, encoding = value.decode("utf-8"), "utf-8"
        except UnicodeDecodeError:
            text, encoding = value.decode("latin-1"), "latin-1"
        redacted = self._hit(name.rule) if name is not None and is_hit(name, text) else self._by_value(text)
        return value if redacted is text else redacted.encode(encoding)

    def _called(self, key: str, value: Any) -> Any:
        call = self.choice.call
        if call is None:
            return value
        thread = threading.get_ident()
        if thread in self._calling:  # the callable asks a question of ours, which asks the callable
            return self._hit(CALLABLE_ERROR)
        self._calling.add(thread)
        try:
            answer = call(key, value)
            if answer is value:
                return value
            cleaned = clean_value(answer)
            if isinstance(value, str) and not isinstance(answer, str):
                raise TypeError(type(answer).__name__)
        except (Exception, SystemExit) as error:
            self.failure = type(error).__name__
            return self._hit(CALLABLE_ERROR)
        finally:
            self._calling.discard(thread)
        if cleaned != value:
            self._hit(CALLABLE)
        return cleaned

    def _hit(self, rule: str) -> str:
        """Count a hit, and return what stands in the secret's place."""
        thread = threading.get_ident()
        counts = self._counts.get(thread)
        if counts is None:
            counts = self._counts[thread] = Counter()
        counts[rule] += 1
        return f"[redacted: {rule}]"


_MARK = re.compile(r"\[redacted: [^\[\]\n]*\]")


def with_lines_of(before: str, after: str) -> str:
    """Return a redacted text with as many lines as it had: where a secret had several, its mark is followed by empty ones."""
    if before.count("\n") == after.count("\n"):
        return after
    found, position, at = [], 0, 0
    for mark in (*_MARK.finditer(after), None):
        piece = after[at : mark.start() if mark is not None else len(after)]
        # What stands between marks stood between secrets; the last piece at the very end.
        start = before.find(piece, position) if mark is not None else len(before) - len(piece)
        if start < position:  # rules within rules: no piece of it is known
            return after
        found += ["\n" * before.count("\n", position, start), piece]
        position = start + len(piece)
        if mark is not None:
            found.append(mark[0])
            at = mark.end()
    return "".join(found)


def _hinted(stem: str) -> bool:
    return any(hint in stem for hint in _HINTS)


def _lower(text: str) -> str:
    """The text in lower case, position by position."""
    lowered = text.lower()
    # Of all letters one alone becomes two in lower case.
    return lowered if len(lowered) == len(text) else text.replace("İ", "i").lower()
