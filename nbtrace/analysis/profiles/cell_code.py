"""The code of cells: whose a file is, what stands on a line, how a cell is named.

Enters: executions, and the files that their code was compiled as. Leaves: executions, texts, line numbers as they were typed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from nbtrace.store.book import Execution

LONGEST = 1_000
"""Characters of code that a row shows; the rest is cut with an ellipsis: a cell may be one line of a megabyte."""

TIMED = ("<timed exec>", "<timed eval>")
"""As which IPython compiles the body of %%time; the lines count from the one below it."""

_TIME = "%%time"


def cell_name(execution: Execution) -> str:
    """Return what a person calls it: cell [4]."""
    count = execution.execution_count
    return f"cell [{' ' if count is None else count}]"


class CellCode:
    """The executions of a recording, by their files."""

    def __init__(self, executions: Iterable[Execution]) -> None:
        self.by_number = {each.number: each for each in executions}
        # Noted once: a cell that begins meanwhile gets its file while we answer.
        self._file_of = {number: each.file or f"<cell {number}>" for number, each in self.by_number.items()}
        self._of_file: dict[str, list[int]] = {}
        for number, file in self._file_of.items():
            self._of_file.setdefault(file, []).append(number)
        self._lines: dict[int, list[str] | None] = {}

    def file(self, number: int) -> str:
        """Return the file of an execution; a name that no code has where none is known."""
        return self._file_of[number]

    def has_file(self, number: int) -> bool:
        """Whether it is known as which file an execution was compiled."""
        return number in self._file_of and self._file_of[number] != f"<cell {number}>"

    @property
    def files(self) -> Iterable[str]:
        """The files of all executions."""
        return self._of_file.keys()

    def has(self, file: str) -> bool:
        """Whether a file is a cell's code."""
        return file in self._of_file

    def ran(self, file: str, number: int) -> Execution | None:
        """Return whose code a file was for an execution: of those that ran it (a cell that is run twice has it twice) the last
        that had begun by then; one that began later where there is no other, as a thread may outlive its cell."""
        numbers = self._of_file.get(file)
        if numbers is None:
            return None
        return self.by_number[numbers[max(bisect_right(numbers, number) - 1, 0)]]

    def lines(self, number: int) -> list[str] | None:
        """Return the lines of an execution as they were typed; None where they are not kept."""
        if number not in self._lines:
            execution = self.by_number.get(number)
            source = "" if execution is None else execution.source
            kept = source and not (execution is not None and source == f"sha256:{execution.digest}")
            self._lines[number] = source.split("\n") if kept else None
        return self._lines[number]

    def text(self, number: int, first: int, last: int) -> str | None:
        """Return what stands on some lines; None where it is not known."""
        lines = self.lines(number)
        if lines is None or not 0 < first <= last or first > len(lines):
            return None
        found = ""
        for line in lines[first - 1 : last]:
            found += line.rstrip("\r")[: LONGEST + 1] + "\n"
            if len(found) > LONGEST:
                return found[: LONGEST - 1].rstrip("\n") + "…"
        return found[:-1]

    def timed_body(self, execution: Execution) -> int | None:
        """Return how many lines stand above the code that %%time runs; None for a cell without it. Where the code is not
        kept, the magic is taken to be its first line."""
        lines = self.lines(execution.number)
        if lines is None:
            return 1
        for at, line in enumerate(lines):
            if line.startswith(_TIME):
                # IPython drops blank lines at the top.
                blank = next((n for n, each in enumerate(lines[at + 1 :]) if each.strip()), 0)
                return at + 1 + blank
            if line.strip() and not line.lstrip().startswith(("%%", "#")):
                break
        return None
