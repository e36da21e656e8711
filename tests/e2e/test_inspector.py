"""The inspector as people use it: in JupyterLab, in a browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

import nbtrace
from tests.e2e.lab import InspectorOnPage, Lab, Notebook

Make = Callable[..., Notebook]

LOAD = "%load_ext nbtrace\nimport nbtrace, time, threading"
WORK = """with nbtrace.span("load", source="s3", rows=3):
    for i in range(12):
        with nbtrace.span("query", row=i):
            pass
with nbtrace.span("fit") as span:
    span.add_event("epoch", {"loss": [0.5, 0.25]})
    with nbtrace.span("solve"):
        time.sleep(0.02)"""
FAIL = "with nbtrace.span('report'):\n    raise KeyError('<b>best</b>')"


def test_it_shows_what_ran_and_hides_its_twin(notebook: Make) -> None:
    """Repeated siblings fold into one line; the static table makes room for the widget."""
    book = notebook(LOAD, WORK, "nbtrace.view()")
    book.run(0, 1, 2)
    inspector = book.inspector()
    inspector.until("s.trace.count === 16")
    inspector.until("s.painted.count > 0")
    assert inspector.names()[1:] == ["load", "query × 12", "fit", "solve"]
    assert book.page.locator("table.nbtrace").is_hidden()


def test_a_narrowed_one_below_another_hides_its_twin_and_grows(notebook: Make) -> None:
    """By what meets its conditions, though it was opened before the work; the first one shows everything."""
    book = notebook(LOAD, "nbtrace.view()", "nbtrace.view(name='query')", WORK)
    book.run(0, 1, 2)
    first, second = book.inspector(0), book.inspector(1)
    for place in range(2):
        book.page.locator(".jp-Notebook .jp-CodeCell").nth(1 + place).locator("p.nbtrace").wait_for(state="hidden")
    book.run(3)
    first.until("s.trace.count === 16")
    second.until("s.trace.count === 12")
    assert second.names() == ["query × 12"]


def test_every_view_is_drawn_by_its_key(notebook: Make) -> None:
    book = notebook(LOAD, WORK, FAIL, WORK, "nbtrace.view()")
    book.run(0, 1, 2, 3, 4)
    inspector = book.inspector()
    inspector.until("s.details.size === 34")
    views = ("waterfall", "code", "time", "heavy", "sandwich", "cells", "table", "errors", "compare")
    tabs = [tab.inner_text().split("\n")[0] for tab in inspector.element.get_by_role("tab").all()]
    for key, view in zip("123456789", views, strict=True):
        inspector.key(key)
        inspector.until(f"s.view === '{view}'")
        assert inspector.element.get_by_role("tab", selected=True).inner_text().startswith(tabs[int(key) - 1])
        if view in ("time", "heavy", "waterfall"):
            assert inspector.element.locator("canvas.nbt-canvas").is_visible()
    inspector.until("s.comparing.sides.every(runs => runs.length)")
    text = inspector.element.inner_text()
    assert "before" in text
    inspector.key("6")
    inspector.element.get_by_role("button", name="[3]").wait_for()
    inspector.key("7")
    inspector.choose("trace", "all traces")
    inspector.element.locator("tbody tr", has_text="query").filter(has_text="24").wait_for()
    inspector.key("8")
    failure = inspector.element.locator("details", has_text="KeyError")
    failure.wait_for()
    assert "<b>best</b>" in failure.inner_text()
    inspector.key("?")
    inspector.element.get_by_role("dialog", name="keys").wait_for()


def test_a_click_shows_all_that_is_known_and_comes_back_to_python(notebook: Make) -> None:
    book = notebook(
        LOAD,
        WORK,
        "view = nbtrace.view()\nview",
        "print(view.selection, view.selected['name'].tolist())",
        "view.selection = ''",
    )
    book.run(0, 1, 2)
    inspector = book.inspector()
    inspector.until("s.details.size === 16")
    inspector.key("ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown")
    panel = inspector.element.get_by_role("complementary", name="Selected span")
    panel.locator("section", has_text="Events").get_by_text("epoch").wait_for()
    shown = panel.inner_text()
    assert "fit" in shown
    assert "loss" in shown
    inspector.until("s.model.get('selection').length === 16")
    identity = inspector.ask("s.model.get('selection')")
    book.run(3)
    assert book.page.locator(".jp-OutputArea-output", has_text=f"{identity} ['fit']").is_visible()
    book.run(4)
    inspector.until("s.selected === -1")


def test_a_search_finds_attributes_and_goes_from_match_to_match(notebook: Make) -> None:
    book = notebook(LOAD, WORK, FAIL, "nbtrace.view()")
    book.run(0, 1, 2, 3)
    inspector = book.inspector()
    inspector.until("s.details.size === 18")
    inspector.key("/")
    book.page.keyboard.type("source")
    inspector.until("s.finder.found.length > 0 && !s.finder.searching")
    for name in ("cell [2]", "load"):  # the cell's first line has the word too
        book.page.keyboard.press("Enter")
        inspector.until(f"s.selected >= 0 && s.trace.nameOf(s.selected).startsWith('{name}')")
    box = inspector.element.get_by_role("searchbox")
    box.fill("name == 'query' and attributes.row >= 10")
    inspector.until("s.finder.found.length === 2")
    box.fill("nam == 3")
    inspector.element.get_by_text("Did you mean name?").wait_for()
    box.fill("")
    inspector.choose("trace", "all traces")
    inspector.element.get_by_role("button", name="errors", exact=True).click()
    inspector.until("s.lines.count === 2")
    inspector.element.get_by_role("button", name="critical path").click()
    inspector.until("s.pills.size === 2")


def test_it_grows_while_a_cell_runs_and_a_click_works_meanwhile(notebook: Make) -> None:
    """Nothing has to be asked of the kernel, which answers nobody while it runs."""
    wait = (
        "import os\nfor i in range(40):\n    with nbtrace.span('step', i=i): pass\n"
        "with nbtrace.span('waiting'):\n    while not os.path.exists('go'): time.sleep(0.02)"
    )
    book = notebook(LOAD, "nbtrace.view()", wait)
    book.run(0, 1)
    inspector = book.inspector()
    book.start(2)
    inspector.until("s.trace.names.includes('waiting') && s.trace.running === 2 && s.details.size >= 42")
    assert book.running(2)
    length = inspector.ask("s.trace.duration(s.trace.count - 1)")
    inspector.until(f"s.trace.duration(s.trace.count - 1) > {length} + 600")  # it grows though nothing else happens
    inspector.element.scroll_into_view_if_needed()
    inspector.key("ArrowDown", "ArrowDown")
    inspector.element.get_by_role("complementary", name="Selected span").get_by_text("Identity").wait_for()
    assert book.running(2)
    (book.lab.root / "go").write_text("")
    book.wait(2)
    inspector.until("s.trace.running === 0")
    (book.lab.root / "go").unlink()


def test_it_tells_what_a_cell_is_doing_before_that_ends(notebook: Make) -> None:
    """Line by line, with the hottest function; the times grow, and when the cell has ended nothing is left of it."""
    work = (
        "import os\ndef load():\n    while not os.path.exists('go5'): sum(range(1_000))\n"
        "def fit():\n    while not os.path.exists('go6'): sum(range(1_000))\nload()\nfit()  # <b>best</b>"
    )
    book = notebook(LOAD, "nbtrace.view()", work)
    book.run(0, 1)
    inspector = book.inspector()
    book.start(2)
    told = inspector.element.get_by_role("group", name="running cells")
    first = "line 3 while not os.path.exists('go5'): sum(ra… ·"
    told.filter(has_text=first).filter(has_text="in line 6 · hottest: ").wait_for()
    assert told.inner_text().startswith("cell [3] · ")
    seen = "s.receipt.now - s.doing[0][5]"
    inspector.until(f"{seen} > {inspector.ask(seen)} + 600")
    assert book.running(2)
    (book.lab.root / "go5").write_text("")
    told.filter(has_text="line 5 while").filter(has_text="in line 7").wait_for()
    assert book.running(2)
    (book.lab.root / "go6").write_text("")
    book.wait(2)
    told.wait_for(state="detached")
    for name in ("go5", "go6"):
        (book.lab.root / name).unlink()


def test_it_forgets_what_the_bound_drops(notebook: Make) -> None:
    """The cell that runs on stays, however old; the selected span goes with the others, and Python is told."""
    early = "with nbtrace.span('early', cell='first'): pass"
    many = (
        "import os\nfor turn in range(30):\n    for i in range(200):\n        with nbtrace.span(f'turn {turn}', i=i): pass\n"
        "    time.sleep(0.12)\nwith nbtrace.span('last'):\n    while not os.path.exists('go4'): time.sleep(0.02)"
    )
    book = notebook(
        LOAD + "\n%config NBTrace.max_spans = 400",
        "view = nbtrace.view()\nview",
        early,
        many,
        "print([view.selection])",
    )
    book.run(0, 1, 2)
    inspector = book.inspector()
    inspector.until("s.trace.names.includes('early') && s.details.size >= s.trace.count")
    inspector.ask("s.select(s.trace.count - 1, true)")
    inspector.until("s.model.get('selection').length === 16")
    book.start(3)
    inspector.until("s.trace.names.includes('last') && s.trace.running === 2 && s.details.size >= 300")
    inspector.until("s.trace.count <= 500 + s.trace.running && s.details.size <= s.trace.count")
    inspector.until("s.selected === -1 && s.model.get('selection') === ''")
    held = "Array.from({length: s.trace.count}, (_, i) => s.trace.nameOf(i))"
    assert not [name for name in inspector.ask(held) if name in ("early", "turn 0")]
    assert inspector.ask("s.trace.names.length") < 15
    inspector.until("s.trace.nameOf(0).startsWith('cell [4]') && s.trace.tree.size[0] > 300")
    (book.lab.root / "go4").write_text("")
    book.wait(3)
    inspector.until("s.trace.running === 0")
    book.run(4)
    assert book.page.locator(".jp-OutputArea-output", has_text="['']").is_visible()
    (book.lab.root / "go4").unlink()


def test_an_empty_recording_is_an_empty_inspector(notebook: Make) -> None:
    """Its twin, which says that there are no spans, makes room too."""
    book = notebook(LOAD, "with nbtrace.record() as empty: pass\nempty.view()")
    book.run(0, 1)
    book.inspector().until("s.painted.count > 0 && s.trace.count === 0")
    assert book.page.get_by_text("no spans", exact=True).is_hidden()


def test_a_search_narrows_cells_and_the_table_too(notebook: Make) -> None:
    """To what it has found, and the cells in which that is."""
    book = notebook(LOAD, WORK, "x = 1", "nbtrace.view()")
    book.run(0, 1, 2, 3)
    inspector = book.inspector()
    inspector.until("s.trace.count >= 17")
    inspector.key("6")
    rows = inspector.element.locator("tbody tr")
    assert rows.count() >= 2
    for typed in ("solve", "name == 'solve'"):
        inspector.element.get_by_role("searchbox").fill(typed)
        inspector.until("s.finder.found.length === 1")
        inspector.element.get_by_role("tab", name="Cells").click()
        inspector.drawn()
        assert [text.split("\t")[0] for text in rows.all_inner_texts()] == ["[2]"], typed
        inspector.element.get_by_role("tab", name="Table").click()
        inspector.drawn()
        assert [text.split("\t")[1] for text in rows.all_inner_texts()] == ["1"], typed


def test_opened_in_the_cell_that_works_it_is_there_before_that_ends(notebook: Make) -> None:
    wait = (
        "import os\nfrom IPython.display import display\ndisplay(nbtrace.view())\n"
        "with nbtrace.span('work'):\n    while not os.path.exists('go2'): time.sleep(0.02)"
    )
    book = notebook(LOAD, WORK, wait)
    book.run(0, 1)
    book.start(2)
    inspector = book.inspector()
    inspector.until("s.trace.names.includes('work') && s.trace.running === 2")
    assert book.running(2)
    (book.lab.root / "go2").write_text("")
    book.wait(2)
    inspector.until("s.trace.running === 0")


def test_a_cell_that_runs_again_leaves_no_thread_behind(notebook: Make) -> None:
    count = "print('threads', sum('inspector' in t.name for t in threading.enumerate()))"
    wait = "while sum('inspector' in t.name for t in threading.enumerate()) > 1: time.sleep(0.05)"
    book = notebook(LOAD, WORK, "nbtrace.view()", wait, count)
    book.run(0, 1, 2, 2, 2)
    book.inspector().until("s.trace.count === 16")
    book.run(3, 4)
    assert book.page.locator(".jp-OutputArea-output", has_text="threads 1").is_visible()


def test_after_a_reload_of_the_page_it_is_there_again(notebook: Make) -> None:
    book = notebook(LOAD, WORK, "nbtrace.view()")
    book.run(0, 1, 2)
    book.inspector().until("s.details.size === 16")
    book.save()
    book.open()
    inspector = book.inspector()
    inspector.until("s.trace.count >= 16 && s.details.size >= 16")


def test_a_saved_notebook_shows_the_twin_without_a_kernel_and_stays_small(notebook: Make, page: Any, lab: Lab) -> None:
    """Trusted or not: a plain table, with what it leaves out."""
    many = "for i in range(5000):\n    with nbtrace.span(f'step {i}', text='x' * 50): pass"
    book = notebook(LOAD, many, "nbtrace.view()")
    book.run(0, 1)
    book.save()
    before = (lab.root / book.name).stat().st_size
    book.run(2)
    book.inspector().until("s.trace.count > 5000")
    book.save()
    assert (lab.root / book.name).stat().st_size - before < 50_000
    stored = nbformat.read(lab.root / book.name, as_version=4)
    outputs = stored.cells[2].outputs
    assert [list(output.data) for output in outputs] == [
        ["text/html", "text/plain"],
        ["application/vnd.jupyter.widget-view+json", "text/plain"],
    ]
    assert "showing 50 of 5,0" in outputs[0].data["text/html"]
    assert outputs[1].data["text/plain"] == ""
    page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
    book.open()
    page.locator("table.nbtrace").wait_for()
    assert "cell [2]" in page.locator("table.nbtrace").inner_text()


def test_hostile_spans_are_text(notebook: Make) -> None:
    """No dialog, no failing script, no element of theirs."""
    hostile = r"""evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
