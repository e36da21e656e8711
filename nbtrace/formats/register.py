"""The formats: which suffix means which, and who writes and reads it. A path that ends as a folder does is a dataset.

Enters: a path. Leaves: the format, or what is said to who meant another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from nbtrace.formats.chrome import write_chrome
from nbtrace.formats.files import at_home, check_name
from nbtrace.formats.flames import Flames
from nbtrace.formats.folded import folded
from nbtrace.formats.journal.files import SUFFIX
from nbtrace.formats.otlp.read_json import read_json_lines
from nbtrace.formats.otlp.read_protobuf import read_protobuf
from nbtrace.formats.otlp.write_json import write_json_lines
from nbtrace.formats.otlp.write_protobuf import write_protobuf
from nbtrace.formats.parquet.dataset import read_dataset
from nbtrace.formats.parquet.whole import read_parquet, write_parquet
from nbtrace.formats.reading import Loaded, UnknownFormatError, UnreadableFileError
from nbtrace.formats.speedscope import speedscope
from nbtrace.store.span_store import Snapshot


@dataclass(frozen=True, slots=True)
class Format:
    """A format of files. What it can neither write nor read is None."""

    says: str
    """What it is, to who looks for one."""
    write: Callable[[Snapshot, BinaryIO], None] | None = None
    read: Callable[[Path], Loaded] | None = None
    profile: Callable[[Flames, str], Iterator[str]] | None = None
    """Gives the text of a file of flames; the second is what the profile is called."""


FORMATS: dict[str, Format] = {
    ".parquet": Format("Parquet: all of a recording, without loss", write_parquet, read_parquet),
    ".jsonl": Format(
        "OTLP JSON lines, as OpenTelemetry's Collector writes and reads them", write_json_lines, read_json_lines
    ),
    ".otlp": Format("OTLP as protobuf", write_protobuf, read_protobuf),
    ".speedscope.json": Format("a profile for https://www.speedscope.app", profile=speedscope),
    ".json": Format("Chrome trace events for https://ui.perfetto.dev", write=write_chrome),
    ".folded": Format("stacks for flamegraph.pl and inferno", profile=lambda flames, name: folded(flames)),
}
"""By suffix."""


def names_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a path means a folder for a dataset: it ends as one, or is one that is not named as a file of another format."""
    text = os.fspath(path)
    others = tuple(suffix for suffix in FORMATS if suffix != ".parquet")
    return text.endswith(("/", os.sep)) or (os.path.isdir(text) and not text.lower().endswith(others))


def suffix_of(path: Path, *, to_read: bool = False) -> str:
    """Return which of the suffixes a path has; raise UnknownFormatError if it has none, and say which there are.

    to_read: only of formats that can be read."""
    name = path.name.lower()
    usable = {suffix: known for suffix, known in FORMATS.items() if known.read is not None or not to_read}
    for suffix in sorted(FORMATS, key=len, reverse=True):
        if name.endswith(suffix) and len(name) > len(suffix):
            if suffix in usable:
                return suffix
            raise UnknownFormatError(
                f"{str(path)!r} is {FORMATS[suffix].says}, which is written for other programs and not read. Known to load: "
                f"{_listed(usable)}."
            )
    told = (
        f"cannot tell the format of {str(path)!r} from its suffix. Known: {_listed(usable)}, and folders, whose names end in "
        f"{os.sep!r}."
    )
    folder = path.parent if path.name else path
    for suffix in usable:
        meant = folder / f"{path.name.split('.')[0] or 'run'}{suffix}"
        if to_read and not meant.exists():
            continue
        told += f" Type for example {'load' if to_read else 'save'}({str(meant)!r})."
        break
    raise UnknownFormatError(told)


def read(path: str | os.PathLike[str]) -> Loaded:
    """Return what a file or a dataset holds. Raises UnknownFormatError, UnreadableFileError, and OSError where there is none."""
    given, path = path, Path(path)
    if names_folder(given):  # a Path has no separator at its end
        return read_dataset(path)
    if path.suffix == SUFFIX:
        raise UnknownFormatError(f"{str(path)!r} is called as a journal is. Type  nbtrace.recover({str(path)!r})")
    reader = FORMATS[suffix_of(path, to_read=True)].read
    assert reader is not None
    check_name(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no file {str(path)!r}.{at_home(path, 'load')}")
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder, and not a file of this format.")
    if not path.is_file():  # to open a pipe that nobody writes to takes for ever, and some devices have no end
        raise UnreadableFileError(f"{str(path)!r} is no file, but a pipe or a device.")
    return reader(path)


def _listed(formats: dict[str, Format]) -> str:
    return ", ".join(f"{suffix} ({known.says})" for suffix, known in formats.items())
