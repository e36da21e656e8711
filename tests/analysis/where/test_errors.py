"""Every wrong condition has one answer, on one line, that says what to write; and none of them does anything."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nbtrace.analysis.filters import narrow
from nbtrace.analysis.where.errors import FilterError, UnknownColumnError
from nbtrace.analysis.where.parser import MAX_ARITHMETIC, MAX_DEPTH, parse
from nbtrace.analysis.where.tokens import MAX_LENGTH
from tests.analysis.where.wrong import COLUMNS, VARIABLES

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

WRONG = [
    tuple(pair.split("\n  "))
    for pair in Path(__file__).with_name("wrong.txt").read_text(encoding="utf-8").rstrip("\n").split("\n\n")
]


@pytest.mark.parametrize(("where", "answer"), WRONG)
def test_a_wrong_condition_is_told_what_to_write(where: str, answer: str) -> None:
    with pytest.raises((FilterError, UnknownColumnError)) as caught:
        parse(where, COLUMNS, VARIABLES)
    assert str(caught.value) == answer
    assert "\n" not in answer


def test_there_are_many_of_them() -> None:
    assert len(WRONG) >= 80


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("asked", ["{}.between(1, 2)", "{} between 1 and 2", "{}.isin([1])", "{} is None", "{} is it"])
def test_what_an_answer_says_to_write_is_read(column: str, asked: str) -> None:
    """Whatever the column holds, and with backticks where it needs them."""
    with pytest.raises(FilterError) as caught:
        parse(asked.format(f"`{column}`"), COLUMNS)
    told = str(caught.value).lower().rpartition("write ")[2]
    written = str(caught.value)[-len(told) :].removesuffix(".")
    for each in written.replace(" or ", ", ").split(", ") if asked == "{} is it" else [written]:
        parse(each, COLUMNS)


def test_a_long_condition_shows_the_place() -> None:
    where = (
        " and ".join(f"cell != {i}" for i in range(200)) + " and name == 3 and " + "cell != 1 and " * 20 + "cell != 0"
    )
    with pytest.raises(FilterError, match=r"where='….{60}…', character 3\d{3}, `3`: name is text. Did you mean '3'\?$"):
        parse(where, COLUMNS)


def test_what_stands_in_an_error_is_printable() -> None:
    for where in ("name == 'a\nb\x1b[31m' nonsense\x07", "`\x1b[31m` == 1", "name \x07 3"):
        with pytest.raises((FilterError, UnknownColumnError)) as caught:
            parse(where, COLUMNS)
        assert str(caught.value).isprintable()


# ── nothing runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────

CODE = [
    "name.to_csv('{f}') == 1",
    "name.to_csv('{f}')",
    "name.str.to_csv('{f}') == 1",
    "attributes.rows.to_pickle('{f}') == 1",
    "`attributes.rows`.to_csv('{f}') == 1",
    "name.__init__.__globals__['sys'].modules['os'].system('touch {f}') == 0",
    "name.__class__.__mro__ == 1",
    "name.str.__class__.__init__.__globals__ == 1",
    "name.__class__",
    "name.pipe(@run) == 1",
    "name.map(@run) == 1",
    "name.apply('exec', args=('x',)) == 1",
    "name.eval('1') == 1",
    "__import__('os').system('touch {f}') == 0",
    "eval(\"open('{f}','w')\") == 0",
    "exec('x')",
    "open('{f}', 'w')",
    "getattr(name, 'to_csv')('{f}') == 1",
    "@run()",
    "@run('x') == name",
    "@pd.compat.os.system('touch {f}') == 0",
    "@pd['x'] == 1",
    "@trap.attribute == 1",
    "@trap == name",
    "name == @trap",
    "name in @trap",
    "name in [@trap]",
    "name in @traps",
    "name == @trap_text",
    "attributes.rows == @trap_int",
    "attributes.rows in @trap_list",
    "attributes.rows == @trap_meta",
    "attributes.rows in @trap_meta",
    "duration > @trap_delta",
    "start_time > @trap_zone",
    "name == @run",
    "@__builtins__ == 1",
    "@__builtins__.eval == 1",
    "lambda: 1",
    "(lambda: @run())() == 1",
    "[@run() for x in name] == 1",
    "[x for x in ().__class__.__base__.__subclasses__()]",
    "(x for x in name)",
    "{{@run(): 1}}",
    "(x := @run()) == 1",
    "f'{{@run()}}' == name",
    "f\"{{open('{f}', 'w')}}\" == name",
    "'{{0.__class__}}'.format(name) == 'x'",
    "'%s' % name == 'x'",
    "name if @run() else name",
    "await @run()",
    "yield @run()",
    "print(name)",
    "import os",
    "name == 'x'; import os",
    "name == 'x'\nimport os",
    "del name",
    "name = @run()",
    "name.str.contains(@run())",
    "name.str.contains(@trap)",
    "name.str.contains('x', regex=@run())",
    "name ~ @trap",
    "*name",
    "**name",
    "name[@run()]",
    "name[0].to_csv('{f}')",
    "`name`.to_csv('{f}') == 1",
    "`__import__('os').system('touch {f}')` == 1",
    "attributes.__class__ == 1",
    "index.to_series().to_csv('{f}') == 1",
    "self.name == 1",
    "name @ @run",
    "...",
    "name is @run",
    "not @run",
    "-@run == cell",
    "@run + 1 > cell",
    "~@trap",
]


class _Trap:
    """Whatever anybody does to it is written down."""

    touched: list[str]

    def __getattribute__(self, name: str) -> Any:
        type(self).touched.append(name)
        return object.__getattribute__(self, name)


def _touching(name: str) -> Callable[..., Any]:
    def touch(self: Any, *args: Any) -> Any:
        TOUCHED.append(name)
        return NotImplemented

    return touch


TOUCHED: list[str] = []
_HOSTILE = {
    name: _touching(name)
    for name in (
        *("__eq__", "__ne__", "__lt__", "__gt__", "__le__", "__ge__", "__hash__", "__bool__", "__len__", "__iter__", "__index__"),
        *("__int__", "__float__", "__str__", "__repr__", "__contains__", "__getitem__", "__call__", "__add__", "__neg__", "__radd__"),
        *("__array__", "__array_ufunc__", "__instancecheck__", "__getattribute__", "__class_getitem__", "__format__", "utcoffset"),
    )
}  # fmt: skip


class _Meta(type):
    """A class that is asked is a trap too."""


for _name in ("__eq__", "__hash__", "__instancecheck__", "__subclasscheck__", "__getattribute__", "__call__"):
    setattr(_Meta, _name, _touching("meta." + _name))


def _hostile(*bases: type, meta: type = type) -> Any:
    made = type.__call__(meta, "Trap", bases, {} if bases and bases[0] is not object else {**_HOSTILE})
    if bases and bases[0] is not object:
        for name, trap in _HOSTILE.items():
            type.__setattr__(made, name, trap)
    return made


def test_no_condition_runs_code(tmp_path: Path) -> None:
    """Neither through attributes, calls, lambdas, f-strings or the walrus, nor through what a variable is."""
    import datetime as dt

    file = tmp_path / "trace"
    table = pd.DataFrame({"name": ["x"], "cell": [1], "duration": pd.to_timedelta(["1s"]), "attributes.rows": [1]})
    table["start_time"] = pd.to_datetime(["2026-01-01"], utc=True)
    table["name"] = table["name"].astype("string")
    zone = _hostile(dt.tzinfo)
    variables = {
        "run": lambda *args: TOUCHED.append("run"),
        "pd": pd,
        "trap": object.__new__(_hostile(object)),
        "traps": [object.__new__(_hostile(object))],
        "trap_text": str.__new__(_hostile(str), "x"),
        "trap_int": int.__new__(_hostile(int), 1),
        "trap_list": list.__new__(_hostile(list)),
        "trap_meta": object.__new__(_hostile(object, meta=_Meta)),
        "trap_delta": dt.timedelta.__new__(_hostile(dt.timedelta), 1),
        "trap_zone": dt.datetime(2026, 1, 1, tzinfo=dt.tzinfo.__new__(zone)),
    }
    TOUCHED.clear()
    for code in CODE:
        where = code.format(f=file)
        with pytest.raises((FilterError, UnknownColumnError)) as caught:
            narrow(table, where=where, variables=variables)
        assert "\n" not in str(caught.value)
        assert TOUCHED == [], where
    assert not list(tmp_path.iterdir())


def test_no_condition_is_too_much() -> None:
    """Length, depth and arithmetic are bounded, and what is bounded is told quickly."""
    began = time.monotonic()
    for where, message in (
        ("name == 'x' or " * 70_000, f"at most {MAX_LENGTH:,} are read. Put long lists into a variable"),
        ("(" * 10_000 + "name", "at most"),
        (
            "(" * 5_000 + "name == 'x'" + ")" * 4_900,
            f"character 51, `\\(`: parentheses are nested more than {MAX_DEPTH} deep",
        ),
        ("(" * 9_000, "nested more than"),
        ("[" * 9_000, "a list stands behind"),
        ("1+" * 4_000 + "cell > 3", f"more than {MAX_ARITHMETIC} signs of arithmetic"),
        ("not (" * 1_500 + "name", "nested more than"),
        ("cell > " + "9" * 9_000, "too large a number"),
        ("duration > " + "9" * 9_000 + "s", "no duration"),
        ("a." * 4_999 + "a", "there is no column"),
        ("attributes." + "rows." * 1_900 + "x > 3", "there is no column"),
        ("name.str.contains('" + "(a*)*" * 300 + "')", "the pattern has 1,500 characters"),
    ):
        with pytest.raises((FilterError, UnknownColumnError), match=message):
            parse(where, COLUMNS)
    for where in (
        "not " * 2_000 + "name == 'x'",
        "~" * 9_000 + "(name == 'x')",
        "-" * 9_000 + "cell > 3",
        "name == 'x' or " * 600 + "name == 'y'",
    ):
        parse(where, COLUMNS)
    deepest = "(" * MAX_DEPTH + "1+" * MAX_ARITHMETIC + "cell > 3" + ")" * MAX_DEPTH
    table = pd.DataFrame({"cell": range(3), "name": pd.Series(["a" * 50_000] * 3, dtype="string")})
    assert len(narrow(table, where=deepest)) == 3
    # A pattern that takes Python's re for ever.
    assert (
        len(
            narrow(
                table, where="name ~ '^(a+)+$' and not name ~ '^(a|a)*b$' and name.str.contains('(a*)*a', case=False)"
            )
        )
        == 3
    )
    assert time.monotonic() - began < 10


PIECES = """name cell duration start_time attributes.rows attributes.nope status kind 'x' ' "a" ` `name` 1 2.5 100ms 1h
2026-01-01 @name @names @nope @ True None and or not in is & | ~ == = != < >= + - * / % ( ) [ ] , . .isna() .str
.str.contains('x') .str.contains( .str.startswith( .isna( , case=False regex= =True @name. {{ }} ; 5m 1e400"""
WORDS = st.sampled_from([*PIECES.split(), " ", "\n"])


@settings(max_examples=1_500, deadline=None)
@given(st.lists(WORDS, max_size=12).map(" ".join) | st.lists(WORDS, max_size=12).map("".join) | st.text(max_size=40))
def test_whatever_is_typed_is_read_or_answered_in_one_line(where: str) -> None:
    answer = "a condition that is read"
    try:
        parse(where, COLUMNS, VARIABLES)
    except (FilterError, UnknownColumnError) as error:
        answer = str(error)
    assert answer.isprintable()
    assert 10 < len(answer) < 600
