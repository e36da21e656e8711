from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from nbtrace.headless.stopping import Stopping
from tests.waiting import wait_for

pytestmark = pytest.mark.skipif(os.name != "posix", reason="other systems send no signals")


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Leaves the handlers as they were."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_whoever_runs_the_notebook_is_told_of_each_signal_and_the_first_one_is_noted() -> None:
    told: list[int] = []
    with Stopping(print) as stopping, stopping.told(told.append):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        wait_for(lambda: len(told) == 2)
    assert told == [signal.SIGTERM, signal.SIGINT]
    assert stopping.number == signal.SIGTERM


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)], ids=["SIGINT", "SIGTERM"]
)
def test_before_anything_has_run_a_signal_ends_at_once(number: signal.Signals, error: type[BaseException]) -> None:
    said: list[str] = []
    with Stopping(said.append), pytest.raises(error):  # noqa: PT012
        os.kill(os.getpid(), number)
        wait_for(lambda: False)
    assert said == []


def test_a_signal_that_comes_between_two_notebooks_is_not_lost() -> None:
    said: list[str] = []
    told: list[int] = []
    with Stopping(said.append) as stopping:
        with stopping.told(told.append):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        wait_for(lambda: said)
        with stopping.told(told.append):
            assert told == [signal.SIGTERM]


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)], ids=["SIGINT", "SIGTERM"]
)
def test_the_second_one_while_files_are_written_ends(number: signal.Signals, error: type[BaseException]) -> None:
    said: list[str] = []
    with Stopping(said.append) as stopping:
        with stopping.told(print):
            pass
        os.kill(os.getpid(), number)
        wait_for(lambda: said)
        with pytest.raises(error):  # noqa: PT012
            os.kill(os.getpid(), number)
            wait_for(lambda: False)
    assert said == ["what was recorded is being written. Once more ends without."]


def test_what_is_ignored_stays_ignored() -> None:
    """`nohup nbtrace run …` outlives its terminal."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Stopping(print) as stopping:
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        os.kill(os.getpid(), signal.SIGHUP)
    assert stopping.number == 0


def test_afterwards_the_handlers_are_those_from_before() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with Stopping(print):
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
