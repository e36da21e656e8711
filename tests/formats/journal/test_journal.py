"""What comes into a store stands in a file from then on."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbtrace
from nbtrace.formats.journal import part, records, series
from nbtrace.formats.journal.files import parts
from nbtrace.formats.journal.journal import Journal
from nbtrace.formats.journal.reader import read_journal
from nbtrace.formats.journal.records import Lines
from nbtrace.recording import from_elsewhere
from nbtrace.store.redaction.redactor import Redactor
from nbtrace.store.schema import RUNNING, UNFINISHED, Extra, Origin, Row
from nbtrace.store.seal import seal
from tests.formats.journal.journals import Journalled, journalled
from tests.formats.test_arrow import rows, told
from tests.rows import row
from tests.waiting import wait_for

SECRET = "hunter2-hunter2"


def with_one_nan(value: Any) -> Any:
    """A row as JSON can say it, which knows one NaN of the many that there are."""
    if isinstance(value, float):
        return value if value == value else float("nan")
    if isinstance(value, tuple):
        made = [with_one_nan(each) for each in value]
        return type(value)(*made) if hasattr(value, "_fields") else tuple(made)
    return {key: with_one_nan(each) for key, each in value.items()} if isinstance(value, dict) else value


def spans_of(recording: nbtrace.Recording) -> Any:
    """All that is known of spans, without what differs in every process."""
    return recording.spans(attributes="all")


# ── what is written is what is read ──────────────────────────────────────────────────────────────────────────────────


@settings(deadline=None, max_examples=60)
@given(found=st.lists(rows(), max_size=5, unique_by=lambda each: each[1]))
def test_rows_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, found: list[Row]) -> None:
    """Types, None, mixed types under one key, NaN, bytes, events, links, threads and origins; to the nanosecond."""
    ended = [with_one_nan(each if each[6] != RUNNING else (*each[:6], 1, *each[7:])) for each in found]
    with journalled(tmp_path_factory.mktemp("journal"), redact=False) as made:
        for each in ended:
            made.start(each)
            made.end(each)
        batches = read_journal(made.path).snapshot.batches
    assert told(batches[0] if batches else seal([])) == told(seal(ended))


def test_a_recording_is_in_its_journal_while_it_is_made(tmp_path: Path) -> None:
    """Spans, events, links, errors; who reads meanwhile finds what runs as unfinished."""
    rec = nbtrace.record()
    with rec:
        with nbtrace.span("before", n=1):
            pass
        journal = Journal(rec._store, tmp_path / "run.journal")
        journal.start()
        with nbtrace.span("outer", file="a.csv") as outer:
            with nbtrace.span("inner", rows=3) as inner:
                inner.set_attribute("rows", 4)
                inner.add_event("tick", {"k": [1, 2]})
                inner.add_link(outer.get_span_context(), {"why": "test"})
            with pytest.raises(ValueError, match="no"), nbtrace.span("fails"):
                raise ValueError("no")
            found = from_elsewhere(read_journal(journal.path).snapshot)
            live = spans_of(rec)
            assert found.spans()["state"].tolist() == ["ended", "unfinished", "ended", "ended"]
            running = live["name"] == "outer"
            assert spans_of(found)[~running].equals(live[~running])
        journal.stop()
    found = from_elsewhere(read_journal(journal.path).snapshot)
    for answer in ("spans", "events", "links", "errors"):
        assert getattr(found, answer)().equals(getattr(rec, answer)()), answer


@pytest.mark.parametrize(
    ("attribute", "value"), [("kept", 1), ("kept", True), ("kept", 1.0), ("new", "x"), ("kept", None)]
)
def test_an_attribute_that_changes_while_the_span_runs_is_the_last_one(
    tmp_path: Path, attribute: str, value: Any
) -> None:
    """Also where the two are equal, and of another type."""
    with journalled(tmp_path) as made:
        begun = row(1, kept=1)
        made.start(begun)
        values = dict(zip(begun[12], begun[13:], strict=True)) | {attribute: value}
        ended = row(1, **values)
        made.end(ended)
        assert told(read_journal(made.path).snapshot.batches[0]) == told(seal([ended]))


def test_spans_of_many_threads_lose_nothing(tmp_path: Path) -> None:
    """Lines are whole, whoever writes at the same time, and while one part follows another."""
    with journalled(tmp_path) as made:

        def work(thread: int) -> None:
            for n in range(700):
                each = row(1 + thread * 1_000 + n, name=f"w{thread}", n=n, thread=thread, text="x" * (n % 90))
                made.start(each)
                made.store.append(each)

        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        made.running.clear()
        made.journal.stop()
        assert len(made.part_names()) > 1
        found = made.read().spans()
        assert len(found) == 5_600
        assert found.groupby("name")["attributes.n"].agg(lambda ns: sorted(ns) == list(range(700))).all()
        assert made.journal.trouble == ""


# ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_beyond_the_bound_the_oldest_go_and_what_runs_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A span that began in a part that is gone is still there, and its name too."""
    monkeypatch.setattr(series, "FIRST_BYTES", 50_000)
    monkeypatch.setattr(series, "MOST_BYTES", 50_000)
    made = Journalled(tmp_path)
    made.journal = Journal(made.store, made.path, max_bytes=250_000)
    made.journal.start()
    made.start(row(1, name="long", file="a.csv"))
    for n in range(2, 6_000):
        made.start(each := row(n, parent=1, text="x" * 50))
        made.end(each)
        if n % 500 == 0:
            wait_for(lambda: not made.journal._series._has_work(), "the thread of the parts to be done")
    wait_for(lambda: not made.journal._series._has_work(), "the thread of the parts to be done")
    assert made.path.name not in made.part_names(), "the first part is gone"
    assert sum(each.stat().st_size for each in tmp_path.iterdir()) <= 250_000
    found = made.read()
    assert found.spans(where="name == 'long'")[["state", "attributes.file"]].values.tolist() == [
        ["unfinished", "a.csv"]
    ]
    assert 1_000 < len(found.spans()) < 5_000
    made.journal.stop()


