"""What a report says of samples."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbtrace
from nbtrace.views.hot_lines import MAX_CELLS, MAX_PROFILE, profile_link
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


def test_a_report_tells_the_hot_lines_of_its_cells(tmp_path: Path) -> None:
    """Those that nbtrace.lines() has, of the cells that were asked for."""
    made = Profiled()
    slow, other = made.cell(4, "load()\nwork()"), made.cell(5, "rest()")
    for cell, line in ((slow, 2), (other, 1)):
        made.sample(cell, 30, made.line(cell, line))
    page = made_report(made, tmp_path)
    rows = [(row[0], row[-1]) for row in listed(page)]
    assert rows == [
        ("", "── cell [4] ──"),
        ("1", "load()"),
        ("2", "work()"),
        ("", "── cell [5] ──"),
        ("1", "rest()"),
    ]
    assert [row[-1] for row in listed(made_report(made, tmp_path, cell=5))] == ["── cell [5] ──", "rest()"]


def test_a_report_of_a_program_has_no_lines_but_the_profile(tmp_path: Path) -> None:
    made = Profiled()
    made.sample(None, 30, MERGE)
    page = made_report(made, tmp_path)
    assert "── cell" not in page
    assert [each["name"] for each in profile_in(page)["profiles"]] == ["program"]


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


def listed(page: str) -> list[list[str]]:
    """The rows of the listing below the tree, as they read."""
    shown = page.split("Where the time went")[1]
    rows = re.findall("<tr>(.*?)</tr>", shown.partition("<tbody>")[2])
    return [
        [unescape(each.replace("&nbsp;", " ")).strip() for each in re.findall("<td[^>]*>(.*?)</td>", row)]
        for row in rows
    ]


def slow_cells(cells: int) -> Profiled:
    """So many cells, of which each later one has taken longer, and the last has no samples; each calls a function of the first."""
    made = Profiled()
    first = made.cell(1, f"# why\nwork_1() # {MARKUP}\ndef f():\n    x")
    for number in range(1, cells + 1):
        cell = first if number == 1 else made.cell(number, f"# why\nwork_{number}() # {MARKUP}", seconds=number)
        for _ in range(3 if number < cells else 0):
            made.sample(cell, 10, made.line(cell, 2), ("f", first.file, 4, 3))
    return made


def test_the_slowest_cells_are_told_with_their_hot_lines(tmp_path: Path) -> None:
    """As %spans lines shows them: their own and those that they called; what few samples support is marked."""
    page = made_report(slow_cells(3), tmp_path)
    rows = listed(page)
    titles = [row[-1] for row in rows if row[-1].startswith("── cell")]
    assert titles == ["── cell [1] ──", "── cell [2] ──"]  # of 9 s and of 2 s
    assert [row[-1] for row in rows if row[-1].startswith("── from")] == ["── from cell [1] ──"]
    assert any(row[-1].startswith(f"work_2() # {MARKUP}"[:60]) for row in rows)
    assert any("~" in each for row in rows for each in row)
    assert set(Tags(page.split("Where the time went")[1]).found) <= {
        *("h2", "p", "table", "thead", "tr", "th", "tbody", "td", "a"),
    }
    assert "lines do not add up" in page


def test_of_many_cells_the_slowest_are_told_and_the_rest_counted(tmp_path: Path) -> None:
    page = made_report(slow_cells(51), tmp_path)
    titles = [row[-1] for row in listed(page) if row[-1].startswith("── cell")]
    assert len(titles) == MAX_CELLS
    assert "the slowest 20 of 50 cells" in page
    assert titles[0] == "── cell [50] ──"
    assert len(page.split("Where the time went")[1].partition("download=")[0]) < 40_000
