"""Per cell: CPU of a real kernel for a trivial cell, with the extension and without, in alternate turns."""

from __future__ import annotations

import statistics

from tests.kernels.kernel import Kernel, start_kernel

TURNS, PER_TURN = 30, 20
_CPU = "import time, os; print(time.process_time_ns())"


def _cpu(kernel: Kernel) -> int:
    return int(kernel.run(_CPU, store_history=False).stdout)


def main() -> None:
    """Run the same cells in two kernels, taking turns."""
    kernels = {"bare": start_kernel(), "traced": start_kernel()}
    try:
        kernels["traced"].run("%load_ext nbtrace")
        for kernel in kernels.values():
            kernel.run("x = 1")
        per_cell: dict[str, list[float]] = {name: [] for name in kernels}
        for _ in range(TURNS):
            for name, kernel in kernels.items():
                before = _cpu(kernel)
                for _ in range(PER_TURN):
                    kernel.run("x = 1")
                per_cell[name].append((_cpu(kernel) - before) / PER_TURN / 1_000)
        bare, traced = (statistics.median(per_cell[name]) for name in ("bare", "traced"))
        difference = statistics.median(b - a for a, b in zip(per_cell["bare"], per_cell["traced"], strict=True))
        print(f"per cell, CPU of the kernel ({TURNS} turns of {PER_TURN})")
        print(f"  {traced / bare:5.3f} ×  {traced:6.0f} µs against {bare:6.0f} µs: {difference:+.0f} µs a cell")
        kernels["traced"].run(_TIME_HOOKS)
        for _ in range(TURNS * PER_TURN // 3):
            for kernel in kernels.values():  # the other one, so that the caches are as cold as between a user's cells
                kernel.run("x = 1")
        before, after = kernels["traced"].run(_SPENT).stdout.split()
        print(f"  of which in the hooks: {before} µs before and {after} µs after the cell (median CPU)")
    finally:
        for kernel in kernels.values():
            kernel.stop()


_TIME_HOOKS = """
import statistics as _statistics, time as _time
_spent = {"pre_run_cell": [], "post_run_cell": []}
def _timed(name, hook):
    def timed(*args):
        began = _time.thread_time_ns()
        hook(*args)
        _spent[name].append(_time.thread_time_ns() - began)
    return timed
for _name in _spent:
    _hooks = get_ipython().events.callbacks[_name]
    _hooks[:] = [_timed(_name, hook) if "CellTracer" in repr(hook) else hook for hook in _hooks]
"""
_SPENT = "print(*(round(_statistics.median(times) / 1_000) for times in _spent.values()))"
