"""What a cell that nobody instrumented tells of itself in a real kernel: its statements, its stacks, its resources."""

from __future__ import annotations

import json
import os
from itertools import pairwise

import pytest

from tests.kernels.kernel import Kernel
from tests.kernels.profiled import BUSY, Seen, ran


@pytest.mark.parametrize(
    ("code", "lines", "statuses"),
    [
        ("a = 1\nb = 2", [(1, 1), (2, 2)], [0, 0]),
        ("\n\na = (1,\n 2)\n\nfor i in a:\n    i\na", [(3, 4), (6, 7), (8, 8)], [0, 0, 0]),
        ("import asyncio\nawait asyncio.sleep(0)\na = [\n1]", [(1, 1), (2, 2), (3, 4)], [0, 0, 0]),
        ("a = 1\n1/0\nb = 2", [(1, 1), (2, 2)], [0, 2]),
        ("%%time\na = 1\nb = 2", [(1, 1)], [0]),
        ("%env A=b\n%env A \\\n B\na = 1", [(1, 1), (2, 2), (4, 4)], [0, 0, 0]),
        ("def f():\n    return 1\n\nclass C:\n    x = f()", [(1, 2), (4, 5)], [0, 0]),
        ("%%span load\na = 1", [(2, 2)], [0]),
        ("a = ", [], []),
        ("", [], []),
        ("# nothing", [], []),
    ],
)
def test_every_statement_is_known_by_its_lines(
    profiled: Kernel, code: str, lines: list[tuple[int, int]], statuses: list[int]
) -> None:
    """As they were typed; one that fails is the last, and of code that cannot be read there is none."""
    if not code.strip() or code.startswith("#"):
        reply = profiled.run(code or "\n")
        assert reply.status in ("ok", "")
        return
    seen = ran(profiled, code)
    assert seen.lines == lines
    assert seen.statuses == statuses


def test_statements_follow_each_other_without_a_gap(profiled: Kernel) -> None:
    seen = ran(profiled, "a = 1\nbusy(0.02)\nb = 2\nbusy(0.01)")
    starts, ends = ([row[name] for row in seen.statements] for name in ("start_ns", "end_ns"))
    assert ends[:-1] == starts[1:]
    assert ends[1] - starts[1] >= 20_000_000
    assert ends[3] - starts[3] >= 10_000_000


def test_an_interrupted_statement_ends_where_it_was_interrupted(profiled: Kernel) -> None:
    # One statement prints and works: the interrupt may find it at either.
    message = profiled.start("a = 1\nb = 2\nfor _ in [print('on')]:\n    busy(100)")
    reply = profiled.interrupt_when("on", message)
    assert reply.ename == "KeyboardInterrupt"
    shown = profiled.run(f"_seen({reply.execution_count})").stdout
    seen = Seen(json.loads(shown))
    assert (seen.lines, seen.statuses) == ([(1, 1), (2, 2), (3, 4)], [0, 0, 2])


def test_the_traceback_that_is_shown_is_no_part_of_the_statement_that_failed(profiled: Kernel) -> None:
    """Neither of its time nor of its samples."""
    seen = ran(profiled, "def deep(n):\n    return deep(n - 1) if n else busy(0.1) or 1/0\ndeep(30)")
    assert seen.statuses[-1] == 2
    assert seen.sampled("busy") > 0
    assert not any("showtraceback" in name for each in seen.samples for name, *_ in each["stack"])


def test_time_is_found_in_functions_of_other_cells(profiled: Kernel) -> None:
    seen = ran(profiled, "x = 1\ncompute(0.4)")
    assert seen.sampled("compute") >= 300_000_000
    for each in seen.samples:
        assert each["stack"][0][:2] == ["<module>", 2]


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("%%time\nx = 1\ncompute(0.3)", 1),
        ("x = 1\n%time compute(0.3)", 2),
        ("x = 1\nexec('compute(0.3)')", 2),
        ("x = [compute(0.1)\n for _ in range(3)]", 1),
        ("class C:\n    x = 1\n    y = compute(0.3)", 3),
        ("(lambda: compute(0.3))()", 1),
        ("async def f():\n    compute(0.3)\nawait f()", 3),
    ],
)
def test_every_stack_leads_to_its_line(profiled: Kernel, code: str, line: int) -> None:
    """Through magics, exec, comprehensions, classes, lambdas and coroutines."""
    seen = ran(profiled, code)
    assert seen.sampled("compute") >= 200_000_000
    found = [each["stack"] for each in seen.samples if "compute" in [name for name, *_ in each["stack"]]]
    cell = found[0][0][2]
    assert all(line in [at for _, at, file in stack if file == cell] for stack in found)


