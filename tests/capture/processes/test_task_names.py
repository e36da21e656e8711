"""A task is called by what the user has sent."""

from __future__ import annotations

import functools
from concurrent.futures.process import _process_chunk  # type: ignore[attr-defined]
from typing import Any

import pytest
from joblib.parallel import BatchedCalls, delayed

from nbtrace.capture.processes.task_names import task_name


def work(x: int = 0) -> int:
    return x


class Model:
    def fit(self) -> None: ...

    def __call__(self) -> None: ...

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"asked for {name}")


def _batch(count: int) -> Any:
    return BatchedCalls([delayed(work)(n) for n in range(count)], (None, None))


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (work, "work"),
        (lambda: 1, "<lambda>"),
        (functools.partial(work, 3), "work"),
        (functools.partial(functools.partial(work), 3), "work"),
        (functools.partial(_process_chunk, work), "work"),
        (functools.wraps(work)(lambda: 1), "work"),
        (_batch(1), "work"),
        (_batch(4), "work × 4"),
        (len, "len"),
        (str.upper, "str.upper"),
    ],
)
def test_by_the_users_function_whatever_is_around_it(function: Any, name: str) -> None:
    assert task_name(function) == name


def test_an_object_that_is_called_goes_by_its_class() -> None:
    """Nothing of the user's is called to find it out."""
    assert task_name(Model()) == "Model"
    assert task_name(Model().fit) == "Model.fit"


def test_a_function_within_another_goes_by_its_own_name() -> None:
    def inner() -> None: ...

    assert task_name(inner) == "inner"
