from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrace.headless.junit import MAX_TEXT, Case, Failure, Suite, junit


def read(*suites: Suite) -> ElementTree.Element:
    return ElementTree.fromstring(junit(suites))


def test_a_notebook_is_a_suite_and_a_cell_a_case() -> None:
    """With the numbers that readers sum up, and each case in the class of its notebook, by which they tell cases apart."""
    failed = Failure("ZeroDivisionError: division by zero", "Traceback\n  line 1\n", "ZeroDivisionError")
    suite = Suite(
        "a.ipynb",
        [
            Case("cell [1] load()", 1.5),
            Case("cell [2] 1 / 0", 0.25, failed),
            Case("cell fit()", skipped="not reached"),
            Case("run < 5min", output="44.2 s"),
        ],
        file="notebooks/a.ipynb",
        start_ns=1_700_000_000_000_000_000,
    )
    assert junit([suite]).decode() == (
        "<?xml version='1.0' encoding='utf-8'?>\n"
        '<testsuites name="nbtrace" tests="4" failures="1" errors="0" time="1.750000">\n'
        '  <testsuite name="a.ipynb" tests="4" failures="1" errors="0" skipped="1" time="1.750000"'
        ' timestamp="2023-11-14T22:13:20" file="notebooks/a.ipynb">\n'
        '    <testcase name="cell [1] load()" classname="a.ipynb" file="notebooks/a.ipynb" time="1.500000" />\n'
        '    <testcase name="cell [2] 1 / 0" classname="a.ipynb" file="notebooks/a.ipynb" time="0.250000">\n'
        '      <failure message="ZeroDivisionError: division by zero" type="ZeroDivisionError">Traceback\n  line 1\n</failure>\n'
        "    </testcase>\n"
        '    <testcase name="cell fit()" classname="a.ipynb" file="notebooks/a.ipynb" time="0.000000">\n'
        '      <skipped message="not reached" />\n'
        "    </testcase>\n"
        '    <testcase name="run &lt; 5min" classname="a.ipynb" file="notebooks/a.ipynb" time="0.000000">\n'
        "      <system-out>44.2 s</system-out>\n"
        "    </testcase>\n"
        "  </testsuite>\n"
        "</testsuites>\n"
    )


def test_several_notebooks_are_summed_up() -> None:
    root = read(Suite("a", [Case("x", 1.0)], seconds=3.0), Suite("b", [Case("y", failure=Failure("no"))]))
    assert root.attrib == {
        "name": "nbtrace", "tests": "2", "failures": "1", "errors": "0", "time": "3.000000",
    }  # fmt: skip
    assert [suite.get("failures") for suite in root] == ["0", "1"]


def test_cases_of_one_name_stay_apart() -> None:
    """Readers take two cases of one name for one that ran twice."""
    root = read(Suite("a", [Case("x"), Case("x"), Case("x (2)"), Case("x"), Case("")]))
    names = [case.get("name") for case in root.iter("testcase")]
    assert names == ["x", "x (2)", "x (2) (2)", "x (3)", "unnamed"]


def test_text_from_spans_cannot_break_the_file() -> None:
    """Terminal codes go, and what XML cannot hold is shown as such; a line stays one."""
    hostile = "\x1b[31mred\x1b[0m\x00\x0b]]><b a='\"'>&\ud800\n\u202e end"
    root = read(
        Suite(hostile, [Case(hostile, failure=Failure(hostile, hostile, hostile), output=hostile)], file=hostile)
    )
    line = "red\ufffd\ufffd]]><b a='\"'>&\ufffd end"
    (failure,) = root.iter("failure")
    assert (failure.get("message"), failure.get("type")) == (line, line)
    assert failure.text == "red\ufffd\ufffd]]><b a='\"'>&\ufffd\n end"


def test_of_a_long_traceback_the_end_is_kept() -> None:
    (failure,) = read(Suite("a", [Case("x", failure=Failure("m", "y" * MAX_TEXT + "the end"))])).iter("failure")
    assert len(failure.text or "") == MAX_TEXT
    assert (failure.text or "").endswith("the end")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=20), max_size=5), st.text())
def test_whatever_is_written_can_be_read(names: list[str], text: str) -> None:
    root = read(Suite(text, [Case(name, failure=Failure(text, text)) for name in names]))
    found = [case.get("name") for case in root.iter("testcase")]
    assert len(set(found)) == len(names)