from opentelemetry import trace
tracer = trace.get_tracer(evil)
with tracer.start_as_current_span(evil + "\x1b[31m\u202e\ud800" + "x" * 1_000_000, attributes={evil: evil, "n": float("nan"), "big": [1, 2]}) as s:
    s.add_event(evil, {evil: [evil] * 3})
    try:
        with nbtrace.span("</style><b>"): raise ValueError(evil)
    except ValueError: pass
for i in range(3): tracer.start_span("negative", start_time=10**18).end(end_time=10**17)"""
    book = notebook(LOAD, hostile, "nbtrace.view(cell=2)")
    book.run(0, 1, 2)
    inspector = book.inspector()
    inspector.until("s.details.size === 6")
    for key in "123456784":
        inspector.key(key)
    inspector.key("ArrowDown", "ArrowDown", "ArrowDown")
    inspector.element.get_by_role("complementary", name="Selected span").get_by_text("Identity").wait_for()
    assert inspector.element.locator("img, script, b").count() == 0


def test_it_stands_in_a_box_beside_another_widget_and_is_readable_when_narrow(notebook: Make) -> None:
    box = "import ipywidgets\nview = nbtrace.view(cell=2)\nview.layout.width = '500px'\nipywidgets.HBox([view, ipywidgets.Label('beside')])"
    book = notebook(LOAD, WORK, box)
    book.run(0, 1, 2)
    inspector = book.inspector()
    inspector.until("s.trace.count === 16")
    inspector.until("s.painted.count > 0")
    assert inspector.element.evaluate("e => e.classList.contains('nbt-narrow') && e.scrollWidth <= e.clientWidth")
    assert book.page.get_by_text("beside", exact=True).is_visible()


def test_the_notebook_keeps_its_keys_to_itself(notebook: Make) -> None:
    """d d deletes a cell, and 0 0 restarts the kernel, where the inspector has not the focus."""
    book = notebook(LOAD, WORK, "nbtrace.view()", "1 + 1")
    book.run(0, 1, 2)
    inspector = book.inspector()
    inspector.until("s.trace.count >= 16")
    inspector.element.locator("canvas.nbt-canvas").click(position={"x": 600, "y": 130})
    inspector.key("d", "d", "a", "b", "x", "0", "0")
    count = book.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length")
    assert count == 4


def test_hands_zoom_and_pan(notebook: Make) -> None:
    book = notebook(LOAD, WORK, "nbtrace.view(cell=2)")
    book.run(0, 1, 2)
    inspector = book.inspector()
    inspector.until("s.painted.count > 0")
    whole = inspector.ask("s.zoom.range.to - s.zoom.range.from")
    canvas = inspector.element.locator("canvas.nbt-canvas")
    canvas.hover(position={"x": 700, "y": 100})
    book.page.keyboard.down("Control")
    book.page.mouse.wheel(0, -300)
    book.page.keyboard.up("Control")
    inspector.until(f"s.zoom.range.to - s.zoom.range.from < {whole} * 0.8")
    middle = inspector.ask("s.zoom.range.from")
    box = canvas.bounding_box()
    book.page.mouse.move(box["x"] + 700, box["y"] + 100)
    book.page.mouse.down()
    book.page.mouse.move(box["x"] + 600, box["y"] + 100, steps=4)
    book.page.mouse.up()
    inspector.until(f"s.zoom.range.from > {middle}")
    inspector.key("0")
    inspector.until(f"Math.abs(s.zoom.range.to - s.zoom.range.from - {whole}) < 1e-6")


@pytest.mark.parametrize("policy", ["", "require-trusted-types-for 'script'"])
def test_a_report_is_one_file_that_asks_nobody(page: Any, tmp_path: Path, policy: str) -> None:
    """In a frame without rights, also where markup from text is forbidden altogether."""
    with (
        nbtrace.record() as rec,
        nbtrace.span("page </script><script>alert(1)</script>", html="<img src=x onerror=alert(1)>"),
    ):
        for _ in range(30):
            with nbtrace.span("query"):
                pass
    path = rec.report(tmp_path / "run.html")
    if policy:
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("default-src 'none'", f"{policy}; default-src 'none'"), encoding="utf-8")
        assert policy in path.read_text(encoding="utf-8")
    page.goto(path.as_uri())
    frame = page.frames[1]
    frame.wait_for_selector(".nbt canvas.nbt-canvas")
    inspector = InspectorOnPage(frame)
    for key in "123456789":
        inspector.element.focus()
        page.keyboard.press(key)
    inspector.element.focus()
    page.keyboard.press("1")
    page.keyboard.press("ArrowDown")
    frame.get_by_text("Identity").wait_for()
    assert "onerror" in frame.locator(".nbt-panel").inner_text()
    assert "query" in page.locator("main table").inner_text()
    assert json.dumps("<img") not in path.read_text(encoding="utf-8")
