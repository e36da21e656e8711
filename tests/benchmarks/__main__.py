"""What nbtrace costs, as ratios from one interleaved run: `python -m tests.benchmarks [span] [cell] [load] [dataframe] [hotspots]
[bound] [files] [chrome] [otlp] [redact] [run] [inside] [sampling] [journal] [inspector] [followed]
[processes] [memory] [peers] [dask ROUNDS] [dask_dead_worker ROUNDS KILLS]
[kills TRIES] [strangers FOLDER…]`.

Absolute figures depend on the machine and its other work; ratios of turns taken alternately depend on it much less. The
figures beside them are medians. Nothing here asserts: tests do not time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module

from tests.benchmarks import (
    bounds,
    cells,
    chrome,
    dataframes,
    files,
    followed,
    hotspots,
    inside,
    inspector,
    journal,
    kills,
    loading,
    memory,
    otlp,
    peers,
    processes,
    redaction,
    running,
    sampling,
    spans,
    strangers,
)


def _opened(name: str) -> None:
    """Run a part that opens what the others are to be without."""
    import_module(f"tests.benchmarks.{name}").main()


PARTS: dict[str, Callable[[], None]] = {
    "span": spans.main,
    "cell": cells.main,
    "load": loading.main,
    "dataframe": dataframes.main,
    "hotspots": hotspots.main,
    "bound": bounds.main,
    "files": files.main,
    "chrome": chrome.main,
    "redact": redaction.main,
    "run": running.main,
    "inside": inside.main,
    "otlp": otlp.main,
    "sampling": sampling.main,
    "journal": journal.main,
    "inspector": inspector.main,
    "followed": followed.main,
    "processes": processes.main,
    "memory": memory.main,
    "peers": peers.main,
    "dask": lambda: _opened("dask"),
    "dask_dead_worker": lambda: _opened("dask_dead_worker"),
    "kills": kills.main,
    "strangers": strangers.main,
}
OPTIONAL = (
    "sampling",
    "journal",
    "inspector",
    "followed",
    "memory",
    "peers",
    "dask",
    "dask_dead_worker",
    "kills",
    "strangers",
)
"""Run only when named: they need a browser, install other software, take minutes, or take notebooks of yours."""


def main() -> None:
    """Run the named parts, or all."""
    for name in sys.argv[1:] or [name for name in PARTS if name not in OPTIONAL]:
        if name not in PARTS:
            sys.exit(f"{name!r} is no benchmark. Known: {', '.join(PARTS)}.")
        PARTS[name]()
        if name in ("dask", "dask_dead_worker", "kills", "strangers"):
            break  # what follows is its own


main()
