"""A cell that nobody instrumented explains itself in the inspector: its code with what each line took, while it runs and after."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.lab import InspectorOnPage, Notebook

Make = Callable[..., Notebook]

LOAD = "%load_ext nbtrace\nimport nbtrace, time"
HELP = """def busy(seconds):
    end = time.perf_counter() + seconds
    number = 0
    while time.perf_counter() < end:
        for each in range(1000):
            number += each * 7"""
SLOW = """total = 0
for part in range(3):
    busy(0.1)
time.sleep(0.15)"""


def lines(inspector: InspectorOnPage) -> dict[str, str]:
    """What stands beside each line of the cell, by its number."""
    inspector.element.locator(".nbt-lines").first.wait_for()
    rows = inspector.element.locator(".nbt-lines tbody:first-of-type > tr:not(.nbt-opened)").all()
    texts = [[cell.strip() for cell in row.inner_text().replace("▸", "").replace("▾", "").split("\t")] for row in rows]
    return {text[0]: " ".join(filter(None, text[1:])) for text in texts}


def shown(notebook: Make, *cells: str) -> InspectorOnPage:
    book = notebook(LOAD, HELP, *cells, "nbtrace.view()")
    book.run(*range(len(cells) + 3))
    inspector = book.inspector()
    inspector.until("s.profile.count > 5")
    return inspector


def test_without_a_span_of_ones_own_the_code_opens_with_what_each_line_took(notebook: Make) -> None:
    """A line that is a statement is measured; of a loop the lines are from samples, and its statement is measured."""
    inspector = shown(notebook, SLOW)
    inspector.until("s.view === 'code'")
    told = lines(inspector)
    assert list(told) == ["1", "2", "3", "4"]
    assert re.fullmatch(r"~[\d.]+ m?s\s+\d+ %.* busy\(0\.1\)", told["3"])
    assert re.fullmatch(r"\d+ ms\s+\d+ %.* time\.sleep\(0\.15\)", told["4"])
    assert "hottest: cell [2] line" in inspector.element.locator(".nbt-codehead").inner_text()
    assert inspector.element.locator(".nbt-elsewhere").inner_text() == "in functions of cell [2]"
    assert inspector.element.locator(".nbt-lines tbody:first-of-type .nbt-c-keyword", has_text="for").count() == 1


def test_a_line_that_is_clicked_opens_what_it_called(notebook: Make) -> None:
    inspector = shown(notebook, SLOW)
    line = inspector.element.get_by_role("button", name="line 3: what it called", exact=True)
    line.click()
    opened = inspector.element.locator(".nbt-opened")
    opened.wait_for()
    assert "cell [2] line 6 in busy" in opened.inner_text()
    line.click()
    opened.wait_for(state="detached")


def test_with_spans_of_ones_own_the_line_tells_them_and_the_panel_tells_what_is_inside(notebook: Make) -> None:
    """It opens with the waterfall; `c` goes to the code of the cell."""
    inspector = shown(notebook, "x = 1\nwith nbtrace.span('work'):\n    busy(0.3)\ny = 2")
    assert inspector.ask("s.view") == "waterfall"
    inspector.key("c")
    inspector.element.get_by_role("button", name="line 3: what it called", exact=True).click()
    inspector.element.locator(".nbt-opened").get_by_role("button", name="work").click()
    inspector.until("s.trace.nameOf(s.selected) === 'work'")
    panel = inspector.element.get_by_role("complementary", name="Selected span")
    panel.get_by_text("Inside").wait_for()
    text = panel.inner_text()
    assert "Python" in text
    assert "cell [2] 6" in text
    assert "busy" in text


def test_the_line_that_failed_is_marked_with_its_error(notebook: Make) -> None:
    inspector = shown(notebook, "busy(0.2)\nfor i in range(2):\n    busy(0.05)\n    1 / (1 - i)")
    inspector.until("s.view === 'code'")
    failed = inspector.element.locator(".nbt-failed")
    failed.get_by_text("ZeroDivisionError: division by zero").wait_for()
    assert failed.inner_text().strip().startswith(("▸ 4", "▸4", "4"))


def test_while_a_cell_hangs_its_code_says_where_it_is_and_fills(notebook: Make) -> None:
    """No answer of the kernel is needed: it has none."""
    book = notebook(LOAD, HELP, "nbtrace.view()", "stop = 1\nwhile time.perf_counter() > 0:\n    busy(0.01)\nstop = 2")
    book.run(0, 1, 2)
    inspector = book.inspector()
    inspector.key("c")
    book.start(3)
    running = inspector.element.locator(".nbt-runs")
    running.get_by_text("busy(0.01)").wait_for()
    assert "▶" in running.inner_text()
    count = inspector.ask("s.profile.count")
    inspector.until(f"s.profile.count > {count} + 20")
    assert book.running(3)
    assert "~" in lines(inspector)["3"]
    book.page.evaluate("() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
    book.wait(3)
    running.wait_for(state="detached")


def test_cells_are_sorted_by_what_they_took(notebook: Make) -> None:
    inspector = shown(notebook, SLOW, "busy(0.6)", "time.sleep(0.35)")
    inspector.key("6")
    table = inspector.element.locator(".nbt-table")
    table.wait_for()

    def order() -> list[str]:
        return [text.strip() for text in table.locator("tbody tr td:first-child").all_inner_texts()]

    assert order() == ["[2]", "[3]", "[4]", "[5]"]
    table.get_by_role("button", name="cpu", exact=True).click()
    table.get_by_role("button", name="cpu ↓").wait_for()
    # Which took most is the machine's affair.
    by_cpu = "[...s.trace.cells.values()].map(c => [c[1], s.profile.resources.get(c[0])?.[1] ?? -1]).sort((a, b) => b[1] - a[1])"
    assert order() == [f"[{count}]" for count, _ in inspector.ask(by_cpu)]
    table.get_by_role("button", name="hottest", exact=True).click()
    table.get_by_role("button", name="hottest ↓").wait_for()
    # Of two that are as hot the earlier stands first; of what is short nothing is said.
    by_share = """[...s.times.spans].map(([c, row]) => [s.trace.cells.get(c)[1], s.trace.duration(row) < 100 ? -1
        : Math.round((s.times.hottestOf(c)?.share ?? -1) * 100)]).sort((a, b) => b[1] - a[1])"""
    assert order() == [f"[{count}]" for count, _ in inspector.ask(by_share)]
    assert set(order()[:2]) == {"[4]", "[5]"}
    assert order()[-1] == "[2]"
    table.get_by_role("button", name="line 1 time.sleep").click()
    inspector.until("s.view === 'code'")
    assert list(lines(inspector)) == ["1"]


def test_the_flame_graph_shows_sampled_functions_by_a_key_and_finds_them(notebook: Make) -> None:
    inspector = shown(
        notebook,
        "import statistics\nend = time.perf_counter() + 0.6\nwhile time.perf_counter() < end:\n    statistics.mean([1.5, 2.5] * 20)",
    )
    inspector.key("3")
    legend = inspector.element.locator(".nbt-bottom").get_by_text("waiting")
    legend.wait_for()
    inspector.key("p")
    legend.wait_for(state="detached")
    inspector.element.get_by_role("button", name="samples").click()
    legend.wait_for()
    search = inspector.element.get_by_role("searchbox")
    search.fill("_sum")
    inspector.element.get_by_text(re.compile(r"functions? found")).wait_for()
    search.press("Enter")
    inspector.until("s.name >= 2 ** 24 && s.samples.symbols.text(s.name).startsWith('_sum')")
    inspector.key("5")
    inspector.element.get_by_role("img", name="Callers above, callees below").wait_for()


def test_lanes_above_the_waterfall_name_the_peaks_and_hide_by_a_key(notebook: Make) -> None:
    inspector = shown(notebook, "grown = [bytearray(20_000_000) for _ in range(3)]\nbusy(0.4)")
    inspector.key("1")
    inspector.until("s.painted.count > 0")
    lanes = inspector.element.locator(".nbt-usage canvas[role=img]")
    said = lanes.get_attribute("aria-label") or ""
    assert re.search(r"CPU: peak [\d.]+ cores? at .*; memory: peak [\d.]+ MB at ", said), said
    box = inspector.element.locator("canvas.nbt-canvas").bounding_box()
    inspector.page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 40)
    inspector.element.locator(".nbt-cross").wait_for(state="visible")
    assert "MB" in inspector.element.locator(".nbt-meter").last.inner_text()
    inspector.key("m")
    lanes.wait_for(state="detached")


def test_a_report_has_the_code_too(notebook: Make, page: Any, tmp_path: Path) -> None:
    book = notebook(LOAD, HELP, SLOW, f"nbtrace.report({str(tmp_path / 'run.html')!r})")
    book.run(0, 1, 2, 3)
    report = page.context.new_page()
    report.goto((tmp_path / "run.html").as_uri())
    frame = report.frames[1]
    frame.locator(".nbt-lines").first.wait_for()
    assert "time.sleep(0.15)" in frame.locator(".nbt-lines").first.inner_text()
