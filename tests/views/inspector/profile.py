"""What the browser makes of frames of samples, as frontend/src/engine/profile.ts reads them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from nbtrace.views.inspector.protocol import COLUMNS, PROFILE


class Sample(NamedTuple):
    """A sample as it was understood; times in ms since the zero of the spans."""

    time: float
    wall: float
    computed: float | None
    native: bool
    memory: int | None
    stack: tuple[str, ...]
    """`function (path:line)`, the outermost first; of a cell's code the path is the number of its file."""
    thread: str | None
    cell: int
    span: int


class Profile:
    """What has arrived since the last reset."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.frames: list[tuple[int, int, int, int, int]] = []
        self.nodes: list[tuple[int, int]] = []
        self.texts: list[str] = []
        self.files: list[list[int]] = []
        self.codes: dict[int, int] = {}
        self.lines: dict[tuple[int, int], str] = {}
        """By file and line: what stands there, of cells that are not told of."""
        self.threads: list[list[Any]] = []
        self.resources: dict[int, list[Any]] = {}
        self.statements: dict[int, dict[int, tuple[int, int, float, float | None, int]]] = {}
        """By execution and place: first line, last line, begun, ended, status."""
        self.dropped = 0

    def take(self, header: dict[str, Any], columns: list[Any]) -> None:
        """Take in a frame."""
        has = {name: column.tolist() for (name, _), column in zip(COLUMNS[PROFILE], columns, strict=True)}
        self.texts += header["texts"]
        self.files += header["files"]
        self.threads += header["threads"]
        self.codes.update((number, file) for number, file, _ in header["codes"])
        self.lines.update(((file, line), text) for file, line, text in header["lines"])
        self.resources.update((each[0], each[1:]) for each in header["resources"])
        self.dropped = header["dropped"]
        self.nodes += [(above - 1, frame) for above, frame in zip(has["above"], has["frame"], strict=True)]
        if has["run"]:
            has["origin"] = [
                origin
                for origin, begin, end in zip(has["origin"], has["run"], [*has["run"][1:], len(has["at"])], strict=True)
                for _ in range(begin, end)
            ]
        self.frames += zip(*(has[name] for name in ("function", "file", "line", "firstLine", "kind")), strict=True)
        assert all(above < node for node, (above, _) in enumerate(self.nodes))
        long = dict(zip(has["long"], zip(has["longAfter"], has["longWall"], strict=True), strict=True))
        moment = header["base"]
        lowest, step = header["memory"]
        rows = zip(*(has[name] for name in ("after", "wall", "computed", "look", "at", "origin")), strict=True)
        for place, (after, wall, computed, look, at, origin) in enumerate(rows):
            since, stands = long.get(place, (after / 100, wall / 100))
            moment += since
            share = computed & 127
            self.samples.append(
                Sample(
                    round(moment, 6),
                    stands,
                    None if share == 127 else round(share / 126 * stands, 6),
                    bool(computed >> 7),
                    None if look == 65_535 else lowest + look * step,
                    self.stack(has["stack"][at] - 1 if has["stack"] else -1 if at == 65_535 else at),
                    self.threads[has["thread"][origin]][1],
                    has["cell"][origin],
                    has["span"][origin] - 1,
                )
            )
        names = ("statement", "place", "first", "last", "begun", "ended", "status")
        for cell, place, first, last, begun, ended, status in zip(*(has[name] for name in names), strict=True):
            told = (first, last, begun, None if math.isnan(ended) else ended, status)
            self.statements.setdefault(cell, {})[place] = told

    def stack(self, node: int) -> tuple[str, ...]:
        """The frames from the outermost to a node."""
        if node < 0:
            return ()
        above, frame = self.nodes[node]
        function, file, line, _, kind = self.frames[frame]
        path = f"#{file}" if kind & 1 else self.texts[self.files[file][0]]
        return (*self.stack(above), f"{self.texts[function]} ({path}:{line})")
