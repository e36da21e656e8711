"""Profiles that are saved: speedscope's JSON and folded stacks."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import sys
from collections import Counter
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbtrace
from nbtrace.analysis.profiles.flames import NoSamplesError
from nbtrace.formats.files import write_whole
from nbtrace.formats.flames import Flame, Flames, Frame
from nbtrace.formats.folded import folded
from nbtrace.formats.register import FORMATS, UnknownFormatError
from nbtrace.formats.speedscope import speedscope
from nbtrace.store.schema import Thread
from tests.formats.profiles import MERGE, WORKER, Call, Profiled
from tests.rows import row

LOOP: Call = ("run_loop", "/home/me/project/loop.py", 9, 3)


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    check_form(found)
    return found


def check_form(file: dict[str, Any]) -> None:
    """What speedscope's file-format-schema.json asks for, and what it cannot say: that numbers point somewhere."""
    assert file["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert set(file) == {"$schema", "exporter", "name", "activeProfileIndex", "shared", "profiles"}
    frames = file["shared"]["frames"]
    for frame in frames:
        assert {"name"} <= set(frame) <= {"name", "file", "line"}
        assert isinstance(frame["name"], str)
    for profile in file["profiles"]:
        assert set(profile) == {"type", "name", "unit", "startValue", "endValue", "samples", "weights"}
        assert (profile["type"], profile["unit"], profile["startValue"]) == ("sampled", "nanoseconds", 0)
        assert len(profile["samples"]) == len(profile["weights"])
        assert profile["endValue"] == sum(profile["weights"])
        assert all(stack and min(stack) >= 0 and max(stack) < len(frames) for stack in profile["samples"])


def named(file: dict[str, Any]) -> dict[str, list[tuple[list[str], float]]]:
    """By profile: its stacks in words, and their ms."""
    names = [frame["name"] for frame in file["shared"]["frames"]]
    return {
        profile["name"]: [
            ([names[frame] for frame in stack], weight / 1e6)
            for stack, weight in zip(profile["samples"], profile["weights"], strict=True)
        ]
        for profile in file["profiles"]
    }


@pytest.fixture
def made() -> Profiled:
    return Profiled()


@pytest.fixture
def two_cells(made: Profiled) -> Profiled:
    """A cell that defines and works, and one that calls what the first has defined, in two threads."""
    first = made.cell(2, "def fit(df):\n    return df.merge(df)\nfit(small)")
    second = made.cell(5, "import pool\n\nfit(big)")
    fit: Call = ("fit", first.file, 2, 1)
    made.sample(first, 12, made.line(first, 3), fit, MERGE)
    made.sample(second, 20, made.line(second, 3), fit, MERGE)
    made.sample(second, 10, LOOP, thread=WORKER)
    made.sample(second, 30, made.line(second, 3), fit, MERGE)
    made.sample(second, 5, made.line(second, 3), fit)
    return made


def test_each_cell_is_a_profile_in_the_notebooks_words(two_cells: Profiled, tmp_path: Path) -> None:
    """Its lines by their number, a function of another cell by that one's, another thread by its name; what is the same one
    after the other is one stretch."""
    path = two_cells.recording.save(tmp_path / "run.speedscope.json")
    assert path == tmp_path / "run.speedscope.json"
    file = read(path)
    assert file["name"] == "run"
    found = named(file)
    assert list(found) == ["all", "cell [2] def fit(df):", "cell [5] import pool"]
    assert found["cell [2] def fit(df):"] == [(["cell [2] line 3", "fit", "cell [2] line 2", "merge"], 12.0)]
    second = [
        (["cell [5] line 3", "fit", "cell [2] line 2", "merge"], 50.0),
        (["cell [5] line 3", "fit", "cell [2] line 2"], 5.0),
        (["thread pool_0", "run_loop"], 10.0),
    ]
    assert found["cell [5] import pool"] == second
    assert found["all"] == [([title, *stack], ms) for title in list(found)[1:] for stack, ms in found[title]]
    frames = file["shared"]["frames"]
    assert {"name": "merge", "file": MERGE[1], "line": 146} in frames
    assert {"name": "fit", "file": "cell [2]", "line": 1} in frames
    assert {"name": "cell [5] line 3", "file": "cell [5]", "line": 3} in frames
    assert "ipykernel_12" not in path.read_text(encoding="utf-8")


def test_the_threads_of_other_processes_are_told_apart_by_those(made: Profiled, tmp_path: Path) -> None:
    """All workers call their thread MainThread, as the kernel does; one that was forked has the cell's own frame at the bottom,
    and is not the cell's own thread all the same."""
    cell = made.cell(2, "pool.map(fit, data)")
    made.sample(cell, 20, made.line(cell, 1), LOOP)
    for pid in (4_001, 4_002):
        made.sample(cell, 10, made.line(cell, 1), MERGE, thread=Thread(pid, 1, "MainThread"))
    made.sample(cell, 5, LOOP, thread=Thread(4_002, 2, "prefetch"))
    made.sample(cell, 4, LOOP, thread=WORKER)
    found = named(read(made.recording.save(tmp_path / "run.speedscope.json")))
    assert found["cell [2] pool.map(fit, data)"] == [
        (["cell [2] line 1", "run_loop"], 20.0),
        (["process 4001", "cell [2] line 1", "merge"], 10.0),
        (["process 4002", "cell [2] line 1", "merge"], 10.0),
        (["process 4002 thread prefetch", "run_loop"], 5.0),
        (["thread pool_0", "run_loop"], 4.0),
    ]


def test_the_processes_of_a_program_are_told_apart(made: Profiled, tmp_path: Path) -> None:
    """Outside of cells there is none to belong to."""
    made.sample(None, 20, LOOP)
    made.sample(None, 10, MERGE, thread=Thread(4_001, 1, "MainThread"))
    found = named(read(made.recording.save(tmp_path / "run.speedscope.json")))
    assert found["program"] == [(["process 11", "run_loop"], 20.0), (["process 4001", "merge"], 10.0)]


def test_folded_stacks_stand_below_their_cell(two_cells: Profiled, tmp_path: Path) -> None:
    """In microseconds, with the place in the name; a line at the end of a stack is no number."""
    path = two_cells.recording.save(tmp_path / "run.folded")
    assert path.read_text(encoding="utf-8").splitlines() == [
        "cell [2] def fit(df):;cell [2] line 3:;fit (cell [2]:1);cell [2] line 2:;merge (pandas/core/reshape/merge.py:146) 12000",
        "cell [5] import pool;cell [5] line 3:;fit (cell [2]:1);cell [2] line 2: 5000",
        "cell [5] import pool;cell [5] line 3:;fit (cell [2]:1);cell [2] line 2:;merge (pandas/core/reshape/merge.py:146) 50000",
        "cell [5] import pool;thread pool_0;run_loop (loop.py:3) 10000",
    ]


def test_lines_are_those_that_were_typed(made: Profiled, tmp_path: Path) -> None:
    """IPython drops blank lines at the top before it compiles."""
    cell = made.cell(1, "\n\nwork()")
    cell.compiled = ("work()\n",)
    made.sample(cell, 10, made.line(cell, 1))
    (stacks,) = named(read(made.recording.save(tmp_path / "run.speedscope.json"))).values()
    assert stacks == [(["cell [1] line 3"], 10.0)]


def test_what_time_runs_has_the_lines_of_its_cell(made: Profiled, tmp_path: Path) -> None:
    """IPython compiles the body as no file, with lines that count from its first; elsewhere such a name says nothing."""
    cell = made.cell(1, "%%time\n\ndef f():\n    work()\nf()")
    body: list[Call] = [("<module>", "<timed exec>", 3, 1), ("f", "<timed exec>", 2, 1)]
    made.sample(cell, 10, made.line(cell, 1), *body)
    made.sample(cell, 20, body[1], thread=WORKER)
    (stacks,) = named(read(made.recording.save(tmp_path / "run.speedscope.json"))).values()
    assert stacks == [
        (["cell [1] line 1", "cell [1] line 5", "f", "cell [1] line 4"], 10.0),
        (["thread pool_0", "f"], 20.0),
    ]


def test_a_cell_that_is_run_again_has_its_own_count(made: Profiled, tmp_path: Path) -> None:
    """Its code is compiled as the same file; a cell that ran in between called the older one."""
    old = made.cell(1, "def f(): work()")
    between = made.cell(2, "f()")
    new = made.cell(3, "def f(): work()")
    after = made.cell(4, "f()")
    assert old.file == new.file
    f: Call = ("f", old.file, 1, 1)
    for cell in (old, between, new, after):
        made.sample(cell, 10, made.line(cell, 1), f)
    found = named(read(made.recording.save(tmp_path / "run.speedscope.json")))
    assert [stacks[0][0][-1] for name, stacks in found.items() if name != "all"] == [
        "cell [1] line 1",
        "cell [1] line 1",
        "cell [3] line 1",
        "cell [3] line 1",
    ]


def test_a_program_is_told_by_its_threads_once_there_are_two(made: Profiled, tmp_path: Path) -> None:
    made.sample(None, 10, ("<module>", "/home/me/run.py", 7, 1), LOOP)
    path = tmp_path / "run.folded"
    made.recording.save(path)
    assert path.read_text(encoding="utf-8") == "program;<module> (run.py:7);run_loop (loop.py:3) 10000\n"
    made.sample(None, 20, LOOP, thread=WORKER)
    made.recording.save(path)
    assert path.read_text(encoding="utf-8").splitlines() == [
        "program;thread MainThread;<module> (run.py:7);run_loop (loop.py:3) 10000",
        "program;thread pool_0;run_loop (loop.py:3) 20000",
    ]


def test_it_is_narrowed_as_other_questions(two_cells: Profiled, tmp_path: Path) -> None:
    """By cell, by the last cells, and by spans with all that runs below them; cells that only ask stay out. Of a cell whose own
    span is not asked for the title has no code."""
    rec, path = two_cells.recording, tmp_path / "run.speedscope.json"
    asks = two_cells.cell(6, "nbtrace.save('x')", asks=True)
    two_cells.sample(asks, 40, two_cells.line(asks, 1))
    work = two_cells.cell(7, "work()")
    two_cells.store.append(row(501, trace=work.trace_id, parent=work.span_id, name="outer", cell=work.number))
    two_cells.store.append(row(502, trace=work.trace_id, parent=501, name="inner", cell=work.number, rows=3))
    for line, span in ((1, work.span_id), (2, 501), (3, 502)):
        two_cells.sample(work, 10, two_cells.line(work, line), span=span)

    def of(**asked: Any) -> dict[str, list[str]]:
        return {
            k: [v[0] for v, _ in stacks] for k, stacks in named(read(rec.save(path, **asked))).items() if k != "all"
        }

    all_cells = ["cell [2] def fit(df):", "cell [5] import pool", "cell [7] work()"]
    assert list(of()) == all_cells
    assert list(of(asking=True)) == [*all_cells[:2], "cell [6] nbtrace.save('x')", all_cells[2]]
    assert list(of(cell=[2, 6])) == [all_cells[0], "cell [6] nbtrace.save('x')"]
    assert list(of(last=2)) == all_cells[1:]
    assert of(name="outer") == {"cell [7]": ["cell [7] line 2", "cell [7] line 3"]}
    assert of(where="attributes.rows > 2") == {"cell [7]": ["cell [7] line 3"]}
    two_cells.sample(work, 10, two_cells.line(work, 4), span=0)  # nobody knows in which span
    trace = of(trace_id=f"{work.trace_id:032x}")
    assert trace == {"cell [7] work()": [f"cell [7] line {line}" for line in (1, 2, 3, 4)]}
    with pytest.raises(NoSamplesError, match=r"none of the 10 samples is of what was asked for.*nbtrace\.cells\(\)"):
        rec.save(path, cell=99)


def test_a_recording_without_samples_says_how_to_get_some(tmp_path: Path) -> None:
    with nbtrace.record() as rec, nbtrace.span("x"):
        pass
    with pytest.raises(NoSamplesError, match=r"%config NBTrace\.sampling = 100.*nbtrace\.record\(sampling=100\)"):
        rec.save(tmp_path / "run.folded")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["run.trc", "run", ".folded", ".json", "folded", "run.xml", "run.json.gz"])
