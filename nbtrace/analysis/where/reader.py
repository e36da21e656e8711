"""Read the small parts of a condition: single values, and lists of them.

Enters: tokens, and variables. Leaves: values of the tree, each with its place in the text, so that an error can tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbtrace.analysis.where import kinds, literals, values
from nbtrace.analysis.where.errors import FilterError
from nbtrace.analysis.where.tokens import CONSTANTS, Source, Token
from nbtrace.analysis.where.tree import Condition, Operand, Value


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the tree, and where it stands in the text."""

    node: Operand | Condition
    start: int
    end: int


class Reader:
    """Goes through the tokens of a condition."""

    def __init__(self, source: Source, variables: Mapping[str, Any]) -> None:
        self._source = source
        self._variables = variables
        self._tokens = source.tokens()
        self._at = 0

    @property
    def _token(self) -> Token:
        token = self._tokens[self._at]
        if token.kind == "wrong":
            assert self._source.wrong is not None, "it comes with such a token"
            raise self._source.wrong
        return token

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _is(self, *operators: str) -> bool:
        return self._token.kind == "operator" and self._token.text in operators

    def _expect(self, operator: str, reason: str) -> Token:
        if not self._is(operator):
            raise self._error(self._token, reason)
        return self._next()

    def _error(self, place: Token | Piece, reason: str) -> FilterError:
        return self._source.error(place.start, place.end, reason)

    def _literal(self) -> Piece | None:
        """Read one value, if one stands here."""
        token = self._token
        if token.kind in ("text", "date"):
            self._next()
            return Piece(self._plain(token, values.text, token.text), token.start, token.end)
        if token.kind == "constant":
            self._next()
            return Piece(Value("boolean", CONSTANTS[token.text]), token.start, token.end)
        if token.kind == "number":
            return self._number()
        if token.kind == "variable":
            self._next()
            return Piece(self._plain(token, values.plain), token.start, token.end)
        return None

    def _number(self) -> Piece:
        """Read a number, or a duration: 100ms, 100 ms, 1h 30min."""
        start = token = self._next()
        if self._token.kind != "unit":
            text = token.text.replace("_", "")
            whole = text.isdigit() and len(text) < 40
            value = self._plain(token, values.number, int(text) if whole else float(text))
            return Piece(value, token.start, token.end)
        while self._token.kind == "unit":
            token = self._next()
            if token.text not in literals.UNITS:
                if token.text == "m":
                    raise self._error(token, "m is ambiguous: write min for minutes, ms for milliseconds")
                raise self._error(token, f"this is no unit of time. There are {', '.join(literals.SHORT_UNITS)}")
            following = [each.kind for each in self._tokens[self._at : self._at + 2]]
            if following == ["number", "unit"]:
                self._next()
        text = self._source.text[start.start : token.end].replace("_", "")
        ns = literals.duration_ns(text)
        place = Piece(Value("number", 0), start.start, token.end)
        if ns is None:
            raise self._error(
                place, "this is no duration. Write 100ms, 1.5s, 2min, 1h or 1d; 292 years are the longest"
            )
        return Piece(Value("duration", ns), start.start, token.end)

    def _plain(self, token: Token, read: Any, *given: Any) -> Any:
        """Read a value, that of a variable if none is given."""
        if not given:
            if token.text not in self._variables:
                raise self._error(token, f"there is no variable {token.text}. Assign it above, or write its value")
            given = (self._variables[token.text], token.text)
            if read is values.plain and values.is_several(given[0]):
                raise self._error(token, f"a list is asked with `in`: name in @{token.text}")
        try:
            return read(*given)
        except values.NotPlainError as error:
            raise self._error(token, str(error)) from None

    def _list(self) -> tuple[list[Piece], int]:
        """Read ['a', 'b'], ('a', 'b') or @names; return the values, and where they end."""
        start = self._token
        if start.kind == "variable":
            self._next()
            found = self._plain(start, values.several)
            return [Piece(value, start.start, start.end) for value in found], start.end
        closing = {"[": "]", "(": ")"}.get(start.text) if start.kind == "operator" else None
        if closing is None:
            raise self._error(start, "a list stands behind `in`: name in ['a', 'b'], or name in @names")
        self._next()
        pieces: list[Piece] = []
        while not self._is(closing):
            sign = self._next() if self._is("-") else None
            piece = self._literal()
            if piece is None:
                if self._token.kind == "end":
                    raise self._error(self._token, f"the {start.text} at character {start.start + 1} is not closed")
                raise self._error(self._token, "a list holds texts, numbers, True, False, durations and @x")
            if sign is not None:
                negative = self._checked(kinds.negated, self._operand(piece), places=(piece, piece))
                piece = Piece(negative, sign.start, piece.end)
            pieces.append(piece)
            if not self._is(closing):
                self._expect(
                    ",",
                    f"a comma or {closing} is missing before it"
                    if self._token.kind != "end"
                    else f"{closing} is missing",
                )
        return pieces, self._next().end

    def _operand(self, piece: Piece) -> Operand:
        if isinstance(piece.node, Operand):
            return piece.node
        raise self._error(piece, "this is a condition, and a value is needed. Conditions are joined by and, or, not")

    def _checked(self, rule: Any, *given: Any, places: tuple[Piece, Piece]) -> Any:
        """Apply a rule of kinds.py; its errors get their place."""
        try:
            return rule(*given)
        except kinds.MismatchError as error:
            raise self._error(places[error.side], str(error)) from None
