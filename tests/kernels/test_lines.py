"""What lines and functions took, asked in a real kernel as a person would."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.kernels.kernel import Kernel
from tests.kernels.profiled import BUSY


def ran(kernel: Kernel, code: str) -> int:
    """Run a cell, and return its execution count."""
    reply = kernel.run(code)
    assert reply.execution_count is not None
    return reply.execution_count


def told(kernel: Kernel, question: str, *columns: str) -> list[list[Any]]:
    """Some columns of an answer; durations in ms."""
    code = (
        f"import json as _json; _t = {question}[list({columns!r})].copy()\n"
        "for _c in _t:\n    _t[_c] = _t[_c].dt.total_seconds() * 1_000 if _t[_c].dtype.kind == 'm' else _t[_c]\n"
        "print(_json.dumps(_t.astype(object).where(_t.notna(), None).values.tolist()))"
    )
    reply = kernel.run(code, store_history=False)
    assert reply.stdout, reply
    found: list[list[Any]] = json.loads(reply.stdout)
    return found


def test_every_line_of_a_loop_has_its_time(profiled: Kernel) -> None:
    count = ran(profiled, "\nx = 1\nfor _ in range(10):\n    busy(0.1)\n    time.sleep(0.1)\ny = 2")
    columns = ("code_cell", "line", "time", "share", "samples")
    lines = {row[1]: row[2:] for row in told(profiled, f"nbtrace.lines(cell={count})", *columns) if row[0] == count}
    assert {*lines} == {2, 3, 4, 5, 6}
    assert sum(time for time, *_ in lines.values()) == pytest.approx(
        told(profiled, f"nbtrace.cells(cell={count})", "duration")[0][0], rel=0.05
    )
    assert lines[4][1] + lines[5][1] > 0.9
    assert (lines[2][2], lines[6][2]) == (0, 0)


def test_lines_of_other_cells_are_called_from_here(profiled: Kernel) -> None:
    define = ran(profiled, "def work():\n    busy(0.3)")
    use = ran(profiled, "work()")
    found = told(profiled, f"nbtrace.lines(cell={use})", "code_cell", "line", "source", "share")
    shares = {(code, line): share for code, line, _, share in found}
    assert (use, 1) in shares
    assert shares[define, 2] > 0.3
    assert [define, 2, "    busy(0.3)"] in [row[:3] for row in found]


def test_a_cell_that_is_edited_and_run_again_has_its_own_lines(profiled: Kernel) -> None:
    first = profiled.run("y = 0\nbusy(0.2)", cell_id="edited").execution_count
    second = profiled.run("y = 0\n\n\nbusy(0.2)", cell_id="edited").execution_count
    for count, line in ((first, 2), (second, 4)):
        shares = dict(told(profiled, f"nbtrace.lines(cell={count})[lambda t: t.code_cell == {count}]", "line", "share"))
        assert shares[line] > 0.3


def test_the_body_of_a_timed_cell_has_lines(profiled: Kernel) -> None:
    count = ran(profiled, "%%time\n\nx = 1\nbusy(0.3)")
    shares = dict(told(profiled, f"nbtrace.lines(cell={count})[lambda t: t.code_cell == {count}]", "line", "share"))
    assert shares[4] > 0.3
    assert told(profiled, f"nbtrace.cells(cell={count})", "hottest")[0][0].startswith(("line 4 busy", "cell ["))


@pytest.mark.parametrize(
    "code",
    [
        "busy(0.05)\nx = [busy(0.02) for _ in range(5)]\ntime.sleep(0.1)",
        "import asyncio\nbusy(0.1)\nawait asyncio.sleep(0.15)\nbusy(0.05)",
        "%%time\nbusy(0.3)",
        "busy(0.25)\n1/0",
        "sum(range(10_000_000))\nsum(range(10_000_000))",
    ],
)
def test_self_times_of_a_cells_thread_add_up_to_its_duration(profiled: Kernel, code: str) -> None:
    """Within two hundredths: what is not sampled goes to the statement that ran."""
    count = ran(profiled, code)
    total = sum(row[0] for row in told(profiled, f"nbtrace.hotspots(cell={count})", "self"))
    (duration,) = told(profiled, f"nbtrace.cells(cell={count})", "duration")[0]
    assert total == pytest.approx(duration, rel=0.02)


def test_computing_is_told_from_waiting(profiled: Kernel) -> None:
    count = ran(profiled, "busy(0.3)\ntime.sleep(0.3)")
    rows = told(profiled, f"nbtrace.hotspots(cell={count}, by='line')", "python", "native", "waiting")
    computed, waited = sum((p or 0) + (n or 0) for p, n, _ in rows), sum(w or 0 for *_, w in rows)
    assert waited > 200
    assert computed > 10


def test_spans_narrow_hotspots(profiled: Kernel) -> None:
    count = ran(profiled, "with nbtrace.span('inside'):\n    busy(0.2)\ntime.sleep(0.2)")
    functions = [row[0] for row in told(profiled, f"nbtrace.hotspots(cell={count}, name='inside')", "function")]
    assert "busy" in functions
    samples = told(profiled, f"nbtrace.hotspots(cell={count}, name='inside')", "total")
    assert max(row[0] for row in samples) < 320


def test_a_running_cell_answers_about_itself(profiled: Kernel) -> None:
    reply = profiled.run(
        "x = 1\nbusy(0.2)\n_n = get_ipython().execution_count\n_l = nbtrace.lines(last=None).query('line == 2 and source == \"busy(0.2)\"')\n"
        "print(len(nbtrace.statements(where=\"source == 'busy(0.2)'\")), len(_l))"
    )
    statements, lines = map(int, reply.stdout.split())
    assert statements >= 1
    assert lines >= 1


def test_magics_show_lines_and_hotspots(profiled: Kernel) -> None:
    """%spans lines is about the last cell that did something; both take conditions like the rest."""
    count = ran(profiled, "a = 1\nfor _ in range(3):\n    busy(0.1)\nb = 2")
    shown = profiled.run("%spans lines").result
    assert f"── cell [{count}] ──" in shown
    assert "    busy(0.1)" in shown
    assert "from cell [2]" in shown
    reply = profiled.run("%spans hot --last 1")
    assert not reply.stderr
    hot = reply.result
    assert "busy" in hot
    assert "samples" in hot
    assert profiled.run(f"%spans hot --by library --cell {count}").result.startswith("library")
    assert profiled.run("t = %spans hot --by line --last 1\nt['function'].isin(['busy']).any()").result in (
        "True",
        "np.True_",
    )
    assert f"── cell [{count}] ──" in profiled.run(f"%spans lines --cell {count}").result
    tree = profiled.run(f"%spans --cell {count}").result
    assert "cpu " in tree
    assert "hot: " in tree
    assert "--by function" in profiled.run("%spans hot --by nonsense").stderr
    assert profiled.completed("%spans hot --by l") == ["%spans hot --by line", "%spans hot --by library"]


def test_sources_that_are_not_kept_have_lines_all_the_same(bare_kernel: Kernel) -> None:
    bare_kernel.run("from nbtrace import faults as _f; _f.RAISE = True\n%load_ext nbtrace")
    bare_kernel.run("%config NBTrace.capture_source = 'none'")
    bare_kernel.run(BUSY)
    count = ran(bare_kernel, "x = 1\nbusy(0.2)")
    found = told(bare_kernel, f"nbtrace.lines(cell={count})", "code_cell", "line", "source")
    assert [count, 2, None] in found


@pytest.mark.once
@pytest.mark.parametrize(
    ("code", "statements"),
    [("x = '" + "y" * 1_000_000 + "'", 1), ("y = 1\n" * 10_000, 10_000)],
    ids=["a line of 1 MB", "10,000 lines"],
)
def test_a_cell_of_any_size_is_told_in_few_words(profiled: Kernel, code: str, statements: int) -> None:
    """All of it is known, and what is shown is short and says what it leaves out."""
    count = ran(profiled, code)
    assert told(profiled, f"nbtrace.statements(cell={count}).agg(['size'])", "cell") == [[statements]]
    reply = profiled.run("%spans lines")
    assert f"── cell [{count}] ──" in reply.result
    assert len(reply.result) < 20_000
    assert statements == 1 or "of the 10,000 lines" in reply.result
    assert len(profiled.run("%spans").result) < 20_000