def test_a_line_that_fits_into_no_part_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what comes after it is written."""
    monkeypatch.setattr(series, "FIRST_BYTES", 20_000)
    monkeypatch.setattr(series, "MOST_BYTES", 40_000)
    with journalled(tmp_path) as made:
        made.end(row(1, text="é" * 30_000))
        made.end(row(2))
        wait_for(lambda: made.journal._series.lost == 1, "the line to be given up")
        assert "1 lines are missing" in made.journal.trouble
        assert [int(span_id, 16) for span_id in made.read().spans()["span_id"]] == [2]
        made.journal.stop()
        assert read_journal(made.path).unread == ("1 lines were not written, as the disk was too slow",)


def test_a_journal_that_is_closed_takes_no_more_room_than_it_needs(tmp_path: Path) -> None:
    with journalled(tmp_path) as made:
        made.end(row(1))
        wait_for(lambda: made.part_names() == ["run.journal", "run.journal.2"], "the next part to be made ready")
        assert made.path.stat().st_size == series.FIRST_BYTES
    assert made.part_names() == ["run.journal"]
    assert made.path.stat().st_size < 1_000
    assert made.path.read_bytes().endswith(b'["z", 0]\n')


def test_the_files_are_the_owners_alone(tmp_path: Path) -> None:
    """What was recorded before, too."""
    made = Journalled(tmp_path)
    made.store.append(row(2))
    made.journal.start()
    try:
        made.end(row(1))
        wait_for(lambda: len(made.part_names()) == 2, "the next part to be made ready")
        assert (tmp_path / "run.journal.before.parquet").exists()
        for each in tmp_path.iterdir():
            assert stat.S_IMODE(each.stat().st_mode) == 0o600, each
    finally:
        made.journal.stop()


def test_a_file_that_is_there_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "run.journal").write_text("precious", encoding="utf-8")
    made = Journalled(tmp_path)
    with pytest.raises(FileExistsError):
        made.journal.start()
    assert (tmp_path / "run.journal").read_text(encoding="utf-8") == "precious"
    assert not made.store.starts


def test_without_mapped_files_each_line_is_a_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on systems that cannot give a file its blocks in advance."""
    monkeypatch.setattr(part, "MAPPED", False)
    with journalled(tmp_path) as made:
        for n in range(1, 3_000):
            made.start(each := row(n, text="x" * 100))
            made.end(each)
        wait_for(lambda: not made.journal._series._has_work(), "the thread of the parts to be done")
        assert len(made.read().spans()) == 2_999
        assert b"\0" not in made.bytes()


