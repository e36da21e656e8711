"""What processes took of the machine over time, of the recordings of profiles.json, in their order.

`python -m tests.vectors.counters` writes counters.json. Of each recording `cores` and `memory`: since when, in hundredths of a
millisecond since the epoch, and how many cores were busy or bytes resident from then on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbtrace.formats.counters import Steps, cores_busy, resident_memory
from nbtrace.store.samples import TIME_UNIT_NS
from nbtrace.store.span_store import SpanStore
from tests.rows import THREAD
from tests.vectors.files import lines
from tests.vectors.profiles import recordings

FILE = Path(__file__).with_suffix(".json")

PIDS = {THREAD.process_pid: 0}


def written() -> str:
    """The file as it should be."""
    return lines({"recordings": [answers(store) for store in recordings()]})


def answers(store: SpanStore) -> dict[str, Any]:
    """What is drawn of a recording."""
    samples = store.snapshot().samples
    return {
        "cores": of_steps(cores_busy(samples, PIDS, [])),
        "memory": of_steps(resident_memory(samples, PIDS, [])),
    }


def of_steps(found: Mapping[int, Steps]) -> list[list[float]]:
    """The steps of the one process."""
    if not found:
        return []
    times, values = found[0]
    return [[time // TIME_UNIT_NS, value] for time, value in zip(times.tolist(), values.tolist(), strict=True)]


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
