"""What is read of durations, moments, patterns and variables, each by itself."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbtrace.analysis.where import literals, patterns, values
from nbtrace.analysis.where.tree import Value

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import given as given_  # noqa: E402
from hypothesis import settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

MS, S, H = 1_000_000, 1_000_000_000, 3_600_000_000_000


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("100ms", 100 * MS),
        ("1 s", S),
        ("1.5s", 1_500 * MS),
        (".5s", 500 * MS),
        ("2min", 120 * S),
        ("100us", 100_000),
        ("100µs", 100_000),
        ("100μs", 100_000),
        ("7ns", 7),
        ("1h 30min", 5_400 * S),
        ("1h30min", 5_400 * S),
        ("1 hour", H),
        ("2 days", 48 * H),
        ("1d 1s", 24 * H + S),
        ("-1s", -S),
        (" 1s ", S),
        ("0.1ns", 0),
        ("0.000000001s", 1),
        ("00:01:30.5", 90_500 * MS),
        ("0 days 00:00:17.484712494", 17_484_712_494),
        ("1 day 00:00:01", 24 * H + S),
        ("106751d", 106_751 * 24 * H),
        *((text, None) for text in ("", "1", "s", "1m", "1 S", "1sec2", "1s,2s", "1e3s", "soon", "106752d", "9" * 30 + "s", "1..5s", "--1s")),
    ],
)  # fmt: skip
def test_durations(text: str, ns: int | None) -> None:
    assert literals.duration_ns(text) == ns
    if ns is not None and ":" not in text and "." not in text and "μ" not in text:
        assert (
            pd.Timedelta(text.replace("d", "D") if text.count("d") == 1 and "day" not in text else text)
            .as_unit("ns")
            .value
            == ns
        )


@pytest.mark.parametrize(
    "text",
    ["2026-01-31", "2026-01-31 12:00", "2026-01-31T12:00", "2026-01-31 12:00:01", "2026-01-31 12:00:01.5", "2026-01-31 12:00:01.123456789", "2026-01-31T12:00:01Z", "2026-01-31T12:00:01+01:00", "2026-01-31T12:00:01-0530", "2026-01-31 12:00 +01", "1700-01-01", "2024-02-29"],
)  # fmt: skip
def test_moments(text: str) -> None:
    moment = pd.Timestamp(text)
    moment = moment.tz_localize("UTC") if moment.tzinfo is None else moment
    assert literals.moment_ns(text) == moment.as_unit("ns").value


@pytest.mark.parametrize("text", ["", "2026", "2026-02-30", "2026-01-31 25:00", "now", "31.01.2026", "2026-01-31 12", "1600-01-01", "2500-01-01", "2026-01-31 12:00+99:00", "2026-01-31Z"])  # fmt: skip
def test_no_moments(text: str) -> None:
    assert literals.moment_ns(text) is None


UTC = dt.UTC
NOON = 1_769_860_800 * S


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("x", Value("text", "x")),
        (True, Value("boolean", True)),
        (3, Value("number", 3)),
        (2**64, Value("number", 2.0**64)),
        (0.5, Value("number", 0.5)),
        (np.int8(3), Value("number", 3)),
        (np.uint64(2**63), Value("number", 2.0**63)),
        (np.float32(0.5), Value("number", 0.5)),
        (np.float64(0.5), Value("number", 0.5)),
        (np.bool_(False), Value("boolean", False)),
        (np.str_("x"), Value("text", "x")),
        (dt.timedelta(seconds=1), Value("duration", S)),
        (pd.Timedelta("1s") / 2, Value("duration", S // 2)),
        (np.timedelta64(3, "ms"), Value("duration", 3 * MS)),
        (dt.date(2026, 1, 31), Value("moment", NOON - 12 * H)),
        (dt.datetime(2026, 1, 31, 12), Value("moment", NOON)),
        (dt.datetime(2026, 1, 31, 12, tzinfo=UTC), Value("moment", NOON)),
        (dt.datetime(2026, 1, 31, 13, tzinfo=dt.timezone(dt.timedelta(hours=1))), Value("moment", NOON)),
        (pd.Timestamp("2026-01-31 12:00"), Value("moment", NOON)),
        (pd.Timestamp("2026-01-31 12:00", tz="UTC"), Value("moment", NOON)),
        (pd.Timestamp("2026-01-31 13:00", tz="Etc/GMT-1"), Value("moment", NOON)),
        (pd.Timestamp(NOON + 1), Value("moment", NOON + 1)),
        (np.datetime64("2026-01-31T12:00"), Value("moment", NOON)),
        (np.datetime64(NOON + 1, "ns"), Value("moment", NOON + 1)),
    ],
)
def test_variables(given: Any, value: Value) -> None:
    found = values.plain(given)
    assert found == value
    assert type(found.value) is type(value.value)


def test_a_zone_of_the_system_is_one() -> None:
    try:
        berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    except zoneinfo.ZoneInfoNotFoundError:
        pytest.skip("this system has no time zones")
    assert values.plain(dt.datetime(2026, 1, 31, 13, tzinfo=berlin)) == Value("moment", NOON)


@pytest.mark.parametrize("given", [["a"], ("a",), {"a"}, frozenset("a")])
def test_lists_of_variables(given: Any) -> None:
    assert values.several(given) == [Value("text", "a")]
    assert values.several(range(2)) == [Value("number", 0), Value("number", 1)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "missing value"),
        (float("nan"), "missing value"),
        (pd.NA, "missing value"),
        (pd.NaT, "missing value"),
        (np.datetime64("NaT", "ns"), "missing value"),
        (float("inf"), "too large"),
        (10**400, "too large"),
        ("\ud800", "half a character"),
        (b"x", "it is a bytes"),
        (1j, "it is a complex"),
        (np.timedelta64(3, "Y"), "it is a timedelta64"),
        (np.timedelta64(3, "M"), "it is a timedelta64"),
        (np.datetime64("9999-01-01"), "further away"),
        (dt.timedelta.max, "further away"),
        (dt.datetime.max, "further away"),
        (dt.time(12), "it is a time"),
        (len, "it is a function"),
        (object, "it is a type"),
        (pd.Series([1]), "Write limit = limit.tolist() above"),
        ([[1]], "lists of its own"),
        ({1: 2}, "Write limit = list(limit) above"),
    ],
)
def test_what_variables_may_not_be(given: Any, message: str) -> None:
    with pytest.raises(values.NotPlainError, match=re.escape(message)):
        values.plain(given, "limit")
    with pytest.raises(values.NotPlainError):
        values.several([given], "limit")


@pytest.mark.parametrize(
    "pattern",
    ["", "load", "^a.*b$", "[a-z]+", "[^a-z]", r"\d+\.\d*", "a|b|", "(a)(?:b)", "a{2}", "a{2,}", "a{0,3}?", "a*?b+?c??", r"\x41\t\n", r"[\]\-\\]", r"\bx\B", r"\(\)\[\]\{\}", "é+", r"[a\d]"],
)  # fmt: skip
def test_patterns_that_all_languages_share(pattern: str) -> None:
    patterns.check(pattern)
    re.compile(pattern)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("a(?=b)", "looking ahead"),
        ("a(?!b)", "looking ahead"),
        ("(?<=a)b", "looking behind"),
        ("(?<!a)b", "looking behind"),
        ("(?>a)", "an atomic group"),
        ("(?P<n>a)", "a group with a name"),
        ("(?P=n)", "a group with a name"),
        ("(?<n>a)", "a group with a name"),
        ("(a)(?(1)b)", "a condition on a group"),
        ("(?#x)", "a comment"),
        ("(?i)a", "flags inside a pattern"),
        ("(?i:a)", "flags inside a pattern"),
        ("(?-s:a)", "flags inside a pattern"),
        ("(?", "begins no group"),
        (r"(a)\1", r"going back to a group (\1)"),
        (r"\k<n>", r"\k is not known"),
        (r"\0", "going back"),
        ("a*+", "possessive"),
        ("a++", "possessive"),
        ("a{2}+", "possessive"),
        ("a**", "has nothing to repeat"),
        (r"\b*", "has nothing to repeat"),
        ("*a", "has nothing to repeat"),
        ("(|*)", "has nothing to repeat"),
        ("^*", "has nothing to repeat"),
        ("a{,3}", "is no repetition"),
        ("a{", r"write \{"),
        ("}", r"write \}"),
        ("]", r"write \]"),
        ("a{1001}", "more than 1,000 times"),
        ("(a{500}){500}", "is not read"),
        (r"\A", "write ^"),
        (r"\Z", "write $"),
        (r"\z", "write $"),
        (r"\pL", "not known to Python"),
        (r"\Qa\E", "put \\ before"),
        (r"\u0041", "write the letter"),
        ("\\", "ends in a single backslash"),
        ("[]a]", r"write \]"),
        ("[^]a]", r"write \]"),
        ("[[:alpha:]]", "RE2's alone"),
        ("[a--b]", "may become an operator"),
        (r"[\b]", "inside [ ]"),
        ("[z-a]", "is not read"),
        ("[a", "not closed"),
        ("(a", "not closed"),
        ("a)", "closes nothing"),
        ("a" * 1_001, "1,001 characters"),
    ],
)
def test_patterns_that_they_do_not_share(pattern: str, message: str) -> None:
    with pytest.raises(patterns.PatternError, match=re.escape(message)):
        patterns.check(pattern)


PIECES = st.sampled_from(["a", "b", ".", "^", "$", "|", "(", "(?:", ")", "*", "+", "?", "{2}", "{1,}", "[ab]", "[^a]", r"\w", r"\d", r"\b", r"\.", "-", "1"])  # fmt: skip


@settings(max_examples=500, deadline=None)
@given_(pattern=st.lists(PIECES, max_size=8).map("".join), text=st.text("ab1.- ", max_size=8))
def test_a_pattern_that_is_taken_means_what_it_means_to_python(pattern: str, text: str) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        patterns.check(pattern)
    except patterns.PatternError:
        return
    found = pc.match_substring_regex(pa.array([text]), pattern)[0].as_py()
    assert found is (re.search(pattern, text, re.ASCII) is not None)
