"""What somebody wants to be run, and where its files are to go: looked at before anything begins.

Enters: what was typed. Leaves: what is to be run, or a `Problem`."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrace.cli.problems import Problem

if TYPE_CHECKING:
    from nbtrace.headless.claims import Claims
    from nbtrace.headless.places import Places
    from nbtrace.headless.ran import Job
    from nbtrace.headless.started import Started


@dataclass(frozen=True, slots=True)
class Files:
    """The files that have a name."""

    executed: Path | None = None
    recording: str = ""
    """A path; one that ends in a separator is a folder, which takes several."""
    report: Path | None = None
    junit: Path | None = None

    def single(self) -> list[tuple[str, Path]]:
        """Return those that take one run each, by their options."""
        recording = None
        if self.recording:
            from nbtrace.formats.register import names_folder

            recording = None if names_folder(self.recording) else Path(self.recording)
        named = (("-o", self.executed), ("--save", recording), ("--report", self.report), ("--junit", self.junit))
        return [(option, path) for option, path in named if path is not None]

    def claim(self, claims: Claims) -> None:
        """Keep other runs from writing them. Raises Problem and OSError."""
        from nbtrace.headless.places import check

        single = self.single()
        real = [os.path.realpath(path) for _, path in single]
        for option, path in single:
            if real.count(os.path.realpath(path)) > 1:
                raise Problem(f"{str(path)!r} is named twice. Name another file with {option}.")
            check(path, option)
            claims.claim(path, option)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A notebook that is to be run, as far as it has been looked at."""

    path: Path
    kernel: str
    """The name of its kernel."""
    places: Places
    parameters: dict[str, Any]
    timeout_s: float | None

    def start(self, runner: asyncio.Runner) -> Started:
        """Have its kernel boot."""
        from nbtrace.headless.started import start

        return start(self.path, self.places, self.kernel, runner)

    def job(self) -> Job:
        """Read it, and put its parameters in. Raises Problem."""
        from nbformat.v4 import new_code_cell

        from nbtrace.headless.notebooks import NotebookFileError, read_notebook
        from nbtrace.headless.parameters import ParameterError, put_in
        from nbtrace.headless.ran import Job

        try:
            notebook = read_notebook(self.path)
            put_in(notebook.cells, self.parameters, new_code_cell)
        except (NotebookFileError, ParameterError) as error:
            raise Problem(str(error)) from None
        return Job(self.path, notebook, self.kernel, self.places, self.parameters, self.timeout_s)


def wanted(
    notebooks: Sequence[Path], files: Files, parameters: Sequence[str], *, timeout_s: float | None, kernel: str
) -> list[Wanted]:
    """Return what is to be run. What can be known to be wrong without reading the notebooks is told. Raises Problem, OSError."""
    from nbtrace.headless.kernelspecs import KernelError
    from nbtrace.headless.notebooks import NotebookFileError
    from nbtrace.headless.parameters import ParameterError, read_parameters
    from nbtrace.headless.places import places

    for option, path in files.single():
        if len(notebooks) > 1 and option != "--junit":
            another = " Give a folder, as in  --save runs/" if option == "--save" else ""
            raise Problem(f"{option} names one file, and there are {len(notebooks)} notebooks.{another}")
        if os.path.realpath(path) in map(os.path.realpath, notebooks):
            raise Problem(f"{str(path)!r} is the notebook that is to be run. Name another file with {option}.")
    try:
        given = read_parameters(tuple(parameters))
        kernels = [_kernel_of(path, kernel) for path in notebooks]
        found = [
            places(path, executed=files.executed, recording=files.recording, report=files.report) for path in notebooks
        ]
    except (ParameterError, KernelError, NotebookFileError) as error:
        raise Problem(str(error)) from None
    return [
        Wanted(path, name, place, given, timeout_s) for path, name, place in zip(notebooks, kernels, found, strict=True)
    ]


def _kernel_of(path: Path, asked: str) -> str:
    """The kernel of a notebook: a glance into the file tells, as a rule; else it is read, or what is wrong with it is told."""
    from nbtrace.headless.kernelspecs import kernel_name

    try:
        metadata: Any = json.loads(path.read_bytes())["metadata"] if path.is_file() else {"kernelspec": None}
        name = metadata.get("kernelspec", {}).get("name", "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        name = None
    if isinstance(name, str):
        return kernel_name(asked, metadata)
    from nbtrace.headless.notebooks import read_notebook

    return kernel_name(asked, read_notebook(path).metadata)
