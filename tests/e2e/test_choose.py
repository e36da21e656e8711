"""Choices among many: a list over everything else that finds by a part of a name, and keeps its keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import nbtrace
from tests.e2e.conftest import REQUIRED
from tests.e2e.lab import TIMEOUT_MS, InspectorOnPage, Lab, Notebook
from tests.e2e.test_look import AXE, opened, themed, wrong
from tests.kernels.kernel import start_kernel

__all__ = ["themed"]

Make = Callable[..., Notebook]

LOAD = "%load_ext nbtrace\nimport nbtrace, os, time, threading"
LONG = (
    "trips_of_all_regions = dict(year={0}, columns=['start', 'end', 'distance', 'fare', 'tip', 'passengers', 'vendor'])"
)
JOBS = """from opentelemetry import trace
from opentelemetry.context import Context
jobs = trace.get_tracer("jobs")
def job(number): jobs.start_span(f"job {number}", Context()).end()
for number in range(30): job(number)"""
GROW = """def grow():
    for number in range(30, 10_000):
        if os.path.exists("stop"): break
        job(number)
        time.sleep(0.05)
threading.Thread(target=grow).start()
nbtrace.view()"""
CELL = "cell whose code is shown"
VALUE = "e => e.getRootNode().activeElement?.getAttribute('aria-label')"
BOX = "e => { const box = e.getBoundingClientRect(); return [box.left, box.top, box.right, box.bottom]; }"
OVER = """e => { const box = e.getBoundingClientRect(), inside = (x, y) => e.contains(document.elementFromPoint(x, y));
    return [box.left + 6, box.right - 6].every(x => [box.top + 6, box.bottom - 6].every(y => inside(x, y))); }"""


@pytest.fixture(scope="module")
def many_cells(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A report of 330 cells."""
    folder = tmp_path_factory.mktemp("many")
    kernel = start_kernel(cwd=str(folder)).load()
    try:
        assert kernel.run("import nbtrace").status == "ok"
        for number in range(330):
            assert kernel.run(LONG.format(number)).status == "ok"
        assert kernel.run("nbtrace.report('run.html')").status == "ok"
        yield folder / "run.html"
    finally:
        kernel.stop()


def shown(page: Any, path: Path) -> InspectorOnPage:
    """The inspector of a report, which stands in a frame."""
    page.goto(path.as_uri())
    frame = page.frames[1]
    frame.wait_for_selector(".nbt canvas.nbt-canvas", timeout=TIMEOUT_MS)
    return InspectorOnPage(frame)


def listed(inspector: InspectorOnPage) -> Any:
    """The list that is open."""
    return inspector.element.get_by_role("listbox")


def active(inspector: InspectorOnPage) -> str:
    """The option where the keys are, as a screen reader is told."""
    found: str = inspector.element.get_by_role("combobox").evaluate(
        "e => e.getRootNode().getElementById(e.getAttribute('aria-activedescendant')).firstChild.textContent"
    )
    return found


def focused(inspector: InspectorOnPage) -> str:
    found: str = inspector.element.evaluate(VALUE)
    return found


def test_the_300th_cell_is_found_by_a_part_of_its_name_in_a_report_too(page: Any, many_cells: Path) -> None:
    """What is typed on the button is looked for at once; whole names are shown and what was found is marked; a key chooses."""
    inspector = shown(page, many_cells)
    inspector.element.focus()
    page.keyboard.press("2")
    inspector.until("s.view === 'code'")
    inspector.choice(CELL).focus()
    page.keyboard.type("VENDOR year=298")
    option = listed(inspector).get_by_role("option")
    inspector.element.get_by_role("status").filter(has_text="1 found").wait_for()
    number = re.match(r"\[(\d+)\] ", option.inner_text())
    assert number
    assert int(number[1]) >= 300
    name = f"{number[0]}{LONG.format(298)}"
    assert option.locator("span").first.inner_text() == name
    assert option.locator("mark").all_inner_texts() == ["year=298", "vendor"]
    assert re.fullmatch(r"[\d.]+ (µs|ms|s)", option.locator("span").last.inner_text())
    assert option.evaluate(
        "e => e.scrollWidth <= e.clientWidth && e.firstChild.scrollWidth <= e.firstChild.clientWidth"
    )
    page.keyboard.press("Enter")
    listed(inspector).wait_for(state="detached")
    inspector.drawn()
    assert inspector.choice(CELL).inner_text() == name
    assert inspector.choice(CELL).get_attribute("title") == name
    assert "year=298" in inspector.element.locator(".nbt-lines").first.inner_text()
    assert focused(inspector) == f"{CELL}: {name}"


