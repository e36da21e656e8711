"""How the inspector looks: what axe-core can tell of that, in every view, on light and on dark ground."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

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
    book = Notebook.make(page, lab, "look.ipynb", *CELLS)
    book.run(*range(len(CELLS)))
    inspector = book.inspector()
    inspector.until("s.details.size >= 17 && s.profile.count > 0")
    return inspector


@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core: npm ci in nbtrace/views/frontend")
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
