"""Budgets and limits of change as they are typed: `cell:train < 30s`, `name:"load data" p95 +20%`.

Enters: one line of text. Leaves: a `Budget` or a `Limit`, which printed and read again is the same. Opens no pandas, so that
what was mistyped is told before anything runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal, TypeAlias, cast

from nbtrace.analysis.judging.errors import BudgetError
from nbtrace.analysis.judging.values import (
    EXAMPLES,
    MEASURES,
    SIGNED,
    Kind,
    Number,
    Unit,
    ValueReadError,
    read_value,
    written,
)
from nbtrace.analysis.where.errors import nearest

Operator: TypeAlias = Literal["<", "<=", ">", ">=", "=="]

MAX_LENGTH = 1_000
"""Characters of a budget."""

OPERATORS: tuple[Operator, ...] = ("<", "<=", ">", ">=", "==")

_MEANT_OPERATORS = {"=": "==", "=<": "<=", "=>": ">=", "≤": "<=", "≥": ">=", "===": "==", "<<": "<", ">>": ">"}
_MEANT_MEASURES = {
    "time": "duration",
    "wall": "duration",
    "length": "duration",
    "took": "duration",
    "memory": "memory_peak",
    "ram": "memory_peak",
    "rss": "memory_peak",
    "peak": "memory_peak",
    "median": "p50",
    "avg": "mean",
    "average": "mean",
    "sum": "total",
    "n": "count",
    "calls": "count",
    "gpu": "gpu_memory_peak",
    "failures": "errors",
    "exceptions": "errors",
}
_MEANT_SELECTORS = {"span": "name", "spans": "name", "notebook": "run", "total": "run", "tag": "cell", "all": "cells"}
_NAME = r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^\s<>=!≤≥~"'][^\s<>=!≤≥~]*"""
_SELECTOR = re.compile(rf"(?P<word>[^\W\d_]+)\s*:\s*(?P<name>{_NAME})(?=[\s<>=!≤≥~]|$)", re.DOTALL)
_NAMED = re.compile(r"(?P<word>[^\W\d_]+)\s*:\s*(?P<rest>.*)", re.DOTALL)
_PLAIN_NAME = re.compile(r"""[^\s<>=!≤≥~"'][^\s<>=!≤≥~]*""")
_COMPARED = re.compile(r"[<>=!≤≥~]+")
_CHANGE = re.compile(r"([+-])\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*%")
_BARE_CHANGE = re.compile(r"([+-]?)\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(%?)")
_TIMES = re.compile(r"[x×]\s*([0-9]{1,6}(?:\.[0-9]{1,6})?)")


@dataclass(frozen=True, slots=True)
class Selector:
    """Which part of a recording is judged."""

    kind: Kind
    name: str = ""
    """Of cells: a tag, an id, an execution count, or the name of a span directly in the cell. Of spans: exact."""

    def __str__(self) -> str:
        if self.kind == "names":
            return ""
        return f"{self.kind}:{quoted(self.name)}" if self.kind in ("cell", "name") else self.kind


@dataclass(frozen=True, slots=True)
class Budget:
    """What a recording has to keep."""

    selector: Selector
    measure: str
    operator: Operator
    value: Number
    """Nanoseconds, bytes or a number, as the measure has it."""
    typed: str = field(default="", compare=False)

    @property
    def unit(self) -> Unit:
        """What its measure is measured in."""
        return MEASURES[self.selector.kind][self.measure]

    def __str__(self) -> str:
        return f"{self.selector} {self.measure} {self.operator} {written(self.value, self.unit)}"


@dataclass(frozen=True, slots=True)
class Limit:
    """How far a recording may change against a baseline."""

    selector: Selector
    measure: str
    percent: float
    """By how much at most; never less than nothing."""
    shrinks: bool = False
    """Whether it is growing smaller that is limited."""
    typed: str = field(default="", compare=False)

    @property
    def unit(self) -> Unit:
        """What its measure is measured in."""
        return MEASURES[self.selector.kind][self.measure]

    @property
    def change(self) -> str:
        """The limit as it is typed: +20%."""
        return f"{'-' if self.shrinks else '+'}{written(self.percent, 'number')}%"

    def __str__(self) -> str:
        return " ".join(filter(None, (str(self.selector), self.measure, self.change)))


