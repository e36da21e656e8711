"""What docs/conditions.md says is so."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

import nbtrace
from nbtrace.analysis.where import literals, parser, tokens
from nbtrace.analysis.where.errors import FilterError, UnknownColumnError

PAGE = (Path(__file__).parents[3] / "docs" / "conditions.md").read_text(encoding="utf-8")
(EXAMPLES,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
ANSWERS = re.findall(r"^\| `(.*?)` \| (.*) \|$", PAGE, re.MULTILINE)


@pytest.fixture
def rec() -> nbtrace.Recording:
    with nbtrace.record() as recording:
        for rows in (1, 5):
            with nbtrace.span("load", rows=rows, a=1, b=1, **{"http.route": "/users/7", "my-key": 1, "odd key": 1}):
                pass
        with nbtrace.span("other", retries=1):
            pass
    return recording


@pytest.mark.parametrize("where", EXAMPLES.splitlines())
def test_the_examples_are_read(rec: nbtrace.Recording, where: str) -> None:
    limit, names = timedelta(seconds=1), {"load"}
    assert len(rec.spans(where=where)) < 3, (limit, names)


@pytest.mark.parametrize(("where", "answer"), ANSWERS)
def test_the_answers_are_as_they_stand_there(rec: nbtrace.Recording, where: str, answer: str) -> None:
    with pytest.raises((FilterError, UnknownColumnError)) as caught:
        rec.spans(where=where)
    assert str(caught.value) == answer.replace("\\`", "`")


def test_the_grammar_names_what_the_parser_knows() -> None:
    grammar = PAGE[PAGE.index("```ebnf") : PAGE.index("## What the words mean")]
    words = [*literals.SHORT_UNITS, "µs", *(word.lower() for word in tokens.KEYWORDS), *"=<>&|~+-*/%@"]
    words += ["==", "!=", "<=", ">=", *(word for word in tokens.CONSTANTS if not word.isupper())]
    assert [word for word in words if f'"{word}"' not in grammar] == []
    limits = (f"{tokens.MAX_LENGTH:,} characters", f"{parser.MAX_DEPTH} parentheses", f"{parser.MAX_ARITHMETIC} signs")
    assert all(limit in grammar for limit in limits)
    assert len(ANSWERS) >= 7
    assert len(EXAMPLES.splitlines()) >= 5


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("attributes.rows > 3", 1),
        ("attributes.my-key == 1", 2),
        ("attributes.a - attributes.b == 0", 2),
        ("`attributes.odd key` == 1", 2),
        ("name ~ '^load'", 2),
        ("not attributes.retries > 3", 1),
        ("attributes.retries.isna()", 2),
        ("status = 'UNSET' & duration < 1h", 3),
    ],
)
def test_some_of_it_on_a_recording(rec: nbtrace.Recording, where: str, count: int) -> None:
    assert len(rec.spans(where=where)) == count
