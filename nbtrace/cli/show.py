"""`nbtrace show`: what %spans shows, of a file.

Enters: a file, a word of the register, what narrows it. Leaves: text, or JSON for machines."""

from __future__ import annotations

import os
import shutil
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import click

from nbtrace.cli.files import PATH, check_there, read_recording
from nbtrace.cli.narrowing import answered, conditions, narrowing, read_options
from nbtrace.cli.problems import Problem

if TYPE_CHECKING:
    import pandas as pd

    from nbtrace.answers.register import Question
    from nbtrace.magics.lines.read import Asked
    from nbtrace.magics.lines.words import Magic
    from nbtrace.recording import Recording

ROWS = 60
"""Rows of a table that are shown: what has scrolled by is still there, other than in a notebook."""

WIDTH = 120
"""Columns of text where no terminal says how many it has."""

SLOWEST = {"lines": 3, "path": 1}
"""Of how many cells is told where no others are named: what is of one cell in a notebook. Sums are over all cells then."""

_WORDS = "tree|table|errors|cells|stats|lines|hot|…"


def _complete_word(ctx: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    return [] if ctx.params.get("words") else [word for word in _words() if word.startswith(begun)]


def _words() -> list[str]:
    from nbtrace import recording  # noqa: F401  # whose methods enter themselves into the register
    from nbtrace.answers.register import by_word

    return [word for word in by_word() if word != "view"]


@click.command()
@click.argument("file", type=PATH)
@click.argument("words", metavar=f"[{_WORDS}]", nargs=-1, shell_complete=_complete_word)
@narrowing
@click.option("--by", multiple=True, metavar="WHAT", help="Of hot: by function, line or library.")
@click.option("--json", "as_json", is_flag=True, help="All rows as JSON, for machines.")
@click.pass_context
def show(ctx: click.Context, /, file: str, words: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Show what was recorded, as %spans does in a notebook.

    FILE is what nbtrace run or nbtrace.save has written (.parquet, .jsonl, .otlp, a folder), or a journal. It is about all
    cells of it, unless told otherwise.

    \b
    tree                    what ran in what, how long it took, what failed
    table                   the spans, one per row
    errors | cells | stats  errors; executions of cells; times by name
    lines                   the slowest cells' code, and what each line took
    hot                     where the time went, by function (--by line, library)
    self | path             time outside of children; what the end waited for
    repeats | gaps          what ran again and again; when nothing ran
    tasks                   tasks of pools: start of workers, waiting, work
    compare [3 5]           two cells, or 3,4,5 6-8: several runs of each
    history                 cells over all their runs
    headings [NOTEBOOK]     time below each heading of the notebook

    \b
    Examples:
      nbtrace show run.parquet
      nbtrace show run.parquet cells --where "duration > 1s"
      nbtrace show run.parquet lines --cell 3,5-7
      nbtrace show run.parquet table --json | jq ".[].name"

    --json writes an array of objects, one per row, with the columns of the table, and tree as one that has a depth. Times are
    ISO 8601 in UTC, durations whole nanoseconds, bytes base 64; what is missing and what is no number is null, an infinity
    the text "Infinity" or "-Infinity".
    """
    from nbtrace.answers.register import by_word
    from nbtrace.views.words import typed

    known = _words()
    if file in known and not os.path.lexists(file):
        meant = next((each for each in words if os.path.lexists(each)), "FILE")
        raise Problem(f"the file comes first. Type  nbtrace show {typed(meant)} {file}")
    check_there(file)
    magic = command_for(file)

    @cache
    def recording() -> Recording:
        return read_recording(file)

    asked = read_options(magic, given, words, recording)
    if asked is None:
        click.echo(ctx.get_help())
        return
    question = by_word()[asked.word]
    with answered(magic, file):
        if as_json:
            from nbtrace.cli.as_json import rows

            pieces = rows(_table(question, recording(), asked))
        else:
            pieces = iter((_text(question, recording(), asked), "\n"))
    for piece in pieces:
        sys.stdout.write(piece)
    sys.stdout.flush()  # here, where it is known what to do if nobody reads it


def command_for(file: str) -> Magic:
    """Return the command with its file, as a magic with words."""
    from nbtrace.magics.lines.words import EXPORTS, SPANS, Magic
    from nbtrace.views.words import typed

    name = typed(file)
    words = {word: spec for word, spec in SPANS.words.items() if word != "view"}
    meant = {word: other for word, other in SPANS.meant.items() if other in words}
    page = f" A terminal has no inspector, but a page has. Type  nbtrace report {name}"
    meant |= {word: page for word, other in SPANS.meant.items() if other == "view"}
    exports = (
        f" Type  nbtrace convert {name} B  for another file, or  nbtrace report {name}  for a page, or  "
        f"nbtrace show {name} table --json  for JSON"
    )
    meant |= dict.fromkeys(EXPORTS, exports)
    inside = f' Python answers that. Type  import nbtrace; rec = nbtrace.load("{file}")  and  rec.'
    meant |= dict.fromkeys(("statement", "statements"), f"{inside}statements()")
    meant |= dict.fromkeys(("samples", "stacks"), f"{inside}samples()")
    return Magic(f"nbtrace show {name}", words, SPANS.default, {**meant, "view": page}, in_shell=True)


def _narrowed(question: Question, recording: Recording, asked: Asked) -> dict[str, Any]:
    """What narrows the answer, in the words of the register."""
    found = {**conditions(asked), "by": asked.by}
    if asked.last is not None and "last" not in question.narrows:
        found |= {"cell": recording._last_cells(asked.last, asking=asked.asking), "last": None}
    return found


def _given(asked: Asked) -> list[Any]:
    """What stands behind the word: sides that are compared, or a file."""
    return [asked.file] if asked.file else [side[0] if len(side) == 1 else side for side in asked.sides]


def _table(question: Question, recording: Recording, asked: Asked) -> pd.DataFrame:
    """All rows of an answer."""
    narrowed = _narrowed(question, recording, asked)
    if question.word == "table":
        return recording.spans(cell=narrowed["cell"], where=narrowed["where"], attributes="all")
    if question.is_table:
        answer: pd.DataFrame = question.ask(recording, *_given(asked), **narrowed)
        return answer
    from nbtrace.analysis.selection import Selection
    from nbtrace.analysis.tree import tree

    if asked.last is not None:
        narrowed["cell"] = recording._last_cells(asked.last, asking=asked.asking)
    selection = Selection(narrowed["cell"], where=narrowed["where"], asking=asked.asking)
    return tree(recording._table("spans", "columns", selection, asking=selection.with_asking))


def _text(question: Question, recording: Recording, asked: Asked) -> str:
    """An answer as text of the terminal's width."""
    from nbtrace.views.formatted import Answer
    from nbtrace.views.tree import TreeView
    from nbtrace.views.words import count

    width = shutil.get_terminal_size((WIDTH, 0)).columns
    narrowed, chosen = _narrowed(question, recording, asked), ""
    if question.last_cell and asked.cell is None and asked.last is None:
        chosen = "all cells (--cell N or --last N for some)"
        if question.word in SLOWEST and asked.where is None:
            most = SLOWEST[question.word]
            cells = recording.cells(asking=asked.asking).dropna(subset=["cell"])
            if len(cells) > most:
                narrowed["cell"] = slowest = cells.nlargest(most, "duration")["cell"].tolist()
                which = f"cell [{slowest[0]}], the slowest" if most == 1 else f"the {most} slowest"
                chosen = f"{which} of {count(len(cells), 'cell')} (--cell N or --last N for others)"
    found = question.show(recording, *_given(asked), **narrowed)
    if isinstance(found, TreeView):
        return found.as_text(width)
    answer = found if question.shows else Answer.of(found, asked.word, recording._captions)
    return "\n".join(filter(None, [answer.as_text(width, ROWS, "--json has all"), chosen]))