def test_of_more_than_the_page_holds_the_rest_is_told_and_keys_reach_it(page: Any, many_cells: Path) -> None:
    """It opens where the choice is; the keys go through all, by one, by ten and to the ends, and each stays in sight."""
    inspector = shown(page, many_cells)
    inspector.choice("trace").click()
    assert active(inspector) == "all traces"
    assert listed(inspector).get_by_role("option").count() == 200
    assert re.search(r"… 13\d more: type to narrow$", listed(inspector).inner_text())
    sight = """e => { const row = e.querySelector('.nbt-active').getBoundingClientRect(), list = e.getBoundingClientRect();
        return row.top >= list.top - 1 && row.bottom <= list.bottom + 1; }"""
    tenth = listed(inspector).get_by_role("option").nth(10).locator("span").first.inner_text()
    for key, name in (
        ("End", "year=329,"),
        ("ArrowUp", "year=328,"),
        ("PageUp", "year=318,"),
        ("PageDown", "year=328,"),
        ("Home", "all traces"),
        ("PageDown", tenth),
    ):
        page.keyboard.press(key)
        inspector.drawn()
        assert name in active(inspector), key
        assert listed(inspector).evaluate(sight), key
    number = int(re.findall(r"year=(\d+)", tenth)[0]) + 190
    for _ in range(190):
        page.keyboard.press("ArrowDown")
    inspector.drawn()
    assert f"year={number}," in active(inspector)
    assert listed(inspector).evaluate(sight)
    page.keyboard.press("Escape")
    inspector.choice("trace").click()
    page.keyboard.type("year=197,")
    page.keyboard.press("Enter")
    inspector.until("s.scope.root >= 0")
    inspector.choice("trace").click()
    assert "year=197," in active(inspector)
    assert "year=197," in listed(inspector).get_by_role("option", selected=True).inner_text()


def test_escape_gives_focus_back_and_a_click_elsewhere_takes_it(page: Any, many_cells: Path) -> None:
    """Nothing is chosen by either, nor by Tab, which goes on from the choice; an empty search says so."""
    inspector = shown(page, many_cells)
    trace = inspector.choice("trace")
    trace.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert active(inspector) == "the latest"
    page.keyboard.press("Escape")
    assert listed(inspector).count() == 0
    assert focused(inspector) == "trace: all traces"
    trace.click()
    page.keyboard.type("no such cell")
    inspector.element.get_by_role("status").filter(has_text="0 found").wait_for()
    page.keyboard.press("Enter")
    assert focused(inspector) == "trace: all traces"
    trace.click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    listed(inspector).wait_for(state="detached")
    assert focused(inspector).startswith("search names")
    trace.click()
    listed(inspector).wait_for()
    trace.click()
    assert listed(inspector).count() == 0
    trace.click()
    inspector.element.get_by_role("status").last.click()
    listed(inspector).wait_for(state="detached")
    assert inspector.ask("s.scope.root") == -1


