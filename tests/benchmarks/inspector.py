"""The inspector in a real JupyterLab and Chromium: from the call to the first paint, frames while panning and zooming, and
what it costs a cell that makes a thousand spans a second. Needs playwright and Chromium, as tests/e2e do."""

from __future__ import annotations

import gzip
import statistics
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

from tests.e2e.lab import CHROMIUM, InspectorOnPage, Lab, Notebook, lab_server

SIZES = (10_000, 100_000, 1_000_000)

FILL = """
from tests.benchmarks.dataframes import filled
from nbtrace.api import Recording
import time
rec = Recording(filled({spans}, 1_000))
"""

WATCH = """() => { window.seen = new Promise(resolve => { const look = () => {
    const e = document.querySelector('.nbt'); const s = e?.parentElement.parentElement.nbtrace;
    if (s?.painted.count > 0 && s.trace.count >= SPANS) resolve(Date.now()); else requestAnimationFrame(look); }; look(); }); }"""

FRAMES = """async e => { const s = e.parentElement.parentElement.nbtrace; const whole = s.scope.whole.to - s.scope.whole.from; const times = [];
    s.show('time'); await new Promise(r => setTimeout(r, 500));
    let last = performance.now();
    for (let i = 0; i < 120; i++) {
        if (i < 40) s.zoom.by(0.93, 0.3); else if (i < 80) s.zoom.pan(0.05); else s.zoom.by(1.08, 0.6);
        await new Promise(requestAnimationFrame);
        const now = performance.now(); times.push(now - last); last = now; }
    return times; }"""

FILL_SAMPLES = """
from tests.benchmarks.followed import filled
from nbtrace.api import Recording
rec = Recording(filled().store)
"""

SHOWN = """async e => { const s = e.parentElement.parentElement.nbtrace; const drawn = () => new Promise(r => requestAnimationFrame(() => setTimeout(r)));
    const took = {};
    for (const view of ['code', 'time', 'heavy', 'waterfall']) { await drawn(); const began = performance.now(); s.show(view); await drawn(); await drawn();
        took[view] = performance.now() - began; }
    return took; }"""

LIVE = """
import time, statistics
from opentelemetry import trace
tracer = trace.get_tracer("bench")
def work():
    began = time.perf_counter()
    for i in range(4_000):
        with tracer.start_as_current_span("work", attributes={"n": i, "kind": "x", "share": 0.5}):
            for _ in range(9_000): pass
    return time.perf_counter() - began
"""


def opening(page: Any, lab: Lab, spans: int) -> None:
    """Print how long it takes until it is drawn, and how it moves."""
    show = "began = time.time()\nview = rec.view()\ndisplay(view)\nprint('began', began)"
    book = Notebook.make(
        page, lab, f"opening_{spans}.ipynb", FILL.format(spans=spans), "import nbtrace.views.inspector.widget", show
    )
    book.run(0, 1)
    page.evaluate(WATCH.replace("SPANS", str(spans)))
    book.start(2)
    drawn = page.evaluate("() => window.seen")
    book.wait(2)
    text = page.locator(".jp-OutputArea-output", has_text="began").last.inner_text()
    began = float(text.split()[1]) * 1_000
    inspector = InspectorOnPage(page)
    times = sorted(inspector.element.evaluate(FRAMES))
    middle, high = times[len(times) // 2], times[int(len(times) * 0.95)]
    print(
        f"  {spans:>9,} spans: {(drawn - began) / 1_000:5.2f} s from the call to the first paint; frames {middle:.1f} ms, "
        f"p95 {high:.1f} ms"
    )
    page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")


def inside(page: Any, lab: Lab) -> None:
    """Print how long views of a hundred thousand samples beside ten thousand spans take to be drawn for the first time, and how
    the flame graph moves."""
    book = Notebook.make(page, lab, "inside.ipynb", FILL_SAMPLES, "rec.view()")
    book.run(0, 1)
    inspector = InspectorOnPage(page)
    inspector.until("s.profile.count === 100000 && s.trace.count > 10000")
    took = inspector.element.evaluate(SHOWN)
    times = sorted(inspector.element.evaluate(FRAMES))
    shown = ", ".join(f"{view} {ms:.0f} ms" for view, ms in took.items())
    print(
        f"  100,000 samples beside 10,000 spans: first drawn in {shown}; frames of the flame graph {times[len(times) // 2]:.1f} ms, "
        f"p95 {times[int(len(times) * 0.95)]:.1f} ms"
    )
    page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")


def live(page: Any, lab: Lab) -> None:
    """Print how much slower a cell is while an inspector follows it: turns with and without, alternately."""
    measure = "print('times', work())"
    cells = [
        "%load_ext nbtrace\nimport nbtrace\n" + LIVE,
        "view = nbtrace.view()\nview",
        *[measure, "view._feed.rest()", measure, "view._feed.start()"] * 8,
    ]
    book = Notebook.make(page, lab, "live.ipynb", *cells)
    book.run(0, 1)
    InspectorOnPage(page)
    times: list[float] = []
    for cell in range(2, len(cells)):
        book.run(cell)
        if cell % 2 == 0:
            output = page.evaluate(
                "c => window.jupyterapp.shell.currentWidget.content.widgets[c].model.outputs.toJSON().map(o => o.text).join('')",
                cell,
            )
            times.append(float(output.split()[1]))
    ratios = [followed / alone for followed, alone in zip(times[0::2], times[1::2], strict=True)]
    rate = 4_000 / statistics.median(times)
    print(f"  live at {rate:,.0f} spans a second: the cell takes {statistics.median(ratios):.3f} × the time without")


def main() -> None:
    """All of it."""
    from playwright.sync_api import sync_playwright

    bundle = files("nbtrace.views").joinpath("static", "inspector.js").read_bytes()
    print(f"inspector: bundle {len(gzip.compress(bundle, 9)) / 1_000:.0f} kB gzipped")
    with tempfile.TemporaryDirectory() as folder, lab_server(Path(folder)) as lab, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        for spans in SIZES:
            opening(browser.new_page(), lab, spans)
        inside(browser.new_page(), lab)
        live(browser.new_page(), lab)
        browser.close()
