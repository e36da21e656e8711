"""What stands in the directory of a kernel is read with distrust: it may be torn, made up, or no file at all."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nbtrace.capture.processes.collector import Collector
from nbtrace.formats.journal.files import SUFFIX
from nbtrace.formats.journal.records import HEAD, VERSION
from nbtrace.formats.spool.home import Home
from nbtrace.store.schema import Row, RowFields
from nbtrace.store.span_store import SpanStore
from tests.waiting import wait_for

_HEAD = f'["{HEAD}",{VERSION},{{"pid":1,"started":1,"launched":0,"version":"0","part":1}}]\n'.encode()
_GOOD = b'["o",1,null,"s",null,"{}"]\n["t",2,77,1,"x"]\n["k",3,["a"]]\n["e",5,6,0,"good",0,10,20,0,1,1,2,null,3,1.5]\n'


class Reading:
    """A collector, and what it gives."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(str(folder / f"nbtrace-{os.getuid()}-{os.getpid()}-{'0' * 24}"), owner=True)
        self.home.make()
        self.path = Path(self.home.path)
        self.rows: list[Row] = []
        self.samples: list[Row] = []
        self.collector = Collector(self.home, self.rows.append, self.samples.append)

    def spool(self, number: int, data: bytes = _HEAD + _GOOD) -> Path:
        """Write what a process that is gone has left."""
        path = self.path / f"{4_000_000 + number}-{number}{SUFFIX}"
        path.write_bytes(data)
        return path

    def names(self) -> list[str]:
        """Read; return the names of the spans that came."""
        self.rows.clear()
        self.collector.now()
        return [row[3] for row in self.rows]


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[Reading]:
    reading = Reading(tmp_path)
    yield reading
    reading.home.remove()
    assert not reading.path.exists()


def test_what_a_process_that_is_gone_has_left(reading: Reading) -> None:
    """It comes once, and the files go."""
    path = reading.spool(1)
    assert reading.names() == ["good"]
    assert not path.exists()
    assert reading.names() == []
    assert reading.collector.status() == ["Other processes: 1 have sent what they recorded."]


_BAD: dict[str, bytes] = {
    "bytes": bytes(range(1, 256)) * 40,
    "no lines": b"x" * 100_000,
    "zeros": b"\0" * 100_000,
    "huge numbers": b'["e",%d,6,0,"huge",0,%d,20,0,1,1,2,null,3,1.5]\n' % (10**60, -(10**60))
    + b"["
    + b"9" * 9_000
    + b"]\n",
    "other types": b'["e","a",[],{},5,0,"x",20,0,1,1,2,null,3,1.5]\n{"e":1}\n"e"\n[]\n[[]]\n[null]\n["o"]\n["p",1]\n',
    "deep": b"[" * 100_000 + b"\n",
    "another version's": f'["{HEAD}",99,{{"version":"9"}}]\n'.encode(),
    "an array in two lines": b'["k",4,["a"]\n]\n["z",1],["z",2]\n',
    "not utf-8": b'["k",4,["\xff\xfe"]]\n',
}


@pytest.mark.parametrize("bad", _BAD)
def test_lines_that_cannot_be_read(reading: Reading, bad: str) -> None:
    """Are counted, and what stands around them is read; so is what others have left."""
    reading.spool(1, _HEAD + _GOOD + _BAD[bad])
    reading.spool(2, _HEAD + (_BAD[bad] + b"\n").replace(b"\0", b"").lstrip() + _GOOD.replace(b"good", b"behind"))
    reading.spool(3, _GOOD.replace(b"good", b"other"))
    found = reading.names()
    assert found[0] == "good"
    assert {"behind", "other"} <= set(found)
    status = " ".join(reading.collector.status())
    assert ("lines are missing" in status) == (bad != "zeros"), status


def test_lines_that_are_nearly_right(reading: Reading) -> None:
    """Whatever a byte is changed to, what is read can be asked."""
    random.seed(1)
    for number in range(1, 400):
        data = bytearray(_HEAD + _GOOD * 2)
        for _ in range(3):
            data[random.randrange(len(_HEAD), len(data))] = random.choice(b'0123456789[]{},"null-e.')
        reading.spool(number, bytes(data))
    reading.names()
    store = SpanStore()
    for row in reading.rows:
        store.append(row)
    assert sum(batch.length for batch in store.snapshot().batches) == len(reading.rows)
    fields = RowFields._fields.index
    assert all(isinstance(row[fields("name")], str) for row in reading.rows)


_NO_FILES: dict[str, Callable[[Path], Any]] = {
    "pipe": lambda path: os.mkfifo(path),
    "link": lambda path: path.symlink_to("/etc/passwd"),
    "directory": lambda path: path.mkdir(),
    "dangling link": lambda path: path.symlink_to("nowhere"),
}


@pytest.mark.parametrize("kind", _NO_FILES)
@pytest.mark.parametrize(
    "name",
    [f"4000001-1{SUFFIX}", f"4000001-1{SUFFIX}.2", "4000002-2.slot", "4000003-3.failed", f"{'9' * 30}-1{SUFFIX}"],
)
def test_what_is_no_file(reading: Reading, name: str, kind: str) -> None:
    """A pipe that nobody writes, a link to somebody's file: nothing is read there, and nobody waits."""
    _NO_FILES[kind](reading.path / name)
    reading.spool(2, _HEAD + _GOOD + b'["s",5,9,0,"open",0,1,1,2,3,10,1.5]\n')
    done = threading.Event()
    found: list[str] = []
    threading.Thread(target=lambda: (found.extend(reading.names()), done.set()), daemon=True).start()
    wait_for(done.is_set)
    assert found == ["good", "open"]
    assert "root" not in " ".join(reading.collector.status())


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("name", [f"4000001-1{SUFFIX}", "4000003-3.failed"])
def test_a_file_of_somebody_else(reading: Reading, name: str) -> None:
    path = reading.path / name
    path.write_bytes(_HEAD + _GOOD.replace(b"good", b"theirs"))
    os.chown(path, 12_345, 12_345)
    reading.spool(2)
    assert reading.names() == ["good"]
    assert "theirs" not in " ".join(reading.collector.status())


def _given_away(path: Path) -> None:
    os.chown(path, 12_345, 12_345)


def _a_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


_FOREIGN: dict[str, Callable[[Path], Any]] = {
    "open to all": lambda path: path.chmod(0o755),
    "somebody else's": _given_away,
    "a link": _a_link,
}


@pytest.mark.parametrize("kind", _FOREIGN)
def test_a_directory_that_is_not_this_users_alone(reading: Reading, kind: str) -> None:
    """Is not read, and status says so."""
    if kind == "somebody else's" and os.getuid() != 0:
        pytest.skip("only root can give a directory away")
    reading.spool(1)
    _FOREIGN[kind](reading.path)
    assert reading.names() == []
    assert reading.collector.status() == [
        f"Other processes: nothing comes home, as {reading.path} is not a directory of this user alone."
    ]
    if kind == "a link":
        reading.path.unlink()
        reading.path.with_name("elsewhere").rename(reading.path)
    else:
        os.chown(reading.path, os.getuid(), os.getgid())
        reading.path.chmod(0o700)
    assert reading.names() == ["good"]
