"""The tree of a condition: what every evaluator gets, be it of pandas, of SQL or of the browser.

Kinds are settled and literals read: '100ms' beside a duration is here a number of nanoseconds, `@x` is its value.
A condition is true, false or unknown in a row; docs/conditions.md says when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from nbtrace.store.schema import KINDS, STATES, STATUS_CODES

Kind: TypeAlias = Literal["text", "number", "boolean", "duration", "moment", "any"]
"""What a column holds. `any`: an attribute's, of which each row may hold another kind."""

Plain: TypeAlias = str | int | float | bool

VOCABULARIES = {"status_code": STATUS_CODES, "kind": KINDS, "state": STATES}
"""Columns that hold one of a few words."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table, or `index`, the row's number."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Value:
    """A value that was written, or that a variable held."""

    kind: Kind
    value: Plain
    """Of a duration and of a moment: nanoseconds, since the epoch in UTC. An int has 64 bits."""


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two operands counted together; `%` takes the sign of its right side."""

    operator: Literal["+", "-", "*", "/", "%"]
    left: Operand
    right: Operand
    kind: Kind


Operand: TypeAlias = Column | Value | Arithmetic


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two operands compared."""

    operator: Literal["==", "!=", "<", "<=", ">", ">="]
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class In:
    """Whether an operand equals one of the values."""

    operand: Operand
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """What a column's text holds: a pattern, a piece, a beginning or an end."""

    column: Column
    how: Literal["matches", "contains", "startswith", "endswith"]
    text: str
    case: bool = True
    """Whether upper and lower case differ."""


@dataclass(frozen=True, slots=True)
class IsMissing:
    """Whether a column has no value in a row. Never unknown."""

    column: Column


@dataclass(frozen=True, slots=True)
class Truth:
    """A column of true and false, taken as the condition itself."""

    column: Column


@dataclass(frozen=True, slots=True)
class Not:
    """True where the condition is false."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more conditions."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One at least of two or more conditions."""

    conditions: tuple[Condition, ...]


Condition: TypeAlias = Comparison | In | Text | IsMissing | Truth | Not | And | Or