# ── what is in the way ───────────────────────────────────────────────────────────────────────────────────────────────

FULL_DISK = """
import resource, sys
from pathlib import Path
from tests.formats.journal.journals import journalled
from tests.rows import row
from tests.waiting import wait_for
from nbtrace import faults
from nbtrace.formats.journal import part
faults.RAISE = True
part.MAPPED = part.MAPPED and sys.argv[2] == "mapped"
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
with journalled(Path(sys.argv[1])) as made:
    for n in range(1, 9_000):
        made.start(each := row(n, text="x" * 100))
        made.end(each)
    wait_for(lambda: made.journal.trouble, "the trouble to be met")
    assert not made.journal.on
    assert len(made.store) == 8_999
    print(made.journal.trouble)
    print(len(made.read().spans()))
"""


@pytest.mark.parametrize("how", ["mapped", "written"])
def test_a_disk_that_is_full_ends_the_journal_alone(tmp_path: Path, how: str) -> None:
    """What was written is there, what comes is in memory, and it is said why."""
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), how], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    said, spans = done.stdout.splitlines()
    assert "large" in said
    assert 500 < int(spans) < 8_999


CLOSED = """
import os, sys, time
from pathlib import Path
from tests.formats.journal.journals import Journalled
from tests.rows import row
folder = Path(sys.argv[1])
made = Journalled(folder)
made.journal.start()
os.closerange(3, 100)
(folder / "theirs").write_bytes(b"x" * 1_000_000)
theirs = [os.open(folder / "theirs", os.O_RDWR) for _ in range(8)]
made.end(row(1))
made.journal.stop()
assert os.path.getsize(folder / "theirs") == 1_000_000
closed = []
for each in theirs:
    try:
        os.fstat(each)
    except OSError:
        closed.append(each)
print(len(made.read().spans()), made.path.stat().st_size < 10_000, closed)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such descriptors")
def test_who_closes_all_descriptors_keeps_those_that_come_after(tmp_path: Path) -> None:
    """As a daemon does: a number that was the journal's is another file's then, which is neither cut nor closed."""
    done = subprocess.run(
        [sys.executable, "-c", CLOSED, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    spans, cut, closed = done.stdout.split(maxsplit=2)
    assert (spans, cut) == ("1", "True")
    if sys.version_info >= (3, 13):  # before, a map keeps a descriptor of its own, and closes its number
        assert closed == "[]\n"


def test_keys_that_threads_make_anew_lose_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of keys is emptied when it is full, whoever was about to look something up in it."""
    monkeypatch.setattr(records, "_REMEMBERED", 0)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with journalled(tmp_path) as made:

            def work(first: int) -> None:
                for n in range(first, first + 300):
                    made.end(row(n, **{f"key{n}": n}))

            threads = [threading.Thread(target=work, args=(1 + 1_000 * each,)) for each in range(8)]
            for each in threads:
                each.start()
            for each in threads:
                each.join()
            assert len(made.read().spans()) == 2_400
    finally:
        sys.setswitchinterval(interval)


