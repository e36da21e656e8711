"""Read the line of a %%span: a name, then key=value pairs, with {expressions} evaluated where the cell runs.

Enters: the text behind the magic's name. Leaves: a `SpanLine`, or a `SpanLineError` whose message says what to type.

    load data source=s3 rows={len(df)}      name "load data", source "s3", rows an int
    "fit {model}" lr=0.1 -- m.fit(X, y)     name with the model's name in it, lr a float, and a statement"""

from __future__ import annotations

import ast
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any

from nbtrace.store.values import printed

EXAMPLE = '"load data" source=s3 rows=3'

HELP = ("--help", "-h")
"""Lines that ask for help. A name that is one of them stands in quotes."""


class SpanLineError(ValueError):
    """The line of a %%span or %span cannot be read. `in_magic` tells it to who typed either."""

    def __init__(self, what: str, *instead: str, example: bool = False) -> None:
        """instead: lines that are meant, without the magic's name; none: an example. example: they are no guess."""
        self.instead = () if example else instead
        self._what = what
        self._lines = instead or (EXAMPLE,)
        super().__init__(self.in_magic("%%span"))

    def in_magic(self, magic: str) -> str:
        """The error as it is told to who typed `magic`, in one line."""
        lines = "  or  ".join(_one_line(f"{magic} {line}") for line in self._lines)
        return f"{_one_line(self._what)}. {f'Did you mean  {lines}?' if self.instead else f'Type for example  {lines}'}"


def _one_line(text: str) -> str:
    text = text if len(text) <= _LONG else text[:_LONG] + "…"
    return text if text.isprintable() else repr(text)[1:-1]


@dataclass(frozen=True, slots=True)
class Expression:
    """A piece of Python between braces."""

    source: str
    code: CodeType


Part = str | Expression


