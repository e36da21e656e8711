"""A cluster of Dask's with processes, which the tests of a module share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.engines import Dask


@pytest.fixture(scope="module")
def cluster() -> Iterator[Dask]:
    """Two workers of two threads each."""
    pytest.importorskip("distributed")
    dask = Dask(processes=True)
    dask.start(2, 2)
    yield dask
    dask.stop()


@pytest.fixture
def followed(cluster: Dask) -> Iterator[Dask]:
    """The same, followed."""
    cluster.follow()
    yield cluster
    cluster.leave()
