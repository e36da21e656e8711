"""Which library a file belongs to, by its path alone: recordings come from other machines, and files are deleted.

Enters: the path as which code was compiled. Leaves: the name of a distribution, or one of the words below. A module is told by
the distribution that brings it on this machine (sklearn is of scikit-learn), or by its own name where there is none."""

from __future__ import annotations

import re
import sys
from functools import cache, lru_cache

STANDARD = "standard library"
NOTEBOOK = "notebook"
YOURS = "your files"

_KNOWN = {
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "PIL": "pillow",
    "cv2": "opencv-python",
    "bs4": "beautifulsoup4",
    "yaml": "PyYAML",
    "dateutil": "python-dateutil",
    "IPython": "ipython",
    "zmq": "pyzmq",
}
"""What needs no look at what is installed, and may not be installed here."""

_INSTALLED = re.compile(r".*[\\/](?:site|dist)-packages[\\/](?:[^\\/]+\.egg[\\/])?", re.DOTALL)
_ARCHIVE = re.compile(r".*\.(?:zip|egg|whl|pyz)[\\/]", re.DOTALL)
_LIBRARY = re.compile(
    r".*(?:[\\/]lib(?:32|64)?[\\/](?:python|pypy)\d(?:\.?\d+)?t?(?:\.zip)?[\\/]|[\\/]python\d+t?\.zip[\\/]|"
    r"^[A-Za-z]:[\\/].*[\\/]lib[\\/])",
    re.DOTALL | re.IGNORECASE,
)
_KERNEL = re.compile(r".*[\\/](?:ipykernel|xpython|xeus-python)_\d+[\\/]\d+(?:\.py)?\Z", re.DOTALL)
_GENERATED = re.compile(r"<(?:attrs generated \S+ ([A-Za-z_]\w*)|__array_function__ internals)")
_FROZEN = re.compile(r"<frozen ")
_DECORATED = re.compile(r"<decorator-gen-\d+>")
_NAME = re.compile(r"[^\\/]+")
_MODULE = re.compile(r"[A-Za-z_]\w*")
_BROUGHT = re.compile(r"^(?:([A-Za-z_]\w*)/|([A-Za-z_]\w*)(?:\.[\w-]+)?\.(?:py|so|pyd),)", re.MULTILINE)


@lru_cache(maxsize=20_000)
def library(file: str) -> str:
    """Return the library that a file is of: a distribution, "standard library", "your files", or "notebook" for the code of
    cells and what they run as text."""
    if not file or _KERNEL.match(file):
        return NOTEBOOK
    if file.startswith("<"):
        generated = _GENERATED.match(file)
        if generated is not None:
            return distribution(generated[1]) if generated[1] else "numpy"
        return STANDARD if _FROZEN.match(file) else "ipython" if _DECORATED.match(file) else NOTEBOOK
    short = shortened(file)
    if short == file:
        return YOURS
    named = _NAME.match(short)
    module = _MODULE.match(named[0] if named is not None else short)
    if module is None:
        return YOURS
    return STANDARD if _standard(file) else distribution(module[0])


@lru_cache(maxsize=20_000)
def shortened(file: str) -> str:
    """Return the path from where it is imported: pandas/core/frame.py; of your files all of it."""
    if file.startswith("<"):
        return file
    if (installed := _INSTALLED.match(file)) is not None:
        return file[installed.end() :] or file
    if _standard(file):
        found = _LIBRARY.match(file)
        return file[found.end() :] if found is not None else file
    archive = _ARCHIVE.match(file)
    return file[archive.end() :] or file if archive is not None else file


def _standard(file: str) -> bool:
    """Whether a path is one of Python's own library."""
    if _INSTALLED.match(file) is not None:
        return False
    found = _LIBRARY.match(file)
    if found is None:
        return False
    rest = file[found.end() :]
    module = _MODULE.match(rest)
    return rest.startswith("lib-dynload") or (module is not None and module[0] in sys.stdlib_module_names)


@cache
def distribution(module: str) -> str:
    """Return the name of the distribution that brings a module, as far as it is known here; the module's where it is not, or
    where several bring parts of it."""
    from importlib import metadata

    if module in _KNOWN:
        return _KNOWN[module]
    try:
        # Most bear the name of their module, and to look for one of them is quick.
        return str(metadata.distribution(module).metadata["Name"] or module)
    except Exception:  # none, or one whose files cannot be read
        found = _distributions().get(module, ())
        return next(iter(found)) if len(found) == 1 else module


@cache
def _distributions() -> dict[str, set[str]]:
    """By module the distributions that bring it. metadata.packages_distributions() knows it too, after half a second in which the
    cell that runs does not: it makes a path of each line of what is installed."""
    from importlib import metadata

    found: dict[str, set[str]] = {}
    try:
        for each in metadata.distributions():
            modules = (each.read_text("top_level.txt") or "").split()
            if not modules:
                modules = [folder or file for folder, file in _BROUGHT.findall(each.read_text("RECORD") or "")]
            name = str(each.metadata["Name"])
            for module in set(modules):
                found.setdefault(module, set()).add(name)
    except Exception:  # an environment that is broken somewhere else
        return {}
    return found
