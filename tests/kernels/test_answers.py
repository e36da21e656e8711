"""Answers about what cells did, as a person would ask for them in a real kernel."""

from __future__ import annotations

import pytest

from tests.kernels.kernel import Kernel


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("1/0", "cell [3] 1/0"),
        ("%span load\n1/0", "load"),
        ("%%span load\n1/0", "load"),
        ("%%span load\n%%span parse\n1/0", "parse"),
        ("%%span whole\n%span one\n1\n%span two\n1/0", "two"),
        ("%span load\nwith nbtrace.span('inner'):\n    1/0", "inner"),
        ("%span load -- 1/0", "load"),
        ("%span load\n@nbtrace.traced\ndef f():\n    1/0\nf()", "f"),
        ("%%span load\ntry:\n    1/0\nexcept ZeroDivisionError:\n    pass\n%span second\n1/0", "second"),
    ],
)
def test_an_exception_stands_once_among_the_errors(kernel: Kernel, code: str, name: str) -> None:
    """On the innermost span that it went through, whichever way that was opened; and once in the static tree's marks."""
    kernel.run("import nbtrace")
    kernel.run(code)
    found = kernel.run("nbtrace.errors()[['span_name', 'exception_type']].values.tolist()")
    assert found.result == f"[[{name!r}, 'ZeroDivisionError']]"
    assert kernel.run("nbtrace.cells(cell=3).error_count.tolist()").result == "[1]"