def test_a_folder_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    made = Journalled(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        made.journal.start()


FORKED = """
import os, sys
from pathlib import Path
from tests.formats.journal.journals import journalled
from tests.rows import row
with journalled(Path(sys.argv[1])) as made:
    made.end(row(1))
    child = os.fork()
    if child == 0:
        made.end(row(2))
        made.journal.stop()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    made.end(row(3))
print(sorted(int(each, 16) for each in made.read().spans()["span_id"]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_writes_nothing_into_it(tmp_path: Path) -> None:
    """Nor does it close it: what the parent writes afterwards is there."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("[1, 3]\n", "")


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_looks_like_a_secret_is_never_on_the_disk(tmp_path: Path) -> None:
    """In names, attributes, keys, events, sources; at the start as at the end."""
    with journalled(tmp_path) as made:
        cell = made.store.cells.open(execution_count=1, cell_id=None, source=f'password = "{SECRET}"\nlogin()')
        extra = Extra(f"password={SECRET}", ((5, f"token={SECRET}", ("api_key",), (SECRET,)),))
        each = row(
            7, cell=cell.number, name=f"login password={SECRET}", password=SECRET, note=f"passwd={SECRET}", extra=extra
        )
        origin = Origin("shop", f"scope password={SECRET}", f"1.0 token={SECRET}")
        each = (*each[:9], origin, *each[10:])
        made.start(each)
        made.end(each)
        assert SECRET.encode() not in made.bytes()
        found = made.read()
        assert found.spans()["attributes.password"].tolist() == ["[redacted: password]"]
        assert "login()" in found.cells()["source"][0]
    assert SECRET.encode() not in made.bytes()


def test_a_callable_of_the_users_is_asked_before_a_text_is_written(tmp_path: Path) -> None:
    """It may be slow, so it is asked beside the work; until then there are ids, times and a hash."""
    going, asked = threading.Event(), threading.Event()

    def careful(key: str, value: Any) -> Any:
        asked.set()
        assert going.wait(60)
        return "ours" if value == "theirs" else value

    with journalled(tmp_path, redact=careful) as made:
        each = row(1, name="work", source="theirs")
        made.start(each)
        made.end(each)
        assert asked.wait(60)
        early = made.read().spans()
        assert early["name"].tolist() != ["work"]
        assert early[["span_id", "state"]].values.tolist() == [[f"{1:016x}", "ended"]]
        assert b"theirs" not in made.bytes()
        going.set()
        wait_for(lambda: b"ours" in made.bytes(), "the line that was asked about")
        assert made.read().spans()[["name", "attributes.source"]].values.tolist() == [["work", "ours"]]
        assert b"theirs" not in made.bytes()


def test_rules_that_change_hold_from_then_on(tmp_path: Path) -> None:
    with journalled(tmp_path) as made:
        made.end(row(1, colour="mauve"))
        made.store.change(redactor=Redactor(["+pattern:mauve"]))
        made.journal.rules_changed()
        made.end(row(2, colour="mauve"))
        assert made.read().spans()["attributes.colour"].tolist()[0] == "mauve"
        assert "mauve" not in made.read().spans()["attributes.colour"].tolist()[1]


def test_what_is_forgotten_leaves_the_disk(tmp_path: Path) -> None:
    """A span, or all of it; what stays is there, and the journal goes on in its file."""
    with journalled(tmp_path) as made:
        made.start(row(9, name="running"))
        for n in (1, 2):
            made.start(each := row(n, name=f"work{n}", text=f"text{n}"))
            made.end(each)
        made.store.forget({1})
        assert b"text1" not in made.bytes()
        made.end(row(3, name="work3"))
        assert made.read().spans()["name"].tolist() == ["work2", "work3", "running"]
        assert made.part_names()[0] == "run.journal"
        made.store.clear()
        assert b"text2" not in made.bytes()
        assert made.read().spans()["name"].tolist() == ["running"]


def test_hits_are_not_counted_twice(tmp_path: Path) -> None:
    with journalled(tmp_path) as made:
        made.end(row(1, password=SECRET))
        assert made.store.redacted() == {"password": 1}


# ── lines ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_part_that_is_full_refuses_a_line_as_a_whole(tmp_path: Path) -> None:
    made = part.Part(tmp_path / "p", 4_096)
    lines = Lines(made.write, Redactor(False))
    while True:
        try:
            lines.ended(row(1, end=UNFINISHED))
        except ValueError:
            break
    made.close()
    assert made.path.read_bytes().endswith(b"]\n")
    assert len(parts(made.path)) == 1
    with pytest.raises(ValueError, match="clos"):
        made.write(b"x")


def test_who_works_does_not_wait_for_a_slow_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines wait for the next part, in memory; when the disk has answered they are written, and what was too much is counted."""
    answered = threading.Event()

    class SlowPart(part.Part):
        """A part that takes as long to be made as the disk likes. Only the first is there at once."""

        def __init__(self, path: Path, length: int) -> None:
            assert path.name == "run.journal" or answered.wait(60)
            super().__init__(path, length)

    monkeypatch.setattr(series, "Part", SlowPart)
    monkeypatch.setattr(series, "FIRST_BYTES", 20_000)
    monkeypatch.setattr(series, "LATE_LINES", 1_000)
    with journalled(tmp_path) as made:
        for n in range(1, 1_501):
            made.end(row(n, text="x" * 30))
        lost = made.journal._series.lost
        assert lost > 100
        assert f"the disk was too slow: {lost} lines are missing" in made.journal.trouble
        assert len(made.store) == 1_500
        answered.set()
        wait_for(lambda: not made.journal._series._has_work(), "the disk to have caught up")
        assert len(made.read().spans()) == 1_500 - lost
        made.end(row(9_999))
        assert len(made.read().spans()) == 1_501 - lost, "and it goes on"


INTERRUPTED = """
import signal, sys
from pathlib import Path
import nbtrace
from nbtrace.formats.journal.journal import Journal
from nbtrace.formats.journal.reader import read_journal
from nbtrace.recording import from_elsewhere

class Late(Exception): ...

armed = False

def late(*_):
    global armed
    if armed:
        armed = False
        raise Late

rec = nbtrace.record().start()
path = Path(sys.argv[1]) / "run.journal"
journal = Journal(rec._store, path)
journal.start()
signal.signal(signal.SIGALRM, late)
cell = rec._store.cells.open(execution_count=1, cell_id=None, source="loop")
from nbtrace.capture.current_cell import CELL
CELL.set(cell.number)
hits = 0
with nbtrace.span("cell"):
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0007)
    while hits < 400:
        try:
            armed = True
            while True:
                with nbtrace.span("work", n=hits): pass
        except Late:
            hits += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
