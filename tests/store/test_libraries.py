"""Libraries that cannot be opened, as in an environment whose versions do not fit together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbtrace.api import QUESTIONS

_ASKS = """
import json, sys
import nbtrace
with nbtrace.record() as rec:
    with nbtrace.span("work"):
        pass
said = {}
for name in json.loads(sys.argv[1]):
    try:
        question = getattr(rec, name)
        question(*({"report": ["run.html"], "save": ["run.folded"]}.get(name, []))) if name != "plot" else question.cells()
    except ImportError as error:
        said[name] = f"{type(error).__name__}: {error}"
print(json.dumps([said, len(rec)]))
"""


@pytest.mark.parametrize(
    ("pyarrow", "numpy", "wanted"),
    [
        ("26.0.1", "1.26.4", 'Type  %pip install "numpy>=2"  or  %pip install "pyarrow<26"  and restart the kernel.'),
        ("14.0.2", "2.2.6", 'Type  %pip install "pyarrow>=16"  or  %pip install "numpy<2"  and restart the kernel.'),
        ("23.0.0", "2.4.0", "Type  %pip install --upgrade pyarrow numpy  and restart the kernel."),
    ],
)
def test_versions_that_do_not_fit_are_told_by_every_question(
    pyarrow: str, numpy: str, wanted: str, tmp_path: Path
) -> None:
    """What is installed, and what to type: not the library's own error from somewhere inside. Spans are recorded."""
    (tmp_path / "pyarrow").mkdir()
    (tmp_path / "pyarrow" / "__init__.py").write_text("raise ImportError('pyarrow requires another numpy')")
    for name, version in (("pyarrow", pyarrow), ("numpy", numpy)):
        (tmp_path / f"{name}-{version}.dist-info").mkdir()
        (tmp_path / f"{name}-{version}.dist-info" / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
    questions = [*sorted(QUESTIONS - {"live", "load", "recover"}), "to_arrow"]
    done = subprocess.run(
        [sys.executable, "-c", _ASKS, json.dumps(questions)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stderr == ""
    said, length = json.loads(done.stdout)
    expected = (
        f"LibraryVersionsError: pyarrow {pyarrow} and numpy {numpy} do not fit together (pyarrow requires another numpy), so "
        f"nothing can be shown; cells are recorded all the same. {wanted}"
    )
    assert said == dict.fromkeys(questions, expected)
    assert length == 1
