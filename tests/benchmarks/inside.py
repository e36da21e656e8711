"""What it costs that a cell explains itself: CPU of real kernels that run the same cells in alternate turns, and memory.

A cell of two seconds with pandas and scikit-learn, with everything on, and under pyinstrument at 10 ms where that is installed; a
trivial cell; cells of 200 trivial statements; then the bytes of a sample, and of an hour's cell."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import statistics
from collections.abc import Iterator

from nbtrace.capture.instruments.sampler import FULL_RATE_S, LOOK_S
from tests.kernels.kernel import Kernel, start_kernel

TURNS = 15
CELLS, PER_TURN = 40, 20
STATEMENTS = 200

_NOT_INSIDE = """
from nbtrace.capture.instruments import resources as _resources
from nbtrace.capture.notebook.statements import Statements as _Statements
_Statements.install = lambda self: None
_nothing = _resources.Reading(0, 0, 0, 0, 0)
_resources.Meter.read = lambda self: _nothing
_resources.Meter.memory = lambda self: None
%load_ext nbtrace
%config NBTrace.sampling = False
"""
"""As it was before: spans of cells, and nothing of their inside."""

WORKLOAD = """
def workload():
    import numpy as np, pandas as pd
    from sklearn.ensemble import GradientBoostingRegressor
    rng = np.random.default_rng(0)
    df = pd.DataFrame({"k": rng.integers(0, 50_000, 600_000), "v": rng.normal(size=600_000),
                       "s": rng.integers(0, 9, 600_000).astype(str)})
    grouped = df.groupby(["k", "s"]).agg({"v": ["mean", "std"]})
    merged = df.merge(df.drop_duplicates("k"), on="k")
    counts = df["s"].map(lambda x: x + "!").value_counts()
    X = rng.normal(size=(1_500, 10))
    y = X[:, 0] * 2 + rng.normal(size=1_500)
    GradientBoostingRegressor(n_estimators=40).fit(X, y)
    return len(grouped) + len(merged) + len(counts)
"""
_UNDER_PYINSTRUMENT = """
def workload(_bare=workload):
    import pyinstrument
    with pyinstrument.Profiler(interval=0.01):
        return _bare()
"""


def _cpu(kernel: Kernel) -> list[int]:
    """CPU of all threads, and of the user's."""
    asked = "import time; print(time.process_time_ns(), time.thread_time_ns())"
    return [int(figure) for figure in kernel.run(asked, store_history=False).stdout.split()]


@contextlib.contextmanager
def _kernels(**first: str) -> Iterator[dict[str, Kernel]]:
    kernels = {name: start_kernel() for name in first}
    try:
        for name, kernel in kernels.items():
            reply = kernel.run(first[name] or "pass")
            assert reply.status == "ok", reply
        yield kernels
    finally:
        for kernel in kernels.values():
            kernel.stop()


def _in_turns(kernels: dict[str, Kernel], cell: str, turns: int, per_turn: int) -> dict[str, list[float]]:
    """CPU of a cell in each kernel, in ns, by turn: of all threads, and of the user's as NAME*. Who begins changes: the first of
    a turn finds other caches."""
    spent: dict[str, list[float]] = {name + mark: [] for name in kernels for mark in ("", "*")}
    names = list(kernels)
    for turn in range(turns):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            before = _cpu(kernels[name])
            for _ in range(per_turn):
                kernels[name].run(cell)
            for mark, began, ended in zip(("", "*"), before, _cpu(kernels[name]), strict=True):
                spent[name + mark].append((ended - began) / per_turn)
    return spent


def _against(spent: dict[str, list[float]], name: str, other: str) -> tuple[float, float]:
    """The median of the ratios, and of the differences in µs."""
    pairs = list(zip(spent[name], spent[other], strict=True))
    return statistics.median(a / b for a, b in pairs), statistics.median(a - b for a, b in pairs) / 1_000


