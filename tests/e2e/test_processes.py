"""Rows of several processes: what a task waited for, the lanes of processes, and what they took of the machine together."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.lab import InspectorOnPage, Notebook

Make = Callable[..., Notebook]

CROSS_VALIDATE = """
%load_ext nbtrace
from nbtrace.recording import Recording
from nbtrace.store.samples import SampleFields
from nbtrace.store.schema import SAMPLE_BYTES, Origin, Thread
from nbtrace.store.span_store import SpanStore
from nbtrace.store.stacks import root
store = SpanStore()
at = lambda s: 1_700_000_000_000_000_000 + round(s * 1e9)
kernel, *workers = (Thread(pid, 1, "MainThread") for pid in (4711, 4720, 4721))
mine, pool = Origin("here", "nbtrace"), Origin("here", "nbtrace.tasks")
source = "def fit_one(fold):\\n    return model.fit(fold)\\n\\nscores = cross_validate(fit_one, folds)"
cell = store.cells.open(execution_count=1, cell_id="a", source=source)
cell.file, cell.trace_id, cell.span_id = "/somewhere/ipykernel_4711/1.py", 7, 1
def span(span_id, parent, name, start, end, thread, origin=mine, **attributes):
    keys = tuple(key.replace("__", ".") for key in attributes)
    store.append((7, span_id, parent, name, 0, at(start), at(end), 0, 1, origin, thread, None, keys, *attributes.values()))
span(1, 0, "cell [1] def fit_one(fold):", 0, 87, kernel)
for number in range(7):
    thread, turn = workers[number % 2], number // 2
    start = 80 + turn * 1.7
    first = {} if turn else {"nbtrace__task__worker_start": 80 - 0.5 * (number % 2)}
    span(10 + number, 1, "fit_one", start, start + 1.6, thread, pool, nbtrace__task__waited=start, **first)
    span(30 + number, 10 + number, "load", start + 0.1, start + 0.5, thread)
stacks = root()
own = stacks.call("<module>", cell.file, 4, 1)
fit = stacks.call("run", "/opt/lib/python3.12/concurrent/futures/process.py", 3, 1).call("fit_one", cell.file, 2, 1)
def sample(second, thread, stack, computed, memory, span_id):
    row = SampleFields(at(second), 1, 7, span_id, thread, 10**8, round(computed * 1e8), memory * 10**6, False, stack)
    store.samples.append(row, SAMPLE_BYTES)
for tenth in range(1, 870):
    sample(tenth / 10, kernel, own, 0, 200, 1)
    for number, thread in enumerate(workers):
        turn = int((tenth / 10 - 80) / 1.7)
        if tenth > 801 and turn * 2 + number < 7 and (tenth / 10 - 80) % 1.7 < 1.6:
            sample(tenth / 10 + 0.001, thread, fit, 1, 300, 10 + turn * 2 + number)
"""


def opened(notebook: Make) -> InspectorOnPage:
    """The inspector of a cell of 87 s: its two workers started for 80 s, then they had seven tasks."""
    book = notebook(CROSS_VALIDATE.strip(), "Recording(store).view()")
    book.run(0, 1)
    inspector = book.inspector()
    inspector.until("s.trace.count === 15 && s.details.size === 15 && s.profile.count > 900 && s.view === 'waterfall'")
    return inspector


def test_the_waterfall_says_how_long_tasks_waited_and_for_what(notebook: Make) -> None:
    """Of 87 s 80 were the start of workers: beside the pointer, in the panel and in the line of the tasks."""
    inspector = opened(notebook)
    rows = inspector.element.locator(".nbt-read tbody tr")
    rows.filter(has_text="waited up to 1 min 25 s").wait_for(state="attached")
    assert inspector.names() == ["cell [1] def fit_one(fold):", "fit_one × 7"]
    inspector.key("]")
    inspector.until("s.lines.count === 15")
    tip = inspector.element.get_by_role("tooltip")
    canvas = inspector.element.locator("canvas.nbt-canvas")
    canvas.hover(position={"x": 400, "y": 22 + 3 * 22 + 11})  # where the second task only waits
    tip.get_by_text("1 min 20 s: 1 min 20 s until its worker had started, 500 ms in the queue").wait_for()
    canvas.hover(position={"x": 400, "y": 22 + 11})
    told = "7 tasks; waited up to 1 min 25 s; workers started for 1 min 20 s, 92 % of its time"
    tip.get_by_text(told).wait_for()
    canvas.click(position={"x": 400, "y": 22 + 11})
    panel = inspector.element.get_by_role("complementary")
    panel.get_by_text(told).wait_for()
    panel.get_by_text("in 3 processes").wait_for()
    inspector.ask("(s.select(13, true), 0)")  # the last task
    panel.get_by_text("1 min 25 s in the queue").wait_for()


def test_processes_are_offered_as_lanes_with_the_kernel_first(notebook: Make) -> None:
    inspector = opened(notebook)
    lanes = inspector.element.get_by_role("button", name="3 processes")
    lanes.click()
    inspector.until("s.lines.count > 10")
    heads = [name for name in inspector.names() if " · " in name]
    assert heads == ["kernel 4711 · 1 span", "process 4720 · 8 spans · 4 tasks", "process 4721 · 6 spans · 3 tasks"]
    assert lanes.get_attribute("aria-pressed") == "true"
    lanes.click()
    inspector.until("s.lines.count === 2")


def test_the_lanes_above_are_of_all_processes_together(notebook: Make) -> None:
    """Neither threads of the kernel's own nor one process that jumps from value to value."""
    inspector = opened(notebook)
    meters = inspector.element.locator(".nbt-meters")
    meters.get_by_text("peak 800 MB in 3 processes").wait_for()
    meters.get_by_text("peak 2.0 cores").wait_for()
    assert meters.get_by_title("own thread").count() == 0
    meters.get_by_title("other processes").wait_for()
    inspector.key("c")
    line = inspector.element.locator("tr", has_text="return model.fit(fold)").first
    line.wait_for()