def test_it_is_cut_off_by_nothing_in_a_low_inspector_and_stands_above_where_there_is_no_room(
    notebook: Make, page: Any
) -> None:
    """Over the notebook's other cells, and never wider than the window; a page that scrolls closes it."""
    view = "view = nbtrace.view()\nview.height = 200\nview"
    book = notebook(LOAD, "import sys", JOBS + "\n#" * 60, view, *["1"] * 30)
    book.run(0, 1, 2, 3)
    inspector = book.inspector()
    inspector.until("s.trace.count >= 30")
    inspector.element.evaluate("e => e.scrollIntoView({block: 'start'})")
    inspector.drawn()
    trace = inspector.choice("trace")
    popup = listed(inspector).locator("..")
    trace.click()
    _, _, _, end = inspector.element.evaluate(BOX)
    left, top, right, bottom = popup.evaluate(BOX)
    assert bottom > end + 100
    assert top >= trace.evaluate(BOX)[3]
    assert popup.evaluate(OVER)
    page.keyboard.press("Escape")
    inspector.key("2")  # inside what is a frame of its own for the style of the page
    inspector.choice(CELL).click()
    assert abs(popup.evaluate(BOX)[1] - inspector.choice(CELL).evaluate(BOX)[3]) < 5
    assert popup.evaluate(OVER)
    page.keyboard.press("Escape")
    inspector.key("1")
    inspector.element.evaluate("e => e.scrollIntoView({block: 'end'})")
    inspector.drawn()
    trace.click()
    left, top, right, bottom = popup.evaluate(BOX)
    assert top < inspector.element.evaluate(BOX)[1] - 100
    assert bottom <= trace.evaluate(BOX)[1]
    assert popup.evaluate(OVER)
    page.mouse.move(left + 40, bottom - 40)
    page.mouse.wheel(0, 60)
    page.wait_for_function("e => e.scrollTop > 0", arg=listed(inspector).element_handle())
    page.mouse.move(left + 40, top - 60)
    page.mouse.wheel(0, -120)
    listed(inspector).wait_for(state="detached")
    page.set_viewport_size({"width": 380, "height": 500})
    inspector.element.evaluate("e => e.scrollIntoView({block: 'start'})")
    inspector.drawn()
    trace.click()
    left, top, right, bottom = popup.evaluate(BOX)
    assert left >= 0
    assert top >= 0
    assert right <= 380
    assert bottom <= 500


def test_new_traces_neither_close_it_nor_move_the_choice(notebook: Make, page: Any) -> None:
    """They come into the open list meanwhile."""
    book = notebook(LOAD, JOBS, GROW)
    book.run(0, 1, 2)
    try:
        inspector = book.inspector()
        inspector.until("s.trace.count >= 30")
        inspector.choice("trace").click()
        for _ in range(8):
            page.keyboard.press("ArrowDown")
        inspector.drawn()
        name = active(inspector)
        top = "e => e.querySelector('.nbt-active').getBoundingClientRect().top"
        place = listed(inspector).evaluate(top)
        known = inspector.ask("s.trace.count")
        inspector.until(f"s.trace.count >= {known + 8}")
        assert active(inspector) == name
        assert listed(inspector).evaluate(top) == place
        listed(inspector).get_by_role("option", name=re.compile(rf"^\[3\] job {known + 3} ")).wait_for(state="attached")
        page.keyboard.press("Enter")
        inspector.until("s.scope.root >= 0")
        assert inspector.choice("trace").inner_text() == name
    finally:
        (book.lab.root / "stop").write_text("")


def test_keys_stay_in_the_list_and_are_the_inspectors_again_after_a_click(notebook: Make) -> None:
    """d d would delete a cell, and 3 show another view."""
    book = notebook(LOAD, JOBS, "nbtrace.view()", "1 + 1")
    book.run(0, 1, 2)
    inspector = book.inspector()
    inspector.until("s.trace.count >= 30")
    inspector.key("1")
    inspector.choice("trace").click()
    for key in ("d", "d", "3", "c", "0", "0", "?", "Shift+Enter"):
        book.page.keyboard.press(key)
        if key == "?":
            assert inspector.element.get_by_role("combobox").input_value() == "dd3c00?"
            assert inspector.ask("[s.view, s.help, s.finder.typed].join()") == "waterfall,false,"
    assert book.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length") == 4
    inspector.choose("trace", re.compile(r"^\[2\] job 7 "))
    assert inspector.choice("trace").inner_text() == "[2] job 7"
    book.page.keyboard.press("3")
    inspector.until("s.view === 'time'")


