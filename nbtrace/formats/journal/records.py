"""What is said in a journal: a line of JSON for each thing that happens, without secrets.

Enters: rows, executions, moments. Leaves: lines, and before them what they refer to. A line is an array; its first item tells
what it is:

    ["nbtrace.journal", 1, {…}]                                  the head of a part: who writes, since when, which part
    ["o", n, service, scope, version, resource]                  an origin, a thread, keys of attributes, and a frame of a
    ["t", n, pid, ident, name]                                   stack (below frame n, 0 for none): what other lines of the
    ["k", n, [key, …]]                                           same part name by number
    ["f", n, above, function, file, line, first_line]
    ["s", trace, span, parent, name, kind, cell, o, t, k, start, value, …]                             a span has started
    ["e", trace, span, parent, name, kind, start, end, status, cell, o, t, extra, k, value, …]         and ended
    ["x", span, end]                                             and ended as it had started: with nothing new but the time
    ["i", …]                                                     as "e", until it may be said with all of its texts
    ["c", {…}]                                                   an execution as far as it is known; a later one knows more
    ["b", cell, start, line]                                     a statement has begun
    ["d", cell, end, failed, [[start, first, last], …]]          a cell's statements are over; lines: 0 where not read
    ["p", time, cell, trace, span, t, wall, cpu, memory, native, f]                                    a sample
    ["r", time]                                                  somebody has read it after its process had died
    ["z", n]                                                     the journal was closed; n lines are missing: a slow disk

Times are nanoseconds since the epoch; ids whole numbers, 0 where there is none. JSON leaves no zero byte in a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from nbtrace.store.book import Execution
from nbtrace.store.redaction import rows as redacted
from nbtrace.store.redaction.redactor import Redactor
from nbtrace.store.schema import WIDTH, Origin, Row, RowFields, Thread
from nbtrace.store.stacks import Stack
from nbtrace.store.values import clean_text, encode_json

VERSION = 1
HEAD = "nbtrace.journal"

_REMEMBERED, _LONG = 4_096, 512
"""So many texts are remembered as they are written, and none that is longer."""

_ORIGIN, _THREAD, _EXTRA, _KEYS = map(RowFields._fields.index, ("origin", "thread", "extra", "keys"))


class Lines:
    """Writes lines into one part, and what they refer to once before them. `write` raises ValueError where a line does not fit:
    what was to be said must then be said to the next part."""

    def __init__(
        self, write: Callable[[bytes], object], redactor: Redactor, numbers: Iterator[int] | None = None
    ) -> None:
        self._write = write
        self._numbers = numbers or count(1)
        self.redact(redactor)

    def redact(self, redactor: Redactor) -> None:
        """Take out what this one takes for secrets, from here on."""
        self._redactor = redactor
        self.hushed: Lines | None = None
        """Where a callable of the user's is asked, which may be slow: says what needs no asking, in the same part."""
        self.ruled: Lines = self
        """Says what is redacted by the rules alone."""
        if redactor.choice.call is not None:
            self.hushed = Lines(self._write, Redactor(False), self._numbers)
            self.ruled = Lines(self._write, Redactor(replace(redactor.choice, call=None)), self._numbers)
        self._names: dict[str, str] = {}
        # By the id of an object that is kept here, so that its id is not given to another: quicker than by what it holds.
        self._origins: dict[int, tuple[Origin, int]] = {}
        self._threads: dict[int, tuple[Thread, int]] = {}
        self._keys: dict[int, tuple[tuple[str, ...], int, Plan]] = {}
        self._before: Any = (None,)
        self._frames: dict[Stack, int] = {}

    def say(self, *items: Any) -> None:
        """Write a line of clean values."""
        self._write(encode_json(items).encode("ascii") + b"\n")

    # ── spans: on the user's path ────────────────────────────────────────────────────────────────────────────────────

    def started(self, row: Row) -> None:
        """Write that a span has started."""
        trace_id, span_id, parent, name, kind, start, _, _, cell, origin, thread, extra, keys = row[:WIDTH]
        before = self._before
        if (
            keys is before[0]
            and name is before[1]
            and trace_id == before[2]
            and parent == before[3]
            and thread is before[4]
            and origin is before[5]
            and cell == before[6]
            and kind == before[7]
        ):  # in a loop, as nearly all of very many are
            head, tail, plan = before[8:]
        else:
            head, tail, plan = self._begin(row)
        values = row[WIDTH:]
        text = plan.text(values) if extra is None and values else "" if extra is None else None
        if text is None:
            safe = self._safe(row)
            self.say("s", *safe[:5], cell, *self._references(row)[:3], start, *safe[WIDTH:])
        else:
            self._write(f"{head}{span_id}{tail}{start}{text}]\n".encode("ascii"))

    def _begin(self, row: Row) -> tuple[str, str, Plan]:
        """What stands before the id of a span that starts, between it and the time, and how its values are written. Kept for the
        next, which as a rule differs in nothing else."""
        trace_id, _, parent, name, kind, _, _, _, cell, origin, thread, _, keys = row[:WIDTH]
        o, t, k, plan = self._references(row)
        written = self._names.get(name) or self._new_name(name)
        head, tail = f'["s",{trace_id},', f",{parent},{written},{kind},{cell},{o},{t},{k},"
        self._before = (keys, name, trace_id, parent, thread, origin, cell, kind, head, tail, plan)
        return head, tail, plan

    def ended(self, row: Row, as_: str = "e") -> None:
        """Write that a span has ended, with all that is known of it; as "i", with what may be said before it was looked at."""
        trace_id, span_id, parent, name, kind, start, end, status, cell, _, _, extra, _ = row[:WIDTH]
        o, t, k, plan = self._references(row)
        values = row[WIDTH:]
        text = plan.text(values) if extra is None else None
        if text is None:
            safe = self._safe(row)
            self.say(as_, *safe[:9], o, t, safe[_EXTRA], k, *safe[WIDTH:])
            return
        written = self._names.get(name) or self._new_name(name)
        ids = f"{trace_id},{span_id},{parent},{written},{kind},{start},{end},{status},{cell}"
        self._write(f'["{as_}",{ids},{o},{t},null,{k}{text}]\n'.encode("ascii"))

    def _references(self, row: Row) -> tuple[int, int, int, Plan]:
        # Not looked up a second time: another thread, whose table is full, may have emptied it in between.
        origin, thread, keys = row[_ORIGIN], row[_THREAD], row[_KEYS]
        o = self._origins.get(id(origin)) or self._new_origin(origin)
        t = self._threads.get(id(thread)) or self._new_thread(thread)
        k = self._keys.get(id(keys)) or self._new_keys(keys)
        return o[1], t[1], k[1], k[2]

    def ended_as_started(self, span_id: int, end_ns: int) -> None:
        """Write that a span has ended of which all else stands where it has started."""
        self._write(f'["x",{span_id},{end_ns}]\n'.encode("ascii"))

    def _safe(self, row: Row) -> Row:
        return redacted.rows([row], self._redactor)[0]

    # ── what is remembered ───────────────────────────────────────────────────────────────────────────────────────────

    def _new_name(self, name: Any) -> str:
        return _remember(self._names, name, quoted(self._redactor.text(clean_text(name), "span.name")))

    def _new_keys(self, keys: tuple[str, ...]) -> tuple[tuple[str, ...], int, Plan]:
        number = next(self._numbers)
        self.say("k", number, redacted.redacted_keys(keys, self._redactor))
        if len(self._keys) > _REMEMBERED:
            self._keys.clear()
        known = self._keys[id(keys)] = (keys, number, Plan(keys, self._redactor))
        return known

    def _new_origin(self, origin: Origin) -> tuple[Origin, int]:
        number = next(self._numbers)
        self.say("o", number, *redacted.origin(origin, self._redactor))
        if len(self._origins) > _REMEMBERED:
            self._origins.clear()
        known = self._origins[id(origin)] = (origin, number)
        return known

    def _new_thread(self, thread: Thread) -> tuple[Thread, int]:
        number = next(self._numbers)
        name = None if thread.thread_name is None else self._redactor.text(clean_text(thread.thread_name))
        self.say("t", number, thread.process_pid, thread.thread_id, name)
        if len(self._threads) > _REMEMBERED:
            self._threads.clear()
        known = self._threads[id(thread)] = (thread, number)
        return known

    def _frame(self, stack: Stack) -> int:
        if stack.above is None:
            return 0
        number = self._frames.get(stack)
        if number is None:
            above = self._frame(stack.above)
            number = next(self._numbers)
            function = quoted(self._redactor.text(clean_text(stack.function[:_LONG])))
            file = quoted(self._redactor.text(clean_text(stack.file[:_LONG])))
            self._write(f'["f",{number},{above},{function},{file},{stack.line},{stack.first_line}]\n'.encode("ascii"))
            if len(self._frames) > 4 * _REMEMBERED:
                self._frames.clear()
            self._frames[stack] = number
        return number

    # ── cells ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def execution(self, execution: Execution, **known: Any) -> None:
        """Write what is known of an execution; `known` goes before what it says itself. Its source is as it may be shown."""
        resources = None if execution.resources is None else execution.resources._asdict()
        fields = {name: getattr(execution, name) for name in EXECUTION_FIELDS}
        self.say("c", {**fields, "resources": resources, **known})

    def statement(self, cell: int, start_ns: int, line: int) -> None:
        """Write that a statement has begun. On the user's path."""
        self._write(f'["b",{cell},{start_ns},{line}]\n'.encode("ascii"))

    def sample(self, row: Row) -> None:
        """Write a sample. Called in the sampling thread."""
        # By the fields' places, and no container is made on the way: the collector of the user's garbage, which counts
        # them, is not to find that it is its turn in this thread. `SampleFields` would open pyarrow, too.
        thread = row[4]
        t = (self._threads.get(id(thread)) or self._new_thread(thread))[1]
        cpu = "null" if row[6] is None else row[6]
        memory = "null" if row[7] is None else row[7]
        native = "true" if row[8] else "false"
        f = self._frame(row[9])
        self._write(
            f'["p",{row[0]},{row[1]},{row[2]},{row[3]},{t},{row[5]},{cpu},{memory},{native},{f}]\n'.encode("ascii")
        )


