from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbtrace.headless.claims import ClaimedError, Claims
from tests.headless.notebooks import ROOT

pytest.importorskip("fcntl", reason="there are no such locks here")

_HOLDS = """
import sys
from pathlib import Path
from nbtrace.headless.claims import Claims
claims = Claims()
claims.claim(Path(sys.argv[1]), "--save")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_file_that_another_process_is_going_to_write_is_told(tmp_path: Path) -> None:
    """By whatever path it is named, and only as long as that process lives."""
    target = tmp_path / "run.parquet"
    (tmp_path / "link.parquet").symlink_to(target)
    other = subprocess.Popen(
        [sys.executable, "-c", _HOLDS, str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert other.stdin is not None
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    for path in (target, tmp_path / "link.parquet", tmp_path / "." / "run.parquet"):
        with pytest.raises(ClaimedError, match=rf"process {other.pid}\). Name another file with --save"):
            Claims().claim(path, "--save")
    other.kill()
    other.wait()
    claims = Claims()
    claims.claim(target, "--save")
    claims.release()
    Claims().claim(target, "--save")
    other.stdin.close()
    other.stdout.close()


def test_nothing_lies_beside_the_file(tmp_path: Path) -> None:
    claims = Claims()
    claims.claim(tmp_path / "run.parquet", "--save")
    claims.release()
    assert list(tmp_path.iterdir()) == []
