from __future__ import annotations

import ast
import shlex
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nbtrace.views import words


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"), (999, "999 ns"), (1_000, "1.00 µs"), (12_345, "12.3 µs"), (999_499, "999 µs"), (999_900, "1.00 ms"),
        (1_234_567, "1.23 ms"), (80_000_000, "80.0 ms"), (1_204_000_000, "1.20 s"), (59_940_000_000, "59.9 s"),
        (59_960_000_000, "1 min 00 s"), (125_000_000_000, "2 min 05 s"), (3_600_000_000_000, "1 h 00 min"),
        (100 * 3_600_000_000_000, "100 h 00 min"), (-1_500, "-1.50 µs"), (None, "running"),
    ],
)  # fmt: skip
def test_durations_have_three_digits(ns: int | None, text: str) -> None:
    assert words.duration(ns) == text


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "link"),
        ("a\nb\tc", "a b c"),
        ("user\u202egnp.exe", "usergnp.exe"),
        ("\u2066x\u2069", "x"),
        ("\x00\x08", "\ufffd\ufffd"),
        ("\udc80", "\ufffd"),
        ("é漢🙂", "é漢🙂"),
    ],
)
def test_hostile_text_is_one_harmless_line(hostile: str, shown: str) -> None:
    assert words.plain(hostile) == shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("s3", "s3"),
        ("two words", '"two words"'),
        ("", '""'),
        (0.1 + 0.2, "0.3"),
        (3, "3"),
        (True, "True"),
        ([1, 2], "[1, 2]"),
    ],
)
def test_values_can_be_told_apart(value: Any, text: str) -> None:
    assert words.value(value) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.00 kB"),
        (12_345, "12.3 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (410_000_000, "410 MB"),
        (1_204_000_000, "1.20 GB"),
        (5 * 10**15, "5000 TB"),
        (-12_000_000, "−12.0 MB"),
    ],
)
def test_a_number_of_bytes_has_three_digits(number: int, text: str) -> None:
    assert words.size(number) == text
    assert words.growth(number) == ("+" + text if number > 0 else text)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=20))
@example("it's")
@example("it's $HOME")
@example("both ' and \"")
@example("")
@example("a\n\x1b[31m'\\b")
def test_what_is_typed_in_a_shell_is_one_line_that_means_the_same(text: str) -> None:
    written = words.typed(text)
    assert written.isprintable()
    if text.isprintable():
        assert shlex.split(written) == [text]
    else:
        assert written.startswith("$'")
        assert ast.literal_eval(written[1:]) == text  # whose escapes are those of $'…'
