"""What can be compared and counted with what; texts beside durations and moments are read as such."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime, timedelta
from typing import Literal, cast

from nbtrace.analysis.where import literals, values
from nbtrace.analysis.where.tree import VOCABULARIES, Arithmetic, Column, Kind, Operand, Value

WORDS: dict[Kind, str] = {
    "text": "text",
    "number": "a number",
    "boolean": "True or False",
    "duration": "a duration",
    "moment": "a moment",
    "any": "a number",
}
EXAMPLES: dict[Kind, str] = {
    "text": "== 'x'",
    "number": "> 3",
    "boolean": "",
    "duration": "> '100ms'",
    "moment": "> '2026-01-31 12:00'",
    "any": "> 3",
}
_RANGES: dict[Kind, tuple[str, str]] = {
    "text": ("'a'", "'b'"),
    "number": ("1", "3"),
    "boolean": ("False", "True"),
    "duration": ("1ms", "1s"),
    "moment": ("'2026-01-31'", "'2026-02-28'"),
    "any": ("1", "3"),
}
_MEANT = {"finished": "ended", "done": "ended", "open": "running"}
"""Words that lie nearer to a word of a vocabulary than their letters do."""
_COUNTED: dict[tuple[Kind, str, Kind], Kind] = {
    **{("number", operator, "number"): "number" for operator in "+-*/%"},
    ("duration", "+", "duration"): "duration",
    ("duration", "-", "duration"): "duration",
    ("duration", "/", "duration"): "number",
    ("duration", "*", "number"): "duration",
    ("number", "*", "duration"): "duration",
    ("duration", "/", "number"): "duration",
    ("moment", "+", "duration"): "moment",
    ("moment", "-", "duration"): "moment",
    ("duration", "+", "moment"): "moment",
    ("moment", "-", "moment"): "duration",
}


class MismatchError(ValueError):
    """Two operands that do not go together; its text says what to write, `side` which of them is to blame."""

    def __init__(self, reason: str, side: Literal[0, 1] = 1) -> None:
        self.side = side
        super().__init__(reason)


def agreed(left: Operand, right: Operand) -> tuple[Operand, Operand]:
    """Return two operands that are compared, texts read as what the other side holds."""
    left, right = _read(left, right, 0), _read(right, left, 1)
    for side, value, other in ((1, right, left), (0, left, right)):
        if isinstance(value, Value):
            if value.kind != other.kind:
                _check_value(other, value, cast(Literal[0, 1], side))
            _check_word(other, value, cast(Literal[0, 1], side))
    if left.kind != right.kind and "any" not in (left.kind, right.kind):
        raise MismatchError(
            f"{named(left)} is {WORDS[left.kind]}, {named(right)} {WORDS[right.kind]}: they never agree"
        )
    for side, operand, other in ((1, right, left), (0, left, right)):
        if other.kind == "any" and operand.kind in ("duration", "moment"):
            raise MismatchError(_no_times(operand), cast(Literal[0, 1], side))
    return left, right


def counted(operator: str, left: Operand, right: Operand) -> Arithmetic:
    """Return the arithmetic of two operands; an attribute counts as a number."""
    left, right = _read_counted(operator, left, right, 0), _read_counted(operator, right, left, 1)
    kinds: list[Kind] = ["number" if operand.kind == "any" else operand.kind for operand in (left, right)]
    result = _COUNTED.get((kinds[0], operator, kinds[1]))
    if result is not None:
        return Arithmetic(cast(Literal["+", "-", "*", "/", "%"], operator), left, right, result)
    for side, operand, other in ((1, right, left), (0, left, right)):
        place = cast(Literal[0, 1], side)
        if operand.kind in ("text", "boolean"):
            raise MismatchError(
                f"{named(operand)} is {WORDS[operand.kind]}: numbers, durations and moments are counted with", place
            )
        if other.kind in ("duration", "moment") and isinstance(operand, Value) and operand.kind == "number":
            raise MismatchError(_with_unit(operand), place)
    raise MismatchError(f"{WORDS[left.kind]} {operator} {WORDS[right.kind]} has no meaning")


def negated(operand: Operand) -> Operand:
    """Return an operand with a minus before it."""
    if operand.kind in ("text", "boolean", "moment"):
        raise MismatchError(f"{named(operand)} is {WORDS[operand.kind]}: only numbers and durations have a minus")
    if isinstance(operand, Value):
        value = cast(float, operand.value)
        return values.number(-value) if operand.kind == "number" else Value("duration", -value)
    kind: Kind = "duration" if operand.kind == "duration" else "number"
    return Arithmetic("-", Value(kind, 0), operand, kind)


def two_values(column: str, kind: Kind) -> tuple[str, str]:
    """Return two values that can be asked of a column, as they are written."""
    words = VOCABULARIES.get(column)
    return _RANGES[kind] if words is None else (repr(words[0]), repr(words[1]))


def word_meant(column: str, text: str) -> str | None:
    """Return the word of a column's vocabulary that a text means; None if the column has none, or none is near."""
    by_lower = {word.lower(): word for word in VOCABULARIES.get(column, ())}
    text = text.lower()
    near = [_MEANT.get(text, text), *difflib.get_close_matches(text[:40], by_lower, n=1, cutoff=0.75)]
    return next((by_lower[word] for word in near if word in by_lower), None)


