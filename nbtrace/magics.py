"""%%span, %span, %spans and %nbtrace: parse the line, call, return. Nothing is decided here.

Errors are one line that says what to type. `{expressions}` are evaluated by the span line itself, so that a number stays
a number; IPython's own expansion is off."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, needs_local_scope, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from nbtrace import api
from nbtrace.analysis.conditions import Condition
from nbtrace.capture.cells import CellTracer
from nbtrace.capture.spanline import SpanLineError, parse
from nbtrace.recording import last_cells

QUESTIONS: dict[str, Callable[..., Any]] = {
    "table": api.spans,
    "errors": api.errors,
    "cells": api.cells,
    "stats": api.statistics,
}
"""Answers that --cell and --where narrow."""

TIMES: dict[str, Callable[..., Any]] = {
    "self": api.self_times,
    "path": api.critical_path,
    "gaps": api.gaps,
    "repeats": api.repeats,
}
"""Answers about the tree of spans as a whole: --cell chooses it, --where would tear holes into it."""

KINDS = ("tree", "view", *QUESTIONS, *TIMES, "history", "headings", "compare")
COMMANDS = ("status", "on", "off", "reset", "forget", "display")
_OPTIONS = ("--cell", "--last", "--where")
_MANY_CELLS = 100_000


@magics_class
class NbtraceMagics(Magics):
    """The magics of nbtrace."""

    def __init__(self, shell: Any, tracer: CellTracer, control: Any) -> None:
        super().__init__(shell)
        self._tracer = tracer
        self._control = control

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def span(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> Any:
        """Put a piece of work into an OpenTelemetry span.

        %%span NAME [key=value …]                 the whole cell; first line of the cell
        %span NAME [key=value …]                  a section: up to the next %span or the end of the cell
        %span NAME [key=value …] -- STATEMENT     one statement, whose value is returned

        key=value become attributes: numbers and true/false as such, {expressions} evaluated, the rest as text. A name may
        have spaces, quotes and {expressions}. Lines of %%span can be stacked, and stand above or below other cell magics.

            %%span "load data" source=s3 rows={len(paths)}
            %span fit model=ridge
            %span predict -- y = model.predict(X)
        """
        __tracebackhide__ = True
        try:
            parsed = parse(line.strip())
        except SpanLineError as error:
            raise UsageError(str(error)) from None
        if cell is not None and parsed.statement is not None:
            raise UsageError("%%span takes the cell below it as its work: leave out `--`, or type %span on one line.")
        if parsed.statement is None and not (cell and cell.strip()):
            return self._open(parsed, section=cell is None)
        namespace = self.shell.user_ns
        evaluated = parsed.evaluate(namespace, local_ns)
        self._say(evaluated.problems)
        with api.span(evaluated.name, **evaluated.attributes):
            body = parsed.statement if cell is None else cell
            return self._run(body or "", namespace, local_ns)

    def _open(self, parsed: Any, *, section: bool) -> None:
        try:
            self._say(self._tracer.open_span(parsed, section=section))
        except LookupError:
            if self._tracer.enabled:
                raise UsageError(
                    "a section needs a traced cell around it. Here, type  %span NAME -- STATEMENT  "
                    "or  with nbtrace.span(NAME): …"
                ) from None

    def _say(self, problems: tuple[str, ...]) -> None:
        for problem in problems:
            print(f"nbtrace: {problem} — the code runs, the span holds the error.", file=sys.stderr)

    def _run(self, source: str, namespace: dict[str, Any], local_ns: dict[str, Any] | None) -> Any:
        """Run code as a cell does: the value of a last expression is returned."""
        __tracebackhide__ = True
        if source.lstrip().startswith("%%"):
            name, _, rest = source.lstrip()[2:].partition("\n")
            magic, _, arguments = name.partition(" ")
            return self.shell.run_cell_magic(magic, arguments, rest)
        tree = ast.parse(self.shell.transform_cell(source), "<span>")
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "<span>", "exec"), namespace, local_ns)
        if last is not None:
            return eval(compile(ast.Expression(last.value), "<span>", "eval"), namespace, local_ns)
        return None

    @magic_arguments()
    @argument("what", nargs="?", default="tree", choices=KINDS, help="what to show; the tree if left out")
    @argument("numbers", nargs="*", type=int, help="after compare: the execution counts of one cell or of two")
    @argument("--cell", help="only this cell: 3, or several: 3,5,7-9")
    @argument("--last", type=int, help="only the last so many cells")
    @argument(
        "--where",
        help="only what meets this condition, such as  duration > 100ms and name ~ 'load'; the rest of the line",
    )
    @no_var_expand
    @line_magic
    def spans(self, line: str) -> Any:
        """Show what was recorded.

        %spans                                    the tree: what ran in what, how long, what failed
        %spans table                              the spans as a DataFrame (df = %spans table)
        %spans view                               the inspector: look at all of it, live
        %spans errors | cells | stats             errors; executions of cells; times by name
        %spans self | path                        where the last cell's time went; what its end waited for
        %spans repeats | gaps                     what ran again and again; when nothing ran
        %spans compare [3 5]                      two cells; one, or none: the last cell's runs against each other
        %spans history | headings                 cells over all their runs; time below each heading
        %spans --cell 3 --where duration > 1s and attributes.rows > 100

        A condition compares columns: == != < <= > >= in ~ (a pattern), .isna(), .str.contains('x'); joined by and, or, not.
        @x is your variable x. A missing value meets neither a condition nor its negation.
        """
        line, where = _take_where(line)
        args = parse_argstring(self.spans, line)
        cell = _cells(args.cell)
        if args.last is not None:
            if args.last < 1:
                raise UsageError(f"--last {args.last} is no number of cells. Type for example  %spans --last 3")
            if cell is not None:
                raise UsageError("--cell and --last both choose cells. Leave one of them out.")
        if args.numbers and args.what != "compare":
            raise UsageError(
                f"{args.numbers[0]} stands alone. Did you mean  %spans {args.what} --cell {args.numbers[0]}?"
            )
        if len(args.numbers) > 2:
            raise UsageError("%spans compare takes two cells. For several runs:  nbtrace.compare([3, 4], [5, 6])")
        if where is not None and args.what not in ("tree", "view", *QUESTIONS):
            raise UsageError(f"%spans {args.what} takes no --where: it is about all spans of a cell. Type --cell N.")
        if args.what in ("history", "headings", "compare") and (cell is not None or args.last is not None):
            raise UsageError(f"%spans {args.what} takes neither --cell nor --last.")
        return _said(lambda: self._show(args.what, cell, args.last, where, args.numbers))

    def _show(self, what: str, cell: list[int] | None, last: int | None, where: str | None, numbers: list[int]) -> Any:
        if what in ("tree", "view"):
            show = api.view if what == "view" else api.text
            return show(cell=cell, last=last, where=_with_names(where, self.shell.user_ns))
        if what == "compare":
            return api.compare(*numbers)
        if what in ("history", "headings"):
            return getattr(api, what)()
        if last is not None or (cell is None and what in ("self", "path")):
            cell = last_cells(last or 1)
        if what in TIMES:
            return TIMES[what](cell=cell)
        return QUESTIONS[what](cell=cell, where=_with_names(where, self.shell.user_ns))

    @magic_arguments()
    @argument("command", nargs="?", default="status", choices=COMMANDS, help="what to do; status if left out")
    @argument("value", nargs="?", help="on or off, after display")
    @argument("--cell", help="after forget: the cell, or several: 3,5,7-9")
    @argument("--where", help="after forget: only spans for which this expression holds; the rest of the line")
    @no_var_expand
    @line_magic
    def nbtrace(self, line: str) -> None:
        """Look after the recording.

        %nbtrace status            what is captured and what is not, how much is kept, what was dropped
        %nbtrace on | off          go on tracing cells; stop
        %nbtrace reset             forget everything recorded so far
        %nbtrace forget --cell 3   take a cell out of the recording: its source, its spans and what they hold
        %nbtrace forget --where name == 'login'
        %nbtrace display on | off  show each cell's tree below it; stop
        """
        line, where = _take_where(line, "%nbtrace forget")
        args = parse_argstring(self.nbtrace, line)
        if args.command == "forget":
            if args.value is not None or (args.cell is None and where is None):
                raise UsageError("type  %nbtrace forget --cell 3  or  %nbtrace forget --where name == 'login'")
            cell, condition = _cells(args.cell, "%nbtrace forget"), _with_names(where, self.shell.user_ns)
            gone = _said(lambda: api.live().forget(cell=cell, where=condition))
            known = "" if gone else "  Nothing there is of that kind; %spans cells shows which cells there are."
            print(f"nbtrace: forgot {gone:,} {'span' if gone == 1 else 'spans'}.{known}")
            return
        if args.cell is not None or where is not None:
            raise UsageError(f"--cell and --where belong to  %nbtrace forget, not to  %nbtrace {args.command}")
        if (args.command == "display") != (args.value is not None) or args.value not in (None, "on", "off"):
            raise UsageError("type  %nbtrace status, on, off, reset, forget --cell 3, display on  or  display off")
        text = self._control(args.command, args.value)
        if text:
            print(text)


def _with_names(where: str | None, namespace: dict[str, Any]) -> Any:
    return where if where is None else Condition(where, namespace)


def _said(answer: Callable[[], Any]) -> Any:
    """Turn errors about what was typed into one line."""
    from nbtrace.analysis.history import NotebookError
    from nbtrace.analysis.runs import RunsError
    from nbtrace.analysis.where.errors import FilterError, UnknownColumnError

    try:
        return answer()
    except (FilterError, UnknownColumnError, NotebookError, RunsError) as error:
        raise UsageError(str(error)) from None


_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""")


