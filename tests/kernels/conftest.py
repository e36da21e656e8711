from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernels.kernel import Kernel, new_kernel, start_kernel
from tests.kernels.profiled import BUSY, SEEN


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    """A fresh kernel with the extension loaded in its first cell."""
    kernel = new_kernel()
    try:
        yield kernel.load()
        assert kernel.clean(), "a span is still current after the last cell"
    finally:
        kernel.stop()


@pytest.fixture
def bare_kernel() -> Iterator[Kernel]:
    """A fresh kernel without the extension, started as a notebook starts it."""
    kernel = start_kernel()
    try:
        yield kernel
    finally:
        kernel.stop()


@pytest.fixture(scope="module")
def shared_kernel() -> Iterator[Kernel]:
    """One kernel for the tests of a module that look at their own cell alone."""
    kernel = new_kernel()
    try:
        kernel.load().run("import asyncio, nbtrace")
        yield kernel
        assert kernel.clean()
    finally:
        kernel.stop()


@pytest.fixture(scope="module")
def profiled() -> Iterator[Kernel]:
    """One kernel that can be busy and tells what it holds, for the tests of a module that look at their own cell alone."""
    kernel = start_kernel()
    try:
        kernel.load().run(BUSY)
        kernel.run(SEEN)
        yield kernel
        assert kernel.clean()
    finally:
        kernel.stop()
