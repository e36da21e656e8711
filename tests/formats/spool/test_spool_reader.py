"""A spool is read while its process writes, and goes on in further files."""

from __future__ import annotations

import os
from pathlib import Path

from nbtrace.formats.journal.line_reader import LineReader
from nbtrace.formats.spool.settings import Settings
from nbtrace.formats.spool.spool import Spool
from nbtrace.formats.spool.spool_reader import SpoolReader
from nbtrace.store.redaction.redactor import Redactor
from nbtrace.store.schema import Row
from tests.rows import row
from tests.waiting import wait_for


def test_parts_that_have_come_since_they_were_listed_are_read_too(tmp_path: Path) -> None:
    """The first is full and closed by then, so that nobody seems to write; the process is there, and nothing of it is deleted."""
    home = tmp_path / f"nbtrace-0-1-{'0' * 24}"
    home.mkdir(0o700)
    spool = Spool(str(home), 0, Settings(0, Redactor(True)))
    spool.begin()
    (path,) = home.glob("*.journal")
    listed = {1: str(path)}
    one = row(1, text="x" * 100)
    number = 0

    def write(count: int) -> None:
        nonlocal number
        for _ in range(count):
            number += 1
            spool.store.starts[0]((one[0], number, *one[2:6], 0, *one[7:]))
            spool.store.append((one[0], number, *one[2:]))

    while spool._journal._series._parts[-1].path == path:
        write(10)
    wait_for(lambda: not spool._journal._series._parts[0].is_open)
    taken: list[Row] = []
    reader = SpoolReader(LineReader(taken.append, print))
    assert not reader.read(os.getpid(), listed, str(home / "none"))
    write(10)
    listed = {int(each.suffix[1:]): str(each) for each in home.glob("*.journal.*")}
    assert not reader.read(os.getpid(), listed, str(home / "none"))
    assert [each[1] for each in taken] == list(range(1, number + 1))
    spool.close()
