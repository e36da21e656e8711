"""A run that has begun: its kernel boots, while what is to be run is still being read.

Enters: a notebook's path, where its files go, and a kernelspec's name. Leaves: a `Started`. To import what reads notebooks
takes as long as a kernel takes to boot."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from nbtrace.extension.handed import Handed
from nbtrace.headless.journals import delete
from nbtrace.headless.kernel import Kernel
from nbtrace.headless.places import Places
from nbtrace.headless.run_span import RunSpan


@dataclass(frozen=True, slots=True)
class Started:
    """The run of one notebook."""

    span: RunSpan
    kernel: Kernel
    places: Places

    def abandon(self, runner: asyncio.Runner) -> None:
        """End the kernel and take away its journal: it turns out that there is nothing to run."""
        runner.run(self.kernel.end(now=True))
        delete(self.places.journal)


def start(path: Path, places: Places, kernel: str, runner: asyncio.Runner) -> Started:
    """Start the run of a notebook. That its kernel does not start is told by the run."""
    span = RunSpan(f"run {path.name}")
    handed = Handed(span.traceparent, span.tracestate, str(places.journal.absolute()), str(path.absolute()))
    started = Started(span, Kernel(kernel, path.absolute().parent, handed), places)
    runner.run(started.kernel.begin())
    return started
