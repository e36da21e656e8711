"""What narrows a command: --cell, --last, --where and --asking, in the forms of %spans and with its errors.

Enters: what click has read. Leaves: an `Asked`, or a `Problem` with a command that works when it is typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from nbtrace.cli.problems import Problem, told

if TYPE_CHECKING:
    from nbtrace.magics.lines.read import Asked
    from nbtrace.magics.lines.words import Magic
    from nbtrace.recording import Recording

Command = TypeVar("Command", bound=Callable[..., Any])

_ADVISED = re.compile(r"%spans (?P<line>.+?)(?=  |$)")
_EXAMPLES = 50
"""Of so many cells one is named in an example."""


def narrowing(command: Command) -> Command:
    """Give a command the options. Each may stand several times, which is told rather than passed over."""
    for option in (
        click.option("--asking", is_flag=True, help="Also cells that only ask nbtrace."),
        click.option(
            "--where", multiple=True, metavar="CONDITION", help="What meets it: \"duration > 1s and name ~ 'fit'\"."
        ),
        click.option("--last", multiple=True, metavar="N", help="Only the last so many cells."),
        click.option("--cell", multiple=True, metavar="CELLS", help="Only these cells: 3, or 3,5,7-9."),
    ):
        command = option(command)
    return command


def command_named(name: str, file: str) -> Magic:
    """Return the command that is typed with a file, as one without words; of what it takes errors give examples."""
    from nbtrace.magics.lines.words import Magic, Word
    from nbtrace.views.words import typed

    words = {"": Word(("--cell", "--last", "--where", "--asking"))}
    return Magic(f"{name} {typed(file)}", words, default="", meant={}, in_shell=True)


def read_options(
    magic: Magic, given: dict[str, Any], words: Sequence[str] = (), recording: Callable[[], Recording] | None = None
) -> Asked | None:
    """Return what words and options ask for; None if they ask for help. given: the options' values, each several times.
    recording: whose cells stand in examples, asked for when there is something to be told."""
    from nbtrace.magics.lines.pieces import Line
    from nbtrace.magics.lines.read import LineError, read_pieces

    words = [word for word in words if word.strip()]  # an empty "$VARIABLE", which a magic's line cannot hold
    options: list[tuple[str, str | None]] = [
        (f"--{name}", value) for name in ("cell", "last", "by") for value in given.get(name, ())
    ]
    options += [("--asking", None)] if given.get("asking") else []
    conditions = list(given.get("where", ()))
    where = conditions[0].strip() if conditions else None
    if len(conditions) > 1:
        where = " and ".join(f"({each.strip()})" for each in conditions if each.strip())
    line = Line(tuple(words), tuple(options), where)
    try:
        asked = read_pieces(magic, line, lambda: recording()._last_cells(_EXAMPLES) if recording else [])
    except LineError as error:
        raise Problem(in_shell(str(error), magic)) from error
    if asked is not None and len(conditions) > 1:  # when all else is right, so that what is advised can be read
        meant = f" Did you mean  {line.text(magic)}?" if line.printable else ""
        raise Problem(f"--where stands there twice.{meant}")
    return asked


@contextmanager
def answered(magic: Magic, file: str) -> Iterator[None]:
    """As `told`, but errors about what was asked advise commands of a shell for this file."""
    from nbtrace.analysis.wrong_question import QuestionError
    from nbtrace.views.words import plain, typed

    with told():
        try:
            yield
        except QuestionError as error:
            raise Problem(plain(in_shell(error.in_magic, magic, f"nbtrace show {typed(file)}"))) from error


def in_shell(text: str, magic: Magic, name: str = "") -> str:
    """Return what is said to who types %spans as it is said to who types a command. name: of the command that stands for %spans;
    without one, the magic's."""
    from dataclasses import replace

    from nbtrace.magics.lines.pieces import pieces
    from nbtrace.magics.lines.words import SPANS

    shown = replace(magic, name=name or magic.name)
    text = _ADVISED.sub(lambda match: pieces(SPANS, match["line"]).text(shown), text)
    return text.replace("Assign it above, or write its value", "Write its value: a shell has none")


def conditions(asked: Asked) -> dict[str, Any]:
    """Return what narrows, in the words of the register. `@x` is no variable of whoever happens to call."""
    from nbtrace.analysis.conditions import Condition

    where = None if asked.where is None else Condition(asked.where, {})
    return {"cell": asked.cell, "last": asked.last, "where": where, "asking": asked.asking}