def test_a_hundred_thousand_traces_open_and_narrow_in_time(page: Any, tmp_path: Path) -> None:
    """Within a second each on any machine that runs the tests; the browser holds 200 of them."""
    from opentelemetry import trace
    from opentelemetry.context import Context

    with nbtrace.record() as rec:
        tracer = trace.get_tracer("many")
        for number in range(100_000):
            tracer.start_span(f"job {number}", Context()).end()
    inspector = shown(page, rec.report(tmp_path / "run.html"))
    inspector.drawn()
    took = """async e => { const drawn = () => new Promise(done => requestAnimationFrame(() => setTimeout(done))), took = [];
        for (let round = 0; round < 3; round++) {
            let began = performance.now();
            e.querySelector(".nbt-scope > button").click();
            await drawn();
            const opened = performance.now() - began, field = e.querySelector("[role=combobox]");
            field.select();
            began = performance.now();
            document.execCommand("insertText", false, "9999");
            await drawn();
            took.push(Math.max(opened, performance.now() - began));
            if (round < 2) e.querySelector(".nbt-scope > button").click();
            await drawn();
        }
        return Math.min(...took); }"""
    assert inspector.element.evaluate(took) < 1_000
    assert listed(inspector).get_by_role("option").count() == 19
    assert active(inspector) == "job 9999"
    page.keyboard.press("Control+a")
    page.keyboard.press("Backspace")
    inspector.drawn()
    assert listed(inspector).get_by_role("option").count() == 200
    assert "… 99,802 more: type to narrow" in listed(inspector).inner_text()


@pytest.mark.skipif(not (AXE.exists() or REQUIRED), reason="needs axe-core: npm ci in nbtrace/views/frontend")
def test_a_check_of_accessibility_has_nothing_to_say_of_an_open_list(page: Any, themed: Lab) -> None:
    """Light and dark, whole and narrowed, with a field and without one."""
    inspector = opened(page, themed)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for view, label in (("waterfall", "trace"), ("waterfall", "group by"), ("code", CELL), ("compare", "after")):
        inspector.ask(f"(s.show('{view}'), 0)")
        inspector.drawn()
        inspector.choice(label).click()
        listed(inspector).wait_for()
        found[label] = wrong(inspector)
        page.keyboard.type("r")
        found[f"{label} narrowed"] = wrong(inspector)
        assert listed(inspector).locator("mark").count() > 0, label
        page.keyboard.type("§")
        found[f"{label} without any"] = wrong(inspector)
        page.keyboard.press("Escape")
    assert {what: texts for what, texts in found.items() if texts} == {}


def test_a_sandwich_is_made_around_what_is_chosen_from_spans_and_functions(notebook: Make) -> None:
    """The heaviest first, by its own time; of functions it is from samples."""
    slow = "def slow():\n    end = time.thread_time() + 0.4\n    while time.thread_time() < end: pass"
    book = notebook(LOAD, f"import time\n{slow}", "with nbtrace.span('outer'):\n    slow()", "nbtrace.view()")
    book.run(0, 1, 2, 3)
    inspector = book.inspector()
    inspector.until("s.trace.names.includes('outer') && s.profile.count > 10")
    inspector.key("5")
    around = inspector.choice("around")
    assert around.inner_text() == "outer"  # whose time is its own as far as spans know
    around.click()
    function = inspector.element.get_by_role("option").filter(has_text="slow")
    assert re.search(r"^slow · cell \[\d\].*~[\d.]+ (ms|s) of [\d.]+ (ms|s)$", function.first.inner_text(), re.DOTALL)
    own = [
        float(number) * {"s": 1e3, "ms": 1, "µs": 1e-3, "ns": 1e-6}[unit]
        for option in inspector.element.get_by_role("option").all_inner_texts()
        for number, unit in re.findall(r"([\d.]+) (\S+) of ", option)
    ]
    assert own == sorted(own, reverse=True)
    function.first.click()
    inspector.drawn()
    assert inspector.ask("s.samples.symbols.text(s.name)").startswith("slow · cell [")
    assert around.inner_text().startswith("slow · cell [")