CELL.set(0)
table = rec.spans()
live = set(table["span_id"][table["state"] == "ended"])
loaded = read_journal(path)
found = from_elsewhere(loaded.snapshot).spans()
there = found["span_id"][found["state"] == "ended"]
assert there.is_unique and loaded.unread == (), loaded.unread
print(len(live), len(live - set(there)), journal.trouble)
"""


@pytest.mark.once
def test_an_interrupt_at_any_moment_costs_the_journal_no_span(tmp_path: Path) -> None:
    """Whoever's handler raises between the recording and the journal: when the cell is over, what has ended stands there, once."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    spans, missing, *trouble = done.stdout.split()
    assert int(spans) > 400
    assert (missing, trouble) == ("0", [])


def test_what_is_forgotten_goes_with_the_journal_where_that_cannot_begin_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full, say: what somebody wants to be forgotten does not stay, and it is said why the journal does not."""
    with journalled(tmp_path) as made:
        made.end(row(1, text="text1"))
        wait_for(lambda: not made.journal._series._has_work(), "the next part to be made ready")

        def full(path: Path, length: int) -> Any:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(series, "Part", full)
        made.store.forget({1})
        assert b"text1" not in made.bytes()
        assert made.journal.trouble.endswith("deleted: No space left on device")
        made.end(row(2))
        assert len(made.store) == 1


def test_forgetting_does_not_wait_for_a_callable_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    going, asked = threading.Event(), threading.Event()

    def hangs(key: str, value: Any) -> Any:
        asked.set()
        going.wait(60)
        return value

    monkeypatch.setattr(series, "_PATIENCE_S", 0.05)
    with journalled(tmp_path, redact=hangs) as made:
        made.end(row(1, text="text1"))
        assert asked.wait(60)
        made.store.clear()
        assert "waits for the disk, or for a callable" in made.journal.trouble
        assert not made.journal.on
        going.set()


def test_a_file_system_without_blocks_in_advance_gets_a_line_for_a_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", cannot, raising=False)
    with journalled(tmp_path) as made:
        made.end(row(1))
        assert made.path.read_bytes().endswith(b"]\n")
        assert len(made.read().spans()) == 1
