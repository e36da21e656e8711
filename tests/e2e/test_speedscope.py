"""Profiles that are saved, in the program that they are saved for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import REQUIRED
from tests.e2e.lab import TIMEOUT_MS
from tests.e2e.speedscope import installed, open_profile
from tests.kernels.kernel import start_kernel

DEFINE = """import threading, time, types
def work_for(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
hostile = "<img src=x onerror=alert(1)>;"
named = types.FunctionType(work_for.__code__.replace(co_name=hostile, co_qualname=hostile), globals())"""
WORK = """work_for(0.2)
named(0.1)
thread = threading.Thread(target=work_for, args=(0.1,), name="helper")
thread.start()
thread.join()"""


@pytest.fixture(scope="session")
def speedscope(browser: Any) -> Path:
    home = installed()
    if isinstance(home, str):
        if REQUIRED:
            pytest.fail(home)
        pytest.skip(home)
    return home


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder with what a notebook has saved."""
    folder = tmp_path_factory.mktemp("saved")
    kernel = start_kernel(cwd=str(folder)).load()
    try:
        for cell in ("import nbtrace", DEFINE, WORK, "work_for(0.15)"):
            assert kernel.run(cell).status == "ok"
        for name in ("run.speedscope.json", "run.folded"):
            assert kernel.run(f"nbtrace.save({name!r})").status == "ok"
        assert kernel.run("nbtrace.report('run.html')").status == "ok"
        yield folder
    finally:
        kernel.stop()


def test_a_saved_profile_is_what_its_schema_asks_for(speedscope: Path, saved: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="the schema is read by jsonschema, which nbformat brings")
    schema = json.loads((speedscope / "file-format-schema.json").read_text(encoding="utf-8"))
    file = json.loads((saved / "run.speedscope.json").read_text(encoding="utf-8"))
    # Its reference to the root stands beside the definitions, where this draft would not look at them.
    jsonschema.validate(file, {"definitions": schema["definitions"], "allOf": [{"$ref": schema["$ref"]}]})


@pytest.mark.parametrize(("name", "colon"), [("run.speedscope.json", ""), ("run.folded", ":")])
def test_it_shows_our_functions_in_its_table(speedscope: Path, saved: Path, page: Any, name: str, colon: str) -> None:
    """By cell and line, other threads by their names; names that look like markup are text."""
    open_profile(page, speedscope, saved / name)
    page.get_by_text("Sandwich").click(timeout=TIMEOUT_MS)
    for text in (
        f"cell [4] line 1{colon}",
        f"cell [4] line 2{colon}",
        "work_for",
        "thread helper",
        "<img src=x onerror",
    ):
        page.locator("tr:visible", has_text=text).first.wait_for(timeout=TIMEOUT_MS)


def test_each_cell_is_a_profile_to_choose(speedscope: Path, saved: Path, page: Any) -> None:
    """And all of them come first."""
    open_profile(page, speedscope, saved / "run.speedscope.json")
    page.get_by_text("Sandwich").wait_for(timeout=TIMEOUT_MS)
    page.locator("div:visible", has_text="all (1/3)").last.wait_for(timeout=TIMEOUT_MS)
    page.keyboard.press("n")
    page.locator("div:visible", has_text="cell [4] work_for(0.2) (2/3)").last.wait_for(timeout=TIMEOUT_MS)


def test_a_report_hands_out_the_same_profile(speedscope: Path, saved: Path, page: Any, tmp_path: Path) -> None:
    """By its link, which the page's policy lets through and which asks nobody; speedscope takes it."""
    page.goto((saved / "run.html").as_uri())
    page.get_by_role("link", name="the same as text").press("Enter")
    with page.expect_download() as found:
        # By its key: Chromium may take a click right after scrolling for one on the frame that stood there.
        page.get_by_role("link", name="Download the profile").press("Enter")
    assert found.value.suggested_filename == "run.speedscope.json"
    path = tmp_path / "downloaded.speedscope.json"
    found.value.save_as(path)
    assert json.loads(path.read_bytes()) == json.loads((saved / "run.speedscope.json").read_bytes())
    open_profile(page, speedscope, path)
    page.locator("div:visible", has_text="all (1/3)").last.wait_for(timeout=TIMEOUT_MS)
