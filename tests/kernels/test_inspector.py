"""The inspector as a kernel sends it, without a browser."""

from __future__ import annotations

from tests.kernels.kernel import Kernel


def test_it_is_a_static_table_and_a_widget_whose_text_is_empty(kernel: Kernel) -> None:
    """So a notebook that is opened without the widget's state still shows the table."""
    kernel.run("%%span load\nx = 1")
    for question in ("import nbtrace\nnbtrace.view()", "%spans view", "view = nbtrace.view()\ndisplay(view)"):
        reply = kernel.run(question)
        assert (reply.status, reply.result, reply.stderr) == ("ok", "", "")
        twin, widget = reply.displayed
        assert "load" in twin["text/plain"]
        assert "<table" in twin["text/html"]
        assert (list(widget), widget["text/plain"]) == (["application/vnd.jupyter.widget-view+json", "text/plain"], "")


def test_what_is_saved_of_it_is_small(kernel: Kernel) -> None:
    """Code and spans travel with the widget, and are taken out of its state when the cell ends."""
    kernel.run("import nbtrace\nfor i in range(3000):\n    with nbtrace.span('x', i=i): pass")
    kernel.run("view = nbtrace.view()\nprint(len(view._code) > 10_000, len(view._first) > 50_000)\nview")
    state = "sum(len(str(value)) for value in view.get_state().values())"
    assert int(kernel.run(state).result) < 5_000


def test_it_stops_with_the_extension_and_when_it_is_closed(kernel: Kernel) -> None:
    threads = "sorted({t.name for t in threading.enumerate() if 'inspector' in t.name})"
    kernel.run("import nbtrace, threading\nview = nbtrace.view()\nview")
    assert kernel.run(threads).result == "['nbtrace-inspector']"
    kernel.run("view.close()\nfor t in threading.enumerate():\n    if 'inspector' in t.name: t.join(10)")
    assert kernel.run(threads).result == "[]"
    closed = kernel.run("view")
    assert (closed.status, closed.stderr) == ("ok", ""), "a closed one can still be displayed: as its twin, or its name"
    kernel.run("view = nbtrace.view()\nview")
    kernel.run("%unload_ext nbtrace")
    kernel.run("for t in threading.enumerate():\n    if 'inspector' in t.name: t.join(10)")
    assert kernel.run(threads).result == "[]"
    assert len(kernel.run("nbtrace.view()").displayed) == 2, "what was recorded can still be looked at"


def test_selection_and_text(kernel: Kernel) -> None:
    kernel.run("%%span load rows=3\nx = 1")
    kernel.run("import nbtrace\nview = nbtrace.view(cell=2)")
    assert kernel.run("len(view.selected)").result == "0"
    kernel.run("view.selection = nbtrace.spans(name='load')['span_id'].iloc[0]")
    assert kernel.run("view.selected[['name', 'attributes.rows']].values.tolist()").result == "[['load', 3]]"
    assert "└─ load" in kernel.run("print(view)").stdout
    assert kernel.run("repr(view)").result == "'<Inspector of 2 spans>'"
    assert kernel.run("view.height = 10").ename == "TraitError"


def renewed(kernel: Kernel, code: str) -> list[str]:
    """The texts that take the place of outputs while a cell runs, as a headless run hears them: by the parent of a message."""
    message_id, texts = kernel.start(code), []
    while True:
        message = kernel.client.get_iopub_msg(timeout=60)
        if message["parent_header"].get("msg_id") != message_id:
            continue
        if message["msg_type"] == "update_display_data":
            texts.append(message["content"]["data"]["text/plain"])
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            kernel.client.get_shell_msg(timeout=60)
            return texts


def test_what_ended_with_the_cell_that_opened_it_is_in_its_table(kernel: Kernel) -> None:
    """Where no browser looks a notebook is saved when it has run; of a cell that only looks nothing is new, and nothing is sent."""
    kernel.run("import nbtrace")
    (text,) = renewed(
        kernel, "with nbtrace.span('load'): pass\ndisplay(nbtrace.view())\nwith nbtrace.span('late'): pass"
    )
    assert "load" in text
    assert "late" in text
    assert "as of 20" in text
    assert renewed(kernel, "nbtrace.view()") == []


def test_beside_a_browser_the_table_shows_the_cell_that_opened_it_when_all_is_quiet(kernel: Kernel) -> None:
    """Though the thread that renews it began in that cell, and though a span of another thread stays open."""
    kernel.run("import os, threading, time, nbtrace\nos.environ['JPY_SESSION_NAME'] = 'a notebook'")
    forever = (
        "threading.Thread(target=lambda: nbtrace.span('forever').__enter__() and done.wait(), daemon=True).start()"
    )
    opener = f"done = threading.Event()\nwith nbtrace.span('early'): pass\n{forever}\ndisplay(view := nbtrace.view())"
    kernel.run(f"{opener}\nwith nbtrace.span('late'): pass")
    text = ""
    while "late" not in text:
        message = kernel.client.get_iopub_msg(timeout=30)
        if message["msg_type"] == "update_display_data":
            text = message["content"]["data"]["text/plain"]
    assert "early" in text
    kernel.run("done.set()")


def test_a_narrowed_one_goes_on_when_its_column_is_gone(kernel: Kernel) -> None:
    """A recording that is cleared has no such attribute until the next span brings it."""
    kernel.run("import os, nbtrace\nos.environ['JPY_SESSION_NAME'] = 'a notebook'")
    kernel.run("with nbtrace.span('a', rows=5): pass\nview = nbtrace.view(where='attributes.rows > 3')\ndisplay(view)")
    kernel.run("with nbtrace.span('b', rows=7): pass")
    kernel.run("%nbtrace reset")
    kernel.run("view._settled()")
    assert kernel.run("view._feed._working").result == "True"
    assert kernel.run("from nbtrace.faults import faults\nfaults()").result == "[]"
