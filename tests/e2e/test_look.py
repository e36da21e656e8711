"""How the inspector looks: what axe-core can tell of that, in every view, on light and on dark ground."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import nbtrace
from tests.e2e.conftest import REQUIRED
from tests.e2e.lab import InspectorOnPage, Lab, Notebook, lab_server

AXE = Path(__file__).parents[2] / "nbtrace/views/frontend/node_modules/axe-core/axe.min.js"
VIEWS = ("waterfall", "code", "time", "heavy", "sandwich", "cells", "table", "errors", "compare")

CELLS = (
    "%load_ext nbtrace\nimport nbtrace, time",
    """def fit(fold):
    with nbtrace.span("fit", fold=fold) as span:
        span.add_event("epoch", {"loss": [0.5, 0.25]})
        with nbtrace.span("gen_ai.chat", **{"gen_ai.request.model": "m", "jupyter.notebook.path": "a/b.ipynb"}):
            time.sleep(0.06)""",
    "for fold in range(3): fit(fold)",
    "for fold in range(3): fit(fold)",
    "with nbtrace.span('report'):\n    raise KeyError('best')",
    "nbtrace.view()",
)
_NUMBERS = count(1)
WRONG = """async e => (await axe.run(e)).violations.flatMap(rule => rule.nodes.map(node =>
    `${rule.id}: ${node.html.slice(0, 160)}: ${node.any.concat(node.all, node.none).map(each => each.message).join("; ")}`))"""


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, lab: Lab, tmp_path: Path) -> Iterator[Lab]:
    if request.param == "light":
        yield lab
    else:
        with lab_server(tmp_path, dark=True) as dark:
            yield dark


def wrong(inspector: InspectorOnPage) -> list[str]:
    """What axe-core says of an inspector as it stands there."""
    inspector.drawn()
    found: list[str] = inspector.element.evaluate(WRONG)
    return found


def opened(page: Any, lab: Lab) -> InspectorOnPage:
    """An inspector of some work, a failure, and two runs that can be compared."""
    book = Notebook.make(page, lab, f"look-{next(_NUMBERS)}.ipynb", *CELLS)  # another has another kernel
    book.run(*range(len(CELLS)))
    inspector = book.inspector()
    inspector.until("s.details.size >= 17 && s.profile.count > 0")
    return inspector


@pytest.mark.skipif(not (AXE.exists() or REQUIRED), reason="needs axe-core: npm ci in nbtrace/views/frontend")
def test_a_check_of_accessibility_has_nothing_to_say_of_any_view(page: Any, themed: Lab) -> None:
    """WCAG AA, contrast included, wide and narrow, with a span in the panel, and with the keys shown."""
    inspector = opened(page, themed)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for width in ("", "530px"):
        inspector.element.evaluate("(e, width) => { e.parentElement.parentElement.style.width = width; }", width)
        for view in VIEWS:
            inspector.ask(f"(s.select(-1), s.name = s.trace.names.indexOf('fit'), s.show('{view}'), 0)")
            found[f"{view} {width}"] = wrong(inspector)
            inspector.ask("(s.select([...Array(s.trace.count).keys()].find(r => s.trace.nameOf(r) === 'fit')), 0)")
            inspector.element.get_by_role("complementary").get_by_text("Identity").wait_for()
            found[f"{view} {width} with a span"] = wrong(inspector)
        inspector.key("?")
        found[f"keys {width}"] = wrong(inspector)
        inspector.key("Escape", "1")
        inspector.ask("(s.finder.look('duration > 1ms and fold == '), 0)")
        found[f"a search that cannot be read {width}"] = wrong(inspector)
        inspector.ask("(s.finder.look(''), s.toggle('critical'), s.toggle('errors'), 0)")
        found[f"pills {width}"] = wrong(inspector)
        inspector.ask("(s.toggle('critical'), s.toggle('errors'), 0)")
    assert {what: texts for what, texts in found.items() if texts} == {}


def wide(inspector: InspectorOnPage, width: int) -> None:
    """Give an inspector so much room, and wait until it has taken it."""
    inspector.element.evaluate("(e, w) => { e.parentElement.parentElement.style.width = `${w}px`; }", width)
    inspector.drawn()
    inspector.drawn()


ROWS = """e => { const middles = [...e.querySelectorAll(".nbt-top :is(button, select, input)")].map(each => {
    const box = each.getBoundingClientRect(); return box.top + box.height / 2; });
    return Math.round((Math.max(...middles) - Math.min(...middles)) / 30) + 1; }"""


def test_the_tools_stand_in_one_row_and_in_two_where_it_is_narrow(page: Any, lab: Lab) -> None:
    """In every view, also when a trace with a long name is looked at; nothing of them is cut off."""
    page.set_viewport_size({"width": 1800, "height": 900})
    inspector = opened(page, lab)
    cut = "e => [...e.querySelectorAll('.nbt-top button')].filter(b => b.scrollWidth > b.clientWidth + 1).length"
    for width, rows in ((1600, 1), (1085, 1), (530, 2)):
        wide(inspector, width)
        for root in ("-1", "s.trace.tree.roots[1]"):
            inspector.ask(f"(s.focus({root}), 0)")
            for view in VIEWS:
                inspector.ask(f"(s.show('{view}'), 0)")
                inspector.drawn()
                assert inspector.element.evaluate(ROWS) == rows, (width, view)
                assert inspector.element.evaluate(cut) == 0, (width, view)
                assert inspector.element.evaluate("e => e.scrollWidth - e.clientWidth") <= 0, (width, view)
    assert inspector.choice("trace").get_attribute("title")


def test_it_is_as_high_as_what_it_shows_up_to_a_limit(page: Any, lab: Lab) -> None:
    """Little is shown without empty ground below it, and much in the height that was chosen."""
    inspector = opened(page, lab)
    height = "e => e.offsetHeight"
    inspector.ask(
        "(s.show('waterfall'), s.focus(s.trace.tree.rootOf([...Array(s.trace.count).keys()].find(r => s.trace.nameOf(r) === 'report'))), 0)"
    )
    inspector.until("s.lines.count === 2")
    inspector.drawn()
    low = inspector.element.evaluate(height)
    assert low < 340
    inspector.ask("(s.focus(-1), s.folds.openAll(true, s.scope.rows()), 0)")
    inspector.until("s.lines.count > 16")
    inspector.drawn()
    assert inspector.element.evaluate(height) == 460
    for view in ("heavy", "sandwich", "cells", "table", "errors", "compare"):
        inspector.ask(f"(s.select(-1), s.name = s.trace.names.indexOf('fit'), s.show('{view}'), 0)")
        inspector.drawn()
        inspector.drawn()
        empty = inspector.element.evaluate(
            """e => { const stage = e.querySelector(".nbt-stage"), inside = stage.querySelector(".nbt-scroll") ?? stage;
                const last = [...inside.children].filter(each => !each.matches(".nbt-read")).at(-1).getBoundingClientRect();
                return inside.getBoundingClientRect().bottom - last.bottom; }"""
        )
        assert empty < 60, view


@pytest.mark.parametrize("view", ["cells", "table"])
def test_tables_need_no_scrolling_sideways(page: Any, lab: Lab, view: str) -> None:
    page.set_viewport_size({"width": 1800, "height": 900})
    inspector = opened(page, lab)
    inspector.ask(f"(s.focus(-1), s.show('{view}'), 0)")
    for width in (1600, 1085, 745, 530, 400):
        wide(inspector, width)
        more = "e => { const inside = e.querySelector('.nbt-scroll'); return inside.scrollWidth - inside.clientWidth; }"
        assert inspector.element.evaluate(more) <= 0, width
        assert inspector.element.locator(".nbt-bar").first.is_visible(), width


def test_a_report_scrolls_in_one_place(page: Any, tmp_path: Path) -> None:
    """The page itself stands still; what is told without a script is one click away."""
    with nbtrace.record() as rec:
        for _ in range(60):
            with nbtrace.span("query"):
                pass
    page.goto(rec.report(tmp_path / "run.html").as_uri())
    page.frames[1].wait_for_selector(".nbt canvas.nbt-canvas")
    moves = "() => document.documentElement.scrollHeight - document.documentElement.clientHeight"
    assert page.evaluate(moves) == 0
    assert page.frames[1].evaluate(moves) == 0
    assert not page.locator("main table").is_visible()
    page.get_by_text("the same as text").click()
    page.locator("main table").wait_for()
    assert page.evaluate(moves) == 0


def test_the_field_that_is_typed_into_stays_where_it_is(page: Any, lab: Lab) -> None:
    """A filter leaves few lines, but the inspector as high as it was."""
    inspector = opened(page, lab)
    inspector.ask("(s.show('waterfall'), s.focus(-1), 0)")
    inspector.until("s.lines.count > 10")
    inspector.drawn()
    field = inspector.element.get_by_role("searchbox")
    # In the inspector: to fill a field that is out of sight scrolls the page.
    top = "querySelector('[type=search]').getBoundingClientRect().top"
    measured = f"e => [e.offsetHeight, e.{top} - e.getBoundingClientRect().top]"
    before = inspector.element.evaluate(measured)
    field.fill("name == 'report'")
    inspector.until("s.finder.found.length === 1 && s.lines.count < 5")
    inspector.drawn()
    assert inspector.element.evaluate(measured) == before
