"""What a value is, by its shape, where a line has room for nothing better: 1,000 floats, 0.1 … 9.69, mean 4.895.

Enters: the value of an attribute. Leaves: a few words. frontend/src/engine/shapes.ts says the same for a browser, which shows
the value itself below."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from nbtrace.views import words
from nbtrace.views.pictures import size_of

_LEFT_OUT = re.compile(r"(?:… )?\[\+([\d,]+) (?:characters|items)\]$")
_SHAPED = (re.compile(r"\[(\d+) rows x (\d+) columns\]$"), re.compile(r"shape: \(([\d_,]+), ([\d_,]+)\)"))
_SERIES = re.compile(r"(?:^|, )dtype: ([\w\[\], ]+)$")
_ARRAY = re.compile(r"(?:(array|tensor)\()?(\[+)\s*[-\d.]")
_EXTENT = re.compile(r"shape=\(([\d, ]+)\)|size=\(([\d, ]+)\)")
_DTYPE = re.compile(r"dtype=(?:torch\.)?(\w+)")
_DATA = re.compile(r"data:([\w.+-]{1,40}/[\w.+-]{1,80})?((?:;[\w-]{1,40}=[\w.-]{1,40})*)(;base64)?,", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_TOKEN = re.compile(r"\[|\]|[^\s,\[\]()]+")

_FEWEST = 4
"""Of fewer numbers each is told."""


def brief(item: Any, limit: int = 60) -> str:
    """Write the value of an attribute in a few words: as it is, or by its shape."""
    shape = shaped(item)
    return words.plain(shape, limit) if shape else words.value(item, limit)


def shaped(item: Any) -> str:
    """Return what a value is; "" for one that is best told as it is."""
    if isinstance(item, np.ndarray):
        return _numbers(item.tolist())
    if isinstance(item, (list, tuple)):
        return _numbers(item)
    if not isinstance(item, str) or len(item) < 2:
        return ""
    if item.startswith("data:"):
        return _data(item)
    return _packed(item) or _table(item) or _array(item) or _base64(item)


def _numbers(item: Sequence[Any]) -> str:
    left = _left_out(item[-1]) if item and isinstance(item[-1], str) else 0
    rows = item[:-1] if left else item
    inner = len(rows) > 1 and isinstance(rows[0], (list, tuple)) and len(rows[0]) > 0
    if inner and not all(isinstance(each, (list, tuple)) and len(each) == len(rows[0]) for each in rows):
        return ""
    flat = [each for row in rows for each in row] if inner else list(rows)
    if len(flat) < _FEWEST or not all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in flat):
        return ""
    finite = [float(each) for each in flat if abs(each) < 1e300 and math.isfinite(each)]
    noun = "number" if all(each.is_integer() for each in finite) else "float"
    many = len(rows) + left
    facts = [f"{many:,} × {len(rows[0]):,} {noun}s" if inner else words.count(many, noun)]
    if finite:
        low, high = min(finite), max(finite)
        mean = math.fsum(each / len(finite) for each in finite)
        facts.append(f"all {_short(low)}" if low == high else f"{_short(low)} … {_short(high)}, mean {_short(mean)}")
    if len(finite) < len(flat):
        facts.append(f"{len(flat) - len(finite):,} not finite")
    if left:
        facts.append(f"as far as the first {len(rows):,} tell")
    return ", ".join(facts)


def _short(number: float) -> str:
    rounded = float(f"{number:.4g}")
    if rounded.is_integer() and abs(rounded) < 1e21:
        return str(int(rounded))
    return re.sub(r"e([+-])0+", r"e\1", repr(rounded))


def _left_out(text: str) -> int:
    found = _LEFT_OUT.search(text[-60:])
    return int(found[1].replace(",", "")) if found else 0


def _packed(item: str) -> str:
    """Numbers in JSON."""
    if not item.lstrip().startswith("["):
        return ""
    try:
        found = json.loads(item, parse_constant=_refused)
    except (ValueError, RecursionError):
        return ""
    return _numbers(found) if isinstance(found, list) else ""


def _refused(constant: str) -> Any:
    raise ValueError(constant)  # NaN and the infinities are no JSON


def _table(item: str) -> str:
    """A DataFrame or a Series as pandas or Polars print it."""
    lines = item.rstrip().split("\n")
    if len(lines) < 2:
        return ""
    shape = _SHAPED[0].match(lines[-1]) or _SHAPED[1].fullmatch(lines[0])
    if shape:
        rows, columns = (int(re.sub("[_,]", "", each)) for each in shape.groups())
        return f"table, {words.count(rows, 'row')} × {words.count(columns, 'column')}"
    if series := _SERIES.search(lines[-1]):
        length = re.search(r"Length: (\d+)", lines[-1])
        return f"Series, {words.count(int(length[1]) if length else len(lines) - 1, 'value')}, {series[1]}"
    # A small one says no shape: titles, then lines that are numbered from 0.
    if not re.match(r"\s+\S", lines[0]):
        return ""
    if not all(re.match(rf"{at}\s", line) for at, line in enumerate(lines[1:])):
        return ""
    return f"table, {words.count(len(lines) - 1, 'row')} × {words.count(len(lines[0].split()), 'column')}"


def _array(item: str) -> str:
    """An array as numpy or PyTorch print it."""
    found = _ARRAY.match(item)
    if not found or (not found[1] and "," in item):
        return ""
    noun = found[1] or "array"
    told, dtype = _EXTENT.search(item), _DTYPE.search(item)
    if told:
        shape = [int(each) for each in (told[1] or told[2]).split(",") if each.strip()]
    elif "..." in item or _left_out(item):
        return f"{noun}, {words.count(len(found[2]), 'dimension')}"
    else:
        shape = _extents(item, len(found[2]))
    if not shape:
        return ""
    many = " × ".join(f"{each:,}" for each in shape)
    return f"{noun}, {many if len(shape) > 1 else f'{many} values'}{f', {dtype[1]}' if dtype else ''}"


def _extents(item: str, depth: int) -> list[int]:
    """How many brackets stand in the first of the level above, and numbers in the innermost."""
    found, closed, level = [0] * depth, [False] * depth, 0
    for match in _TOKEN.finditer(item):
        if match[0] == "[":
            if 0 < level <= depth and not closed[level - 1]:
                found[level - 1] += 1
            level += 1
        elif match[0] == "]":
            if 0 < level <= depth:
                closed[level - 1] = True
            level -= 1
            if level == 0:
                return found
        elif level == depth and not closed[depth - 1]:
            found[depth - 1] += 1
    return []


def _base64(item: str) -> str:
    packed = len(item) >= 100 and len(item) % 4 == 0 and _BASE64.fullmatch(item)
    mixed = packed and re.search("[A-Z]", item) and re.search("[a-z]", item) and re.search("[0-9]", item)
    return f"base64, {words.size(_bytes_of(item))}" if mixed and not re.fullmatch("[0-9a-fA-F]+", item) else ""


def _bytes_of(packed: str) -> int:
    return len(packed) * 3 // 4 - (2 if packed.endswith("==") else 1 if packed.endswith("=") else 0)


def _data(item: str) -> str:
    found = _DATA.match(item)
    if not found:
        return ""
    kind, body, cut = found[1] or "text/plain", item[found.end() :], _left_out(item)
    word = f"{re.sub(r'[+].*', '', kind[6:]).upper()} picture" if re.match(r"image/\w", kind) else kind
    length = _bytes_of(re.sub("… .*", "", body)) + cut * 3 // 4 if found[3] else len(body) + cut
    pixels = size_of(kind, body) if found[3] else None
    told = f"{pixels[0]} × {pixels[1]}" if pixels else ""
    return ", ".join(filter(None, (word, told, words.size(length), "cut by the recording" if cut else "")))
