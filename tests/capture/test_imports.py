"""A module is waited for, and not imported."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from nbtrace.capture.imports import forget_imports, when_imported


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that can be imported."""
    (tmp_path / "waited_for_here.py").write_text("value = 7\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "waited_for_here", raising=False)
    return "waited_for_here"


def test_a_module_is_told_of_when_its_code_has_run(module: str) -> None:
    before = sys.meta_path.copy()
    told: list[ModuleType] = []
    when_imported(module, told.append)
    assert not told
    assert importlib.import_module(module).value == 7
    assert told == [sys.modules[module]]
    forget_imports([module])
    assert sys.meta_path == before


def test_one_that_is_there_is_told_of_at_once() -> None:
    told: list[ModuleType] = []
    when_imported("sys", told.append)
    assert told == [sys]


def test_one_that_is_forgotten_is_not_told_of(module: str) -> None:
    told: list[ModuleType] = []
    when_imported(module, told.append)
    forget_imports([module])
    importlib.import_module(module)
    assert told == []


def test_one_that_fails_to_import_fails_as_it_does(module: str, tmp_path: Path) -> None:
    """And is told of if it is mended."""
    (tmp_path / f"{module}.py").write_text("1 / 0\n")
    told: list[ModuleType] = []
    when_imported(module, told.append)
    with pytest.raises(ZeroDivisionError):
        importlib.import_module(module)
    (tmp_path / f"{module}.py").write_text("value = 'mended'\n")
    importlib.invalidate_caches()
    assert importlib.import_module(module).value == "mended"
    assert len(told) == 1
    forget_imports([module])


def test_one_that_is_not_there_is_missing_as_it_is() -> None:
    when_imported("none_such_module", lambda module: None)
    with pytest.raises(ModuleNotFoundError, match="No module named 'none_such_module'"):
        importlib.import_module("none_such_module")
    forget_imports(["none_such_module"])