EXECUTION_FIELDS = (
    "number",
    "execution_count",
    "cell_id",
    "source",
    "run",
    "trace_id",
    "span_id",
    "digest",
    "asks",
    "failed",
    "file",
    "line_map",
)


class Plan:
    """How the values of spans with the same keys are written: each behind a comma, texts without secrets."""

    __slots__ = ("_keys", "_known", "_made", "_redactor")

    def __init__(self, keys: tuple[str, ...], redactor: Redactor) -> None:
        self._keys = keys
        self._redactor = redactor
        self._known: tuple[dict[str, str], ...] = tuple({} for _ in keys)
        """Texts as they are written, by key: what a text is under one key, it may not be under another."""
        # In one, replaced as a whole: spans start in other threads meanwhile.
        self._made: tuple[tuple[type, ...], str, tuple[int, ...], tuple[int, ...], tuple[int, ...]] = (
            (),
            "",
            (),
            (),
            (),
        )

    def text(self, values: tuple[Any, ...]) -> str | None:
        """Return the values as they are written; None if one is neither text nor a number."""
        types = tuple(map(type, values))
        known_types, form, texts, floats, words = self._made
        if types != known_types:
            if not _FORMS.keys() >= set(types):
                return None
            form = "".join(_FORMS[kind] for kind in types)
            texts, floats, words = (
                tuple(at for at, kind in enumerate(types) if kind in kinds)
                for kinds in ((str,), (float,), (bool, type(None)))
            )
            self._made = (types, form, texts, floats, words)
        for at in floats:
            if values[at] - values[at] != 0.0:  # NaN, or infinite
                return None
        if texts or words:
            found = list(values)
            for at in texts:
                value = found[at]
                written = self._known[at].get(value) or self._new(at, value)
                if not written:
                    return None
                found[at] = written
            for at in words:
                found[at] = _WORDS[found[at]]
            values = tuple(found)
        return form % values

    def _new(self, at: int, value: str) -> str:
        safe = self._redactor.value(self._keys[at], value)
        return _remember(self._known[at], value, quoted(safe)) if type(safe) is str else ""


_FORMS: dict[type, str] = {str: ",%s", int: ",%d", float: ",%r", bool: ",%s", type(None): ",%s"}
_WORDS = {True: "true", False: "false", None: "null"}


def _remember(known: dict[str, str], text: Any, written: str) -> str:
    if type(text) is str and len(text) < _LONG:
        if len(known) > _REMEMBERED:
            known.clear()
        known[text] = written
    return written