def read_budget(text: str) -> Budget:
    """Return a budget: SELECTOR [MEASURE] OP VALUE.

    SELECTOR: cell:NAME, cells, name:NAME or run; a name with spaces or one of < > = stands in quotes. MEASURE: the duration
    unless another is named. OP: < <= > >= ==. VALUE: with the unit that the measure has. Raises BudgetError, which says what is
    wrong, and names one that works."""
    return _Reader("budget", text).budget()


def read_limit(text: str) -> Limit:
    """Return a limit of change: [SELECTOR] [MEASURE] +N%, or -N% for what must not grow smaller.

    Without a selector each cell is meant, or the spans of each name where only those have the measure. Raises BudgetError."""
    return _Reader("limit", text).limit()


def quoted(name: str) -> str:
    """Return a name as it is typed: in quotes if it needs them."""
    if _PLAIN_NAME.fullmatch(name):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Reader:
    """Reads one line."""

    def __init__(self, what: str, text: str) -> None:
        self.what = what
        self.text = text
        self.change = what == "limit"

    def budget(self) -> Budget:
        self._check()
        if _COMPARED.search(self._without_names()) is None and _CHANGE.search(self._without_names()):
            raise self._error("a change is judged against a baseline, and given as --fail-if", self._like(None))
        selector, rest = self._selector()
        compared = _COMPARED.search(rest)
        before = rest if compared is None else rest[: compared.start()]
        measure = self._measure(selector, before.split())
        unit = MEASURES[selector.kind][measure]
        example = self._example(selector, measure)
        if compared is None:
            raise self._error(f"a comparison is missing, such as < {EXAMPLES[unit]}", example)
        operator = compared[0]
        if operator not in OPERATORS:
            meant = _MEANT_OPERATORS.get(operator)
            advice = f"write {meant} for it" if meant else "known: " + " ".join(OPERATORS)
            raise self._error(f"{operator!r} is no comparison; {advice}", example)
        value = self._value(lambda: read_value(rest[compared.end() :], measure, unit), example)
        return Budget(selector, measure, operator, value, self.text.strip())

    def limit(self) -> Limit:
        self._check()
        if (compared := _COMPARED.search(self._without_names())) is not None:
            advice = (
                "budgets are given to nbtrace run, as --budget" if "%" not in self.text else "write the change alone"
            )
            raise self._error(f"a limit of change has no {compared[0]!r}; {advice}", "p95 +20%")
        selector, rest = self._selector()
        change = _CHANGE.search(rest)
        if change is None:
            raise self._no_change(rest, selector)
        if behind := rest[change.end() :].strip():
            raise self._error(f"nothing stands behind the change, and not {_short(behind)}", self._like(selector))
        words = rest[: change.start()].split()
        if selector.kind == "names" and (not words or words[0] in MEASURES["cells"]):
            selector = Selector("cells")
        measure = self._measure(selector, words)
        if measure in SIGNED:
            reason = (
                f"{measure} can be less than nothing, of which no share can be told; memory_peak is another measure"
            )
            raise self._error(reason, "cells memory_peak +30%")
        percent = float(change[2])
        if change[1] == "-" and percent >= 100:
            raise self._error("nothing grows smaller by more than all of it", f"{selector} {measure} -10%")
        return Limit(selector, measure, percent, change[1] == "-", self.text.strip())

    def _check(self) -> None:
        if len(self.text) > MAX_LENGTH:
            raise self._error(
                f"it has {len(self.text):,} characters, at most {MAX_LENGTH:,} are read", self._like(None)
            )
        if not self.text.strip():
            raise self._error("nothing is written there", self._like(None))

    def _without_names(self) -> str:
        return re.sub(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""", "", self.text)

    # ── which part ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _selector(self) -> tuple[Selector, str]:
        """The selector, and what stands behind it."""
        text = self.text.strip()
        match = _SELECTOR.match(text)
        if match is not None:
            word, name = match["word"], match["name"]
            if word not in ("cell", "name"):
                raise self._unknown_selector(word, name)
            if name[0] in "\"'":
                name = re.sub(r"\\(.)", r"\1", name[1:-1], flags=re.DOTALL)
            if not name.strip():
                raise self._error(f"a name is missing behind {word}:", self._like(Selector(cast(Kind, word), "train")))
            return Selector(cast(Kind, word), name), text[match.end() :]
        if (named := _NAMED.match(text)) is not None:
            raise self._bad_name(named["word"], named["rest"])
        word = re.split(r"[\s<>=!≤≥~+-]", text, maxsplit=1)[0]
        if word in ("cells", "run"):
            return Selector(cast(Kind, word)), text[len(word) :]
        if self.change:
            return self._without_selector(word, text)
        if word in MEASURES["cells"] or word in MEASURES["name"]:
            kind = "cells" if word in MEASURES["cells"] else "name:NAME"
            raise self._error(
                f"of what? Write cells, cell:NAME, name:NAME or run before {word}",
                f"{kind} {word} < {EXAMPLES[{**MEASURES['name'], **MEASURES['cells']}[word]]}",
            )
        raise self._unknown_selector(word, "")

    def _without_selector(self, word: str, text: str) -> tuple[Selector, str]:
        if not word or word[0] in "x×0123456789.":
            return Selector("names"), text
        if word in MEASURES["names"] or word in MEASURES["cells"]:
            return Selector("names"), text
        near = nearest(word, [*MEASURES["names"], *MEASURES["cells"]])
        meant = _MEANT_MEASURES.get(word.lower()) or (near[0] if near else None)
        if meant is None:
            raise self._unknown_selector(word, "")
        raise self._error(f"{word!r} is no measure. Did you mean {meant}?", f"{meant} +20%")

    def _unknown_selector(self, word: str, name: str) -> BudgetError:
        known = ["cell", "name"] if name else ["cells", "run"]
        near = get_close_matches(word.lower(), known, n=1, cutoff=0.5 if name else 0.6)
        meant = _MEANT_SELECTORS.get(word.lower()) or (near[0] if near else None)
        if meant is None and not name and word.isidentifier():
            selector = Selector("cell", word)
            return self._error(f"{_short(word)} is nothing to judge. Did you mean {selector}?", self._like(selector))
        if meant in ("cell", "name"):
            selector = Selector(cast(Kind, meant), _unquoted(name) or "train")
            return self._error(f"{word!r} is nothing to judge. Did you mean {selector}?", self._like(selector))
        if meant is not None:
            return self._error(
                f"{word!r} is nothing to judge. Did you mean {meant}?", self._like(Selector(cast(Kind, meant)))
            )
        return self._error(
            f"{_short(word)} is nothing to judge. Known: cell:NAME, cells, name:NAME and run", self._like(None)
        )

    def _bad_name(self, word: str, rest: str) -> BudgetError:
        """Say what is wrong with what stands behind `cell:` or `name:`."""
        if word not in ("cell", "name"):
            return self._unknown_selector(word, rest.split()[0] if rest.split() else "x")
        example = self._like(Selector(cast(Kind, word), "load data"))
        if rest[:1] in ("'", '"'):
            closed = re.match(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""", rest, re.DOTALL)
            if closed is None:
                return self._error(f"the {rest[0]} that opens at {_short(rest)} is not closed", example)
            return self._error("a space is missing behind the closing quote", example)
        if not rest.strip():
            return self._error(f"a name is missing behind {word}:", example)
        first = rest.split()[0]
        if _COMPARED.fullmatch(first) or not _COMPARED.search(first):
            return self._error(f"a name is missing behind {word}:", example)
        meant = Selector(cast(Kind, word), first)
        return self._error(f"a name with one of < > = ! ~ stands in quotes. Did you mean {meant}?", self._like(meant))

    # ── what of it ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _measure(self, selector: Selector, words: list[str]) -> str:
        known = MEASURES[selector.kind]
        if not words:
            return next(iter(known))
        word = words[-1] if len(words) > 1 and words[-1] in known else words[0]
        if len(words) > 1 and selector.kind in ("name", "cell"):
            name = " ".join([selector.name, *(words[:-1] if words[-1] in known else words)])
            meant = Selector(selector.kind, name)
            reason = f"a name with spaces stands in quotes. Did you mean {meant}?"
            raise self._error(reason, self._example(meant, words[-1] if words[-1] in known else next(iter(known))))
        if len(words) > 1:
            raise self._error(f"one measure is judged, and not {_short(' '.join(words))}", self._like(selector))
        if word in known:
            return word
        example = self._like(selector)
        others = [kind for kind, measures in MEASURES.items() if word in measures]
        near = nearest(word, known)
        meant_word = _MEANT_MEASURES.get(word.lower())
        meant_word = meant_word if meant_word in known else near[0] if near else None
        if meant_word is not None:
            raise self._error(
                f"{self._has(selector)} no {word!r}. Did you mean {meant_word}?", self._example(selector, meant_word)
            )
        if others:
            of = {"cell": "cells", "name": "spans, as in name:NAME", "run": "run"}[others[0]]
            raise self._error(
                f"{self._has(selector)} no {word!r}, which is of {of}; known: {', '.join(known)}", example
            )
        raise self._error(f"{self._has(selector)} no {_short(word)}; known: {', '.join(known)}", example)

    def _has(self, selector: Selector) -> str:
        return {
            "cell": "a cell has",
            "cells": "cells have",
            "name": "spans have",
            "names": "spans have",
            "run": "a run has",
        }[selector.kind]

    def _value(self, read: Callable[[], Number], example: str) -> Number:
        try:
            return read()
        except ValueReadError as error:
            raise self._error(str(error), example) from None

    def _no_change(self, rest: str, selector: Selector) -> BudgetError:
        """Say what is wrong with the change."""
        last = rest.split()[-1] if rest.split() else ""
        words = rest.split()[:-1]
        before = " ".join(filter(None, [str(selector), *words]))
        if times := _TIMES.fullmatch(last):
            percent = (float(times[1]) - 1) * 100
            meant = f"{before} {'+' if percent >= 0 else '-'}{abs(percent):.6g}%".strip()
            return self._error("a change is written in percent", meant)
        if (bare := _BARE_CHANGE.fullmatch(last)) and not (bare[1] and bare[3]):
            missing = "a sign" if not bare[1] else "a %"
            return self._error(
                f"{last!r} needs {missing}: +20% for what must not grow by more",
                f"{before} {bare[1] or '+'}{bare[2]}%".strip(),
            )
        return self._error("it ends with the change that is allowed, such as +20%", f"{before or 'p95'} +20%".strip())

    # ── examples ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _like(self, selector: Selector | None) -> str:
        """One that works, about the same thing."""
        if selector is None or selector.kind == "names":
            return "p95 +20%" if self.change else "cell:train < 30s"
        return self._example(selector, "p95" if selector.kind == "name" else next(iter(MEASURES[selector.kind])))

    def _example(self, selector: Selector, measure: str) -> str:
        default = next(iter(MEASURES[selector.kind]))
        words = [str(selector), *([measure] if measure != default else [])]
        words.append("+20%" if self.change else f"< {EXAMPLES[MEASURES[selector.kind][measure]]}")
        return " ".join(filter(None, words))

    def _error(self, reason: str, example: str) -> BudgetError:
        return BudgetError(self.what, self.text.strip() or self.text, reason, example)


def _unquoted(name: str) -> str:
    return name.strip("\"'")


def _short(word: str) -> str:
    return repr(word if len(word) <= 40 else word[:39] + "…")