def named(operand: Operand) -> str:
    """Return how an operand is called in an error."""
    if isinstance(operand, Column):
        return operand.name
    return shown(operand) if isinstance(operand, Value) else "the left or right side"


def shown(value: Value) -> str:
    """Return a value as one writes it."""
    if value.kind == "duration":
        return literals.written(int(value.value))
    if value.kind == "moment":
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(value.value) // 1_000)
        return f"'{moment:%Y-%m-%d %H:%M:%S}'"
    found = repr(value.value)
    return found if len(found) <= 40 else found[:40] + "…"


def _read(operand: Operand, beside: Operand, side: Literal[0, 1]) -> Operand:
    """Read a text beside a duration or a moment."""
    if not isinstance(operand, Value) or operand.kind != "text" or beside.kind not in ("duration", "moment"):
        return operand
    text = cast(str, operand.value)
    ns = literals.duration_ns(text) if beside.kind == "duration" else literals.moment_ns(text)
    if ns is not None:
        return Value(beside.kind, ns)
    if beside.kind == "moment":
        raise MismatchError(f"{shown(operand)} is no moment. Write '2026-01-31' or '2026-01-31 12:00', in UTC", side)
    if text.strip()[-1:] == "m":
        raise MismatchError("m is ambiguous: write min for minutes, ms for milliseconds", side)
    raise MismatchError(f"{shown(operand)} is no duration. Write 100ms, 1.5s, 2min, 1h or 1d", side)


def _read_counted(operator: str, operand: Operand, beside: Operand, side: Literal[0, 1]) -> Operand:
    if isinstance(operand, Value) and operand.kind == "text" and beside.kind == "moment":
        text = cast(str, operand.value)
        if operator == "-" and (moment := literals.moment_ns(text)) is not None:
            return Value("moment", moment)
        return _read(operand, Value("duration", 0), side)
    return _read(operand, beside, side)


def _check_value(other: Operand, value: Value, side: Literal[0, 1]) -> None:
    """Refuse a value of the wrong kind, with the value that was meant."""
    name = named(other)
    if other.kind == "duration" and value.kind == "number":
        raise MismatchError(_with_unit(value), side)
    if other.kind == "moment":
        raise MismatchError(f"{name} is a moment. Write '2026-01-31' or '2026-01-31 12:00', in UTC", side)
    if other.kind == "text" and value.kind in ("number", "boolean"):
        _check_word(other, value, side)
        raise MismatchError(f"{name} is text. Did you mean '{value.value}'?", side)
    if other.kind == "number" and value.kind == "text":
        text = cast(str, value.value).strip()
        meant = (
            f"Did you mean {text}?" if text.isascii() and text.isdigit() else "Write a number, as in " + name + " > 3"
        )
        raise MismatchError(f"{name} is a number. {meant}", side)


def _check_word(column: Operand, value: Value, side: Literal[0, 1]) -> None:
    words = VOCABULARIES.get(column.name) if isinstance(column, Column) else None
    if words is None or value.value in words:
        return
    meant = word_meant(named(column), str(value.value))
    hint = f"Did you mean '{meant}'?" if meant else f"It is one of {', '.join(map(repr, words))}"
    raise MismatchError(f"{named(column)} is never {shown(value)}. {hint}", side)


def _with_unit(value: Value) -> str:
    number = cast(float, value.value)
    unit = "s" if abs(number) < 100 else "ms" if abs(number) < 1_000_000 else "ns"
    return f"durations are written '100ms'. Did you mean '{number}{unit}'?"


def _no_times(operand: Operand) -> str:
    what = "durations" if operand.kind == "duration" else "moments"
    return f"attributes hold numbers, text, True and False, but no {what}. Compare with one of these"