def test_a_cell_that_awaits_waits_at_its_statement(profiled: Kernel) -> None:
    """Its thread serves others meanwhile, which is no work of the cell."""
    seen = ran(profiled, "import asyncio\nx = 1\nawait asyncio.sleep(0.4)")
    waiting = [each for each in seen.samples if each["stack"][0][1] == 3]
    assert sum(each["wall"] for each in waiting) >= 300_000_000
    assert [each["stack"] for each in waiting] == [each["stack"][:1] for each in waiting]
    assert sum(each["cpu"] for each in waiting) == 0


def test_tasks_of_a_cell_are_its_work(profiled: Kernel) -> None:
    seen = ran(
        profiled,
        "import asyncio\nasync def w():\n    for _ in range(4):\n        busy(0.05); await asyncio.sleep(0)\n"
        "await asyncio.gather(w(), w())",
    )
    assert seen.sampled("w") >= 300_000_000


def test_the_span_that_was_current_is_known(profiled: Kernel) -> None:
    seen = ran(
        profiled,
        "with _n.span('outer'):\n    busy(0.2)\n    with _n.span('inner'):\n        busy(0.2)",
    )
    by_line: dict[int, set[str]] = {}
    for each in seen.samples:
        by_line.setdefault(each["stack"][0][1], set()).add(each["span"])
    assert by_line[2] == {"outer"}
    assert by_line[4] == {"inner"}


def test_threads_that_a_cell_starts_work_for_it(profiled: Kernel) -> None:
    """Threads and pools; those that wait for others, or for work, do nothing."""
    seen = ran(
        profiled,
        "from concurrent.futures import ThreadPoolExecutor\n"
        "t = threading.Thread(target=busy, args=(0.2,), name='own'); t.start(); t.join()\n"
        "with ThreadPoolExecutor(2, 'pool') as pool:\n    list(pool.map(busy, [0.2, 0.01]))\n",
    )
    threads = {each["thread"] for each in seen.samples}
    assert {"MainThread", "own", "pool_0"} <= threads
    own = [each for each in seen.samples if each["thread"] == "own"]
    assert {each["stack"][0][0] for each in own} == {"busy"}
    assert sum(each["wall"] for each in seen.samples if each["thread"] == "pool_0") < 350_000_000


def test_a_thread_that_goes_on_after_its_cell_is_in_no_other_cell(profiled: Kernel) -> None:
    profiled.run(
        "go_on = threading.Event()\nlate = threading.Thread(target=lambda: [busy(0.001) for _ in iter(go_on.is_set, True)], name='late')\nlate.start()"
    )
    seen = ran(profiled, "busy(0.3)")
    profiled.run("go_on.set(); late.join()")
    assert {each["thread"] for each in seen.samples} == {"MainThread"}


def test_code_that_keeps_the_interpreters_lock_has_its_time(profiled: Kernel) -> None:
    """Nothing else runs meanwhile, the sampling thread neither."""
    seen = ran(profiled, "big = list(range(3_000_000))\nfor _ in range(20):\n    sum(big)\nbusy(0.1)")
    of_loop = sum(each["wall"] for each in seen.samples if each["stack"][0][1] in (2, 3))
    loop = seen.statements[1]
    assert of_loop >= 0.5 * (loop["end_ns"] - loop["start_ns"])


def test_samples_lie_within_the_statement_that_ran_and_never_overlap(profiled: Kernel) -> None:
    seen = ran(profiled, "busy(0.05)\nbusy(0.07)\ntime.sleep(0.1)\nfor _ in range(3):\n    busy(0.03)\nbusy(0.004)")
    for row in seen.statements:
        inside = [each for each in seen.samples if row["start_ns"] < each["time"] <= row["end_ns"] + 10_000]
        assert sum(each["wall"] for each in inside) <= row["end_ns"] - row["start_ns"] + 10_000 * len(inside)
    moments = sorted((each["time"] - each["wall"], each["time"]) for each in seen.samples)
    for (_, before), (after, _) in pairwise(moments):
        assert after >= before - 20_000


def test_a_short_cell_is_not_looked_at(profiled: Kernel) -> None:
    assert ran(profiled, "a = 1").samples == []


def test_resources_of_a_cell_are_measured(profiled: Kernel) -> None:
    seen = ran(
        profiled,
        "import gc, tempfile\nheld = bytearray(60_000_000)\nbusy(0.2)\ngc.collect()\n"
        "with tempfile.TemporaryFile() as f:\n    f.write(b'x' * 3_000_000); f.seek(0); f.read()\ndel held",
    )
    found = seen.resources
    assert found["cpu_ns"] >= 50_000_000
    assert found["gc_ns"] > 0
    assert found["read_bytes"] >= 3_000_000
    assert found["written_bytes"] >= 3_000_000
    assert found["memory_peak"] >= found["memory_change"] + 50_000_000
    assert found["shared"] is False


