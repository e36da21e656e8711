"""What a cell that runs is doing, in words for somebody who waits for it.

Enters: what it was last seen doing (store/now.py), its code, its hottest function so far. Leaves: `Doing`, and a line of text.
The inspector in the browser writes the same line (frontend/src/engine/doing.ts), with times that grow."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from nbtrace.analysis.hottest_function import Heat, Hottest, package_of
from nbtrace.store.book import Execution
from nbtrace.store.now import Now
from nbtrace.store.span_store import Snapshot, SpanStore
from nbtrace.views import words

SILENT_NS = 1_500_000_000
"""A cell that is not seen for so long is held by code that keeps everybody else waiting: it is looked at five times a second."""

LONG_NS = 1_000_000_000
"""How long a line is stayed on before that is worth telling beside how long its statement has run."""

_CODE = 60
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
    seen_ns: int
    """The times of `Now`."""
    function: str
    """What runs there: merge_asof (pandas); "" for the cell's own lines."""
    hottest: str
    """merge_asof (pandas) 62 %; "" where that is not known yet."""


def doing(now: Now, execution: Execution, hottest: Hottest | None, clean: Callable[[str], str] = str) -> Doing:
    """Return what is told of a cell, of its code as much as the execution holds. `clean` takes secrets out of a name that comes
    from the running code itself."""
    lines = [] if execution.source == f"sha256:{execution.digest}" else execution.source.split("\n")
    first, last = execution.typed_line(now.first_line), execution.typed_line(now.last_line)
    line = execution.typed_line(now.line)
    if now.timed_line and 0 < line <= len(lines):
        # The body of %%time is one statement, compiled by itself without the blank lines at its top.
        body = next((at for at, text in enumerate(lines[line:], line + 1) if text.strip()), line + 1)
        line = body + now.timed_line - 1
        first, last = min(first, line), max(last, line, len(lines))
    code = words.plain(lines[line - 1].strip(), _CODE) if 0 < line <= len(lines) else ""
    hot = (
        "" if hottest is None else f"{_called(hottest.function, hottest.file, execution)} {words.share(hottest.share)}"
    )
    own = _is_own(now.function, now.file, execution)
    function = "" if own else _called(clean(now.function), now.file, execution)
    return Doing(line, code, first, last, now.begun_ns, now.since_ns, now.seen_ns, function, hot)


def said(told: Doing, now_ns: int) -> str:
    """Return it as a line of text at a moment: line 3 df.merge(…) · 2.10 s · hottest: merge_asof (pandas) 62 %."""
    seen_ns = max(told.seen_ns, told.begun_ns)
    silent_ns = now_ns - seen_ns
    until_ns = max(now_ns, seen_ns)  # clocks may have been set back
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
    silent = silent_ns > SILENT_NS
    within = f"in {told.function}" if told.function and (silent or not told.hottest) else ""
    parts = (
        f"line {told.line} {told.code}".rstrip(),
        time,
        within,
        f"hottest: {told.hottest}" if told.hottest else "",
        f"last seen {words.duration(silent_ns)} ago" if silent else "",
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
        f"{each.span_id:016x}": said(doing(running[each.number], each, heat.hottest(each.number), clean), now_ns)
        for each in snapshot.executions
        if each.number in running
    }


def _is_own(function: str, file: str, execution: Execution) -> bool:
    return function == _ITS_OWN and file == execution.file


def _called(function: str, file: str, execution: Execution) -> str:
    if _is_own(function, file, execution):
        return "the cell's own lines"
    package = package_of(file)
    name = words.plain(function, _FUNCTION)
    return f"{name} ({package})" if package else name
