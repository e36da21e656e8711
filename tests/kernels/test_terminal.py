"""Terminal IPython: the same hooks, no kernel."""

from __future__ import annotations

import sys

import pexpect
import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


def test_cells_of_a_terminal_are_spans(tmp_path) -> None:  # type: ignore[no-untyped-def]
    env = {"IPYTHONDIR": str(tmp_path), "TERM": "dumb", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    shell = pexpect.spawn(
        sys.executable,
        ["-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"],
        env=env,
        encoding="utf-8",
        timeout=60,
        dimensions=(50, 250),
    )

    def run(code: str) -> str:
        shell.expect(r"In \[\d+\]: ")
        shell.sendline(code)
        return code

    run("%load_ext nbtrace")
    run("import nbtrace")
    run("1/0")
    run("import asyncio; await asyncio.sleep(0)")
    run("with nbtrace.span('inner'): pass")
    run("%spans")
    shell.expect(r"Out\[6\]:")
    shell.expect(r"In \[7\]: ")
    tree = shell.before
    shell.sendline("exit")
    shell.expect(pexpect.EOF)
    assert "cell [3] 1/0" in tree
    assert "ZeroDivisionError: division by zero" in tree
    assert "└─ inner" in tree
    assert "cell [6]" not in tree, "the cell that asks is not shown"
