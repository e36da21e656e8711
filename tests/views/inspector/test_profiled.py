"""What is told of samples, statements and resources is understood as what was recorded, and is of nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import nbtrace
from nbtrace.analysis.selection import Selection
from nbtrace.store.batch import Batch
from nbtrace.store.book import Execution, Resources
from nbtrace.store.samples import MEMORY_UNIT_BYTES
from nbtrace.store.schema import Thread
from nbtrace.store.span_store import SpanStore
from nbtrace.store.stacks import CUT
from nbtrace.store.values import clean_text
from nbtrace.views.inspector import noted, profiled
from nbtrace.views.inspector.feed import Feed
from nbtrace.views.inspector.frames import Frame
from nbtrace.views.inspector.narrowed import among, meeting
from nbtrace.views.inspector.told import Told
from tests.profiles import MERGE, OTHER, OWN_FILE, SLEEP, TAKE, Made, at
from tests.rows import THREAD, row
from tests.views.inspector.profile import Profile, Sample
from tests.views.inspector.test_wire import read

PLAIN = "DataFrame.merge (pandas/core/frame.py:10500)"
TAKEN = "take_nd (pandas/core/algorithms.py:90)"


class Looker:
    """Who is told of a recording, and looks again when asked to."""

    def __init__(self, store: SpanStore, **options: Any) -> None:
        known: dict[str, Any] = {"live": True, "choose": None, "opener": None, "asking": False, **options}
        self.renewed = 0
        self._told = Told(store, renewed=self._renew, **known)
        self.frames: list[Frame] = []
        self.begin()

    def _renew(self) -> None:
        self.renewed += 1

    def begin(self) -> None:
        """Be told of everything."""
        self.frames = [self._told.everything()]
        self.profile = Profile()
        self._take()

    def look(self) -> None:
        """Be told of what is new."""
        found = self._told.news()
        if found is not None:
            self.frames.append(found)
            if read(found)[0]["reset"]:
                self.profile = Profile()
        self._told._profile._next_look = 0.0
        self._told.look_at_profile()
        self._take()

    def _take(self) -> None:
        while self._told.has_unsent:
            for each in self._told.next_unsent():
                self.frames.append(each)
                header, columns = read(each)
                if header["kind"] == "profile":
                    self.profile.take(header, columns)

    @property
    def stacks(self) -> list[tuple[str, ...]]:
        return [each.stack for each in self.profile.samples]

    @property
    def said(self) -> str:
        """All texts of the frames."""
        return "".join(map(str, (read(each)[0] for each in self.frames)))


def test_samples_are_understood_as_they_were_taken() -> None:
    made = Made()
    cell = made.cell("f()", 1, 100, [(1, 1)])
    span = made.span(cell, "inner", 20, 60)
    first = 3 * MEMORY_UNIT_BYTES
    made.sample(cell, 11.02, 9.98, 1, MERGE, cpu=4.99, memory=first, native=True)
    made.sample(cell, 31, 10, 1, cpu=-1, span=span)
    made.sample(cell, 31, 10, SLEEP, cpu=0, memory=2**30, thread=OTHER)
    looker = Looker(made.store)
    own = f"<module> (#{looker.profile.codes[cell.number]}:1)"
    number = cell.number
    assert looker.profile.samples == [
        Sample(10.02, 9.98, 4.99, True, first, (own, PLAIN), "MainThread", number, 0),
        Sample(30.0, 10.0, None, False, None, (own,), "MainThread", number, 1),
        Sample(30.0, 10.0, 0.0, False, 2**30, ("wait (threading.py:300)",), "worker", number, 0),
    ]
    assert looker.profile.threads == [[22, "MainThread", 11], [33, "worker", 11]]
    kinds = {looker.profile.texts[function]: kind for function, *_, kind in looker.profile.frames}
    assert kinds == {"<module>": 1 | 4, "DataFrame.merge": 0, "wait": 0}
    libraries = {looker.profile.texts[library] for _, library in looker.profile.files}
    assert libraries == {"notebook", "pandas", "standard library"}


def test_long_waits_and_moments_far_from_each_other_are_exact() -> None:
    """Two bytes of hundredths of a millisecond go to 655.35 ms."""
    made = Made()
    cell = made.cell("f()", 0, 200_000, [(0, 1)])
    moments = [(10, 10), (665.35, 655.35), (1_320.71, 655.36), (1_330.71, 700), (172_800, 90_000), (172_800, 5)]
    for time, wall in moments:
        made.sample(cell, time, wall, 1)
    looker = Looker(made.store)
    assert [(each.time, each.wall) for each in looker.profile.samples] == moments


def test_memory_that_goes_over_the_range_is_told_in_wider_steps() -> None:
    """One of two bytes reaches a gigabyte in steps of 16 kB; nothing is taken for unknown."""
    made = Made()
    cell = made.cell("f()", 0, 100, [(0, 1)])
    memory = [k * MEMORY_UNIT_BYTES for k in (7, 65_540, 65_541, 65_542, 65_543, 1_000_000)]
    for many, wide in ((3, 1), (4, 2), (6, 16)):
        for time, each in enumerate(memory[:many], 1):
            made.sample(cell, 10 * time, 10, 1, memory=each)
        looker = Looker(made.store)
        step = read(looker.frames[1])[0]["memory"][1]
        found = [each.memory for each in looker.profile.samples]
        assert len(found) == many
        assert all(abs((told or 0) - was) <= step / 2 for told, was in zip(found, memory, strict=False))
        assert step == wide * MEMORY_UNIT_BYTES
        made.store.samples.clear()


def test_many_samples_come_in_several_frames_that_tell_a_stack_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiled, "MAX_SAMPLES", 20_000)
    made = Made()
    cell = made.cell("f()\ng()", 0, 300_000, [(0, 1), (2, 2)])
    for tick in range(25_000):
        made.sample(cell, 10 + 10 * tick, 10, 1 + tick % 2, *(MERGE, TAKE)[: tick % 3])
    looker = Looker(made.store)
    headers = [read(each)[0] for each in looker.frames]
    headers = [each for each in headers if each["kind"] == "profile"]
    assert [each["number"] for each in headers] == list(range(len(headers)))
    assert len(headers) == 3
    assert [each.time for each in looker.profile.samples] == [10 + 10 * tick for tick in range(5_000, 25_000)]
    assert len(set(looker.profile.nodes)) == len(looker.profile.nodes) == 6
    assert sorted(set(looker.profile.texts)) == sorted(looker.profile.texts)
    assert looker.stacks[:2] == [("<module> (#0:1)", PLAIN, TAKEN), ("<module> (#0:2)",)]


def test_what_comes_later_goes_on_from_what_is_known() -> None:
    """In the chunk that is written to, and in one that has been sealed since."""
    made = Made()
    cell = made.cell("f()", 0, None, [(0, 1)])
    made.sample(cell, 10, 10, 1, MERGE)
    looker = Looker(made.store)
    for time in (20, 30, 40):
        made.sample(cell, time, 10, 1, MERGE)
        if time == 30:
            made.store.samples.seal_all()
        looker.look()
    made.sample(cell, 50, 10, 1, MERGE, TAKE)
    looker.look()
    looker.look()
    assert [each.time for each in looker.profile.samples] == [10, 20, 30, 40, 50]
    assert (len(looker.profile.nodes), len(looker.profile.files)) == (3, 3)
    assert len({each.stack for each in looker.profile.samples}) == 2
    assert made.store.samples.dropped == looker.profile.dropped == 0


def test_lines_are_those_that_were_typed() -> None:
    """Of a cell that begins with blank lines, and of what %%time runs, which is compiled as no file."""
    made = Made()
    blank = made.cell("\n\nf()", 0, 50, [(0, 1)])
    blank.compiled = ("f()\n",)
    made.sample(blank, 10, 10, 1, MERGE)
    timed = made.cell("%%time\n\nx = 1\ny = f()", 100, 200, [(100, 1)])
    magic = ("time", "/opt/lib/python3.12/site-packages/IPython/core/magics/execution.py", 1_300, 1_200)
    made.sample(timed, 110, 10, 1, magic, ("<module>", "<timed exec>", 2), ("f", blank.file, 1, 1))
    looker = Looker(made.store)
    first, second = (looker.profile.codes[each.number] for each in (blank, timed))
    assert looker.stacks == [
        (f"<module> (#{first}:3)", PLAIN),
        (
            f"<module> (#{second}:1)",
            "time (IPython/core/magics/execution.py:1300)",
            f"<module> (#{second}:4)",
            f"f (#{first}:3)",
        ),
    ]
    assert looker.profile.statements[blank.number][0][:2] == (3, 3)


def test_a_function_of_another_cell_is_told_with_all_that_ran_its_file() -> None:
    """So that the browser knows whose line it is: of the run before, or of the one that came later."""
    made = Made()
    source = "def f():\n    g()"
    defining, again, other = made.cell(source, 0, 5), made.cell(source, 10, 15), made.cell("f()", 20, 90, [(20, 1)])
    made.sample(other, 40, 10, 1, ("f", defining.file, 2, 1), ("f", defining.file, 2, 1), (f"7 {CUT}", "", 0, 0))
    looker = Looker(made.store)
    codes = looker.profile.codes
    assert codes[defining.number] == codes[again.number] != codes[other.number]
    shared = f"f (#{codes[defining.number]}:2)"
    assert looker.stacks == [(f"<module> (#{codes[other.number]}:1)", shared, shared, f"7 {CUT} (:0)")]
    later = made.cell(source, 100, 105)
    made.sample(other, 50, 10, 1)
    looker.look()
    assert looker.profile.codes[later.number] == codes[defining.number]
    assert "ipykernel_11" not in looker.said, "a compiled file is of no use to anybody"


def test_names_that_are_hostile_stay_texts() -> None:
    made = Made()
    cell = made.cell("f()", 0, 100, [(0, 1)])
    name = "</script>\u2028\x00\ud800<img src=x onerror=alert(1)>"
    made.sample(cell, 10, 10, 1, (name, "/a\n|`b`.py", 3, 1), thread=Thread(1, 2, name))
    looker = Looker(made.store)
    ((*_, hostile),) = looker.stacks
    assert hostile == clean_text(name) + " (/a\n|`b`.py:3)"
    assert looker.profile.threads == [[2, clean_text(name), 1]]


def test_what_was_redacted_is_not_told() -> None:
    made = Made()
    cell = made.cell("f()", 0, 100, [(0, 1)])
    token = "ghp_" + "a1B2" * 9
    made.sample(cell, 10, 10, 1, (token, f"/{token}.py", 3, 1), thread=Thread(1, 2, token))
    looker = Looker(made.store)
    assert len(looker.profile.samples) == 1
    assert token not in looker.said


def test_samples_outside_cells_are_told_of_where_all_spans_are() -> None:
    made = Made()
    span = made.span(0, "main", 0, 100)
    made.sample(None, 10, 10, OWN_FILE)
    made.store.samples.seal_all()
    made.sample(None, 20, 10, span=span)  # a thread that runs no Python has no frame
    looker = Looker(made.store)
    found = [(each.stack, each.cell, each.span) for each in looker.profile.samples]
    assert found == [(("load (/home/me/project/loading.py:7)",), 0, -1), ((), 0, 0)]
    chosen = Looker(made.store, choose=among([f"{span:016x}"]))
    assert [each.span for each in chosen.profile.samples] == [0]
    whole = Looker(made.store, choose=among([f"{span:016x}"]), outside=True)
    assert [each.span for each in whole.profile.samples] == [-1, 0]


def test_without_spans_nothing_is_told_until_there_are_some() -> None:
    """Times count from the first of them."""
    made = Made()
    made.sample(None, 10, 10, OWN_FILE)
    looker = Looker(made.store)
    looker.look()
    assert looker.profile.samples == []
    made.span(0, "main", 5, 100)
    looker.look()
    assert [each.time for each in looker.profile.samples] == [5.0]


# ── statements and resources ─────────────────────────────────────────────────────────────────────────────────────────


def test_statements_are_told_as_they_begin_and_end() -> None:
    made = Made()
    made.store.append(row(1, start=at(0), end=at(1)))
    execution = made.cell("a()\nb(\n)\nc()", 0, None, [(10, 1), (20, 2, 3)])
    looker = Looker(made.store)
    told = looker.profile.statements[execution.number]
    assert told == {0: (1, 1, 10.0, 20.0, 0), 1: (2, 3, 20.0, None, 0)}
    before = len(looker.frames)
    looker.look()
    assert len(looker.frames) == before, "nothing is new"
    ((running, begun, *_),) = next(iter(made.store.running_statements.values()))()
    more = [*begun, (at(30), compile("\n\n\nc()", "<made>", "exec"))]
    made.store.running_statements.clear()
    made.store.running_statements["it"] = lambda: [(running, more, 0, False)]
    looker.look()
    assert told == {0: (1, 1, 10.0, 20.0, 0), 1: (2, 3, 20.0, 30.0, 0), 2: (4, 4, 30.0, None, 0)}
    made.store.running_statements.clear()
    made.store.statements.append((running, more, at(45), True), 1)
    looker.look()
    assert told[2] == (4, 4, 30.0, 45.0, 2)
    before = len(looker.frames)
    made.store.statements.seal_all()
    looker.look()
    assert len(looker.frames) == before


def test_statements_of_many_cells_are_each_told_once() -> None:
    """Whether they are counted as cells, before they are sealed, or as statements."""
    made = Made()
    looker = Looker(made.store)
    for number in range(100):
        begun = [(number * 10 + each, each) for each in range(1, 1 + number % 4)]
        made.cell(f"a()\nb()\nc()\n# {number}", number * 10, number * 10 + 9, begun)
        if number % 7 == 0:
            looker.look()
    looker.look()
    ids = [each.number for each in made.store.executions()]
    assert {number: len(of) for number, of in looker.profile.statements.items()} == {
        number: place % 4 for place, number in enumerate(ids) if place % 4
    }
    sent = [read(each) for each in looker.frames]
    assert sum(len(columns[-7]) for header, columns in sent if header["kind"] == "profile") == 150


def test_of_many_statements_the_last_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noted, "MAX_STATEMENTS", 40)
    made = Made()
    for number in range(128):
        made.cell(f"a()\n# {number}", number * 10, number * 10 + 9, [(number * 10, 1)])
        if number % 32 == 31:
            made.store.statements.seal_all()
    looker = Looker(made.store)
    looker.look()
    last = [each.number for each in made.store.executions()][64:]
    assert sorted(looker.profile.statements) == last, "whole batches, of which the second from the end is needed too"


def test_resources_are_told_when_they_are_known() -> None:
    made = Made()
    cell = made.cell("f()", 0, 100, [(0, 1)])
    looker = Looker(made.store)
    assert looker.profile.resources == {}
    cell.resources = Resources(2_500_000, 10**9, -4_096, None, 7, None, shared=True, gpu_memory_peak=3)
    looker.look()
    looker.look()
    assert looker.profile.resources == {cell.number: [2.5, 10**9, -4_096, None, 7, None, True]}
    assert sum(bool(read(each)[0].get("resources")) for each in looker.frames) == 1


# ── what is left out ─────────────────────────────────────────────────────────────────────────────────────────────────


def planted() -> tuple[Made, list[Execution], list[int]]:
    """Three cells, each with a span inside; wherever a sample can have a name, a secret of its cell or span."""
    made, cells, spans = Made(), [], []
    for n in range(3):
        start = n * 100
        cell = made.cell(f"secret_source_{n}()", start, start + 90, [(start, 1)])
        cell.resources = Resources(cpu_ns=n + 1)
        span = made.span(cell, f"inner {n}", start + 20, start + 60)
        of_cell, of_span = ((f"secret_{what}_{n}", f"/secret_{what}_{n}/file.py", 1, 1) for what in ("cell", "span"))
        made.sample(cell, start + 10, 10, 1, of_cell, thread=Thread(1, n, f"secret_cell_{n}"))
        made.sample(cell, start + 15, 5, of_cell, span=0, thread=Thread(1, n, f"secret_cell_{n}"))
        made.sample(cell, start + 40, 10, 1, of_span, span=span, thread=Thread(2, n, f"secret_span_{n}"))
        cells.append(cell)
        spans.append(span)
    return made, cells, spans


@pytest.mark.parametrize(
    ("asked", "secrets", "own"),
    [
        (lambda cells, spans: [cells[1].span_id, spans[1]], {"cell_1", "span_1"}, [1]),
        (lambda cells, spans: [cells[1].span_id], {"cell_1"}, [1]),
        (lambda cells, spans: [spans[1]], {"span_1"}, []),
        (lambda cells, spans: [spans[0], cells[2].span_id], {"span_0", "cell_2"}, [2]),
    ],
    ids=["a cell", "its own span", "a span inside", "of two cells"],
)
def test_a_narrowed_inspector_has_no_name_of_anything_else(
    asked: Callable[[list[Execution], list[int]], list[int]], secrets: set[str], own: list[int]
) -> None:
    made, cells, spans = planted()
    looker = Looker(made.store, choose=among([f"{each:016x}" for each in asked(cells, spans)]))
    profile = looker.profile
    names = {f"secret_{each}" for each in secrets}
    assert {text for text in profile.texts if text.startswith("secret")} == names
    assert {path.split("/")[1] for path in profile.texts if path.startswith("/")} == names
    assert {name for _, name, _ in profile.threads} == names
    assert len(profile.samples) == sum(1 + name.startswith("cell") for name in secrets)
    assert sorted(profile.statements) == sorted(profile.resources) == [cells[n].number for n in own]
    others = {f"secret_{what}_{n}" for what in ("cell", "span") for n in range(3)} - names
    assert not [each for each in others if each in looker.said]


def test_a_function_of_a_cell_that_is_not_told_of_is_told_with_the_lines_that_ran() -> None:
    """And with nothing else of that cell; of the cell in which the time passed nothing if its own span is not told of."""
    made = Made()
    defining = made.cell("secret = 1\ndef f():\n    work()", 0, 5)
    other = made.cell("x = 2\nf()", 20, 90, [(20, 1), (30, 2)])
    span = made.span(other, "inner", 30, 90)
    made.sample(other, 40, 10, 2, ("f", defining.file, 3, 2), span=span)
    cell = Looker(made.store, choose=among([f"{other.span_id:016x}", f"{span:016x}"])).profile
    assert [text for _, text in cell.lines.items()] == ["    work()"]
    alone = Looker(made.store, choose=among([f"{span:016x}"]))
    assert [text for _, text in alone.profile.lines.items()] == ["    work()"]
    assert "x = 2" not in alone.said
    assert "secret" not in alone.said
    assert Looker(made.store).profile.lines == {}, "all is told of both"


@pytest.mark.parametrize("pid", [os.getpid(), os.getpid() + 1], ids=["this process", "another"])
def test_a_line_of_ones_own_file_is_told_as_this_process_has_it(tmp_path: Path, pid: int) -> None:
    """Without what looks like a secret; of other processes, and of libraries, nothing is read."""
    path = tmp_path / "helper.py"
    path.write_text("def clean():\n    work(password='hunter2')\n", encoding="utf-8")
    made = Made()
    cell = made.cell("clean()", 0, 90, [(0, 1)])
    stack = (("clean", str(path), 2, 1), ("dumps", json.__file__, 1, 1))
    made.sample(cell, 40, 10, 1, *stack, thread=Thread(pid, 1, "MainThread"))
    looker = Looker(made.store)
    (told,) = [*looker.profile.lines.values()] or [""]
    assert told.startswith("    work(password=") if pid == os.getpid() else told == ""
    assert "hunter2" not in looker.said
    assert "JSON" not in str(looker.profile.lines)


def test_samples_of_a_span_that_meets_a_condition_at_its_end_are_told_then() -> None:
    """Its duration is known no sooner; what has ended and does not meet it waits no more."""
    made = Made()
    ids = {"long": 71, "short": 72}
    running = [row(each, name=name, start=at(5), end=0) for name, each in ids.items()]
    made.store.sources["test"] = lambda: list(running)
    made.store.append(row(9, name="long", start=at(0), end=at(4)))

    def long_enough(batch: Batch) -> npt.NDArray[np.bool_]:
        spans = batch.spans
        length = np.asarray(spans["end_ns"].fill_null(0)) - np.asarray(spans["start_ns"])
        return length >= 4_000_000

    looker = Looker(made.store, choose=long_enough)
    for time in (10, 20, 30):
        for name, each in ids.items():
            made.sample(None, time, 10, (name, "/f.py", 1, 1), span=each)
        looker.look()
    assert looker.profile.samples == []
    running.clear()
    made.store.append(row(71, name="long", start=at(5), end=at(35)))
    made.store.append(row(72, name="short", start=at(5), end=at(6)))
    for _ in range(profiled.PATIENT_LOOKS + 2):
        looker.look()
    assert [(each.time, each.stack, each.span) for each in looker.profile.samples] == [
        (time, ("long (/f.py:1)",), 1) for time in (10, 20, 30)
    ]
    assert looker._told._profile._waiting == {}


def test_samples_of_a_cell_that_ended_between_two_looks_are_told_with_the_next() -> None:
    """Its span is neither told of by then nor does it run."""
    made = Made()
    made.cell("x = 1", 0, 5, [(0, 1)])
    looker = Looker(made.store)
    looker.look()
    looker._told.news()
    cell = made.cell("f()", 20, 90, [(20, 1)])
    for tick in range(4):
        made.sample(cell, 30 + 10 * tick, 10, 1)
    looker._told._profile._next_look = 0.0
    looker._told.look_at_profile()
    looker._take()
    assert looker.profile.samples == []
    looker.look()
    assert [each.cell for each in looker.profile.samples] == [cell.number] * 4


def test_how_many_samples_are_left_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiled, "MAX_SAMPLES", 3)
    made = Made()
    cell = made.cell("f()", 0, 90, [(0, 1)])
    for tick in range(5):
        made.sample(cell, 10 + 10 * tick, 10, 1)
    looker = Looker(made.store)
    assert (len(looker.profile.samples), looker.profile.dropped) == (3, 2)


def test_of_samples_that_wait_the_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiled, "MAX_WAITING", 5)
    made = Made()
    made.store.append(row(9, start=at(0), end=at(4)))
    running = [row(each, start=at(5), end=0) for each in (71, 72)]
    made.store.sources["test"] = lambda: list(running)
    met: set[str] = {f"{9:016x}"}
    looker = Looker(made.store, choose=lambda batch: among(met)(batch))
    for turn in range(4):
        for each in (71, 72):
            made.sample(None, 10 * turn + each / 10, 1, OWN_FILE, span=each)
        looker.look()
        assert sum(len(piece) for pieces, _ in looker._told._profile._waiting.values() for piece in pieces) <= 5
    met |= {f"{71:016x}", f"{72:016x}"}
    looker.look()
    looker.look()
    assert len(looker.profile.samples) == 5
    assert 37.2 in [each.time for each in looker.profile.samples]


def test_cells_that_only_ask_are_told_of_when_asked_for() -> None:
    made = Made()
    made.cell("1", 0, 10)
    asks = made.cell("nbtrace.cells()", 20, 90, [(20, 1)], asks=True)
    made.sample(asks, 40, 10, 1, MERGE)
    asks.resources = Resources(cpu_ns=1)
    looker = Looker(made.store)
    assert (looker.profile.samples, looker.profile.statements, looker.profile.resources) == ([], {}, {})
    assert "merge" not in looker.said
    assert len(Looker(made.store, asking=True).profile.samples) == 1


def test_the_cell_that_opens_it_is_told_of_when_something_happens_in_it() -> None:
    """With what was sampled before; of one in which nothing does, nothing is."""
    made = Made()
    made.cell("1", 0, 10)
    opener = made.cell("nbtrace.view(); f()", 20, None, [(20, 1)])
    looker = Looker(made.store, opener=opener)
    made.sample(opener, 30, 10, 1)
    looker.look()
    assert (looker.profile.samples, looker.profile.statements) == ([], {})
    made.span(opener, "inside", 31, 35)
    made.sample(opener, 40, 10, 1)
    looker.look()
    looker.look()
    assert [each.time for each in looker.profile.samples] == [30, 40]
    assert looker.profile.statements[opener.number] == {0: (1, 1, 20.0, None, 0)}


def test_a_cell_whose_spans_are_gone_is_not_told_of() -> None:
    made = Made()
    gone, here = made.cell("f()", 0, 10, [(0, 1)], own_span=False), made.cell("g()", 20, 90, [(20, 1)])
    for cell, time in ((gone, 5), (here, 40)):
        made.sample(cell, time, 5, 1)
    looker = Looker(made.store)
    assert [each.cell for each in looker.profile.samples] == [here.number]
    assert list(looker.profile.statements) == [here.number]


def test_last_cells_are_narrowed_to_as_their_spans_are() -> None:
    made, cells, _ = planted()
    choose = meeting(Selection(last=2), made.store.executions, asker=0)
    looker = Looker(made.store, choose=choose)
    assert {each.cell for each in looker.profile.samples} == {each.number for each in cells[1:]}
    assert len(looker.profile.samples) == 6


# ── everything anew ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_of_a_cell_that_is_forgotten_no_name_is_told_anew() -> None:
    made, cells, _ = planted()
    looker = Looker(made.store)
    assert "secret_span_1" in looker.said
    made.recording.forget(cell=cells[1].execution_count)
    looker.look()
    assert {text for text in looker.profile.texts if text.startswith("secret")} == {
        f"secret_{what}_{n}" for what in ("cell", "span") for n in (0, 2)
    }
    assert sorted(looker.profile.statements) == [cells[0].number, cells[2].number]
    looker.begin()
    assert not [n for n in ("secret_span_1", "secret_cell_1", "secret_source_1") if n in looker.said]


def test_what_a_file_holds_is_told_as_what_was_recorded(tmp_path: Path) -> None:
    made, *_ = planted()
    made.sample(None, 500, 10, OWN_FILE)
    here = Looker(made.store).profile
    loaded = nbtrace.load(made.recording.save(tmp_path / "run.parquet"))
    there = Looker(loaded._store).profile
    # Executions have other numbers, and spans may be in another order.
    assert [each._replace(cell=0, span=0) for each in there.samples] == [
        each._replace(cell=0, span=0) for each in here.samples
    ]
    assert list(there.statements.values()) == list(here.statements.values())
    assert list(there.resources.values()) == list(here.resources.values())
    assert list(there.codes.values()) == list(here.codes.values())


def test_stacks_that_never_come_again_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor are they told anew again and again, where there are many of samples that are kept."""
    monkeypatch.setattr(profiled, "MAX_NODES", 50)
    monkeypatch.setattr(profiled, "MAX_SAMPLES", 40)
    made = Made()
    cell = made.cell("f()", 0, 5_000, [(0, 1)])
    looker = Looker(made.store)
    most = 0
    for turn in range(100):
        for each in range(4):
            made.sample(cell, 10 * turn + each, 1, (f"f{turn}.{each}", "/f.py", 1, 1))
        looker.look()
        most = max(most, len(looker.profile.nodes))
        assert looker.stacks[-1] == (f"f{turn}.3 (/f.py:1)",)
    assert most <= 2 * 40 + 4
    assert 0 < looker.renewed <= 10


def test_a_report_has_samples_between_spans_and_details() -> None:
    made, *_ = planted()
    frames = [read(each)[0] for each in Feed(made.store, lambda frame: None, live=False).frames()]
    assert [each["kind"] for each in frames] == ["spans", "profile", "details"]


def test_rows_of_spans_that_ended_long_ago_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder itself knows those of the last spans."""
    monkeypatch.setattr("nbtrace.views.inspector.wire.MAX_KNOWN_IDS", 10)
    made = Made()
    spans = [made.span(0, f"s{n}", n, n + 1) for n in range(100)]
    for n, span in enumerate(spans):
        made.sample(None, n + 1, 1, OWN_FILE, span=span, thread=THREAD)
    assert [each.span for each in Looker(made.store).profile.samples] == list(range(100))
