"""What the README and the pages of docs/ say is so."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nbtrace

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {
    page.name: page.read_text(encoding="utf-8") for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
TABLES, OPTIONS = PAGES["tables.md"], PAGES["options.md"]

CODE = [
    pytest.param(block, id=f"{name}-{number}")
    for name, page in PAGES.items()
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
]


@pytest.mark.parametrize("block", CODE)
def test_the_code_runs(block: str, tmp_path: Path) -> None:
    for module in re.findall(r"^import (\w+)", block, re.MULTILINE):
        pytest.importorskip(module, reason=f"{module} reads recordings, and is not needed for them")
    done = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), block


def test_the_tables_have_the_columns_that_it_names() -> None:
    with nbtrace.record() as rec, nbtrace.span("x"):
        pass
    spans = re.findall(r"^\| ([a-z_, ]+) \| (?:str|Int64|datetime|timedelta)", TABLES, re.MULTILINE)
    assert [name for names in spans for name in names.split(", ")] == list(rec.spans().columns)
    for table in (
        *("events", "links", "errors", "cells", "tree", "statistics", "self_times", "tasks", "history"),
        *("lines", "hotspots", "statements", "samples"),
    ):
        (row,) = re.findall(rf"^\| {table} \| (.*) \|$", TABLES, re.MULTILINE)
        named = re.sub(r"\([^)]*\)|[:;].*", "", row).replace(" ", "").split(",")
        named = [name for name in named if name != "attributes.KEY"]
        assert named == list(getattr(rec, table)().columns), table
    (row,) = re.findall(r"^\| compare \| (.*) \|$", TABLES, re.MULTILINE)
    assert re.sub(r"\([^)]*\)", "", row).replace(" ", "").split(",") == list(nbtrace.compare(rec, rec).columns)


def test_the_options_are_those_of_the_configuration() -> None:
    from nbtrace.config import NBTrace

    named = re.findall(r"^\| (\w+) \| ([\w,\"]+) \|", OPTIONS, re.MULTILINE)
    defaults = {name: str(trait.default_value) for name, trait in NBTrace.class_own_traits(config=True).items()}
    assert {name: value.replace(",", "").strip('"') for name, value in named if name != "option"} == defaults


_SETS_LINES = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "nbtrace")
(options,) = [one for one in shell.configurables if type(one).__name__ == "NBTrace"]
for line in json.loads(sys.argv[1]):
    shell.run_cell(line).raise_error()
    print(json.dumps(repr(options.redact) if not callable(options.redact) else options.redact("key", "kept")))
"""


def test_what_it_sets_redact_to_arrives_as_it_is_written() -> None:
    """IPython replaces what stands in braces in a magic's line."""
    pytest.importorskip("IPython")
    lines = re.findall(r"^%config NBTrace\.redact = (.*?)(?:  .*)?$", OPTIONS, re.MULTILINE)
    assert len(lines) >= 4
    expected = ["kept" if callable(value := eval(line)) else repr(value) for line in lines]
    assert "line write `{{6}}` where the pattern has `{6}`" in OPTIONS
    lines.append("['+pattern:ACME-[0-9]{{6}}']")
    expected.append("['+pattern:ACME-[0-9]{6}']")
    typed = json.dumps([f"%config NBTrace.redact = {line}" for line in lines])
    done = subprocess.run([sys.executable, "-c", _SETS_LINES, typed], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines() if line.startswith('"')] == expected, done.stderr


def test_the_two_commands_stand_alone_on_their_lines() -> None:
    """The gate runs the second one as it stands here."""
    lines = README.splitlines()
    assert 'pip install -e ".[demo]" && nbtrace run notebooks/01_quickstart.ipynb' in lines
    assert 'pip install -e ".[test]" && pytest' in lines


def test_each_line_of_the_ten_is_among_the_magics() -> None:
    """What the README shows first is explained on the page of all magics, by a line that begins alike."""
    (ten,) = re.findall(r"^```text\n(%load_ext.*?)```", README, re.DOTALL | re.MULTILINE)
    (every,) = re.findall(r"^```text\n(%load_ext.*?)```", PAGES["magics.md"], re.DOTALL | re.MULTILINE)
    typed = [line.split("   ")[0].strip() for line in ten.splitlines()]
    assert len(typed) == 10
    assert set(typed) <= {line.split("   ")[0].strip() for line in every.splitlines()}


def _anchors(page: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", page, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    """To a file of the repository and, where it names a heading, to one of that page."""
    folder = ROOT if name == "README.md" else ROOT / "docs"
    targets = re.findall(r"\]\(([^)\s]+)\)", PAGES[name]) + re.findall(r'src(?:set)?="([^"]+)"', PAGES[name])
    for target in targets:
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = folder / path if path else folder / name
        assert file.exists(), target
        assert not anchor or anchor in _anchors(file.read_text(encoding="utf-8")), target


def test_every_page_and_notebook_is_reached_from_the_readme() -> None:
    """By a link there, or on a page that is."""
    linked = {target for page in PAGES.values() for target in re.findall(r"\]\((?:\.\./|docs/)?([\w/.-]+)", page)}
    pages = {name for name in PAGES if name != "README.md"}
    assert pages | {f"notebooks/{book.name}" for book in (ROOT / "notebooks").glob("*.ipynb")} <= linked
