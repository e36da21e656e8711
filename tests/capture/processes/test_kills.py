"""A worker that is killed keeps what it has finished. `python -m tests.benchmarks kills` tries more often."""

from __future__ import annotations

import pytest

from tests.benchmarks.killed_workers import kill


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_worker_is_killed_at_any_moment(method: str, pooled: bool) -> None:
    """Each span that it saw end is there once; that in which it was killed, and its task, are unfinished."""
    spans, wrong = kill(3 if method == "fork" else 1, method, pooled=pooled)
    assert wrong == []
    assert spans > 0
