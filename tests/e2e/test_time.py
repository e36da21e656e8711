"""The time axis in a browser: what is idle folds, hands open it, and zoom goes back."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.lab import InspectorOnPage, Notebook

Make = Callable[..., Notebook]

APART = """import time
from opentelemetry import trace
from opentelemetry.context import Context
import nbtrace
tracer = trace.get_tracer("apart")
with nbtrace.record() as rec:
    moment = time.time_ns() - 3_600 * 10**9
    for pause in (600, 600, 0):
        tracer.start_span("work", Context(), start_time=moment).end(moment + 10**9)
        moment += 10**9 * (1 + pause)
rec.view()"""

BREAKS = "s.idle.timeline.stretches.filter(each => each.folded).length"


def opened(notebook: Make) -> InspectorOnPage:
    """Three spans of a second, ten minutes apart, all of them in sight."""
    book = notebook(APART)
    book.run(0)
    inspector = book.inspector()
    inspector.until("s.trace.count === 3 && s.painted.count > 0")
    inspector.choose("trace", "all traces")
    inspector.until(f"{BREAKS} === 2")
    return inspector


def test_a_click_on_a_break_opens_it_and_a_key_opens_all(notebook: Make) -> None:
    """Each second takes about a third of the width; a stretch that was opened is folded again by its edge on the axis."""
    inspector = opened(notebook)
    inspector.key("3")
    inspector.until("s.view === 'time'")
    canvas = inspector.element.locator("canvas.nbt-canvas")
    width = canvas.bounding_box()["width"]
    middle = inspector.ask("(t => t.shown(s.trace.start[1] - 3e5) / t.shown(s.scope.whole.to))(s.idle.timeline)")
    assert 0.3 < middle < 0.4
    canvas.click(position={"x": width * middle, "y": 100})
    inspector.until(f"{BREAKS} === 1")
    canvas.click(position={"x": width / 2, "y": 3})
    inspector.until(f"{BREAKS} === 2")
    inspector.key("i")
    inspector.until(f"{BREAKS} === 0")
    inspector.element.get_by_role("button", name="fold idle").click()
    inspector.until(f"{BREAKS} === 2")


def test_zoom_goes_back_to_what_was_shown_and_to_the_trace(notebook: Make) -> None:
    """By keys and by a button."""
    inspector = opened(notebook)
    back = inspector.element.get_by_role("button", name="what was shown before")
    whole = inspector.ask("s.zoom.range.to - s.zoom.range.from")
    inspector.element.locator("canvas.nbt-canvas").hover(position={"x": 700, "y": 100})
    inspector.page.keyboard.down("Control")
    inspector.page.mouse.wheel(0, -300)
    inspector.page.keyboard.up("Control")
    inspector.until(f"s.zoom.range.to - s.zoom.range.from < {whole} * 0.9")
    inspector.choose("trace", "work", 1)
    inspector.until("s.scope.root === 1")
    inspector.key("Backspace", "Backspace")
    inspector.until(f"s.scope.root < 0 && Math.abs(s.zoom.range.to - s.zoom.range.from - {whole}) < 1")
    inspector.key("Shift+Backspace", "Shift+Backspace")
    inspector.until("s.scope.root === 1")
    back.click()
    inspector.until("s.scope.root < 0")
