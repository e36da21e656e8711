"""What a cell that runs is doing, in words for somebody who waits for it.

Enters: what it was last seen doing (store/now.py), its code, its hottest function so far. Leaves: `Doing`, and a line of text.
The inspector in the browser writes the same line (frontend/src/engine/doing.ts), with times that grow."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from nbtrace.analysis.profiles.cell_code import CellCode
from nbtrace.analysis.profiles.hottest_function import Heat, Hottest
from nbtrace.analysis.profiles.libraries import NOTEBOOK, YOURS, library
from nbtrace.store.book import Execution
from nbtrace.store.now import Now
from nbtrace.store.span_store import Snapshot, SpanStore
from nbtrace.views import words

SILENT_NS = 1_500_000_000
"""A cell that is not seen for so long is held by code that keeps everybody else waiting: it is looked at five times a second."""

LONG_NS = 1_000_000_000
"""How long a line is stayed on before that is worth telling beside how long its statement has run."""

_CODE = 40
_FUNCTION = 60
_ITS_OWN = "<module>"


class Doing(NamedTuple):
    """What is told of a cell. Lines are those of the cell as it was typed."""

    line: int
    code: str
    """What stands there; "" where no code is kept."""
    first_line: int
    last_line: int
    """Of the statement."""
    begun_ns: int
    since_ns: int
    """The times of `Now`."""
    silent_ns: int
    """When it was last looked at; 0 where it is being looked at all the time."""
    function: str
    """What runs there: merge_asof (pandas); "" for the cell's own lines."""
    hottest: str
    """merge_asof (pandas) 62 %; "" where that is not known yet."""


def doing(
    now: Now, execution: Execution, hottest: Hottest | None, at_ns: int, clean: Callable[[str], str] = str
) -> Doing:
    """Return what is told of a cell at a moment, of its code as much as the execution holds. `clean` takes secrets out of a name
    that comes from the running code itself."""
    code = CellCode((execution,))
    first, last = execution.typed_line(now.first_line), execution.typed_line(now.last_line)
    line = execution.typed_line(now.line)
    if now.timed_line and (body := code.timed_body(execution)) is not None:
        # What %%time runs is one statement, and compiled by itself.
        line = body + now.timed_line
        first, last = min(first, line), max(last, line, len(code.lines(execution.number) or ()))
    text = words.plain((code.text(execution.number, line, line) or "").strip(), _CODE)
    hot = (
        "" if hottest is None else f"{_called(hottest.function, hottest.file, execution)} {words.share(hottest.share)}"
    )
    own = _is_own(now.function, now.file, execution)
    function = "" if own else _called(clean(now.function), now.file, execution)
    silent = at_ns - now.seen_ns > SILENT_NS
    return Doing(line, text, first, last, now.begun_ns, now.since_ns, now.seen_ns if silent else 0, function, hot)


def said(told: Doing, now_ns: int) -> str:
    """Return it as a line of text at a moment: line 3 df.merge(…) · 2.10 s · hottest: merge_asof (pandas) 62 %."""
    # Never before it began, though the clock may have been set back.
    until_ns = max(now_ns, told.begun_ns, told.since_ns)
    here, whole = words.duration(until_ns - told.since_ns), words.duration(until_ns - told.begun_ns)
    time = whole
    if not told.line == told.first_line == told.last_line:
        lines = (
            f"line {told.first_line}"
            if told.first_line == told.last_line
            else f"lines {told.first_line}–{told.last_line}"
        )
        time = f"{whole} in {lines}"
        if until_ns - told.since_ns >= LONG_NS and told.since_ns > told.begun_ns:
            time = f"{here} of {time}"
    within = f"in {told.function}" if told.function and (told.silent_ns or not told.hottest) else ""
    silent = f"last seen {words.duration(max(0, now_ns - told.silent_ns))} ago" if told.silent_ns else ""
    parts = (
        f"line {told.line} {told.code}".rstrip(),
        time,
        within,
        f"hottest: {told.hottest}" if told.hottest else "",
        silent,
    )
    return " · ".join(filter(None, parts))


def all_said(store: SpanStore, snapshot: Snapshot, now_ns: int) -> dict[str, str]:
    """Return the line of each cell that runs, by the id of its span."""
    running = store.now.copy()
    if not running:
        return {}
    heat = Heat()
    for batch in snapshot.samples:
        heat.add(batch, 0, running)
    clean = store.redactor.uncounted().text
    return {
        f"{each.span_id:016x}": said(
            doing(running[each.number], each, heat.hottest(each.number), now_ns, clean), now_ns
        )
        for each in snapshot.executions
        if each.number in running
    }


def _is_own(function: str, file: str, execution: Execution) -> bool:
    return function == _ITS_OWN and file == execution.file


def _called(function: str, file: str, execution: Execution) -> str:
    if _is_own(function, file, execution):
        return "the cell's own lines"
    name, brought_by = words.plain(function, _FUNCTION), library(file)
    return name if brought_by in (NOTEBOOK, YOURS) else f"{name} ({words.plain(brought_by, _FUNCTION)})"
