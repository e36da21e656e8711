"""What an inspector costs its tab while a recording at its bound goes on: the renderer's memory, minute by minute.

NBTRACE_MEMORY_MINUTES, _RATE (spans a second) and _BOUND (max_spans) say for how long and how much. Needs playwright, Chromium
and Linux, whose /proc is asked."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.e2e.lab import CHROMIUM, InspectorOnPage, Notebook, lab_server

MINUTES = float(os.environ.get("NBTRACE_MEMORY_MINUTES", "4"))
RATE = int(os.environ.get("NBTRACE_MEMORY_RATE", "2000"))
BOUND = int(os.environ.get("NBTRACE_MEMORY_BOUND", "20000"))

WORK = """
import time
from opentelemetry import trace
tracer = trace.get_tracer("bench")
made = 0
def work(seconds, rate):
    global made
    began, done = time.perf_counter(), 0
    while (now := time.perf_counter() - began) < seconds:
        while done < now * rate:
            with tracer.start_as_current_span(f"request {made // 50}", attributes={"n": made, "kind": "x", "share": 0.5}) as span:
                for name in ("query", "render", "send"):
                    with tracer.start_as_current_span(name, attributes={"text": f"{name} {made}"}): pass
                if made % 40 == 0: span.add_event("retry", {"attempt": made})
            made += 4
            done += 4
        time.sleep(0.01)
"""

STATE = """({rows: s.trace.count, details: s.details.size, names: s.trace.names.length,
    cells: s.trace.cells.size, events: s.trace.events.size, painted: s.painted.count})"""


def resident(pid: int) -> float:
    """The resident memory of a process, in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Print the memory of the tab and of its kernel, the heap and the rows at the end of each minute."""
    from playwright.sync_api import sync_playwright

    print(f"memory: {RATE:,} spans a second for {MINUTES:g} min, max_spans {BOUND:,}")
    with tempfile.TemporaryDirectory() as folder, lab_server(Path(folder)) as lab, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--js-flags=--expose-gc"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        setup = f"%load_ext nbtrace\n%config NBTrace.max_spans = {BOUND}\nimport nbtrace, os{WORK}"
        # The last cell is none of those that run: after that one, the notebook would make another, and grow by itself.
        cells = [setup, "print('kernel', os.getpid(), end='')", "nbtrace.view()", f"work(4, {RATE})", ""]
        book = Notebook.make(page, lab, "memory.ipynb", *cells)
        book.run(0, 1, 2)
        inspector = InspectorOnPage(page)
        text = page.locator(".jp-OutputArea-output pre", has_text="kernel ").first.inner_text()
        kernel = int(text.split()[1])
        processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
        tab = max((each["id"] for each in processes if each["type"] == "renderer"), key=resident)
        began = last = time.monotonic()
        told(page, inspector, 0, tab, kernel)
        while time.monotonic() - began < MINUTES * 60:
            book.run(3)
            if time.monotonic() - last >= 30:
                last = time.monotonic()
                told(page, inspector, (last - began) / 60, tab, kernel)
        page.evaluate("() => window.gc?.()")
        told(page, inspector, (time.monotonic() - began) / 60, tab, kernel)
        print("   the last after a collection of garbage")
        browser.close()


def told(page: Any, inspector: InspectorOnPage, minutes: float, tab: int, kernel: int) -> None:
    """Print a line."""
    heap = page.evaluate("() => performance.memory?.usedJSHeapSize ?? 0") / 1e6
    state = inspector.ask(STATE)
    parts = ", ".join(f"{name} {number:,}" for name, number in state.items())
    print(
        f"  {minutes:5.1f} min: tab {resident(tab):6.0f} MB, heap {heap:5.0f} MB, kernel {resident(kernel):5.0f} MB; {parts}",
        flush=True,
    )