def test_cells_within_cells_share_nothing_with_the_outer_one(profiled: Kernel) -> None:
    """What an outer cell took holds what the inner one took; that is no other cell that ran beside it."""
    profiled.run("nested = get_ipython().run_cell('compute(0.1)', store_history=True)")
    # By their code: which count an outer cell has is not the same in all versions.
    asked = (
        "print([(each.resources.shared, each.resources.cpu_ns >= 20_000_000) for each in _n.live()._store.executions()"
        " if each.source.startswith('nested =') and each.resources])"
    )
    assert profiled.run(asked).stdout == "[(False, True)]\n"


@pytest.mark.parametrize("rate", ["False", "1000"])
def test_how_often_can_be_changed_within_a_cell(profiled: Kernel, rate: str) -> None:
    try:
        seen = ran(profiled, f"%config NBTrace.sampling = {rate}\nbusy(0.3)")
        assert (seen.sampled("busy") > 50_000_000) is (rate != "False")
    finally:
        profiled.run("%config NBTrace.sampling = 100")


@pytest.mark.parametrize("wrong", ["0", "1001", "True", "2.5", "'fast'", "-1"])
def test_a_rate_that_is_none_is_refused_in_one_line(profiled: Kernel, wrong: str) -> None:
    reply = profiled.run(f"get_ipython().run_line_magic('config', \"NBTrace.sampling = {wrong}\")")
    said = reply.stderr + reply.evalue
    assert "must be how often a second, a whole number from 1 to 1000, or False" in said
    assert (
        profiled.run("[c.sampling for c in get_ipython().configurables if type(c).__name__ == 'NBTrace']").result
        == "[100]"
    )


def test_a_profiler_in_a_cell_sees_nothing_of_ours(profiled: Kernel) -> None:
    """From Python 3.12 on cProfile sees what all threads do."""
    reply = profiled.run(
        "import cProfile, io, pstats\ndef work():\n    p = cProfile.Profile(); p.enable(); busy(0.2); p.disable(); s = io.StringIO()\n"
        "    pstats.Stats(p, stream=s).print_stats(); return s.getvalue()\n[line for line in work().splitlines() if 'nbtrace' in line]"
    )
    assert reply.result == "[]"


def test_unloading_within_a_cell_ends_all_of_it(bare_kernel: Kernel) -> None:
    bare_kernel.load()
    bare_kernel.run(BUSY)
    reply = bare_kernel.run(
        "busy(0.05)\n%unload_ext nbtrace\nbusy(0.05)\nimport gc\nfrom nbtrace.capture.sampling.working_threads import WORKING\n"
        "print(len(gc.callbacks), gc.isenabled(), 'run_code' in vars(get_ipython()), WORKING)"
    )
    assert reply.stdout == f"{reply.stdout[0]} True False {{}}\n"
    assert bare_kernel.run("import nbtrace\nnbtrace.live()._store.samples").status == "ok"


def test_a_very_long_statement_leaves_the_collector_as_it_is(profiled: Kernel) -> None:
    """To read its lines takes long, and it goes on meanwhile. A look holds it for a moment, which is seen only where the system
    takes the processor from it within."""
    profiled.run(
        "import gc\nlong = 'if True:\\n    found = [0, 0]\\n    end = time.perf_counter() + 0.5\\n'\n"
        "long += '    while time.perf_counter() < end: found[gc.isenabled()] += 1\\n' + '    x = [1, {}]; y = x[0] + x[0]\\n' * 4_000"
    )
    without, within = json.loads(profiled.run("get_ipython().run_cell(long, store_history=True)\nfound").result)
    assert without <= (without + within) / 30


def test_a_cell_under_a_frozen_clock_has_the_statements_it_had(profiled: Kernel) -> None:
    """Tests freeze time; what was measured stays right, and the next cells are as always."""
    profiled.run(
        "real = vars(time).copy()\nfor name in ('time_ns', 'perf_counter_ns'): setattr(time, name, lambda: 10**18)"
    )
    seen = ran(profiled, "x = sum(range(1_000_000))\nvars(time).update(real)")
    first, last = seen.statements
    assert 0 < first["end_ns"] - first["start_ns"] < 60_000_000_000
    assert first["end_ns"] == last["start_ns"] <= last["end_ns"]
    (span,) = [row for row in profiled.rows() if "x = sum(range" in row["name"]]
    assert span["start_time"] <= first["start_ns"] + 1_000_000
    assert last["end_ns"] <= span["end_time"] + 1_000_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_forked_in_a_cell_can_have_a_recording_with_samples(profiled: Kernel) -> None:
    reply = profiled.run(
        "import os, gc, warnings\nwarnings.simplefilter('ignore')\nif not (child := os.fork()):\n"
        "    with _n.record(sampling=1000) as rec:\n        end = time.perf_counter() + 30\n"
        "        while len(rec._store.samples) < 3 and time.perf_counter() < end: pass\n"
        "    os._exit(0 if len(rec._store.samples) and gc.isenabled() else 1)\nos.waitpid(child, 0)[1]"
    )
    assert reply.result == "0"
