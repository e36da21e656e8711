"""Profiles as folded stacks: a line for each, `cell [4] df = …;cell [4] line 3:;merge (pandas/core/reshape/merge.py:146) 1230`.

Enters: `Flames`. Leaves: lines for flamegraph.pl, inferno, speedscope and whatever else reads what Brendan Gregg's scripts
write. The number is in microseconds. The format knows no escapes: what would divide a line otherwise is written otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbtrace.formats.flames import Flames, Frame, harmless

_IMPORTED_FROM = re.compile(r".*(?:site-packages|dist-packages|python3\.\d+t?|[/\\]Lib)[/\\]", re.DOTALL)
_NUMBER_AT_END = re.compile(r"(?:^|\s)[\d.]+$")


def folded(flames: Flames) -> Iterator[str]:
    """Give the file line by line, sorted; each stack stands once below the cell that it was seen in."""
    names = [_name(_placed(frame)) for frame in flames.frames]
    stacks = [";".join(names[frame] for frame in stack) for stack in flames.stacks]
    found: dict[tuple[str, str], int] = {}
    for part in flames.parts:
        top = _name(part.name)
        for stack, weight in zip(part.stacks, part.weights, strict=True):
            key = (top, stacks[stack])
            found[key] = found.get(key, 0) + weight
    for (top, lines), total in sorted(found.items()):
        microseconds = round(total / 1_000)
        if microseconds:
            yield f"{top};{lines} {microseconds}\n"


def _placed(frame: Frame) -> str:
    """A frame's name and where it is, as there is no other room for that. A cell's line says it already."""
    if not frame.file or frame.name.startswith(frame.file):
        return frame.name
    file = _IMPORTED_FROM.sub("", frame.file)
    if file == frame.file:
        file = re.split(r"[/\\]", file)[-1]
    return f"{frame.name} ({file}:{frame.line})" if frame.line > 0 else f"{frame.name} ({file})"


def _name(text: str) -> str:
    name = harmless(text).replace(";", ":")
    # flamegraph.pl takes two numbers at the end of a line for a comparison of two profiles.
    return f"{name}:" if _NUMBER_AT_END.search(name) else name
