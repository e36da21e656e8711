"""Profiles as https://www.speedscope.app reads them: its own JSON, one "sampled" profile per cell.

Enters: `Flames`. Leaves: pieces of text. Where there are several cells, the first profile is all of them, each below a frame of
its own. Names are JSON strings of plain ASCII, so that no encoding and no page can take them for something else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from nbtrace.formats.flames import Flames, Frame, harmless

SCHEMA = "https://www.speedscope.app/file-format-schema.json"

ALL = "all"
"""The name of the profile that has everything."""

_PIECE = 10_000
"""Samples written at once."""


def speedscope(flames: Flames, name: str) -> Iterator[str]:
    """Give the file piece by piece; `name` is shown above it. Weights are in ns."""
    parts = flames.parts
    together = len(parts) > 1
    # What the profile with everything has outermost; speedscope finds no fault with frames that nothing uses.
    tops = [Frame(part.name) for part in parts] if together else []
    head = {"$schema": SCHEMA, "exporter": "nbtrace", "name": harmless(name), "activeProfileIndex": 0}
    yield json.dumps(head)[:-1]
    yield ', "shared": {"frames": ['
    yield ",\n".join(json.dumps(_frame(frame)) for frame in [*flames.frames, *tops])
    yield ']}, "profiles": [\n'
    texts = [",".join(map(str, stack)) for stack in flames.stacks]
    if together:
        first = len(flames.frames)
        samples = [(f"[{first + at},", stack) for at, part in enumerate(parts) for stack in part.stacks]
        yield from _profile(ALL, samples, texts, [weight for part in parts for weight in part.weights])
    for at, part in enumerate(parts):
        yield ",\n" if together or at else ""
        yield from _profile(part.name, [("[", stack) for stack in part.stacks], texts, part.weights)
    yield "\n]}\n"


def _frame(frame: Frame) -> dict[str, Any]:
    found: dict[str, Any] = {"name": harmless(frame.name)}
    if frame.file:
        found["file"] = harmless(frame.file)
    if frame.line > 0:
        found["line"] = frame.line
    return found


def _profile(
    name: str, samples: Sequence[tuple[str, int]], texts: Sequence[str], weights: Sequence[int]
) -> Iterator[str]:
    """One profile. A sample is how its list of frames begins, and its stack."""
    head = {
        "type": "sampled",
        "name": harmless(name),
        "unit": "nanoseconds",
        "startValue": 0,
        "endValue": sum(weights),
    }
    yield json.dumps(head)[:-1] + ', "weights": ' + json.dumps(list(weights), separators=(",", ":"))
    yield ', "samples": ['
    for start in range(0, len(samples), _PIECE):
        yield "," if start else ""
        yield ",".join(f"{opened}{texts[stack]}]" for opened, stack in samples[start : start + _PIECE])
    yield "]}"
