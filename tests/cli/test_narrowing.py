"""Options in a shell are those of %spans, and what is advised can be typed."""

from __future__ import annotations

import shlex
from typing import Any

import click
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nbtrace.cli.main import cli
from nbtrace.cli.narrowing import command_named, in_shell, read_options
from nbtrace.cli.problems import Problem
from nbtrace.cli.show import command_for
from nbtrace.magics.lines.read import Asked
from nbtrace.magics.lines.words import OPTIONS, SPANS

FILE = "my 'run'.parquet"
TYPED = [
    *SPANS.words,
    *OPTIONS,
    *(
        "3",
        "3,5",
        "7-3",
        "-1",
        "cell",
        "last",
        "cell=3",
        "[3]",
        "duration > 1s",
        "name == 'x'",
        "x",
        "—cell",
        "",
        "help",
        "'",
    ),
]


def asked(words: list[str]) -> Asked | None:
    """What a command asks for, as click and then we read it."""
    command = cli.commands["show"]
    context = command.make_context("show", [FILE, *words], resilient_parsing=False)
    given: dict[str, Any] = {**context.params}
    return read_options(command_for(given.pop("file")), given, given.pop("words"))


@given(st.lists(st.sampled_from(TYPED) | st.text(max_size=6), max_size=5))
@settings(max_examples=200, deadline=None)
@example(["--cell", "3", "--cell", "5"])
@example(["tabel", "--where", "name == 'x'"])
@example(["self", "--where", "x", "--where", "y"])
@example(["tree", "--where", "\x1b", "--where", "y"])
@example(["tree", ""])
@example(["headings", "it's mine.ipynb"])
def test_whatever_is_typed_is_read_or_told_and_what_is_advised_can_be_typed(words: list[str]) -> None:
    try:
        asked(words)
    except click.UsageError:
        pass
    except click.exceptions.Exit:
        pass
    except Problem as problem:
        told = problem.format_message()
        assert told.isprintable()
        assert "%spans" not in told
        _, _, advised = told.rpartition("Did you mean  ")
        for line in advised.removesuffix("?").split("  or  ") if "Did you mean  " in told else ():
            program, command, file, *rest = shlex.split(line)
            assert (program, command, file) == ("nbtrace", "show", FILE)
            asked(rest)


def test_options_are_read_as_those_of_spans() -> None:
    assert asked(["--cell", "3,5,7-9", "stats"]) == Asked("stats", cell=[3, 5, 7, 8, 9])
    assert asked(["hot", "--by=line", "--last", "2"]) == Asked("hot", by="line", last=2)
    assert asked(["--where", "name == '--cell 3'", "--asking"]) == Asked(
        "tree", where="name == '--cell 3'", asking=True
    )
    assert asked(["compare", "3,4", "6-7"]) == Asked("compare", sides=([3, 4], [6, 7]))
    assert asked(["headings", "it's mine.ipynb"]) == Asked("headings", file="it's mine.ipynb")
    assert asked(["help"]) is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Type  %spans cells  to see those.", "Type  nbtrace show run.parquet cells  to see those."),
        ("type  %spans errors --where a == 'X'", "type  nbtrace show run.parquet errors --where \"a == 'X'\""),
        ("or type  %spans compare 3 5", "or type  nbtrace show run.parquet compare 3 5"),
        ("nothing of a magic", "nothing of a magic"),
    ],
)
def test_what_is_said_of_a_magic_is_said_of_a_command(said: str, expected: str) -> None:
    assert in_shell(said, command_named("nbtrace report", "run.parquet"), "nbtrace show run.parquet") == expected
