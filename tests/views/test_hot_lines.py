"""What a report says of samples."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd

import nbtrace
from nbtrace.views.hot_lines import MAX_CELLS, MAX_PROFILE, profile_link, section
from tests.formats.profiles import MERGE, Profiled
from tests.rows import row

MARKUP = "</table><script>alert(1)</script><img src=x onerror=alert(1)>"


def profile_in(page: str) -> dict[str, Any]:
    """The profile that a page hands out."""
    (found,) = re.findall(
        r'<a download="run\.speedscope\.json" href="data:application/json;base64,([A-Za-z0-9+/=]+)">', page
    )
    read: dict[str, Any] = json.loads(b64decode(found))
    return read


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.append(tag)


def made_report(made: Profiled, tmp_path: Path, **asked: Any) -> str:
    return made.recording.report(tmp_path / "run.html", **asked).read_text(encoding="utf-8")


def test_a_report_carries_the_profile(tmp_path: Path) -> None:
    """As it would be saved, and under a policy that is what it was."""
    made = Profiled()
    cell = made.cell(4, f"work() # {MARKUP}")
    made.sample(cell, 30, made.line(cell, 1), (MARKUP, MERGE[1], 3, 2))
    page = made_report(made, tmp_path)
    saved = made.recording.save(tmp_path / "run.speedscope.json").read_text(encoding="utf-8")
    assert profile_in(page) == json.loads(saved)
    assert "Where the time went" in page
    assert "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:\">" in page
    assert Tags(page).found.count("script") == 0  # those of the inspector are in an attribute


def test_without_samples_a_report_says_nothing_of_them(tmp_path: Path) -> None:
    with nbtrace.record() as rec, nbtrace.span("x"):
        pass
    page = rec.report(tmp_path / "run.html").read_text(encoding="utf-8")
    assert "Where the time went" not in page
    assert "download" not in page.split("</iframe>")[1]


def test_a_narrowed_report_has_the_samples_of_its_spans_alone(tmp_path: Path) -> None:
    """Not even a title that tells what the cell's first line is."""
    made = Profiled()
    cell = made.cell(4, "secret_plan()\nwork()")
    made.store.append(row(501, trace=cell.trace_id, parent=cell.span_id, name="fit", cell=cell.number))
    made.sample(cell, 10, made.line(cell, 1), ("secret_plan", "/x.py", 1, 1))
    made.sample(cell, 20, made.line(cell, 2), span=501)
    profile = profile_in(page := made_report(made, tmp_path, name="fit"))
    assert "secret_plan" not in page + json.dumps(profile)
    assert [(each["name"], each["endValue"]) for each in profile["profiles"]] == [("cell [4]", 20_000_000)]
    whole = profile_in(made_report(made, tmp_path, cell=4))
    assert [each["name"] for each in whole["profiles"]] == ["cell [4] secret_plan()"]


def test_a_long_profile_is_left_out_and_said() -> None:
    """And no more of it is made than shows that."""
    asked = []

    def pieces() -> Any:
        for number in range(100):
            asked.append(number)
            yield "x" * (MAX_PROFILE // 4)

    link = profile_link(pieces(), 'a"<b>')
    assert len(asked) == 5
    assert "data:" not in link
    assert "<b>" not in link
    assert "more than 8 MB" in link
    assert "nbtrace.save('a\"<b>.speedscope.json')" in unescape(link)
    assert '"' not in re.findall(r'download="(.*)" href', profile_link(["{}"], 'a"<b>'))[0]


def tables(cells: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cells of 1, 2, 3 … s, the last of which has no samples; each with a line of its own and one of cell 1."""
    numbers = range(1, cells + 1)
    known = pd.DataFrame(
        {
            "cell": pd.array(list(numbers), dtype="Int64"),
            "source": [f"# why\nwork_{number}()" for number in numbers],
            "duration": pd.to_timedelta(list(numbers), unit="s").astype("timedelta64[ns]"),
        }
    )
    rows = [
        each
        for number in numbers
        for each in (
            (number, number, 2, f"  work_{number}() # {MARKUP}", number * 0.8, 0.8, 8 if number < cells else 0),
            (number, 1, 5, None, number * 0.5, 0.5, 3 if number < cells else 0),
            (number, 1, 6, "x", number * 0.001, 0.001, 0),
        )
    ]
    lines = pd.DataFrame(rows, columns=["cell", "code_cell", "line", "source", "time", "share", "samples"])
    lines["time"] = pd.to_timedelta(lines["time"], unit="s").astype("timedelta64[ns]")
    lines["exact"] = lines["line"] == 2
    return known, lines.astype({"cell": "Int64", "code_cell": "Int64"})


def test_the_slowest_cells_are_told_with_their_hot_lines() -> None:
    """Their own and those that they called; what few samples support is marked, and what is left out counted."""
    told = section("<p>link</p>", *tables(3))
    assert re.findall("<h3>(.*)</h3>", told) == ["cell [2] work_2() · 2.00 s", "cell [1] work_1() · 1.00 s"]
    cells = [unescape(re.sub(r"&nbsp;", "", text)) for text in re.findall("<td[^>]*>(.*?)</td>", told)][:8]
    assert cells == ["line 2", f"work_2() # {MARKUP}", "1.60 s", "80 %", "cell [1] line 5", "", "1.00 s", "≈ 50 %"]
    assert "and 1 line more" in told
    assert set(Tags(told).found) <= {"section", "h2", "p", "h3", "table", "thead", "tr", "th", "tbody", "td"}
    assert told.endswith("<p>link</p>\n</section>")


def test_of_many_cells_the_slowest_are_told_and_the_rest_counted() -> None:
    told = section("", *tables(51))
    assert len(re.findall("<h3>", told)) == MAX_CELLS
    assert "the slowest 20 of 50 cells" in told
    assert "cell [50] work_50()" in told
    assert len(told) < 40_000
