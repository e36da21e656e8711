from __future__ import annotations

from typing import Any

import pytest

from nbtrace.capture.notebook.spanline import SpanLineError, parse


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


EXAMPLE = 'Type for example  %%span "load data" source=s3 rows=3'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", f"a span needs a name. {EXAMPLE}"),
        ('""', f"a span needs a name. {EXAMPLE}"),
        ("k=v", "a span needs a name. Type for example  %%span load k=v"),
        ("-- f()", "a span needs a name. Type for example  %%span fit -- f()"),
        ("name='load' rows=3", "which comes first and by itself. Did you mean  %%span 'load' rows=3?"),
        (
            "a k=v stray",
            "'stray' is no key=value pair, and the name comes first. Did you mean  %%span a k=\"v stray\"?",
        ),
        ("a k=v b c=d e n=1", 'Did you mean  %%span a k="v b" c="d e" n=1?'),
        ('"open', 'the quote " is not closed. Did you mean  %%span "open"?'),
        ("a n={1+}", "{1+} is no Python expression (invalid syntax). Type for example  %%span load rows={1 + 2}"),
        ("a n={", "the brace { is not closed. Type for example  %%span load rows={1 + 2}"),
        ("a n={}", "{} is no Python expression (it is empty). Type for example  %%span load rows={1 + 2}"),
        ("a --", "nothing follows `--`. Type for example  %%span a -- 1 + 1"),
        ("load rows = 3", 'Did you mean  %%span load rows=3  or  %%span "load rows = 3"?'),
        ("load rows =3", 'Did you mean  %%span load rows=3  or  %%span "load rows =3"?'),
        ("load rows= 3", "'3' is no key=value pair, and the name comes first. Did you mean  %%span load rows=3?"),
        ("load the data rows = {n} cols = 2", "Did you mean  %%span load the data rows={n} cols=2"),
        ("load a=1 b = 2", "Did you mean  %%span load a=1 b=2?"),
        ("x = 3", 'Did you mean  %%span "x = 3"?'),
        ("load, rows=3", "attributes are parted by blanks, without commas. Did you mean  %%span load rows=3?"),
        ("load,rows=3", "Did you mean  %%span load rows=3?"),
        ("load rows={n}, cols={m}", "Did you mean  %%span load rows={n} cols={m}?"),
        ("f(a, b=c)", 'Did you mean  %%span "f(a, b=c)"'),
        (
            "load --rows=3",
            "--rows is no option: attributes have no dashes before them. Did you mean  %%span load rows=3?",
        ),
        ("--help", 'Did you mean  %%span "--help"?'),
        ("a = " * 10_000, EXAMPLE),
        ("a k=v " + "x " * 10_000, EXAMPLE),
        ("a {" + "1" * 100_000, "the brace { is not closed"),
        ("a {" + "1 " * 10_000 + "}", "no Python expression"),
    ],
)
def test_a_line_that_cannot_be_read_says_what_to_type(line: str, message: str) -> None:
    """In one short line; and what it says can be read."""
    with pytest.raises(SpanLineError, match=r"(Type for example|Did you mean)  %%span ") as caught:
        parse(line)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700
    assert caught.value.in_magic("%span") == str(caught.value).replace("%%span", "%span")
    for meant in caught.value.instead:
        parse(meant)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("load the data", "load the data"),
        ('"a = b"', "a = b"),
        ("'load, rows=3'", "load, rows=3"),
        ("load, transform, store", "load, transform, store"),
        ("is x == y", "is x == y"),
        ("x => y", "x => y"),
        ("step 1: fit", "step 1: fit"),
        ("git push --force", "git push --force"),
        ("help", "help"),
        ("a 'k = v'", "a k = v"),
    ],
)
def test_a_name_may_have_blanks_and_signs(line: str, name: str) -> None:
    assert parse(line).evaluate({}).name == name


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


@pytest.mark.parametrize("line", ["f(a, b=c) == 3", "check(x, y=1) == 2", "a=>b == a= 3"])
def test_a_line_whose_advice_would_go_round_in_circles_is_answered(line: str) -> None:
    with pytest.raises(SpanLineError):
        parse(line)