def heavy() -> None:
    """The cell of two seconds."""
    first = {"bare": WORKLOAD, "traced": f"%load_ext nbtrace\n{WORKLOAD}"}
    if importlib.util.find_spec("pyinstrument") is not None:
        first["pyinstrument"] = WORKLOAD + _UNDER_PYINSTRUMENT
    with _kernels(**first) as kernels:
        for kernel in kernels.values():
            kernel.run("workload()")
        spent = _in_turns(kernels, "workload()", TURNS, 1)
        print(f"cell with pandas and scikit-learn, CPU of the kernel ({TURNS} turns)")
        for name in list(kernels)[1:]:
            ratio, _ = _against(spent, name, "bare")
            figures = (statistics.median(spent[each]) / 1e9 for each in (name, "bare"))
            print(f"  {ratio:5.3f} ×  " + " s against ".join(f"{figure:.2f}" for figure in figures) + f" s   {name}")
        print(f"  a sample: {_sample_bytes(kernels['traced'])}")


def _sample_bytes(kernel: Kernel) -> str:
    asked = (
        "import nbtrace as _n, json as _json\n_held = _n.live()._store.snapshot().samples\n"
        "print(_json.dumps([sum(b.length for b in _held), sum(b.samples.nbytes for b in _held), sum(b.nbytes for b in _held)]))"
    )
    count, columns, size = json.loads(kernel.run(asked, store_history=False).stdout)
    in_an_hour = samples_in(3_600, 100)
    return (
        f"{columns / count:.1f} bytes sealed ({count:,}), the tree of their stacks {(size - columns) / 1_000:.0f} kB; an hour's cell "
        f"has {in_an_hour:,} of a thread: {(in_an_hour * columns / count + size - columns) / 1e6:.2f} MB"
    )


def samples_in(seconds: float, hz: int) -> int:
    """How many samples of a thread a cell has that takes so long: as the sampler goes about it."""
    age, last, count = 0.0, 0.0, 0
    while age < seconds:
        rate = hz * min(1.0, FULL_RATE_S / max(age, 1e-9))
        if age - last >= 0.5 / rate:
            last, count = age, count + 1
        age += min(1 / rate, LOOK_S)
    return count


def small() -> None:
    """A trivial cell, and what each statement adds in one of many."""
    with _kernels(bare="", before=_NOT_INSIDE, traced="%load_ext nbtrace") as kernels:
        spent = {}
        for count, per_turn in ((1, PER_TURN), (STATEMENTS, 2)):
            cell = "\n".join(["x = 1"] * count)
            for kernel in kernels.values():
                kernel.run(cell)
            spent[count] = _in_turns(kernels, cell, CELLS, per_turn)
        print(f"a trivial cell, CPU of the kernel ({CELLS} turns of {PER_TURN})")
        for name, other in (("before", "bare"), ("traced", "before")):
            ratio, difference = _against(spent[1], name, other)
            _, of_user = _against(spent[1], name + "*", other + "*")
            print(
                f"  {ratio:5.3f} ×  {difference:+7.1f} µs, {of_user:+7.1f} µs in the user's thread   "
                f"{_TITLES[name]} against {_TITLES[other]}"
            )
        print(f"each statement of a cell of {STATEMENTS}, CPU of the kernel ({CELLS} turns of 2)")
        each = {
            name: [
                (many - one) / (STATEMENTS - 1)
                for many, one in zip(spent[STATEMENTS][name], spent[1][name], strict=True)
            ]
            for name in spent[1]
        }
        _, difference = _against(each, "traced", "before")
        _, of_user = _against(each, "traced*", "before*")
        whole = statistics.median(each["bare"]) / 1_000
        print(f"  {difference:+5.2f} µs, {of_user:+5.2f} µs in the user's thread, of {whole:.0f} µs without nbtrace")


_TITLES = {"bare": "without nbtrace", "before": "nbtrace without the inside of cells", "traced": "all on"}


def main() -> None:
    """All."""
    small()
    heavy()
