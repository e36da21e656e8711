"""The kernelspecs that Jupyter finds, which of them is a notebook's, and whose Python they start.

Enters: jupyter_client's answer. Leaves: a `Kernelspec` each, those that cannot be read among them; the name of one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

_ASKED = (
    "import json, sys; from importlib.util import find_spec; "
    "print(json.dumps([sys.prefix, getattr(find_spec('nbtrace'), 'origin', None) is not None]))"
)

_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Kernelspec:
    """A kernel that can be started by its name."""

    name: str
    folder: Path
    """Where kernel.json, and what belongs to it, lies."""
    kernel_json: dict[str, Any] | None
    """What kernel.json says, all of it; None where it cannot be read."""

    @property
    def language(self) -> str:
        """What it runs, in small letters."""
        return str((self.kernel_json or {}).get("language", "")).lower()

    @property
    def argv(self) -> list[str]:
        """How it is started."""
        return list((self.kernel_json or {}).get("argv", []))

    @property
    def environment(self) -> dict[str, Any]:
        """What its kernels find in their environment besides."""
        found = (self.kernel_json or {}).get("env", {})
        return found if isinstance(found, dict) else {}

    @property
    def is_ipykernel(self) -> bool:
        """Whether it is IPython's, and so can load an extension of IPython's."""
        return self.language == "python" and any("ipykernel" in each or each == "IPython" for each in self.argv)

    @property
    def python(self) -> list[str] | None:
        """What starts its Python, without what that is to run; None where that cannot be told, as of a script around it."""
        argv = self.argv
        name = Path(argv[0]).name.lower() if argv else ""
        if not self.is_ipykernel or not name.startswith(("python", "pypy")) or "-m" not in argv:
            return None
        here = {"python", f"python{sys.version_info[0]}", f"python{sys.version_info[0]}.{sys.version_info[1]}"}
        # As jupyter_client does: a bare `python` is the one that Jupyter runs on.
        return [sys.executable if argv[0] in here else argv[0], *argv[1 : argv.index("-m")]]

    def ask(self) -> Python | None:
        """Start its Python, and return what it says of itself; None where it cannot be started, or is not known."""
        python = self.python
        if python is None:
            return None
        own = {name: Template(str(value)).safe_substitute(os.environ) for name, value in self.environment.items()}
        try:
            done = subprocess.run(
                [*python, "-c", _ASKED],
                env={**os.environ, **own},
                cwd=self.folder,  # nbtrace may lie where we are, and that says nothing of other places
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PATIENCE_S,
                check=True,
            )
            prefix, has_nbtrace = json.loads(done.stdout)
        except (OSError, subprocess.SubprocessError, ValueError):
            return None
        return Python(python[0], Path(prefix), bool(has_nbtrace))


@dataclass(frozen=True, slots=True)
class Python:
    """What a Python says of itself."""

    executable: str
    prefix: Path
    has_nbtrace: bool


class KernelError(Exception):
    """There is no such kernel, or it is none of Python's."""


def kernel_name(asked: str, metadata: Mapping[str, Any]) -> str:
    """Return the name of the kernel for a notebook with this metadata: the one asked for, or the one that it names. Raises
    KernelError where there is none, and for another language."""
    name = asked or (metadata.get("kernelspec") or {}).get("name") or "python3"
    specs = KernelSpecManager()
    try:
        spec = specs.get_kernel_spec(name)
    except NoSuchKernel:
        known = ", ".join(sorted(specs.find_kernel_specs())) or "none"
        whose = "" if asked else "the notebook asks for it; "
        raise KernelError(
            f"there is no kernel {name!r}: {whose}there are {known}. Choose with --kernel NAME."
        ) from None
    if spec.language.lower() != "python":
        raise KernelError(f"the kernel {name!r} speaks {spec.language}; nbtrace is for kernels of Python (ipykernel).")
    return str(name)


def kernelspecs(python: str = "") -> list[Kernelspec]:
    """Return what Jupyter finds, by name; as `python` finds them, where that is another one than ours and has Jupyter. The one
    that ipykernel gives where none is installed is among them."""
    here = not python or Path(python).parent == Path(sys.executable).parent
    found = (None if here else _found_by(python)) or _found()
    return [Kernelspec(name, Path(folder), _read(Path(folder), native)) for name, folder, native in sorted(found)]


def python_of(program: str) -> str:
    """Return the Python for which a program is written, as its first lines tell; "" where they do not. A Python is its own."""
    path = shutil.which(program)
    if path is None or re.fullmatch(r"(python|pypy)[0-9.]*(\.exe)?", Path(path).name):
        return path or ""
    try:
        with open(path, "rb") as file:
            start = file.read(1_000).decode("utf-8", "replace")
    except OSError:
        return ""
    # Installers write the second where the path is too long for the first, or has a space in it.
    match = re.match(r"#!\s*(?:/usr/bin/env\s+)?(\S*python[0-9.]*)\s*$", start, re.M) or re.match(
        r"#!/bin/sh\n'''exec' [\"']?(/[^\"'\n]*?python[0-9.]*)[\"']? ", start
    )
    return (match and shutil.which(match[1])) or ""


_Found = list[tuple[str, str, dict[str, Any] | None]]
"""Names, folders, and of the one that ipykernel gives, which has no kernel.json, what would stand there."""

_FINDS = """
import json, os, warnings
from jupyter_client.kernelspec import KernelSpecManager

warnings.simplefilter("ignore")  # of names that Jupyter does not like
manager = KernelSpecManager()
found = [
    (name, folder, None if os.path.exists(os.path.join(folder, "kernel.json")) else manager.get_kernel_spec(name).to_dict())
    for name, folder in manager.find_kernel_specs().items()
]
"""


def _found() -> _Found:
    names: dict[str, Any] = {}
    with warnings.catch_warnings():
        exec(_FINDS, names)
    return list(names["found"])


def _found_by(python: str) -> _Found | None:
    try:
        done = subprocess.run(
            [python, "-c", f"{_FINDS}print(json.dumps(found))"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_S,
            check=True,
        )
        return [(name, folder, native) for name, folder, native in json.loads(done.stdout)]
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _read(folder: Path, native: dict[str, Any] | None) -> dict[str, Any] | None:
    """What kernel.json says: the file itself, as Jupyter's own reading leaves out what it does not know."""
    if native is not None:
        return native
    try:
        read = json.loads((folder / "kernel.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    argv = read.get("argv") if isinstance(read, dict) else None
    fine = isinstance(argv, list) and all(isinstance(each, str) for each in argv)
    return read if fine else None
