"""Libraries that bring their own tracing, in a real kernel."""

from __future__ import annotations

import pytest

from tests.kernels.kernel import Kernel

pytest.importorskip("logfire", reason="logfire is not installed (it is part of the test extra)")

_CONFIGURE = "import logfire\nlogfire.configure(send_to_logfire=False, console=False)"
_SPAN = "with logfire.span('theirs'): pass"


@pytest.mark.parametrize(
    "cells",
    [
        [_CONFIGURE, "%load_ext nbtrace", _SPAN],
        ["%load_ext nbtrace", _CONFIGURE, _SPAN],
        ["%load_ext nbtrace", _CONFIGURE + "\n" + _SPAN],
        ["%load_ext nbtrace", _CONFIGURE, _SPAN, _CONFIGURE, _SPAN],
        [_CONFIGURE, "%load_ext nbtrace", _CONFIGURE, _SPAN, "%reload_ext nbtrace", _SPAN],
    ],
)
def test_logfire_is_heard_configured_before_after_or_twice(bare_kernel: Kernel, cells: list[str]) -> None:
    """It puts a provider of its own behind a proxy, and another one when it is configured again."""
    for code in cells:
        assert bare_kernel.run(code).status == "ok"
    spans = cells.count(_SPAN) + sum(_SPAN in code and code != _SPAN for code in cells)
    rows = {row["span_id"]: row for row in bare_kernel.rows()}
    theirs = [row for row in rows.values() if row["name"] == "theirs"]
    assert len(theirs) == spans
    assert all(rows[row["parent_span_id"]]["name"].startswith("cell [") for row in theirs)
