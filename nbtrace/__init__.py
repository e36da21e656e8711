"""A flight recorder for notebooks: `%load_ext nbtrace`, and every cell is an OpenTelemetry span.

    with nbtrace.span("load", source="s3") as span: ...     a span for a block
    @nbtrace.traced                                          a span for each call
    nbtrace.spans() .events() .links() .errors() .cells()    DataFrames of the live recording
    nbtrace.statistics() .self_times() .critical_path()      where the time went
    nbtrace.lines() .hotspots() .statements() .samples()     what ran inside a cell that nobody instrumented
    nbtrace.concurrency() .gaps() .repeats()                 what ran at once, when nothing did, what repeated
    nbtrace.tasks()                                          tasks of pools: how long they waited, and who worked on them
    nbtrace.compare() .history() .headings() .plot           what changed, cells over their runs, pictures
    nbtrace.view() .text() .report("run.html")               the inspector; the tree as text; the inspector in a file
    nbtrace.save("run.speedscope.json")                      a profile in a file, for other programs
    with nbtrace.record() as rec: ...                        the same in a script, without a notebook
    nbtrace.arrive()                                         in a program that a notebook starts: send home what it records
    nbtrace.dask.install(client)                             follow a client of Dask's (in a notebook: %nbtrace dask)

In a notebook: %%span, %span, %spans and %nbtrace, each with help (%span?)."""

from __future__ import annotations

import sys
from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what an editor and a type checker see; at run time the register of answers is asked
    from nbtrace.api import Recording as Recording
    from nbtrace.api import arrive as arrive
    from nbtrace.api import live as live
    from nbtrace.api import load as load
    from nbtrace.api import record as record
    from nbtrace.api import recover as recover
    from nbtrace.api import span as span
    from nbtrace.api import traced as traced

    _live = live()
    cells = _live.cells
    compare = _live.compare
    concurrency = _live.concurrency
    critical_path = _live.critical_path
    errors = _live.errors
    events = _live.events
    gaps = _live.gaps
    headings = _live.headings
    history = _live.history
    hotspots = _live.hotspots
    lines = _live.lines
    links = _live.links
    plot = _live.plot
    repeats = _live.repeats
    report = _live.report
    samples = _live.samples
    save = _live.save
    self_times = _live.self_times
    spans = _live.spans
    statements = _live.statements
    statistics = _live.statistics
    tasks = _live.tasks
    text = _live.text
    tree = _live.tree
    view = _live.view

__version__ = "0.1.0"

_ENGINES = ("dask",)
"""Modules for what takes work beyond this machine, opened by name alone."""


def __getattr__(name: str) -> Any:
    # Opened on first use (PEP 562): `import nbtrace` alone costs nothing.
    if name == "__all__":
        return _public()
    if not name.startswith("_"):
        try:
            api = _api()
        except ImportError:
            if sys.is_finalizing() or sys.meta_path is None:
                return _AtExit()  # a finaliser that runs when nothing can be imported any more
            raise
        if name in api.__all__ and name != "QUESTIONS":
            return getattr(api, name)
        if name in _ENGINES:
            return _import_module(f"nbtrace.cluster.{name}")
    raise AttributeError(f"module 'nbtrace' has no attribute {name!r}.{_meant(name)}", name=name)


def _meant(name: str) -> str:
    """What is said to who mistyped a public name; nothing of Python's own, which are only looked for."""
    if name.startswith("_"):
        return ""
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), _public(), n=1, cutoff=0.6)
    return f" Did you mean nbtrace.{near[0]}?" if near else " dir(nbtrace) lists what there is."


class _AtExit:
    """Stands for every public name when the interpreter is at its end: to be called, entered and asked, to no effect."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        return self

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None: ...


def _api() -> Any:
    # Not `from nbtrace import api`, which asks the package for it first, and so would come back here.
    return _import_module("nbtrace.api")


def _public() -> list[str]:
    return sorted({*_api().__all__, "__version__"} - {"QUESTIONS"})


def __dir__() -> list[str]:
    return _public()


def load_ipython_extension(shell: Any) -> None:
    """Start tracing in `shell`: what `%load_ext nbtrace` calls."""
    from nbtrace.extension.shell import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Stop tracing in `shell` and take out everything: what `%unload_ext nbtrace` calls."""
    from nbtrace.extension.shell import unload

    unload(shell)
