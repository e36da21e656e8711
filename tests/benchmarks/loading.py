"""What `%load_ext nbtrace` costs in a bare kernel: CPU, and the modules it opens."""

from __future__ import annotations

import statistics

from tests.kernels.kernel import start_kernel

ROUNDS = 5
_LOAD = """
import time as _time, sys as _sys
_before = set(_sys.modules); _began = _time.process_time_ns()
get_ipython().run_line_magic("load_ext", "nbtrace")
print((_time.process_time_ns() - _began) / 1e6, len(set(_sys.modules) - _before))
"""


def main() -> None:
    """Load the extension in fresh kernels."""
    figures = []
    for _ in range(ROUNDS):
        kernel = start_kernel()
        try:
            figures.append([float(part) for part in kernel.run(_LOAD).stdout.split()])
        finally:
            kernel.stop()
    cpu, modules = (statistics.median(figure[i] for figure in figures) for i in (0, 1))
    print(f"%load_ext nbtrace in a bare kernel ({ROUNDS} kernels)\n  {cpu:.0f} ms CPU, {modules:.0f} modules")
