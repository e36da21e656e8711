"""Have kernels load nbtrace of themselves, by a file of ours in a folder that IPython runs at its start; and take that back.

Enters: an environment or a profile of IPython. Leaves: a file there, or none. In configuration files
lists replace each other: a person's own `c.InteractiveShellApp.extensions` would push out ours, or ours theirs. Startup files add
up, and this one is nobody's but ours."""

from __future__ import annotations

import os
import sys
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nbtrace.formats.files import write_text, write_whole

EXTENSION = "nbtrace"

NAME = "00-nbtrace.py"
"""Before most of a person's own: IPython runs none of those that come after one that fails."""

_MARK = "# Written by `nbtrace enable`, taken away by `nbtrace disable`: "

_REST = f'''\
def _nbtrace(shell):
    """Load nbtrace in a kernel of a Python that has it; elsewhere, as in a terminal's IPython, do nothing."""
    from importlib.util import find_spec

    # A folder that happens to be called so has no origin.
    if hasattr(shell, "kernel") and getattr(find_spec("nbtrace"), "origin", None):
        try:
            shell.extension_manager.load_extension("{EXTENSION}")
        except Exception:
            shell.showtraceback()  # raised, it would keep other startup files from being run


_nbtrace(get_ipython())
del _nbtrace
'''


def _sealed(rest: str) -> str:
    """Return the whole of the file, whose first line tells whether somebody has changed the others."""
    return f"{_MARK}{zlib.crc32(rest.encode()):08x}\n{rest}"


class NotOursError(Exception):
    """At the place of our file lies somebody else's, or ours as somebody has changed it."""


class NoProfileError(Exception):
    """IPython has no profile of this name."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where kernels can be told to load nbtrace: an environment, or a profile."""

    profile: str | None
    """None for the environment of this Python."""
    folder: Path
    """Whose files IPython runs at its start. It need not be there."""

    @property
    def file(self) -> Path:
        """Where our file lies, or would."""
        return self.folder / NAME

    @property
    def state(self) -> str:
        """ "on" where our file lies there, of whichever version, "off" where there is none, else what is the matter."""
        try:
            return "on" if _is_ours(self.file) else "off"
        except NotOursError as error:
            return str(error)
        except OSError as error:
            return f"{str(self.file)!r} cannot be read: {error.strerror}."


def environment(prefix: Path | None = None) -> Place:
    """Return an environment, as a rule that of this Python. Source: ENV_CONFIG_DIRS of IPython/core/application.py."""
    return Place(None, Path(prefix or sys.prefix, "etc", "ipython", "startup"))


def is_shared() -> bool:
    """Whether IPython of every Python of this machine runs what the environment's folder holds, as it is the system's."""
    from IPython.core.application import SYSTEM_CONFIG_DIRS

    return str(environment().folder.parent) in SYSTEM_CONFIG_DIRS


def profiles() -> list[Place]:
    """Return the profiles that IPython has, by name; the default one first, which it makes when a kernel starts."""
    home = ipython_folder()
    names = {each.name.removeprefix("profile_") for each in home.glob("profile_*") if each.is_dir()} - {"default"}
    return [_profile(home, name) for name in ("default", *sorted(names))]


def profile(name: str) -> Place:
    """Return a profile. Raises NoProfileError."""
    found = {place.profile: place for place in profiles()}
    if name not in found:
        raise NoProfileError(
            f"IPython has no profile {name!r} in {str(ipython_folder())!r}. There: {', '.join(map(str, found))}."
        )
    return found[name]


def ipython_folder() -> Path:
    """Return where IPython keeps its profiles."""
    from IPython.paths import get_ipython_dir

    return Path(get_ipython_dir())


def _profile(home: Path, name: str) -> Place:
    return Place(name, home / f"profile_{name}" / "startup")


def enable(place: Place) -> bool:
    """Have the kernels of a place load nbtrace; return False if they did before. Raises NotOursError, and OSError."""
    text = _sealed(_REST)
    was = _is_ours(place.file)
    if was and place.file.read_text("utf-8") == text:
        return False
    place.folder.mkdir(parents=True, exist_ok=True)
    write_whole(place.file, lambda file: write_text(iter([text]), file))
    return not was


def disable(place: Place) -> bool:
    """Have them load it no more; return False if they did not. Raises NotOursError, and OSError."""
    if not _is_ours(place.file):
        return False
    place.file.unlink()
    if place.profile is None:
        # What `enable` had to make is not left behind; a folder that holds anything stays.
        with suppress(OSError):
            os.rmdir(place.folder)
            os.rmdir(place.folder.parent)
    return True


def _is_ours(file: Path) -> bool:
    """Whether a file is there, and ours. Raises NotOursError if it is anything else, and OSError if it cannot be read."""
    if not os.path.lexists(file):
        return False
    text = file.read_bytes().decode("utf-8", "replace") if file.is_file() else ""
    if not text or text != _sealed(text.partition("\n")[2]):
        raise NotOursError(
            f"{str(file)!r} is not as `nbtrace enable` writes it, so it stays as it is. Look into it, and delete it yourself."
        )
    return True
