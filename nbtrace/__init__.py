"""A flight recorder for notebooks: `%load_ext nbtrace`, and every cell is an OpenTelemetry span.

    with nbtrace.span("load", source="s3") as span: ...     a span for a block
    @nbtrace.traced                                          a span for each call
    nbtrace.spans() .events() .links() .errors() .cells()    DataFrames of the live recording
    nbtrace.statistics() .self_times() .critical_path()      where the time went
    nbtrace.concurrency() .gaps() .repeats()                 what ran at once, when nothing did, what repeated
    nbtrace.compare() .history() .headings() .plot           what changed, cells over their runs, pictures
    nbtrace.view() .text() .report("run.html")               the inspector; the tree as text; the inspector in a file
    with nbtrace.record() as rec: ...                        the same in a script, without a notebook

In a notebook: %%span, %span, %spans and %nbtrace, each with help (%span?)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbtrace.api import Recording as Recording
    from nbtrace.api import cells as cells
    from nbtrace.api import compare as compare
    from nbtrace.api import headings as headings
    from nbtrace.api import history as history
    from nbtrace.views.plots import Plots

    plot: Plots
    from nbtrace.api import concurrency as concurrency
    from nbtrace.api import critical_path as critical_path
    from nbtrace.api import errors as errors
    from nbtrace.api import events as events
    from nbtrace.api import gaps as gaps
    from nbtrace.api import links as links
    from nbtrace.api import live as live
    from nbtrace.api import record as record
    from nbtrace.api import repeats as repeats
    from nbtrace.api import report as report
    from nbtrace.api import self_times as self_times
    from nbtrace.api import span as span
    from nbtrace.api import spans as spans
    from nbtrace.api import statistics as statistics
    from nbtrace.api import text as text
    from nbtrace.api import traced as traced
    from nbtrace.api import tree as tree
    from nbtrace.api import view as view

__version__ = "0.1.0"

_PUBLIC = (
    "Recording",
    "cells",
    "compare",
    "concurrency",
    "critical_path",
    "errors",
    "events",
    "gaps",
    "headings",
    "history",
    "links",
    "live",
    "plot",
    "record",
    "repeats",
    "report",
    "self_times",
    "span",
    "spans",
    "statistics",
    "text",
    "traced",
    "tree",
    "view",
)
__all__ = [*_PUBLIC, "__version__"]


def __getattr__(name: str) -> Any:
    # Opened on first use (PEP 562): `import nbtrace` alone costs nothing.
    if name in _PUBLIC:
        try:
            from nbtrace import api
        except ImportError:
            if sys.is_finalizing() or sys.meta_path is None:
                return _AtExit()  # a finaliser that runs when nothing can be imported any more
            raise
        return getattr(api, name)
    raise AttributeError(f"module 'nbtrace' has no attribute {name!r}.{_meant(name)}", name=name)


def _meant(name: str) -> str:
    """What is said to who mistyped a public name; nothing of Python's own, which are only looked for."""
    if name.startswith("_"):
        return ""
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), _PUBLIC, n=1, cutoff=0.6)
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


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """Start tracing in `shell`: what `%load_ext nbtrace` calls."""
    from nbtrace.extension import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Stop tracing in `shell` and take out everything: what `%unload_ext nbtrace` calls."""
    from nbtrace.extension import unload

    unload(shell)
