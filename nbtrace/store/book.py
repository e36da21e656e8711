"""The book of executions: which cell ran as which number, so that a span needs to carry only a small integer.

A span that ends while its cell still runs does not know the cell's execution count yet on every IPython; the book does
when it is read. Like the store it knows no lock: a signal handler may ask while a cell is being entered."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from itertools import count
from typing import NamedTuple

from nbtrace.store.typed_lines import typed_lines

MAX_EXECUTIONS = 100_000

_NUMBERS = count(1)
"""For all books of a process: what runs here and what came from elsewhere must not be taken for the same."""


def digest(source: str) -> str:
    """Return what tells a cell's code from another's; blank ends are no difference."""
    return hashlib.sha256(source.strip().encode("utf-8", "surrogatepass")).hexdigest()


class Resources(NamedTuple):
    """What an execution took of the machine, as far as it has come. None is what the system does not tell."""

    cpu_ns: int | None = None
    """Computing time of all threads of the process."""
    memory_peak: int | None = None
    """Bytes resident at the most that was seen."""
    memory_change: int | None = None
    """Bytes resident at the end, less those at the beginning."""
    gc_ns: int | None = None
    """How long the collector of garbage worked."""
    read_bytes: int | None = None
    """What was read, from files and pipes, whether a disk turned for it or not."""
    written_bytes: int | None = None
    shared: bool = False
    """Whether another cell ran meanwhile, whose share is in the numbers too."""
    gpu_memory_peak: int | None = None
    """Bytes in use at the most that was seen on NVIDIA's GPUs that the process sees, whoever used them."""
    gpu_utilization: float | None = None
    """Mean share of the time in which these GPUs worked, from 0 to 1."""


@dataclass(slots=True)
class Execution:
    """One execution of one cell."""

    number: int
    """Larger with each start, whatever the execution counts, and given once in a process; what a row's `cell` holds."""
    execution_count: int | None
    """None for an execution that has no number between its brackets."""
    cell_id: str | None
    source: str
    run: int
    """How often this cell has run, this time included: by its id, or by its code where it has no id."""
    trace_id: int = 0
    span_id: int = 0
    digest: str = ""
    """What tells its code from another's, whatever is kept of the source."""
    asks: bool = False
    """Whether its code does nothing but ask nbtrace."""
    failed: bool = False
    resources: Resources | None = None
    file: str = ""
    """The file as which its code was compiled, which is none; "" if it has not been."""
    compiled: tuple[str, ...] | None = None
    """Its lines as they were compiled, where those are not the lines that were typed."""
    line_map: tuple[int, ...] | None = None
    """For each line that was compiled the line that was typed, from 1; None where they are the same."""

    def typed_line(self, line: int) -> int:
        """Return the line of the cell as it was typed, from 1, for one of the code that was compiled."""
        if self.compiled is not None and self.line_map is None:
            self.line_map = typed_lines(self.source, self.compiled)
            if self.line_map is None:
                self.compiled = None  # lines are where they were typed; a live view need not ask again and again
        if self.line_map is None or not 0 < line <= len(self.line_map):
            return line
        return self.line_map[line - 1]

    @property
    def has_other_lines(self) -> bool:
        """Whether other lines were compiled than were typed."""
        return self.compiled is not None or self.line_map is not None

    @property
    def only_asked(self) -> bool:
        """Whether answers about the work leave it out. One that failed is worth knowing of."""
        return self.asks and not self.failed

    @property
    def identity(self) -> str:
        """What runs of the same cell share: the cell's id, or its code where the front end sends none."""
        return self.cell_id or self.digest or f"#{self.number}"


class CellBook:
    """Executions by their number; bounded, the oldest go first. Each recording has one, and capture one of its own, in which
    cells are entered first."""

    def __init__(self) -> None:
        self._executions: dict[int, Execution] = {}
        self._runs: dict[str, count[int]] = {}
        self._followers: tuple[CellBook, ...] = ()
        self._last = 0

    def open(self, *, execution_count: int | None, cell_id: str | None, source: str, asks: bool = False) -> Execution:
        """Enter a new execution and return it; its count may be corrected until it is read."""
        code = digest(source)
        run = next(self._runs.setdefault(cell_id or code, count(1)))
        execution = Execution(next(_NUMBERS), execution_count, cell_id, source, run, digest=code, asks=asks)
        for book in (self, *self._followers):
            book.take((execution,))
        return execution

    def follow(self, book: CellBook) -> None:
        """Enter into `book` what is known here, and from here on what is entered here."""
        # In this order: a cell that another thread enters in between is in it either way.
        self._followers = (*(each for each in self._followers if each is not book), book)
        book.take(self.executions())

    def unfollow(self, book: CellBook) -> None:
        """Enter nothing into `book` any more."""
        self._followers = tuple(each for each in self._followers if each is not book)

    def by_trace(self) -> dict[int, int]:
        """Return the number of the last execution whose span began each trace: spans that come from another process know no
        cell."""
        return {each.trace_id: each.number for each in self.executions() if each.trace_id}

    def execution(self, number: int) -> Execution | None:
        """Return the execution with this number, None if it is not known any more."""
        return self._executions.get(number)

    def executions(self) -> tuple[Execution, ...]:
        """Return the executions in the order of their starts."""
        return tuple(self._executions.copy().values())

    def forget_ended(self) -> None:
        """Forget all executions but the last, which may be the one that asks; numbers go on."""
        self.forget([number for number in self._executions.copy() if number != self._last])

    def forget(self, numbers: Collection[int]) -> None:
        """Forget these executions."""
        for number in numbers:
            self._executions.pop(number, None)

    def blank(self, numbers: Collection[int]) -> None:
        """Forget all of these executions but their numbers and counts."""
        for number in numbers:
            if number in self._executions:
                known = self._executions[number]
                self._executions[number] = replace(
                    known,
                    source="",
                    cell_id=None,
                    digest="",
                    span_id=0,
                    trace_id=0,
                    resources=None,
                    file="",
                    compiled=None,
                    line_map=None,
                )

    def take(self, executions: Iterable[Execution]) -> None:
        """Hold executions of another book, in the order of their starts; those that are known stay as they are."""
        for execution in executions:
            self._last = max(self._last, self._executions.setdefault(execution.number, execution).number)
        while len(self._executions) > MAX_EXECUTIONS:
            self._executions.pop(next(iter(self._executions), 0), None)


def renumbered(executions: Iterable[Execution]) -> dict[int, Execution]:
    """Return executions of another process by their numbers there, with numbers of this one."""
    return {each.number: replace(each, number=next(_NUMBERS)) for each in executions}
