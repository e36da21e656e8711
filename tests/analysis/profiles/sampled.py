"""Random recordings with statements and samples, and the small obvious version of the answers about them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import strategies as st

from nbtrace.store.book import Execution
from tests.profiles import MERGE, MS, OTHER, OWN_FILE, SLEEP, TAKE, Frame, Made
from tests.rows import THREAD

LINES = 4
FRAMES: tuple[Frame, ...] = (MERGE, TAKE, SLEEP, OWN_FILE)

_frames = st.lists(st.integers(0, 5), max_size=5)
_sample = st.tuples(st.integers(0, 3), st.integers(1, 30), st.integers(1, LINES), _frames, st.booleans(), st.booleans())
"""(gap, wall, line of the cell, frames above it, whether it computes, whether it is of another thread)."""
_cell = st.tuples(st.integers(0, 40), st.lists(st.integers(0, 40), max_size=LINES), st.lists(_sample, max_size=8))
"""(time before the first statement, durations of its statements, samples)."""
recordings = st.lists(_cell, min_size=1, max_size=4)


@dataclass
class Sampled:
    """What was entered of one sample."""

    cell: Execution
    start: int
    time: int
    stack: tuple[Frame, ...]
    computes: bool
    own: bool
    weight: float = 0.0


@dataclass
class Told:
    """A recording, and what is in it."""

    made: Made
    samples: list[Sampled] = field(default_factory=list)
    cells: list[tuple[Execution, int, int, list[tuple[int, int, int]]]] = field(default_factory=list)
    """(execution, start, end, statements as start, end, line) each, in ms."""


def built(cells: list[tuple[int, list[int], list[tuple[int, int, int, list[int], bool, bool]]]]) -> Told:
    """The recording; samples beyond the end of a cell are left out, those of a thread of its own are not."""
    told, now = Told(Made()), 0
    for before, lengths, samples in cells:
        start, begun = now, now + before
        statements = []
        for line, length in enumerate(lengths, 1):
            statements.append((begun, begun + length, line))
            begun += length
        end = begun + 7
        source = f"# {len(told.cells)}\n" + "\n".join("work()" for _ in range(LINES))
        execution = told.made.cell(source, start, end, [(s, line) for s, _, line in statements])
        if statements:
            statements[-1] = (statements[-1][0], end, statements[-1][2])
        told.cells.append((execution, start, end, statements))
        time = start
        for gap, wall, line, above, computes, other in samples:
            begin = time + gap
            ran = [s for s in statements if s[0] <= begin < s[1]]
            # As the sampler does: a sample does not reach back beyond the beginning of its statement.
            until = min(begin + wall, ran[0][1] if ran else next((s[0] for s in statements if s[0] > begin), end))
            if until <= begin:
                continue
            time = until
            line = ran[0][2] if ran else line
            own: Frame = ("<module>", execution.file, line)
            inner = [("f", execution.file, each - 3) if each > 3 else FRAMES[each] for each in above]
            stack = tuple(inner) if other else (own, *inner)
            if not stack:
                continue
            told.made.sample(
                execution,
                until,
                until - begin,
                *stack,
                cpu=until - begin if computes else 0,
                thread=OTHER if other else THREAD,
            )
            told.samples.append(Sampled(execution, begin, until, stack, computes, not other))
        now = end + 5
    return told


def self_and_total(told: Told) -> tuple[Counter[tuple[str, str, int]], Counter[tuple[str, str, int]]]:
    """Self and total by (function, file, line), in ns: sample by sample, frame by frame."""
    self_ns: Counter[tuple[str, str, int]] = Counter()
    total: Counter[tuple[str, str, int]] = Counter()
    for execution, start, end, statements in told.cells:
        left = end - start
        taken: Counter[int] = Counter()
        for sample in told.samples:
            if sample.cell is execution:
                wall = sample.time - sample.start
                keys = [frame[:3] for frame in sample.stack]
                self_ns[keys[-1]] += wall * MS
                for key in set(keys):
                    total[key] += wall * MS
                if sample.own:
                    left -= wall
                    ran = [s for s in statements if s[0] <= sample.start < s[1]]
                    taken[ran[0][2] if ran else 0] += wall
        for begin, until, line in statements:
            rest = until - begin - taken[line]
            left -= rest
            self_ns["<module>", execution.file, line] += rest * MS
            total["<module>", execution.file, line] += rest * MS
        line = statements[-1][2] if statements else 0
        self_ns["<module>", execution.file, line] += left * MS
        total["<module>", execution.file, line] += left * MS
    return +self_ns, +total