def _take_where(line: str, magic: str = "%spans") -> tuple[str, str | None]:
    """Cut `--where EXPR` out of the line: up to the next option, or the end; quotes around all of it fall off."""
    match = re.search(r"(?:^|\s)--where(?:\s+|=|$)", line)
    if match is None:
        return line, None
    rest = line[match.end() :]
    # What stands in quotes is text, whatever it looks like.
    end = re.search(r"\s--(?:cell|last)\b", _QUOTED.sub(lambda text: "'" * len(text[0]), rest))
    expression, behind = (rest, "") if end is None else (rest[: end.start()], rest[end.start() :])
    expression = expression.strip()
    if len(expression) > 1 and expression[0] in "'\"" and expression.find(expression[0], 1) == len(expression) - 1:
        expression = expression[1:-1]
    if not expression:
        raise UsageError(f"--where needs a condition. Type for example  {magic} --where duration > '100ms'")
    return f"{line[: match.start()]} {behind}", expression


def _cells(text: str | None, magic: str = "%spans") -> list[int] | None:
    """Read `3`, `3,5` or `7-9`."""
    if text is None:
        return None
    try:
        found: list[int] = []
        for part in text.split(","):
            first, _, last = part.partition("-")
            cells = range(int(first), int(last or first) + 1)
            if len(cells) > _MANY_CELLS:
                raise ValueError
            found += cells
    except (ValueError, OverflowError):
        raise UsageError(
            f"--cell {text} is no cell. Type a number, as in  {magic} --cell 3  or  --cell 3,5,7-9"
        ) from None
    return found


def complete(line: str, word: str, columns: Callable[[], list[str]]) -> list[str]:
    """Return how `word`, at the end of `line`, may go on in one of our magics."""
    head = line.lstrip().split(" ")[0]
    before = line[: len(line) - len(word)].split()
    if head == "%spans" and " " in line.lstrip():
        if "--where" in before:
            return [column for column in columns() if column.startswith(word)]
        options = [option for option in _OPTIONS if option not in before]
        kinds = KINDS if len(before) == 1 else ()
        return [option for option in (*kinds, *options) if option.startswith(word)]
    if head == "%nbtrace" and " " in line.lstrip():
        if before[1:2] == ["forget"]:
            if "--where" in before:
                return [column for column in columns() if column.startswith(word)]
            return [option for option in ("--cell", "--where") if option.startswith(word)]
        choices = COMMANDS if len(before) == 1 else ("on", "off") if before[1:] == ["display"] else ()
        return [choice for choice in choices if choice.startswith(word)]
    return []
