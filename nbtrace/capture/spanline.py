"""Read the line of a %%span: a name, then key=value pairs, with {expressions} evaluated where the cell runs.

Enters: the text behind the magic's name. Leaves: a `SpanLine`, or a `SpanLineError` whose message says what to type.

    load data source=s3 rows={len(df)}      name "load data", source "s3", rows an int
    "fit {model}" lr=0.1 -- m.fit(X, y)     name with the model's name in it, lr a float, and a statement"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any

from nbtrace.store.values import printed

USAGE = 'Type: %%span NAME [key=value …], for example  %%span "load data" source=s3 rows={len(df)}'


class SpanLineError(ValueError):
    """The line of a %%span or %span cannot be read."""


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
    name: list[Part] = []
    attributes: list[tuple[str, Any]] = []
    reader = _Reader(line)
    statement = None
    while reader.skip_spaces():
        start = reader.position
        key = reader.key()
        if key is not None:
            attributes.append((key, _constant(*reader.word())))
        elif reader.take("--"):
            statement = line[reader.position :].strip()
            if not statement:
                raise SpanLineError("nothing follows `--`. Type: %span NAME -- STATEMENT")
            break
        elif attributes:
            word = line[start:].split()[0]
            raise SpanLineError(
                f"{word!r} is no key=value pair, and the name comes first. Put a value with spaces in quotes. {USAGE}"
            )
        else:
            parts, _ = reader.word()
            name += [" ", *parts] if name else parts
    if not any(name):
        raise SpanLineError(f"a span needs a name. {USAGE}")
    return SpanLine(tuple(name), tuple(attributes), statement)


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
            raise SpanLineError(f"the quote {quote} is not closed. {USAGE}")
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
                problem = f"{{{source}}} is no Python expression ({getattr(error, 'msg', error)})"
                end = self.line.find("}", end + 1)
            else:
                self.position = end + 1
                return Expression(source, code)
        raise SpanLineError(f"{problem}. {USAGE}")
