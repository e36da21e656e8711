"""Read a condition: words become a tree, by precedence. docs/conditions.md has the grammar.

Enters: a text, the columns with their kinds, and variables. Leaves: a tree of tree.py in which all kinds are settled, or an
error of one line. Nothing is evaluated, and nothing of a variable is called; text and depth are bounded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal, cast

from nbtrace.analysis.where import hints, kinds, patterns
from nbtrace.analysis.where.errors import FilterError
from nbtrace.analysis.where.reader import Piece, Reader
from nbtrace.analysis.where.tokens import CONSTANTS, Source, written
from nbtrace.analysis.where.tree import (
    VOCABULARIES,
    And,
    Arithmetic,
    Column,
    Comparison,
    Condition,
    In,
    IsMissing,
    Kind,
    Not,
    Operand,
    Or,
    Text,
    Truth,
    Value,
)

MAX_DEPTH = 50
"""Parentheses in parentheses."""

MAX_ARITHMETIC = 100
"""Signs of arithmetic in one condition."""

_OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _SIGN = range(1, 8)
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_POWERS = {
    "or": _OR,
    "and": _AND,
    **dict.fromkeys((*_COMPARISONS, "in", "not", "~"), _COMPARISON),
    **dict.fromkeys("+-", _SUM),
    **dict.fromkeys("*/%", _PRODUCT),
}
_TEXT_TESTS = {"str.contains": "contains", "str.startswith": "startswith", "str.endswith": "endswith"}
_METHODS_KNOWN = ".isna(), .notna(), .str.contains(), .str.startswith() and .str.endswith() are"
_METHODS_INSTEAD = {
    "isnull": "write {0}.isna()",
    "notnull": "write {0}.notna()",
    "isin": "write {0} in [{1}, {2}]",
    "between": "write {1} <= {0} <= {2}",
    "contains": "write {0}.str.contains('x')",
    "startswith": "write {0}.str.startswith('x')",
    "endswith": "write {0}.str.endswith('x')",
    "str.match": "write {0} ~ '^…'",
    "str.fullmatch": "write {0} ~ '^(…)$'",
    "str.lower": "write {0}.str.contains('x', case=False)",
    "str.upper": "write {0}.str.contains('x', case=False)",
    "str.casefold": "write {0}.str.contains('x', case=False)",
    "dt.total_seconds": "write {0} > '1s', or {0} / 1s for a number",
    "total_seconds": "write {0} > '1s', or {0} / 1s for a number",
    "fillna": "a missing value meets no condition; .isna() asks for it",
}


def parse(
    text: str, columns: Mapping[str, Kind], variables: Mapping[str, Any] | None = None, also: Collection[str] = ()
) -> Condition:
    """Return the tree of a condition. also: names without a column, which an error can suggest.

    Raises UnknownColumnError for a name that is no column, and FilterError for everything else that cannot be read; both
    are one line."""
    if not isinstance(text, str) or not text.strip():
        raise FilterError(f"where={text!r} is no condition. Type for example where=\"duration > '100ms'\".")
    source = Source(text, columns, also, variables or ())
    return _Parser(source, columns, variables or {}).condition()


class _Parser(Reader):
    def __init__(self, source: Source, columns: Mapping[str, Kind], variables: Mapping[str, Any]) -> None:
        super().__init__(source, variables)
        self._columns = columns
        self._depth = 0
        self._counted = 0

    def condition(self) -> Condition:
        piece = self._expression(0)
        if self._token.kind != "end":
            raise self._left_over(piece)
        return self._asked(piece)

    # ── expressions ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _expression(self, power: int) -> Piece:
        """Read what binds at least as tightly as `power`."""
        left = self._prefix(power)
        while self._token.kind == "operator" and _POWERS.get(self._token.text, -1) >= power:
            operator = self._token.text
            if operator in ("or", "and"):
                left = self._joined(left, operator)
            elif operator in _COMPARISONS:
                left = self._compared(left)
            elif operator == "~":
                left = self._matched(left)
            elif operator in ("in", "not"):
                left = self._contained(left)
            else:
                left = self._calculated(left)
        return left

    def _prefix(self, power: int) -> Piece:
        start = self._token
        odd = False
        while self._is("not", "~"):
            if power > _NOT:
                raise self._error(self._token, f"put parentheses around what stands behind {self._token.text}")
            self._next()
            odd = not odd
        if self._token is not start:
            inner = self._expression(_NOT)
            condition = self._asked(inner)
            return Piece(Not(condition) if odd else condition, start.start, inner.end)
        while self._is("-"):
            self._next()
            odd = not odd
        if self._token is not start:
            inner = self._expression(_SIGN)
            operand = self._operand(inner)
            return Piece(
                self._checked(kinds.negated, operand, places=(inner, inner)) if odd else operand, start.start, inner.end
            )
        return self._parenthesis() if self._is("(") else self._single()

    def _parenthesis(self) -> Piece:
        start = self._next()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(start, f"parentheses are nested more than {MAX_DEPTH} deep")
        inner = self._expression(0)
        if self._is(","):
            raise self._error(self._token, "a list stands behind `in`: name in ['a', 'b']")
        if self._token.kind == "end":
            raise self._error(self._token, f"the ( at character {start.start + 1} is not closed")
        if not self._is(")"):
            raise self._left_over(inner)
        end = self._next()
        self._depth -= 1
        return Piece(inner.node, start.start, end.end)

    def _single(self) -> Piece:
        token = self._token
        if token.kind == "column":
            return self._column()
        literal = self._literal()
        if literal is not None:
            return literal
        if token.kind == "end":
            raise self._error(token, "something is missing. Write for example duration > '100ms'")
        if token.text == "[":
            raise self._error(token, "a list stands behind `in`: name in ['a', 'b']")
        if token.text == "{":
            raise self._error(token, "write [ ] for { }, or @x for the value of the variable x")
        if token.kind == "unit":
            raise self._error(token, "a number is missing before it")
        raise self._error(token, "a column, a value or a condition is missing before it")

    def _joined(self, left: Piece, operator: str) -> Piece:
        power = _POWERS[operator]
        found = [self._asked(left)]
        end = left.end
        while self._is(operator):
            self._next()
            piece = self._expression(power + 1)
            found.append(self._asked(piece))
            end = piece.end
        return Piece(And(tuple(found)) if operator == "and" else Or(tuple(found)), left.start, end)

    def _compared(self, left: Piece) -> Piece:
        """Read a comparison, or a chain of them: 1 < x <= 3."""
        found: list[Condition] = []
        start = left.start
        while self._is(*_COMPARISONS):
            operator = self._next()
            if self._is("["):
                raise self._error(operator, "a list is asked with `in`: name in ['a', 'b']")
            right = self._expression(_SUM)
            one, other = self._checked(kinds.agreed, self._operand(left), self._operand(right), places=(left, right))
            if not (_has_column(one) or _has_column(other)):
                raise self._error(
                    Piece(one, left.start, right.end), "a condition asks about a column, and here is none"
                )
            found.append(Comparison(cast(Any, operator.text), one, other))
            left = right
        return Piece(found[0] if len(found) == 1 else And(tuple(found)), start, left.end)

    def _calculated(self, left: Piece) -> Piece:
        operator = self._next()
        self._counted += 1
        if self._counted > MAX_ARITHMETIC:
            raise self._error(operator, f"there are more than {MAX_ARITHMETIC} signs of arithmetic")
        right = self._expression(_POWERS[operator.text] + 1)
        operands = self._operand(left), self._operand(right)
        node: Arithmetic = self._checked(kinds.counted, operator.text, *operands, places=(left, right))
        return Piece(node, left.start, right.end)

    def _matched(self, left: Piece) -> Piece:
        self._next()
        right = self._expression(_SUM)
        return self._text(left, "matches", right, left.start, right.end)

    def _contained(self, left: Piece) -> Piece:
        start = self._next()
        if start.text == "not":
            self._expect("in", "`not` stands before a condition, or in `not in`")
        operand = self._operand(left)
        if self._token.kind == "column":
            raise self._error(
                Piece(operand, left.start, self._token.end), f"write {self._token.text}.str.contains('x')"
            )
        if not _has_column(operand):
            raise self._error(left, "a column stands before `in`")
        found, end = self._list()
        read: list[Value] = []
        for piece in found:
            pair: tuple[Operand, Operand] = self._checked(
                kinds.agreed, operand, self._operand(piece), places=(left, piece)
            )
            read.append(cast(Value, pair[1]))
        condition = In(operand, tuple(read))
        return Piece(Not(condition) if start.text == "not" else condition, left.start, end)

    # ── values and columns ───────────────────────────────────────────────────────────────────────────────────────────

    def _column(self) -> Piece:
        token = self._next()
        column = Column(token.text, self._columns[token.text])
        piece = Piece(column, token.start, token.end)
        return self._method(piece, column) if self._token.kind == "method" else piece

    def _method(self, piece: Piece, column: Column) -> Piece:
        """Read what is asked of a column: .isna(), .notna(), .str.contains('x') …"""
        method = self._next()
        if method.text not in _TEXT_TESTS and method.text not in ("isna", "notna"):
            advice = _METHODS_INSTEAD.get(method.text, f"this is not known: {_METHODS_KNOWN}")
            raise self._error(method, advice.format(written(column.name), *kinds.two_values(column.name, column.kind)))
        self._expect("(", f"() is missing behind .{method.text}")
        if method.text in ("isna", "notna"):
            reason = (
                ") is missing"
                if self._token.kind == "end"
                else f".{method.text}() takes nothing between its parentheses"
            )
            end = self._expect(")", reason).end
            missing = IsMissing(column)
            return Piece(missing if method.text == "isna" else Not(missing), piece.start, end)
        text = self._literal()
        if text is None:
            raise self._error(self._token, f"a text in quotes, or @x, is missing: .{method.text}('x')")
        options = {"case": True, "regex": True}
        while self._is(","):
            self._next()
            self._option(options, method.text)
        end = self._expect(")", f"this does not belong into .{method.text}('x')").end
        how = _TEXT_TESTS[method.text]
        if how == "contains" and options["regex"]:
            how = "matches"
        return self._text(piece, how, text, piece.start, end, case=options["case"])

    def _option(self, options: dict[str, bool], method: str) -> None:
        """Read case=False or regex=False."""
        if self._tokens[self._at].kind == "end":
            raise self._error(self._token, "case=False) or regex=False) is missing")
        start = self._next()
        value = self._tokens[self._at + 1] if self._is("==") else None
        if method == "str.contains" and start.text in options and value is not None and value.kind == "constant":
            options[start.text] = CONSTANTS[value.text]
            self._at += 2
        elif start.text == "na":
            raise self._error(start, "leave na= out: a missing value meets neither this nor its negation")
        elif start.text == "flags":
            raise self._error(start, "write case=False for flags=")
        else:
            takes = "case= and regex=, True or False" if method == "str.contains" else "one text"
            raise self._error(start, f".{method}() takes {takes}")

    def _text(self, left: Piece, how: str, right: Piece, start: int, end: int, *, case: bool = True) -> Piece:
        column, text = self._operand(left), self._operand(right)
        if not isinstance(column, Column):
            raise self._error(left, "a column stands before it: name ~ 'x'")
        if column.kind not in ("text", "any"):
            raise self._error(left, f"{column.name} is {kinds.WORDS[column.kind]}, and only text has .str and ~")
        if not isinstance(text, Value) or text.kind != "text":
            raise self._error(right, "a text in quotes, or @x, stands here")
        if how == "matches":
            try:
                patterns.check(str(text.value))
            except patterns.PatternError as error:
                raise self._error(right, str(error)) from None
        wanted = cast(Literal["matches", "contains", "startswith", "endswith"], how)
        return Piece(Text(column, wanted, str(text.value), case), start, end)

    # ── what a piece is taken for ────────────────────────────────────────────────────────────────────────────────────

    def _asked(self, piece: Piece) -> Condition:
        node = piece.node
        if not isinstance(node, Operand):
            return node
        if isinstance(node, Column) and node.kind in ("any", "boolean"):
            return Truth(node)
        if isinstance(node, Value):
            if node.kind == "text" and hints.is_condition(text := str(node.value)):
                shown = f": {text}" if len(text) <= 60 and text.isprintable() else ""
                raise self._error(piece, f"leave the outer quotes out{shown}")
            raise self._error(piece, "it gives no yes or no per row. Compare it with a column, as in name == 'x'")
        words = VOCABULARIES.get(node.name) if isinstance(node, Column) else None
        compared = kinds.EXAMPLES[node.kind] if words is None else f"== {words[-1]!r}"
        example = f"{' '.join(self._source.text[piece.start : piece.end].split())[:40]} {compared}"
        raise self._error(piece, f"it gives no yes or no per row. Compare it, as in {example}")

    def _left_over(self, piece: Piece) -> FilterError:
        """Say what is wrong with the word behind a complete piece."""
        token = self._token
        if token.kind == "operator":
            if token.text in ")]":
                return self._error(token, f"this {token.text} closes nothing")
            reasons = {
                ",": "a comma stands in a list: name in ['a', 'b']",
                "[": "no part is taken out of a value. An odd key is written `attributes.KEY`",
                "(": "functions are not called here",
                ".": "nothing more is asked of it here",
            }
            return self._error(token, reasons.get(token.text, "this is not known here"))
        if isinstance(piece.node, Operand):
            return self._error(token, "a comparison is missing before it: == != < <= > >= in ~")
        return self._error(token, "`and` or `or` is missing before it")


def _has_column(operand: Operand) -> bool:
    if isinstance(operand, Arithmetic):
        return _has_column(operand.left) or _has_column(operand.right)
    return isinstance(operand, Column)