@dataclass(frozen=True, slots=True)
class SpanLine:
    """A parsed line."""

    name: tuple[Part, ...]
    attributes: tuple[tuple[str, Any], ...]
    """Keys with a constant, or with a tuple of parts still to be evaluated."""
    statement: str | None
    """What follows ` -- `, None without it."""

    def evaluate(self, namespace: dict[str, Any], local: Mapping[str, Any] | None = None) -> Evaluated:
        """Evaluate the expressions. One that fails leaves its error's text as the value, and a sentence in `problems`."""
        problems: list[str] = []

        def value(parts: tuple[Part, ...]) -> Any:
            values = [part if isinstance(part, str) else _evaluate(part, namespace, local, problems) for part in parts]
            return values[0] if len(values) == 1 else "".join(printed(item, str) for item in values)

        attributes = {key: value(v) if isinstance(v, tuple) else v for key, v in self.attributes}
        return Evaluated(printed(value(self.name), str), attributes, tuple(problems))


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A span line with its expressions evaluated."""

    name: str
    attributes: dict[str, Any]
    problems: tuple[str, ...]


def _evaluate(part: Expression, namespace: dict[str, Any], local: Mapping[str, Any] | None, problems: list[str]) -> Any:
    try:
        return eval(part.code, namespace, local)
    except Exception as error:
        problem = f"{type(error).__name__}: {printed(error, str)}"
        problems.append(f"{{{part.source}}}: {problem}")
        return f"<{problem}>"


@lru_cache(maxsize=256)
def parse(line: str) -> SpanLine:
    """Return the parts of a span line."""
    if line in HELP:
        raise SpanLineError(f"{line} asks for help, and is no name", f'"{line}"')
    name: list[Part] = []
    attributes: list[tuple[str, Any]] = []
    reader = _Reader(line)
    statement = None
    while reader.skip_spaces():
        start = reader.position
        if name and not attributes and _LONE_SIGN.match(line, start):
            raise _spaced(line, start)
        comma = line[start - 1 : start].isspace() and line[:start].rstrip().endswith(",")
        key = reader.key()
        if key is not None:
            if comma and (name or attributes):
                raise _parted_by_commas(line)
            if key.startswith("-"):
                bare = f"{line[:start]}{line[start:].lstrip('-')}"
                raise SpanLineError(f"{key} is no option: attributes have no dashes before them", *_mended(bare))
            attributes.append((key, _constant(*reader.word())))
        elif reader.take("--"):
            statement = line[reader.position :].strip()
            if not statement:
                raise SpanLineError("nothing follows `--`", f"{line[:start].strip() or 'fit'} -- 1 + 1", example=True)
            break
        elif attributes:
            raise _stray(line, start, attributes)
        else:
            if _GLUED.match(line, start):
                raise _parted_by_commas(line)
            parts, _ = reader.word()
            name += [" ", *parts] if name else parts
    if not any(name):
        raise _nameless(line, attributes, statement)
    return SpanLine(tuple(name), tuple(attributes), statement)


_LONG = 200
"""Characters of a piece of a line that an error shows."""

_GLUED = re.compile(r"[\w.-]+,[\w.-]+=(?![=>~])")
"""A name with an attribute behind a comma: load,rows=3."""

_LONE_SIGN = re.compile(r"=(?![=>~])")
"""What stands between a key and its value, with a blank before it."""


def _spaced(line: str, start: int) -> SpanLineError:
    """What is said of `load rows = 3`: attributes have no blanks around `=`, and a name that has one stands in quotes."""
    quoted = _in_quotes(line)
    before, key = line[:start].rstrip(), line[:start].split()[-1]
    joined = re.sub(r"\s*=(?![=>~])\s*", "=", line)
    lines = []
    if before != key and re.fullmatch(r"[\w./-]+", key):
        lines.append(joined)
    lines.append(quoted)
    return SpanLineError("`=` between blanks is neither an attribute nor a name", *_mended(*lines))


def _stray(line: str, start: int, attributes: list[tuple[str, Any]]) -> SpanLineError:
    """What is said of a word behind the attributes that is none."""
    word = line[start:].split()[0]
    value = attributes[-1][1]
    before = line[:start].rstrip()
    lines = []
    if value == "" and before.endswith("="):  # load rows= 3
        lines.append(f"{before}{line[start:]}")
    elif word.startswith("=") or line[start:].split()[1:2] == ["="]:  # load a=1 b = 2
        lines.append(re.sub(r"\s*=(?![=>~])\s*", "=", line))
    elif isinstance(value, str) and before.endswith(f"={value}"):  # load source=my file
        rest = re.match(r"(?:(?!\S+=)\S+\s*)+", line[start:])
        words = rest[0].rstrip() if rest else word
        behind = line[start + len(words) :]
        lines.append(f'{before[: len(before) - len(value)]}"{value} {words}"{behind}')
    what = f"{word!r} is no key=value pair, and the name comes first"
    return SpanLineError(what, *_mended(*lines))


def _nameless(line: str, attributes: list[tuple[str, Any]], statement: str | None) -> SpanLineError:
    """What is said of a line without a name."""
    named = re.match(r"name=(\S+|\"[^\"]*\"|'[^']*')", line)
    if named is not None:  # name="load" rows=3
        rest = line[len("name=") :]
        return SpanLineError("a span needs a name, which comes first and by itself", *_mended(rest))
    example = [f"load {line.strip()}"] if attributes and statement is None else []
    if statement is not None and not attributes:
        example = [f"fit -- {statement}"]
    return SpanLineError("a span needs a name", *_mended(*example), example=True)


def _parted_by_commas(line: str) -> SpanLineError:
    """What is said of `load, rows=3` and `load a=1, b=2`."""
    parted = re.sub(r"\s*,+\s*(?=[\w./-]+=(?![=>~]))", " ", line)
    lines = [_in_quotes(line), parted] if "(" in line.partition("=")[0] else [parted]  # f(a, b=c) is rather a name
    return SpanLineError("attributes are parted by blanks, without commas", *_mended(*lines))


def _in_quotes(line: str) -> str:
    return f'"{line}"' if '"' not in line else f"'{line}'"


def _mended(*lines: str) -> list[str]:
    """Those lines that can be read, and for another what is meant instead of it."""
    depth = getattr(_mending, "depth", 0)
    if depth >= _MOST_MENDED:  # what is meant instead of one line may be another that is wrong, and so on in a circle
        return []
    _mending.depth = depth + 1
    found = []
    try:
        for line in lines:
            try:
                if len(line) <= _LONG:
                    parse(line)
                    found.append(line)
            except SpanLineError as error:
                found += error.instead[:1]
    finally:
        _mending.depth = depth
    return found


_MOST_MENDED = 4
_mending = threading.local()
"""How many lines are being mended for each other in this thread."""


def _constant(parts: list[Part], quoted: bool) -> Any:
    """The value of a word: parts to evaluate, a text, or a number or boolean written without quotes."""
    if any(isinstance(part, Expression) for part in parts):
        return tuple(parts)
    text = "".join(part for part in parts if isinstance(part, str))
    if quoted:
        return text
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        number = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return number if isinstance(number, (int, float)) else text


class _Reader:
    """A position in a line."""

    def __init__(self, line: str) -> None:
        self.line = line
        self.position = 0

    def skip_spaces(self) -> bool:
        """Move to the next word; False at the end."""
        while self.position < len(self.line) and self.line[self.position].isspace():
            self.position += 1
        return self.position < len(self.line)

    def take(self, word: str) -> bool:
        """Move behind `word` if it stands here alone."""
        behind = self.position + len(word)
        if self.line.startswith(word, self.position) and self.line[behind : behind + 1] in ("", " ", "\t"):
            self.position = behind
            return True
        return False

    def key(self) -> str | None:
        """Move behind `key=` and return the key, or stay and return None."""
        end = self.position
        while end < len(self.line) and (self.line[end].isalnum() or self.line[end] in "_.-/"):
            end += 1
        if end == self.position or self.line[end : end + 1] != "=":
            return None
        key, self.position = self.line[self.position : end], end + 1
        return key

    def word(self) -> tuple[list[Part], bool]:
        """Read up to the next space outside quotes and braces; return the parts and whether all of it was quoted."""
        parts: list[Part] = []
        text = ""
        quote = ""
        quoted = self.line[self.position : self.position + 1] in ("'", '"')
        while self.position < len(self.line):
            char = self.line[self.position]
            pair = self.line[self.position : self.position + 2]
            if pair in ("{{", "}}"):
                text += char
                self.position += 2
            elif char == "{":
                if text:
                    parts.append(text)
                parts.append(self._expression())
                text = ""
            elif quote and char == "\\" and pair[1:] in (quote, "\\"):
                text += pair[1]
                self.position += 2
            elif quote and char == quote:
                quote = ""
                self.position += 1
            elif not quote and char in "'\"":
                quote = char
                self.position += 1
            elif not quote and char.isspace():
                break
            else:
                text += char
                self.position += 1
        if quote:
            closed = f"{self.line.rstrip()}{quote}"
            raise SpanLineError(f"the quote {quote} is not closed", *_mended(closed))
        return [*parts, text] if text or not parts else parts, quoted

    def _expression(self) -> Expression:
        """Read a balanced {…}; the end is the first closing brace at which Python can compile what is inside."""
        start = self.position + 1
        end = self.line.find("}", start)
        problem = "the brace { is not closed"
        while end != -1:
            source = self.line[start:end]
            try:
                code = compile(source.strip() or "()", "<span attribute>", "eval")
                if not source.strip():
                    raise SyntaxError("it is empty")
            except (SyntaxError, ValueError) as error:
                shown = source if len(source) <= 60 else source[:60] + "…"
                problem = f"{{{shown}}} is no Python expression ({getattr(error, 'msg', error)})"
                end = self.line.find("}", end + 1)
            else:
                self.position = end + 1
                return Expression(source, code)
        raise SpanLineError(problem, "load rows={1 + 2}", example=True)
