"""The register of questions, and who reads it."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import nbtrace
from nbtrace.analysis.selection import Selection
from nbtrace.answers.register import CONDITIONS, REGISTER, by_word
from nbtrace.magics.commands import NbtraceMagics
from nbtrace.magics.lines.words import SPANS
from nbtrace.recording import Recording


@pytest.mark.parametrize("name", REGISTER)
def test_a_question_is_a_typed_function_of_the_package(name: str) -> None:
    """`help(nbtrace.spans)` shows what it takes and returns; the register says the same in one sentence."""
    assert name in dir(nbtrace)
    method = getattr(Recording, name)
    if isinstance(method, property):
        method = method.fget
    else:
        function = getattr(nbtrace, name)
        assert function.__self__ is nbtrace.live()
        assert inspect.getdoc(function) == inspect.getdoc(method)
        parameters = inspect.signature(function).parameters.values()
        assert all(each.annotation is not inspect.Parameter.empty for each in parameters)
    assert inspect.signature(method).return_annotation is not inspect.Signature.empty
    says = REGISTER[name].says
    assert 10 < len(says) <= 200
    assert (inspect.getdoc(method) or "").replace("\n", " ").startswith(says)


def test_what_a_type_checker_sees_is_what_there_is() -> None:
    """The package's list for editors, which cannot read a register."""
    tree = ast.parse(Path(inspect.getfile(nbtrace)).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    named = {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    named |= {node.targets[0].id for node in block.body if isinstance(node, ast.Assign)}  # type: ignore[attr-defined]
    assert named - {"_live"} == {name for name in dir(nbtrace) if name != "__version__"}


def test_conditions_are_those_of_a_selection() -> None:
    assert tuple(Selection.__dataclass_fields__) == CONDITIONS


def test_every_word_is_told_of_in_the_help_of_spans() -> None:
    """And every question with a word can be asked: %spans has the register's words, and no others."""
    help_ = inspect.getdoc(NbtraceMagics.spans) or ""
    assert list(SPANS.words) == list(by_word())
    assert [word for word in by_word() if word not in help_.replace("the tree", "tree")] == []
