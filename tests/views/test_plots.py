from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

import nbtrace

matplotlib = pytest.importorskip("matplotlib", reason="plots are an optional extra")


@pytest.fixture(autouse=True)
def no_windows() -> Iterator[None]:
    import matplotlib.pyplot as plt

    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.fixture
def recording() -> nbtrace.Recording:
    with nbtrace.record() as rec, nbtrace.span("page"):
        for i in range(20):
            with nbtrace.span("query $x$ \ud800\x1b[31m", n=i % 2), nbtrace.span("in it"):
                pass
        try:
            with nbtrace.span("failing"):
                raise ValueError
        except ValueError:
            pass
    return rec


def test_durations_by_name_and_by_attribute(recording: nbtrace.Recording) -> None:
    """A row each, with the number of spans; the largest total first; what is left out is told."""
    ax = recording.plot.durations()
    assert ax.get_yticklabels()[0].get_text() == "page (1)"
    assert len(ax.get_yticklabels()) == 4
    ax = recording.plot.durations(by="attributes.n")
    assert sorted(label.get_text() for label in ax.get_yticklabels()) == ["0 (10)", "1 (10)"]
    assert ax.get_xscale() == "log"
    assert "3 more values not shown" in recording.plot.durations(top=1).get_title(loc="left")


def test_a_flame_has_a_bar_for_each_span_that_can_be_seen(recording: nbtrace.Recording) -> None:
    ax = recording.plot.flame()
    bars = [(bar.get_y(), bar.get_width()) for bar in ax.patches]
    assert {depth for depth, _ in bars} <= {0, 1, 2}
    assert (0, ax.get_xlim()[1]) == (bars[0][0], pytest.approx(bars[0][1]))
    assert ax.get_title(loc="left").startswith("42 spans")


def test_plots_are_drawn_and_on_axes_of_the_users(recording: nbtrace.Recording) -> None:
    """Hostile names are text; nothing recorded is an empty picture."""
    import matplotlib.pyplot as plt

    with nbtrace.record() as empty:
        pass
    for rec in (recording, empty):
        figure, axes = plt.subplots(3)
        for ax, name in zip(axes, ("durations", "flame", "cells"), strict=True):
            assert getattr(rec.plot, name)(ax=ax) is ax
        figure.canvas.draw()


def test_without_matplotlib_the_error_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['matplotlib'] = None; import nbtrace\n"
        "try: nbtrace.plot.cells()\nexcept ModuleNotFoundError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == 'plots need matplotlib, which is not installed. Type  pip install "nbtrace[plot]"'
