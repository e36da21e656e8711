"""What a cell was last seen doing: its statement, its innermost line, since when."""

from __future__ import annotations

from types import CodeType

from nbtrace.capture.sampling.run import Run
from nbtrace.store.now import Now
from nbtrace.store.stacks import Stack, root

FILE = "/cells/4.py"
CELL = "x = 1\nfor i in x:\n    a(i)\n    b(i)\n"


def statements(source: str = CELL) -> list[CodeType]:
    import ast

    parsed = ast.parse(source)
    return [compile(ast.Module([each], []), FILE, "exec") for each in parsed.body]


def stack(*frames: tuple[str, str, int]) -> Stack:
    """From the outermost inwards."""
    at = root()
    for function, file, line in frames:
        at = at.call(function, file, line, 1)
    return at


def at(line: int, *inner: tuple[str, str, int]) -> Stack:
    return stack(("<module>", FILE, line), *inner)


def looked(run: Run, seen: Stack, moment_ns: int) -> Now:
    found = run.seen(seen, moment_ns)
    assert found is not None
    assert run.now == found
    return found


def begun(run: Run, code: CodeType, moment_ns: int) -> None:
    assert run.begun is not None
    run.begun.append((moment_ns, code))


def test_a_line_is_stayed_on_until_another_is_seen() -> None:
    first, loop = statements()
    run = Run(4, [], awaits=False, aside=False)
    off = run.offset_ns
    assert run.seen(at(1), 5) is None
    begun(run, first, 10)
    begun(run, loop, 20)
    assert looked(run, at(2), 100) == Now(2, 4, 20 + off, 2, 0, 20 + off, 100 + off, "<module>", FILE)
    assert looked(run, at(3, ("a", "/a.py", 7)), 200) == Now(2, 4, 20 + off, 3, 0, 200 + off, 200 + off, "a", "/a.py")
    assert looked(run, at(3), 300).since_ns == 200 + off
    assert looked(run, at(4), 400).since_ns == 400 + off
    assert looked(run, at(3), 500).since_ns == 500 + off


def test_the_line_is_the_innermost_of_the_cells_own() -> None:
    """A function of the cell's own that a library calls back; not that of another cell, which is code like any other."""
    run = Run(4, [(0, statements()[1])], awaits=False, aside=False)
    callback = at(3, ("apply", "/lib.py", 9), ("f", FILE, 1), ("g", "/cells/2.py", 5))
    assert looked(run, callback, 1)[3:5] == (1, 0)
    assert run.now is not None
    assert run.now[-2:] == ("g", "/cells/2.py")


def test_the_body_of_a_cell_magic_has_lines_of_its_own() -> None:
    """IPython compiles what %%time runs by itself; what that calls is elsewhere."""
    run = Run(4, [(0, statements()[0])], awaits=False, aside=False)
    timed = at(1, ("time", "/IPython/execution.py", 900), ("<module>", "<timed exec>", 3), ("f", "/lib.py", 8))
    assert looked(run, timed, 1)[3:5] == (1, 3)
    assert looked(run, at(1, ("time", "/IPython/execution.py", 901)), 2)[3:5] == (1, 0)


def test_a_stack_without_lines_is_at_its_statement() -> None:
    run = Run(4, [(0, statements()[1])], awaits=False, aside=False)
    assert looked(run, stack(("f", "/lib.py", 3)), 1).line == 2
    assert looked(run, at(0), 2).line == 2


def test_a_cell_is_at_work_between_its_first_statement_and_its_failure() -> None:
    run = Run(4, [], awaits=False, aside=False)
    assert not run.at_work
    begun(run, statements()[0], 1)
    assert run.at_work
    run.failed = True
    assert not run.at_work
