"""The inspector: a widget below the cell, in front of a static twin that stays when the kernel is gone.

Enters: a feed of frames and a tree of the same spans. Leaves: two outputs. The bundle of the front end is not part of the
widget's state, which notebooks save: a loader of a few lines asks for it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import anywidget
import pandas as pd
import traitlets

from nbtrace.faults import fault
from nbtrace.store.cells import Execution
from nbtrace.store.store import SpanStore
from nbtrace.views.feed import PATIENCE_S, Feed
from nbtrace.views.front_end import static
from nbtrace.views.tree import TreeView
from nbtrace.views.wire import Frame

MAX_FIRST = 4_000_000
"""Bytes of a first frame that goes with the widget; a longer one is sent when the browser asks, or after `PATIENCE_S`."""


def inspector(
    tree: TreeView, store: SpanStore, spans: Callable[[], pd.DataFrame], *, live: bool, asking: Execution | None
) -> Inspector:
    """Return an inspector of a recording; of the spans of the tree alone, if it is not live."""
    keep = None if live or len(tree) == len(store) else tree.last()
    return Inspector(tree, lambda send: Feed(store, send, live=live, keep=keep, asking=asking), spans)


class Inspector(anywidget.AnyWidget):
    """The inspector of a recording. `selection` is the id of the span that is selected in the browser, and can be set;
    `selected` its row of the spans table."""

    _esm = static("loader.js")

    selection = traitlets.Unicode("", help="Id of the selected span; empty if there is none.").tag(sync=True)
    height = traitlets.Int(460, min=160, help="Height in pixels.").tag(sync=True)
    _code = traitlets.Unicode("").tag(sync=True)
    _first = traitlets.Bytes(b"").tag(sync=True)

    def __init__(
        self,
        tree: TreeView,
        feed: Callable[[Callable[[Frame], None]], Feed],
        spans: Callable[[], pd.DataFrame],
        **traits: Any,
    ) -> None:
        self._tree = tree
        self._spans = spans
        self._feed = feed(self._send_frame)
        first = self._feed.first()
        self._late = first if len(first) > MAX_FIRST else b""
        # With the widget, so that it is drawn while the cell that opens it still runs: until that ends, the kernel answers
        # nobody. Taken out again at its end, because what is in a trait is saved with the notebook.
        super().__init__(_code=static("inspector.js"), _first=b"" if self._late else first, **traits)
        self.on_msg(self._heard)
        self._forget_at_end_of_cell()
        self._feed.start()
        if self._late:
            timer = threading.Timer(PATIENCE_S, self._send_late)
            timer.daemon = True
            timer.start()

    @property
    def selected(self) -> pd.DataFrame:
        """The selected span as a table of one row; of none if nothing is selected."""
        spans = self._spans()
        return spans[(spans["span_id"] == self.selection).astype(bool)].reset_index(drop=True)

    def close(self) -> None:
        """Close the widget, and send nothing any more."""
        self._feed.stop()
        super().close()

    def __str__(self) -> str:
        return str(self._tree)

    def __repr__(self) -> str:
        return f"<Inspector of {len(self._tree)} spans>"

    def _ipython_display_(self) -> None:
        """Two outputs: first the static twin, then the widget, which hides its twin when it is drawn. In one output, a
        notebook that is opened without the widget's state shows an error instead of the twin."""
        from IPython.display import display

        display(self._tree.twin(), raw=True)
        if self.comm is None:  # closed
            return
        view = {"version_major": 2, "version_minor": 1, "model_id": self.model_id}
        display({"application/vnd.jupyter.widget-view+json": view, "text/plain": ""}, raw=True)

    def _forget_at_end_of_cell(self) -> None:
        from IPython import get_ipython

        shell = get_ipython()
        if shell is None:
            return

        def ended(*_: Any) -> None:
            if ended in shell.events.callbacks["post_run_cell"]:
                shell.events.unregister("post_run_cell", ended)
            # A person's browser needs a moment to read it; a headless run saves what there is when the cell has ended.
            if "JPY_SESSION_NAME" in os.environ or "__vsc_ipynb_file__" in shell.user_ns:
                timer = threading.Timer(PATIENCE_S, self._forget)
                timer.daemon = True
                timer.start()
            else:
                self._forget()

        shell.events.register("post_run_cell", ended)

    def _forget(self) -> None:
        try:
            self._code, self._first = "", b""
        except Exception:  # a connection that is gone; this runs at the end of a cell of the user's
            fault("taking an inspector's code out of its state")

    def _heard(self, _: Any, message: Any, buffers: Any) -> None:
        """Answer the browser: it has just come, is about to go, or wants the details of a row."""
        if not isinstance(message, dict):
            return
        if message.get("kind") == "hello":
            if not message.get("code"):
                self.send({"kind": "code", "code": static("inspector.js")})
            self._late = b""
            self._forget()
            self._feed.hello(int(message.get("rows", 0)), int(message.get("details", 0)))
        elif message.get("kind") == "bye":
            self._feed.rest()
        elif message.get("kind") == "describe":
            self._feed.describe(int(message.get("row", -1)))

    def _send_frame(self, frame: Frame) -> None:
        self.send({"kind": "frame"}, buffers=[frame])

    def _send_late(self) -> None:
        late, self._late = self._late, b""
        if late:
            self._send_frame(late)
