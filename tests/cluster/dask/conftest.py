"""A cluster of Dask's with processes, which the tests of a module share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.engines import Dask, following, running


@pytest.fixture(scope="module")
def cluster() -> Iterator[Dask]:
    """Two workers of two threads each."""
    pytest.importorskip("distributed")
    with running(Dask(processes=True)) as dask:
        yield dask


@pytest.fixture
def followed(cluster: Dask) -> Iterator[Dask]:
    """The same, followed."""
    with following(cluster):
        yield cluster
