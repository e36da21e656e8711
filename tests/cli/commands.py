"""Commands as a person types them, in this process."""

from __future__ import annotations

import inspect
from importlib.util import find_spec
from typing import Any

import pytest
from click.testing import CliRunner

from nbtrace.cli.main import cli
from tests.formats.kept import OWN_FILE
from tests.profiles import MERGE, Made

needs_protobuf = pytest.mark.skipif(find_spec("opentelemetry.proto") is None, reason="needs nbtrace[otlp]")

_MIXES = "mix_stderr" in inspect.signature(CliRunner.__init__).parameters
"""Whether this click has to be told that two streams are two."""


def typed(*words: str, **environment: str) -> tuple[int, str, str]:
    """Return the exit status, what stands on the standard output, and on the standard error."""
    options: dict[str, Any] = {"mix_stderr": False} if _MIXES else {}
    found = CliRunner(**options).invoke(cli, list(words), prog_name="nbtrace", env=environment)
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.stdout, found.stderr


def refused(*words: str) -> str:
    """Return the one line in which a command says why it does nothing."""
    status, output, error = typed(*words)
    said = [line for line in error.splitlines() if not line.endswith(" …")]
    assert (status, output, len(said)) == (2, "", 1), (status, output, error)
    assert said[0].startswith("nbtrace: ")
    assert said[0].isprintable()
    assert "%spans" not in said[0]
    return said[0].removeprefix("nbtrace: ")


def a_run(cells: int = 8) -> Made:
    """A recording of cells, the last one the slowest, each with two spans and samples."""
    made = Made()
    for n in range(1, cells + 1):
        start, length = 10_000 * n, 200 * n
        cell = made.cell(f"# step {n}\nload({n})\nfit({n})\n", start, start + length, [(start, 2), (start + 50, 3)])
        load = made.span(cell, "load", start + 1, start + 50, source="s3", rows=n)
        made.span(load, "read", start + 2, start + 30)
        for at in range(50, length, 10):
            made.sample(cell, start + at, 10, 3, OWN_FILE, MERGE)
    return made
