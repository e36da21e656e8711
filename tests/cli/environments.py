"""Environments of Python's that tests may change: each has what the tests' own one has, and a prefix of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import nbtrace


@dataclass(frozen=True)
class Environment:
    """An environment, and a home for IPython and Jupyter in which nobody else is."""

    prefix: Path
    ipython: Path
    jupyter: Path

    @property
    def python(self) -> str:
        """Its Python."""
        return str(next((self.prefix / "bin").glob("python3")))

    @property
    def variables(self) -> dict[str, str]:
        """What its processes find in their environment."""
        return {
            **os.environ,
            "IPYTHONDIR": str(self.ipython),
            "JUPYTER_PATH": str(self.jupyter),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        }

    def nbtrace(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run the command line."""
        return self.run("-m", "nbtrace", *words, cwd=cwd)

    def run(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run its Python."""
        return subprocess.run(
            [self.python, *words], env=self.variables, cwd=cwd, capture_output=True, text=True, timeout=120
        )

    def kernelspec(self, name: str, **changed: object) -> Path:
        """Have Jupyter find a kernel of this environment, or another one, by this name."""
        folder = self.jupyter / "kernels" / name
        folder.mkdir(parents=True, exist_ok=True)
        argv = [self.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (folder / "kernel.json").write_text(
            json.dumps({"argv": argv, "language": "python", "display_name": name} | changed), "utf-8"
        )
        return folder


def make_environment(folder: Path, *, filled: bool = True) -> Environment:
    """Make one. filled: with all packages that the tests' own has, and nbtrace as it is tested."""
    prefix, ipython, jupyter = folder / "env", folder / "ipython", folder / "jupyter"
    venv.EnvBuilder(symlinks=True).create(prefix)
    ipython.mkdir()
    if filled:
        packages = Path(sysconfig.get_path("purelib", vars={"base": str(prefix)}))
        places = {str(Path(nbtrace.__file__).parents[1]), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        (packages / "others.pth").write_text("".join(f"{place}\n" for place in sorted(places)), "utf-8")
    assert Path(sys.prefix) != prefix
    return Environment(prefix, ipython, jupyter)