def test_another_suffix_is_told_which_there_are(two_cells: Profiled, tmp_path: Path, name: str) -> None:
    """And what to type, which works."""
    with pytest.raises(UnknownFormatError) as told:
        two_cells.recording.save(tmp_path / name)
    text = str(told.value)
    assert repr(str(tmp_path / name)) in text
    assert all(suffix in text for suffix in FORMATS)
    typed = re.search(r"Type for example save\((.*)\)\.$", text)
    assert typed is not None
    assert two_cells.recording.save(eval(typed[1])).exists()


def test_a_suffix_may_be_in_capitals_and_a_path_text(two_cells: Profiled, tmp_path: Path) -> None:
    assert "cell [2]" in two_cells.recording.save(str(tmp_path / "RUN.Folded")).read_text(encoding="utf-8")


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """And nothing beside it; an interrupt too."""
    path = tmp_path / "run.folded"
    path.write_text("old", encoding="utf-8")

    def half(file: BinaryIO) -> None:
        file.write(b"half")
        raise error

    for error in (OSError(errno.ENOSPC, "no space"), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            write_whole(path, half)
        assert path.read_text(encoding="utf-8") == "old"
        assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named(two_cells: Profiled, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere"):
        two_cells.recording.save(tmp_path / "nowhere" / "run.folded")
    (tmp_path / "dir.folded").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        two_cells.recording.save(tmp_path / "dir.folded")
    assert [each.name for each in tmp_path.iterdir()] == ["dir.folded"]


@pytest.mark.skipif(sys.platform == "win32", reason="links and modes are those of POSIX")
def test_a_link_stays_one_and_a_file_keeps_its_mode(two_cells: Profiled, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    real = tmp_path / "there" / "real.folded"
    real.write_text("old", encoding="utf-8")
    real.chmod(0o640)
    link = tmp_path / "run.folded"
    link.symlink_to(real)
    two_cells.recording.save(link)
    assert link.is_symlink()
    assert "cell [2]" in real.read_text(encoding="utf-8")
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    mask = os.umask(0o022)
    os.umask(mask)
    fresh = two_cells.recording.save(tmp_path / "new.folded")
    assert stat.S_IMODE(fresh.stat().st_mode) == 0o666 & ~mask


HOSTILE = [
    "</script><script>alert(1)</script>",
    "a;b 12",
    "line\nbreak 3\r\n4",
    "\x1b[31mred\x07",
    "\u202egnp.exe",
    '"quote\\',
    "\ud800",
    "",
    " ",
    "x" * 5_000,
    "cell [1] line 7",
    "名前 १२",
]


def test_hostile_names_are_text(made: Profiled, tmp_path: Path) -> None:
    """As a function, a file, a thread and a cell's first line: no line more, no frame more, nothing that ends a script."""
    for number, text in enumerate(HOSTILE, 1):
        cell = made.cell(number, text.replace("\ud800", "?") or "x")
        made.sample(cell, 10, made.line(cell, 1), (text, text or "f", 3, 2))
        made.sample(cell, 10, (text, "/x/" + text, 3, 2), thread=WORKER._replace(thread_name=text))
    path = made.recording.save(tmp_path / "run.folded")
    lines = path.read_bytes().decode("utf-8").split("\n")
    assert lines.pop() == ""
    assert len(lines) == 2 * len(HOSTILE)
    assert all(re.fullmatch(r"[^;]+;[^;]+;[^;]+ 10000", line) for line in lines)
    # As flamegraph.pl would ask whether there are two numbers.
    assert not any(re.search(r"\s\d+(?:\.\d*)?$", line.removesuffix(" 10000")) for line in lines)
    assert not any(char in "".join(lines) for char in "\x1b\x07\r\u202e")
    text = made.recording.save(tmp_path / "run.speedscope.json").read_text(encoding="utf-8")
    assert text.isascii()
    file = json.loads(text)
    check_form(file)
    assert not any(char in json.dumps(file, ensure_ascii=False) for char in "\x1b\x07\u202e")
    assert HOSTILE[0] in [frame["name"] for frame in file["shared"]["frames"]]


NAMES = st.text(max_size=6) | st.sampled_from(["f", "a;b", "x 3", "", "\n"])
CALLS = st.tuples(NAMES, st.sampled_from(["", "/a.py", "CELL", "<timed exec>"]), st.integers(0, 9), st.integers(0, 9))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(0, 200),
            st.booleans(),
            st.sampled_from([None, *range(3)]),
            st.lists(CALLS, min_size=1, max_size=6),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_weights_add_up_to_what_the_samples_stand_for(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[int, int, bool, int | None, list[Call]]]
) -> None:
    """In every profile, and all together, whatever stacks there are; both files tell the same."""
    made = Profiled()
    cells = [None, *(made.cell(number, f"work({number})") for number in (1, 2, 3))]
    expected: Counter[str] = Counter()
    for number, wall, own, thread, calls in drawn:
        cell = cells[number]
        frames = [made.line(cell, 1)] if own and cell else []
        frames += [(name, cells[1].file if file == "CELL" else file, *lines) for name, file, *lines in calls]  # type: ignore[union-attr, misc]
        made.sample(cell, wall, *frames, thread=WORKER._replace(thread_name=thread if thread is None else f"t{thread}"))
        expected[f"cell [{number}] work({number})" if cell else "outside cells"] += wall * 1_000_000
    expected = +expected
    if not expected:
        return
    path = tmp_path_factory.mktemp("run") / "run.speedscope.json"
    file = read(made.recording.save(path))
    totals = {profile["name"]: profile["endValue"] for profile in file["profiles"]}
    if len(expected) > 1:
        assert totals.pop("all") == sum(expected.values())
    assert totals == expected
    assert (
        sum(int(line.rsplit(" ", 1)[1]) for line in made.recording.save(path.with_name("run.folded")).open())
        == sum(expected.values()) // 1_000
    )


FRAMES = st.builds(Frame, NAMES, NAMES, st.integers(-1, 5))


@given(
    st.lists(FRAMES, min_size=1, max_size=5).flatmap(
        lambda frames: st.lists(
            st.lists(st.integers(0, len(frames) - 1), min_size=1, max_size=5).map(tuple), min_size=1, max_size=5
        ).flatmap(
            lambda stacks: st.builds(
                Flames,
                st.just(frames),
                st.just(stacks),
                st.lists(
                    st.lists(st.tuples(st.integers(0, len(stacks) - 1), st.integers(1, 10**12)), max_size=5).flatmap(
                        lambda pairs: st.builds(
                            Flame, NAMES, st.just([p[0] for p in pairs]), st.just([p[1] for p in pairs])
                        )
                    ),
                    max_size=3,
                ),
            )
        )
    )
)
def test_whatever_flames_there_are_the_files_can_be_read(flames: Flames) -> None:
    file = json.loads("".join(speedscope(flames, "x")))
    check_form(file)
    parts = file["profiles"][1 if len(flames.parts) > 1 else 0 :]
    assert [(part["samples"], part["weights"]) for part in parts] == [
        ([list(flames.stacks[stack]) for stack in part.stacks], part.weights) for part in flames.parts
    ]
    for line in folded(flames):
        assert re.fullmatch(r"[^;\n]+(;[^;\n]+)+ [1-9]\d*\n", line)


def test_a_hundred_thousand_samples_are_saved(made: Profiled, tmp_path: Path) -> None:
    """Of stacks forty deep: each is there, and what is shared is named once."""
    cell = made.cell(1, "work()")
    calls = [(f"f{depth}", f"/lib/python3.12/site-packages/x/{depth}.py", 5, depth) for depth in range(40)]
    stacks = [
        made.stack(made.line(cell, line), *calls, (f"leaf{leaf}", "/x.py", 7, 1))
        for leaf in range(500)
        for line in (1, 2, 3)
    ]
    for number in range(100_000):
        made.sample(cell, 10, stack=stacks[number % len(stacks)])
    file = read(made.recording.save(tmp_path / "run.speedscope.json"))
    (profile,) = file["profiles"]
    assert len(profile["samples"]) == 100_000
    assert profile["endValue"] == 100_000 * 10_000_000
    assert len(file["shared"]["frames"]) == 3 + 40 + 500
    lines = made.recording.save(tmp_path / "run.folded").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1_500


def test_the_live_recording_is_saved_by_the_package(two_cells: Profiled, tmp_path: Path) -> None:
    """By the same name; here it has no samples, and says so."""
    with pytest.raises(NoSamplesError):
        nbtrace.save(tmp_path / "run.folded")
