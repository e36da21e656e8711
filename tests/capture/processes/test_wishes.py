"""What a kernel wants holds in its workers: nothing that it would not keep stands in a file, and a full disk harms nobody."""

from __future__ import annotations

import errno
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import nbtrace
from nbtrace.capture.live import LIVE
from nbtrace.formats.spool.settings import HIDDEN
from nbtrace.store.redaction.redactor import Redactor
from tests.waiting import wait_for

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

SECRET = "hunter2-hunter2"


def work(number: int, **attributes: Any) -> int:
    with nbtrace.span("work", **attributes):
        return number


def sent(pool: ProcessPoolExecutor, **attributes: Any) -> None:
    """Have a worker, which lives on, make a span with these attributes."""
    assert pool.submit(work, 1, **attributes).result() == 1


def written() -> bytes:
    """All that stands in the home."""
    home = LIVE.exchange._home
    assert home is not None
    found = [path.read_bytes() for path in Path(home.path).iterdir() if path.is_file()]
    assert any(b"work" in each or b"#" in each for each in found), "a worker has written"
    return b"".join(found)


def pool(method: str = "fork") -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method))


def noted(key: str, value: Any) -> Any:
    """A callable that is known by its work."""
    return "noted" if key == "note" else value


@pytest.mark.parametrize(
    ("redact", "attributes"), [(True, {"password": SECRET}), (["+pattern:ACME-[0-9]+"], {"case": "ACME-4711"})]
)
def test_what_the_rules_take_out_is_in_no_file(redact: Any, attributes: dict[str, str]) -> None:
    with nbtrace.record(redact=redact) as rec, pool() as executor:
        sent(executor, **attributes)
        assert not any(value.encode() in written() for value in attributes.values())
    (key,) = attributes
    assert rec.spans(where="scope_name != 'nbtrace.tasks'")[f"attributes.{key}"].iloc[0].startswith("[redacted:")


def test_rules_that_change_hold_for_the_next_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """In workers that live on."""
    monkeypatch.setattr("nbtrace.formats.spool.spool._LOOK_S", 0.0)
    with nbtrace.record(redact=False) as rec, pool() as executor:
        sent(executor, password=SECRET)
        assert SECRET.encode() in written()
        rec._store.change(redactor=Redactor(["+pattern:ACME-[0-9]+"]))
        sent(executor, case="ACME-4711")
        assert b"ACME-4711" not in written()


def test_a_callable_is_asked_in_a_process_that_was_forked() -> None:
    with nbtrace.record(redact=noted) as rec, pool() as executor:
        sent(executor, note=SECRET, other="seen")
        wait_for(lambda: b"noted" in written())
        assert SECRET.encode() not in written()
    row = rec.spans(where="scope_name != 'nbtrace.tasks'").iloc[0]
    assert (row["attributes.note"], row["attributes.other"]) == ("noted", "seen")


def test_where_a_callable_cannot_be_asked_texts_are_hidden() -> None:
    """A process that was not forked has no way to it."""
    with nbtrace.record(redact=lambda key, value: value) as rec, pool("spawn") as executor:
        sent(executor, note=SECRET, count=3)
        wait_for(lambda: HIDDEN.encode() in written())
        assert SECRET.encode() not in written()
    rows = rec.spans()
    assert rows["name"].tolist() == ["work", HIDDEN]
    assert rows["scope_name"].tolist()[0] == "nbtrace.tasks"
    assert rows["attributes.count"].dropna().tolist() == [3]


def test_on_a_full_disk_work_is_done_and_status_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, start: int, length: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with nbtrace.record() as rec, nbtrace.span("sends"), pool() as executor:
        sent(executor)
        rec.spans()
        assert "Of 1 nothing comes home: No space left on device." in LIVE.exchange.status()
    assert rec.spans()["name"].tolist() == ["sends"]
