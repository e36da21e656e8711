"""%%span, %span, %spans and %nbtrace: parse the line, call, return. Nothing is decided here.

Errors are one line that says what to type. `{expressions}` are evaluated by the span line itself, so that a number stays
a number; IPython's own expansion is off."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, needs_local_scope, no_var_expand

from nbtrace import api
from nbtrace.analysis.conditions import Condition
from nbtrace.analysis.wrong_question import QuestionError
from nbtrace.answers.register import by_word
from nbtrace.capture.notebook.cells import CellTracer
from nbtrace.capture.notebook.spanline import HELP, SpanLineError, parse
from nbtrace.magics.lines.read import Asked, LineError, read
from nbtrace.magics.lines.words import NBTRACE, SPANS, Magic
from nbtrace.store.libraries import LibraryVersionsError
from nbtrace.views.words import plain

_EXAMPLES = 50
"""Of so many cells one is named in an example."""

_LONG = 120
"""Characters of a line that an error shows."""


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
        magic = "%span" if cell is None else "%%span"
        if line.strip() in HELP:
            return self._help("span")
        try:
            parsed = parse(line.strip())
        except SpanLineError as error:
            raise UsageError(error.in_magic(magic)) from None
        if cell is not None and parsed.statement is not None:
            raise UsageError(
                f"%%span takes the cell below it as its work. Type  %span {_shown(line)}  on one line, or leave out `--`."
            )
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

    @no_var_expand
    @line_magic
    def spans(self, line: str) -> Any:
        """Show what was recorded.

        %spans                                    the tree: what ran in what, how long, what failed
        %spans table                              the spans as a DataFrame (df = %spans table)
        %spans view                               the inspector: look at all of it, live
        %spans lines                              the last cell's code, and what each line of it took
        %spans hot [--by line | library]          where its time went, by function: self and total
        %spans errors | cells | stats             errors; executions of cells; times by name
        %spans self | path                        where the last cell's time went; what its end waited for
        %spans repeats | gaps                     what ran again and again; when nothing ran
        %spans tasks                              tasks of pools and of Dask: start of workers, waiting, fetching, work
        %spans compare [3 5]                      two cells; one, or none: the last cell's runs against each other
        %spans compare 3,4,5 6-8                  several runs of each
        %spans history | headings [FILE]          cells over all their runs; time below each heading
        %spans help                               this

        --asking                                  also the cells that only ask nbtrace, which are left out else
        --cell 3, --cell 3,5,7-9                  only these cells; not for compare, history, headings
        --last 2                                  only the last so many cells; likewise
        --where CONDITION                         tree, table, view, errors, cells, stats, tasks, hot, lines: only what meets it

            %spans --cell 3 --where duration > 1s and attributes.rows > 100

        A condition compares columns: == != < <= > >= in ~ (a pattern), .isna(), .str.contains('x'); joined by and, or, not.
        @x is your variable x. A missing value meets neither a condition nor its negation.
        """
        asked = self._read(SPANS, line)
        if asked is None:
            return self._help("spans")
        given = [asked.file] if asked.file else list(asked.sides)
        return _said(lambda: self._show(asked, given))

    def _show(self, asked: Asked, given: list[Any]) -> Any:
        """Answer. given: the sides that are compared, or the file whose headings are asked for."""
        question, recording = by_word()[asked.word], api.live()
        cell, last = asked.cell, asked.last
        if question.last_cell and cell is None:
            last = last or 1
        if last is not None and "last" not in question.narrows:
            cell = recording._last_cells(last, asking=asked.asking)
        given = [side[0] if isinstance(side, list) and len(side) == 1 else side for side in given]
        where = _with_names(asked.where, self.shell.user_ns)
        found = question.show(recording, *given, by=asked.by, cell=cell, last=last, where=where, asking=asked.asking)
        if not question.is_table or question.shows:
            return found
        from nbtrace.views.formatted import Answer

        return Answer.of(found, asked.word, recording._captions)

    @no_var_expand
    @line_magic
    def nbtrace(self, line: str) -> Any:
        """Look after the recording.

        %nbtrace status            what is captured and what is not, how much is kept, what was dropped
        %nbtrace on | off          go on tracing cells; stop
        %nbtrace reset             forget everything recorded so far
        %nbtrace forget --cell 3   take a cell out of the recording: its source, its spans and what they hold
        %nbtrace forget --where name == 'login'
        %nbtrace display on | off  show each cell's tree below it; stop
        %nbtrace journal on [FILE] write what is recorded into a file that outlives the kernel; off ends it
        %nbtrace propagate on | off  tell what subprocess starts where it belongs (TRACEPARENT, nbtrace.arrive())
        %nbtrace receive           take spans of other programs: prints where they send them, env = %nbtrace receive keeps
                                   it for subprocess; off ends it
        %nbtrace dask [CLIENT]     tasks that are sent to Dask nest below their cell; off ends it
        %nbtrace help              this
        """
        asked = self._read(NBTRACE, line)
        if asked is None:
            return self._help("nbtrace")
        if asked.word == "forget":
            condition = _with_names(asked.where, self.shell.user_ns)
            gone = _said(lambda: api.live().forget(cell=asked.cell, where=condition))
            known = "" if gone else "  Nothing there is of that kind; %spans cells shows which cells there are."
            print(f"nbtrace: forgot {gone:,} {'span' if gone == 1 else 'spans'}.{known}")
            return None
        said = self._control(asked.word, asked.switch or None, asked.file)
        if said:
            print(said)
        return None if isinstance(said, str) else said

    def _read(self, magic: Magic, line: str) -> Asked | None:
        try:
            return read(magic, line, lambda: api.live()._last_cells(_EXAMPLES))
        except LineError as error:
            raise UsageError(str(error)) from None

    def _help(self, name: str) -> None:
        """Print the forms of a magic: what `%spans?` shows as well."""
        print(inspect.cleandoc(getattr(type(self), name).__doc__ or ""))


def _with_names(where: str | None, namespace: dict[str, Any]) -> Any:
    return where if where is None else Condition(where, namespace)


def _said(answer: Callable[[], Any]) -> Any:
    """Turn errors about what was typed, and of libraries that cannot be opened, into one line."""
    try:
        return answer()
    except QuestionError as error:
        raise UsageError(plain(error.in_magic)) from None
    except LibraryVersionsError as error:
        raise UsageError(str(error)) from None


def _shown(line: str) -> str:
    return plain(line.strip(), _LONG)
