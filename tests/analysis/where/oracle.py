"""A condition over one row, a dict, in the plainest Python: what all evaluators have to agree with.

True, False, or None where it is unknown."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from nbtrace.analysis.where.tree import (
    And,
    Arithmetic,
    Column,
    Comparison,
    Condition,
    In,
    IsMissing,
    Not,
    Operand,
    Or,
    Text,
    Truth,
    Value,
)

Item = tuple[str, Any] | None
"""A kind and a value."""


def holds(condition: Condition, row: Mapping[str, Any]) -> bool | None:
    match condition:
        case Not(inner):
            found = holds(inner, row)
            return None if found is None else not found
        case And(several):
            found_all = [holds(each, row) for each in several]
            return False if False in found_all else None if None in found_all else True
        case Or(several):
            found_all = [holds(each, row) for each in several]
            return True if True in found_all else None if None in found_all else False
        case Comparison(sign, left, right):
            return compare(sign, item(left, row), item(right, row))
        case In(operand, values):
            found_item = item(operand, row)
            if found_item is None:
                return None
            return any(compare("==", found_item, (each.kind, each.value)) for each in values)
        case IsMissing(column):
            return item(column, row) is None
        case Truth(column):
            found_item = item(column, row)
            return found_item[1] if found_item is not None and found_item[0] == "boolean" else None
        case Text(column, how, text, case):
            found_item = item(column, row)
            if found_item is None or found_item[0] != "text":
                return None
            return asks(how, found_item[1], text, case)
    raise AssertionError(condition)


def compare(sign: str, left: Item, right: Item) -> bool | None:
    if left is None or right is None:
        return None
    (kind, a), (other, b) = left, right
    if kind != other:
        return {"==": False, "!=": True}.get(sign)
    if kind == "number" and type(a) is not type(b):
        a, b = float(a), float(b)
    if sign in ("==", "!="):
        return bool(a == b) is (sign == "==")
    if kind in ("boolean", "other"):
        return None
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[sign]


def item(operand: Operand, row: Mapping[str, Any]) -> Item:
    if isinstance(operand, Value):
        return operand.kind, operand.value
    if isinstance(operand, Column):
        found = row.get(operand.name)
        if found is None or found != found:
            return None
        if operand.kind != "any":
            return operand.kind, found
        return {str: "text", bool: "boolean", int: "number", float: "number"}.get(type(found), "other"), found
    return counted(operand, item(operand.left, row), item(operand.right, row))


def counted(operand: Arithmetic, left: Item, right: Item) -> Item:
    if left is None or right is None or "text" in (left[0], right[0]) or {left[0], right[0]} & {"boolean", "other"}:
        return None
    a, b, sign = left[1], right[1], operand.operator
    if operand.kind != "number" and sign in "+-":
        whole = a + b if sign == "+" else a - b
        return (operand.kind, whole) if -(2**63) < whole < 2**63 else None
    a, b = float(a), float(b)
    if sign in "/%" and b == 0:
        return None
    try:
        found = {"+": a + b, "-": a - b, "*": a * b}[sign] if sign in "+-*" else a / b if sign == "/" else a % b
    except OverflowError:
        found = math.inf
    if found != found:
        return None
    if operand.kind == "number":
        return "number", found
    return (operand.kind, round(found)) if abs(found) < 2**63 else None


def asks(how: str, text: str, wanted: str, case: bool) -> bool:
    if how == "matches":
        return re.search(wanted, text, re.ASCII | (0 if case else re.IGNORECASE)) is not None
    if not case:
        text, wanted = text.lower(), wanted.lower()
    return {"contains": wanted in text, "startswith": text.startswith(wanted), "endswith": text.endswith(wanted)}[how]
