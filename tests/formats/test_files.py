"""Names of files, what is in their way, and what a write leaves behind."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pytest

import nbtrace
from nbtrace.formats.files import write_whole
from nbtrace.formats.reading import Loaded, UnreadableFileError
from nbtrace.formats.register import FORMATS, Format, UnknownFormatError, read, suffix_of
from nbtrace.store.span_store import Snapshot

ROOT = Path(nbtrace.__file__).parents[1]
pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(sys.platform == "win32", reason="names, modes and devices are those of POSIX"),
]


def new(file: BinaryIO) -> None:
    file.write(b"new")


@pytest.fixture
def readable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A format that can be read, whatever others there are."""
    read = Format("ours", read=lambda path: Loaded(Snapshot((), (), 0), (path.read_text(encoding="utf-8"),)))
    monkeypatch.setitem(FORMATS, ".ours", read)


@pytest.mark.parametrize(
    "name",
    [
        "my run.json",
        'it\'s "mine".json',
        "名前 é.json",
        "a\nb.json",
        "-rf.json",
        "%s{0}$HOME.json",
        "x" * 250 + ".json",
        "名" * 83 + "x.json",
        pytest.param("\udcff.json", marks=pytest.mark.skipif(sys.platform != "linux", reason="names are UTF-8 there")),
    ],
)
def test_whatever_a_file_may_be_called_here_it_is(tmp_path: Path, name: str) -> None:
    """Up to the 255 bytes that a name may have; nothing is left beside it."""
    write_whole(tmp_path / name, new)
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == b"new"


