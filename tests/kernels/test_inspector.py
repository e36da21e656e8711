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
