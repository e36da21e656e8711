"""What the browser and SQL are measured by: frontend/test/vectors.test.ts reads these files."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from tests.vectors import (
    answers,
    captions,
    colours,
    comparisons,
    conditions,
    counters,
    doing,
    processes,
    profiles,
    shapes,
    words,
)

ALL = (answers, captions, colours, comparisons, conditions, counters, doing, processes, profiles, shapes, words)


@pytest.mark.parametrize("module", ALL, ids=lambda module: module.__name__.rpartition(".")[2])
def test_the_file_is_what_the_code_writes(module: ModuleType) -> None:
    """If not: python -m tests.vectors.NAME"""
    assert module.FILE.read_text(encoding="utf-8") == module.written()


def test_every_file_has_a_writer() -> None:
    assert set(Path(__file__).parent.glob("*.json")) == {module.FILE for module in ALL}
