"""Code without a file is found among the notebook's own names."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from nbtrace.capture.processes.notebook_code import file_of

_CELL = """
def work(x):
    return [step(y) for y in range(x)]

class Model:
    def fit(self):
        def inner(): return 1
        return inner
    @staticmethod
    def load(): pass
"""


@pytest.fixture(autouse=True)
def namespace(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A notebook's."""
    found: dict[str, Any] = {"number": 3, "__name__": "__main__"}
    exec(compile(_CELL, "ipykernel_1/cell.py", "exec"), found)
    module = type(sys)("__main__")
    vars(module).update(found)
    monkeypatch.setitem(sys.modules, "__main__", module)
    return vars(module)


@pytest.mark.parametrize(
    ("function", "line"), [("work", 2), ("Model.fit", 6), ("Model.fit.<locals>.inner", 7), ("Model.load", 9)]
)
def test_by_its_name_and_its_first_line(function: str, line: int) -> None:
    assert file_of(function, line) == "ipykernel_1/cell.py"


@pytest.mark.parametrize(("function", "line"), [("work", 3), ("other", 2), ("number", 1), ("", 0), ("Model", 5)])
def test_what_is_not_there_has_none(function: str, line: int) -> None:
    """A function that was defined anew since is another one."""
    assert file_of(function, line) == ""
