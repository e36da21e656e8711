"""Tasks that a notebook sends to a real cluster of Dask's, in the inspector: a lane for each worker, and what they waited for."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.e2e.lab import Notebook

Make = Callable[..., Notebook]

pytest.importorskip("distributed", reason="needs Dask: pip install 'nbtrace[dask]'")

CLUSTER = """
%load_ext nbtrace
import nbtrace, time
from distributed import Client, LocalCluster
cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
client = Client(cluster)
one, two = sorted(client.scheduler_info()["workers"])
%config NBTrace.sampling = 200
%nbtrace dask client
def load(number):
    with nbtrace.span("read", number=number):
        time.sleep(0.05)
    return bytes(30_000_000)
def size(*parts):
    time.sleep(0.05)
    return sum(map(len, parts))
"""

SENT = """
here = [client.submit(load, n, workers=one, pure=False) for n in range(3)]
there = [client.submit(size, each, workers=two, pure=False) for each in here]
sizes = client.gather(there)
"""


def test_a_lane_for_each_worker_says_what_was_fetched_and_by_whom(notebook: Make) -> None:
    """Named by addresses, the kernel first. What was fetched is beside the pointer and in the panel, the worker of samples by name."""
    view = "view = nbtrace.view(cell=2); print(*sorted(client.scheduler_info()['workers']))"
    book = notebook(CLUSTER.strip(), SENT.strip(), f"{view}\nview", "client.close(); cluster.close()")
    book.run(0, 1, 2)
    workers = re.findall(r"tcp://(\S+)", book.page.locator(".jp-OutputArea-output pre").last.inner_text())
    inspector = book.inspector()
    inspector.until("s.trace.count === 10 && s.details.size === 10 && s.profile.count > 10")
    inspector.key("1")
    assert inspector.names()[1:3] == ["load", "read"]
    lanes = inspector.element.get_by_role("button", name="2 workers")
    lanes.click()
    inspector.until("s.groups?.groups.length === 3")
    heads = [name for name in inspector.names() if " · " in name]
    assert [re.sub(r"^kernel \d+", "kernel", head) for head in heads] == [
        "kernel · 1 span",
        f"{workers[0]} · 6 spans · 3 tasks",
        f"{workers[1]} · 3 spans · 3 tasks",
    ]
    fetched = "[...s.trace.tasks.keys()].filter(r => s.trace.nameOf(s.trace.indexOf(r)) === 'size' && s.trace.tasks.get(r).transfer > 0)"
    inspector.until(f"{fetched}.length > 0")
    inspector.ask(f"(s.select(s.trace.indexOf({fetched}[0]), true), 0)")
    panel = inspector.element.get_by_role("complementary")
    panel.get_by_text("for results of other workers").wait_for()
    panel.locator("dd").get_by_text(workers[1], exact=True).wait_for()
    inspector.key("3")
    inspector.until("s.view === 'time'")
    titles = inspector.ask("s.samples.threads.map(thread => thread.title)")
    assert {f"{worker} thread 0" for worker in workers} <= {*titles}
    book.run(3)
