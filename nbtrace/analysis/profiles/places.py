"""Where each frame of a profile is: in which file, on which line as it was typed, and whether that is the notebook's.

Enters: a `Profile`, and the code of cells. Leaves: `Places`, by the nodes of its tree. What %%time runs is compiled as no file
at all; by the cell at the bottom of the stack it is known whose line it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nbtrace.analysis.profiles.cell_code import TIMED, CellCode
from nbtrace.analysis.profiles.profile import Bools, Ints, Profile
from nbtrace.store.book import Execution
from nbtrace.store.stacks import CUT

MODULE = "<module>"


@dataclass(frozen=True, slots=True)
class Places:
    """By node: its place, and whether a cell's code stands there."""

    file: Ints
    """Place in `files`."""
    line: Ints
    first_line: Ints
    """Where its function begins; 0 for the code of a module, which begins at its first line."""
    function: Ints
    """Place in `functions`."""
    notebook: Bools
    cut: Bools
    """Whether it stands for frames that were left out."""
    root: Ints
    """The outermost node of its stack."""
    files: list[str]
    """Of the frames, then those of cells that were not sampled."""
    functions: list[str]
    """`MODULE` is among them."""


def places(profile: Profile, code: CellCode) -> Places:
    """Return where the frames of a profile are."""
    files = list(dict.fromkeys((*profile.files, *code.files)))
    functions = list(dict.fromkeys((*profile.functions, MODULE)))
    of_cell = np.array([code.has(file) for file in files], dtype=bool)
    timed = np.array([file in TIMED for file in files], dtype=bool)
    module = np.array([name == MODULE for name in functions], dtype=bool)
    cut = np.array([name.endswith(CUT) for name in functions], dtype=bool)
    file, function = profile.file[profile.frame], profile.function[profile.frame]
    line, first_line = _typed(profile, code, of_cell)
    line, first_line = line[profile.frame], first_line[profile.frame]
    root = profile.outermost()
    if timed.any():
        for node in np.flatnonzero(timed[file] & of_cell[file[root]]).tolist():
            execution = _any(code, files[file[root[node]]])
            above = code.timed_body(execution)
            # Without the source, a function may be what another cell's %%time has defined.
            if above is not None and (execution.source or module[function[node]]):
                file[node] = file[root[node]]
                line[node] += above
                first_line[node] += above
    first_line[module[function]] = 0
    return Places(file, line, first_line, function, of_cell[file], cut[function], root, files, functions)


def _typed(profile: Profile, code: CellCode, of_cell: Bools) -> tuple[Ints, Ints]:
    """The lines of frames as they were typed."""
    line, first_line = profile.line.copy(), profile.first_line.copy()
    sampled = [file for file in np.flatnonzero(of_cell).tolist() if file < len(profile.files)]
    others = [file for file in sampled if _any(code, profile.files[file]).has_other_lines]
    for frame in np.flatnonzero(np.isin(profile.file, others)).tolist():
        execution = _any(code, profile.files[profile.file[frame]])
        line[frame] = execution.typed_line(int(line[frame]))
        first_line[frame] = execution.typed_line(int(first_line[frame]))
    return line, first_line


def _any(code: CellCode, file: str) -> Execution:
    """An execution of a file: they all have the same code."""
    found = code.ran(file, 2**62)
    assert found is not None
    return found