def test_a_name_that_is_too_long_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="too long") as told:
        write_whole(tmp_path / ("x" * 251 + ".json"), lambda file: pytest.fail("written"))
    assert told.value.errno == errno.ENAMETOOLONG
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["\ud800.ours", "a\0b.ours"])
def test_a_name_that_no_file_can_have_is_told(tmp_path: Path, readable: None, name: str) -> None:
    for do in (lambda path: write_whole(path, new), read):
        with pytest.raises(OSError, match=r"no file can be called .*; choose another name"):
            do(tmp_path / name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("path", ["", ".", "..", "/", "run", "runs/", "~", "a.b/c.d"])
def test_a_path_without_a_suffix_of_ours_is_told_what_to_type(path: str) -> None:
    """In its folder, whether it has a name or not."""
    with pytest.raises(
        UnknownFormatError, match=r"cannot tell the format of .* Type for example save\('.*\.parquet'\)\."
    ):
        suffix_of(Path(path))


def test_a_format_for_other_programs_is_not_read(tmp_path: Path, readable: None) -> None:
    """And says which can be."""
    (tmp_path / "run.json").write_bytes(b"{}")
    with pytest.raises(UnknownFormatError, match=r"Chrome trace events.* not read\. Known to load: .*\.ours \(ours\)"):
        read(tmp_path / "run.json")


def test_a_file_that_is_not_there_or_a_folder_is_told(tmp_path: Path, readable: None) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no file .*run\.ours"):
        read(tmp_path / "run.ours")
    (tmp_path / "dir.ours").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        read(tmp_path / "dir.ours")
    (tmp_path / "link.ours").symlink_to("nowhere.ours")
    with pytest.raises(FileNotFoundError, match=r"there is no file .*link\.ours"):
        read(tmp_path / "link.ours")


def test_a_tilde_is_a_name_and_who_meant_home_is_told(
    tmp_path: Path, readable: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As everywhere in Python; a folder of that name is written into."""
    monkeypatch.chdir(tmp_path)
    meant = os.path.expanduser("~/run.ours")
    with pytest.raises(FileNotFoundError) as told:
        write_whole(Path("~/run.ours"), new)
    assert f"Python takes ~ for a name; type save({meant!r})." in str(told.value)
    with pytest.raises(FileNotFoundError) as told:
        read(Path("~/run.ours"))
    assert f"type load({meant!r})." in str(told.value)
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*'; make it, or save elsewhere\.$"):
        write_whole(Path("~nobody-has-this-name/run.ours"), new)
    (tmp_path / "~").mkdir()
    write_whole(Path("~/run.ours"), new)
    assert (tmp_path / "~" / "run.ours").read_bytes() == b"new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".otlp"])
def test_a_pipe_or_a_device_is_told_and_not_waited_for(tmp_path: Path, suffix: str) -> None:
    """To open a pipe that nobody writes to takes for ever, and some devices have no end."""
    os.mkfifo(tmp_path / f"pipe{suffix}")
    (tmp_path / f"zero{suffix}").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        with pytest.raises(UnreadableFileError, match=rf"{name}\{suffix}' is no file, but a pipe or a device"):
            nbtrace.load(tmp_path / f"{name}{suffix}")


def test_a_folder_that_is_called_like_a_file_is_told_what_to_type(tmp_path: Path) -> None:
    (tmp_path / "my.speedscope.json").mkdir()
    with pytest.raises(IsADirectoryError, match=r"save\('.*my\.speedscope\.json/run\.speedscope\.json'\)"):
        write_whole(tmp_path / "my.speedscope.json", new)


def test_a_link_is_followed_wherever_it_leads(tmp_path: Path) -> None:
    """Also to a file that is still to be made; one that leads to itself is left alone."""
    (tmp_path / "there").mkdir()
    link, loop = tmp_path / "link.json", tmp_path / "loop.json"
    link.symlink_to("there/made.json")
    loop.symlink_to("loop.json")
    write_whole(link, new)
    assert (tmp_path / "there" / "made.json").read_bytes() == b"new"
    with pytest.raises(OSError, match="leads back to itself"):
        write_whole(loop, new)
    assert link.is_symlink()
    assert loop.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["link.json", "loop.json", "there"]


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    """And stays one."""
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, new)
    reader.join()
    assert found == [b"new"]
    assert stat.S_ISFIFO(pipe.lstat().st_mode)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full is Linux's")
def test_a_device_is_written_into(tmp_path: Path) -> None:
    """What it says is said of the name that was typed; the device is not replaced by a file, whoever may do that."""
    link = tmp_path / "full.json"
    link.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as told:
        write_whole(link, new)
    assert (told.value.errno, told.value.filename) == (errno.ENOSPC, "/dev/full")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


# ── what must not be written to ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that others than root reach, too."""
    path = Path(tempfile.mkdtemp(prefix="nbtrace-files-")).resolve()
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


FORKS = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
"""The child calls the system and nothing else."""


def unprivileged(path: Path) -> str:
    """What is told of a write by a user for whom modes hold: not root, who writes everywhere."""
    if os.geteuid():
        return told_of(path)
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            os.write(theirs, told_of(path).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    with open(ours, encoding="utf-8") as file:
        told = file.read()
    os.waitpid(child, 0)
    return told


def told_of(path: Path) -> str:
    try:
        write_whole(path, new)
    except OSError as error:
        return f"{type(error).__name__} {error.filename} {error}"
    return "saved"


@FORKS
def test_a_folder_that_must_not_be_written_to_is_told_by_the_files_name(folder: Path) -> None:
    """Not by that of a file that nobody has asked for."""
    (folder / "run.json").write_text("old")
    (folder / "run.json").chmod(0o666)
    folder.chmod(0o555)
    told = unprivileged(folder / "run.json")
    assert told.startswith(f"PermissionError {folder / 'run.json'} ")
    assert ".tmp" not in told
    assert (folder / "run.json").read_text() == "old"


@FORKS
def test_a_file_that_is_protected_is_not_replaced(folder: Path) -> None:
    """Although its folder would let it be."""
    folder.chmod(0o777)
    (folder / "run.json").write_text("old")
    (folder / "run.json").chmod(0o444)
    told = unprivileged(folder / "run.json")
    assert told.startswith(f"PermissionError {folder / 'run.json'} ")
    assert "must not be written to; save elsewhere" in told
    assert (folder / "run.json").read_text() == "old"
    assert os.listdir(folder) == ["run.json"]
    assert unprivileged(folder / "other.json") == "saved"


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root gives files away")
def test_a_file_stays_its_owners(folder: Path) -> None:
    """A kernel that runs as root in a container saves into the user's folder."""
    path = folder / "run.json"
    path.write_text("old")
    os.chown(path, 1234, 2345)
    path.chmod(0o640)
    write_whole(path, new)
    now = path.stat()
    assert (now.st_uid, now.st_gid, stat.S_IMODE(now.st_mode), path.read_bytes()) == (1234, 2345, 0o640, b"new")


def test_a_private_file_is_private_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.touch(0o600)

    def look(file: BinaryIO) -> None:
        file.write(b"secret")
        modes.extend(stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir())

    modes: list[int] = []
    write_whole(path, look)
    assert modes == [0o600, 0o600]


# ── what stops a write ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root mounts")
def test_a_disk_that_fills_leaves_the_old_file(folder: Path) -> None:
    """And the room that there was."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        path = folder / "run.json"
        path.write_text("old")
        free = os.statvfs(folder).f_bfree
        with pytest.raises(OSError, match="No space left") as told:
            write_whole(path, lambda file: file.writelines([b"x" * 4_096] * 1_000))
        assert (told.value.errno, told.value.filename) == (errno.ENOSPC, str(path))
        assert (path.read_text(), os.listdir(folder), os.statvfs(folder).f_bfree) == ("old", ["run.json"], free)
    finally:
        subprocess.run(["umount", folder], check=True)


LIMITED = """
import resource, sys
from pathlib import Path
from nbtrace.formats.files import write_whole
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    write_whole(Path(sys.argv[1]), lambda file: file.write(b"x" * 100_000))
except OSError as error:
    print(error.errno, error.filename)
"""


def test_a_limit_on_files_leaves_the_old_one(tmp_path: Path) -> None:
    """As a quota does."""
    path = tmp_path / "run.json"
    path.write_text("old")
    done = subprocess.run([sys.executable, "-c", LIMITED, path], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == f"{errno.EFBIG} {path}\n", done.stderr
    assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["run.json"])


HALF = """
import sys
from pathlib import Path
from nbtrace.formats.files import write_whole
def half(file):
    file.write(b"half")
    file.flush()
    print("half", flush=True)
    sys.stdin.read()
write_whole(Path(sys.argv[1]), half)
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL], ids=["interrupt", "kill"])
def test_a_process_that_is_stopped_leaves_the_old_file(tmp_path: Path, sent: signal.Signals) -> None:
    """An interrupt leaves nothing else; a kill, which nothing hears, a hidden file, which no later write trips over."""
    path = tmp_path / "run.json"
    path.write_text("old")
    with subprocess.Popen(
        [sys.executable, "-c", HALF, path],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"half\n"
        process.send_signal(sent)
        assert process.wait(60) != 0
    assert path.read_text() == "old"
    beside = [each for each in os.listdir(tmp_path) if each != "run.json"]
    assert [each.startswith(".nbtrace-") for each in beside] == ([] if sent == signal.SIGINT else [True])
    write_whole(path, new)
    assert path.read_bytes() == b"new"


def test_two_threads_that_write_one_file_at_once_leave_one_of_both(tmp_path: Path) -> None:
    """Whoever reads meanwhile sees the whole of one."""
    path, size = tmp_path / "run.json", 100_000
    path.write_bytes(b"0" * size)
    wrong: list[object] = []
    done = threading.Event()

    def write(letter: bytes) -> None:
        try:
            for _ in range(25):
                write_whole(path, lambda file: file.writelines([letter * (size // 10)] * 10))
        except BaseException as error:
            wrong.append(error)

    def look() -> None:
        while not done.is_set():
            found = path.read_bytes()
            if found != found[:1] * size:
                wrong.append(len(found))

    writers = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b")]
    reader = threading.Thread(target=look)
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert not wrong
    assert os.listdir(tmp_path) == ["run.json"]


def test_a_folder_that_goes_meanwhile_is_told(tmp_path: Path) -> None:
    """The fault itself, and not that of tidying up after it."""
    (tmp_path / "gone").mkdir()

    def away(file: BinaryIO) -> None:
        with suppress(OSError):
            shutil.rmtree(tmp_path / "gone")

    with pytest.raises(FileNotFoundError) as told:
        write_whole(tmp_path / "gone" / "run.json", away)
    assert told.value.filename == str(tmp_path / "gone" / "run.json")


def test_what_a_library_says_of_a_fault_is_kept(tmp_path: Path) -> None:
    """Arrow's errors are OSErrors of one sentence."""

    def fail(file: BinaryIO) -> None:
        raise OSError("Arrow says why")

    with pytest.raises(OSError, match=r"^Arrow says why$"):
        write_whole(tmp_path / "run.json", fail)
    assert os.listdir(tmp_path) == []
