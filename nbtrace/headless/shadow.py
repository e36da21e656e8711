"""Kernelspecs in front of the ones that Jupyter finds, of the same names, whose kernels load nbtrace as they start.

Enters: a folder of ours, and what kernels are to find in their environment. Leaves: kernelspecs in it, for JUPYTER_PATH. So
runners of notebooks that know nothing of nbtrace (papermill, nbconvert, `jupyter execute`) start traced kernels, unmodified."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from nbtrace.extension.handed import ARGUMENT
from nbtrace.headless.kernelspecs import Kernelspec, kernelspecs

JUPYTER_PATH = "JUPYTER_PATH"


def shadowable(python: str = "") -> list[Kernelspec]:
    """Return the kernelspecs that can have a shadow: IPython's. Others, of other languages or behind a script of somebody's, are
    left alone. python: on which the runner of notebooks runs, as that may find other kernels than we do."""
    return [spec for spec in kernelspecs(python) if spec.is_ipykernel]


def shadow(folder: Path, specs: Iterable[Kernelspec], variables: Mapping[str, str]) -> None:
    """Put a kernelspec into `folder` for each of these. A kernel whose Python has no nbtrace says so on its stderr, and runs
    untraced. variables: what the kernels find in their environment besides. Raises OSError."""
    for spec in specs:
        _put(spec, folder / "kernels" / spec.name, variables)


def path_with(folder: Path, environment: Mapping[str, str] = os.environ) -> str:
    """Return a JUPYTER_PATH on which `folder` comes first."""
    return os.pathsep.join(filter(None, (str(folder), environment.get(JUPYTER_PATH))))


def _put(spec: Kernelspec, folder: Path, variables: Mapping[str, str]) -> None:
    folder.mkdir(parents=True)
    if spec.folder.is_dir():
        for each in spec.folder.iterdir():
            if each.name != "kernel.json":
                _show(each, folder / each.name)
    assert spec.kernel_json is not None
    # What lies beside kernel.json is meant where it is: a script there may look around itself.
    argv = [each.replace("{resource_dir}", str(spec.folder)) for each in spec.argv]
    if not (spec.folder / "kernel.json").exists():
        argv[0] = (
            "python"  # given by the ipykernel of the runner: jupyter_client then takes the Python on which that runs
        )
    env = {**spec.environment, **{name: value.replace("$", "$$") for name, value in variables.items()}}
    kernel_json = {**spec.kernel_json, "argv": [*argv, ARGUMENT], "env": env}
    (folder / "kernel.json").write_text(json.dumps(kernel_json), "utf-8")


def _show(file: Path, at: Path) -> None:
    """Have a file of the kernelspec, as its logo, or a folder in the shadow too."""
    try:
        at.symlink_to(file.resolve(), target_is_directory=file.is_dir())
    except OSError:  # Windows, for most people
        if file.is_dir():
            shutil.copytree(file, at)
        elif file.is_file():
            shutil.copyfile(file, at)
