from __future__ import annotations

from typing import Any

import pytest

from nbtrace.capture.spanline import SpanLineError, parse


@pytest.mark.parametrize(
    ("line", "name", "attributes"),
    [
        ("load", "load", {}),
        ("load data", "load data", {}),
        ('"load data" source=s3 rows={n}', "load data", {"source": "s3", "rows": 1000}),
        ("'it''s'", "its", {}),
        (r'"say \"hi\""', 'say "hi"', {}),
        (
            "fit {model} lr=0.1 epochs=3 fast=true slow=False",
            "fit ridge",
            {"lr": 0.1, "epochs": 3, "fast": True, "slow": False},
        ),
        ("a k='x y' v=\"1\"", "a", {"k": "x y", "v": "1"}),
        ("a k=", "a", {"k": ""}),
        ("a http.route=/users/{n} x-y=1e3", "a", {"http.route": "/users/1000", "x-y": 1000.0}),
        ("a e={[i for i in range(3)]}", "a", {"e": [0, 1, 2]}),
        ("a d={ {'k': '}'}['k'] }", "a", {"d": "}"}),
        ("a b={'x y' + \"z\"}", "a", {"b": "x yz"}),
        ("a version=1.2.3 id=007 n=-4", "a", {"version": "1.2.3", "id": "007", "n": -4}),
        ("{{literal}}", "{literal}", {}),
        ("größe naïve=ü", "größe", {"naïve": "ü"}),
    ],
)
def test_a_line_gives_name_and_attributes(line: str, name: str, attributes: dict[str, Any]) -> None:
    """Numbers and booleans as such unless quoted, expressions evaluated with their type, the rest as text."""
    evaluated = parse(line).evaluate({"n": 1000, "model": "ridge"})
    assert (evaluated.name, evaluated.attributes, evaluated.problems) == (name, attributes, ())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "a span needs a name"),
        ("k=v", "a span needs a name"),
        ('""', "a span needs a name"),
        ("a k=v stray", "'stray' is no key=value pair"),
        ('"open', 'the quote " is not closed'),
        ("a n={1+}", "{1+} is no Python expression"),
        ("a n={", "the brace { is not closed"),
        ("a n={}", "it is empty"),
        ("a --", "nothing follows `--`"),
    ],
)
def test_a_line_that_cannot_be_read_says_what_to_type(line: str, message: str) -> None:
    with pytest.raises(SpanLineError, match="Type: %") as caught:
        parse(line)
    assert message in str(caught.value)


def test_an_expression_that_fails_leaves_its_error_as_the_value() -> None:
    """The cell must run all the same."""
    evaluated = parse("a n={missing} m={1/0}").evaluate({})
    assert evaluated.attributes == {
        "n": "<NameError: name 'missing' is not defined>",
        "m": "<ZeroDivisionError: division by zero>",
    }
    assert len(evaluated.problems) == 2


def test_what_follows_two_dashes_is_a_statement() -> None:
    line = parse("fit lr=0.1 -- model.fit(X, y='--')")
    assert line.statement == "model.fit(X, y='--')"
    assert line.evaluate({}).attributes == {"lr": 0.1}
