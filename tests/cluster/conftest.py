"""An engine for a module's tests, once for each that there is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.engines import ENGINES, Engine, following, running


@pytest.fixture(scope="module", params=list(ENGINES))
def started(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine with two workers of two threads each, which the tests of a module share."""
    pytest.importorskip(request.param.partition(" ")[0] + ".distributed", reason="the engine is not installed")
    with running(ENGINES[request.param]()) as engine:
        yield engine


@pytest.fixture
def engine(started: Engine) -> Iterator[Engine]:
    """The same, followed."""
    with following(started):
        yield started
