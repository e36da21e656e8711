"""The inspector: a widget below the cell, in front of a static twin that stays when the kernel is gone.

Enters: a feed of frames and a tree of the same spans. Leaves: two outputs. The bundle of the front end is not part of the
widget's state, which notebooks save: a loader of a few lines asks for it."""

from __future__ import annotations

import os
import reprlib
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeGuard

import anywidget
import pandas as pd
import traitlets

from nbtrace.analysis.conditions import attribute_keys
from nbtrace.analysis.selection import Selection
from nbtrace.faults import fault
from nbtrace.store.book import Execution
from nbtrace.store.span_store import SpanStore
from nbtrace.views.inspector.feed import PATIENCE_S, Feed
from nbtrace.views.inspector.frames import Frame
from nbtrace.views.inspector.front_end import static
from nbtrace.views.inspector.narrowed import meeting
from nbtrace.views.inspector.protocol import BYE, CODE, DESCRIBE, FRAME, HELLO
from nbtrace.views.inspector.twin import Twin
from nbtrace.views.tree import TreeView

MAX_FIRST = 4_000_000
"""Bytes of a first frame that goes with the widget; a longer one is sent when the browser asks, or after `PATIENCE_S`."""

MAX_RENEWAL_S = 0.25
"""A table that took longer to make is not renewed beside the cells: it is of when it was made, as it says."""


def inspector(
    tree: Callable[[], TreeView],
    store: SpanStore,
    spans: Callable[[], pd.DataFrame],
    selection: Selection,
    *,
    live: bool,
    opener: Execution | None,
) -> Inspector:
    """Return an inspector of the spans that meet a selection, whose condition is bound to its variables; live, it tells of
    those that come later too. `opener`: the cell that opens it."""
    choose = None
    if selection.narrowed:
        tree()  # a condition that cannot be met is told of now, and not by a thread
        keys = attribute_keys(store.snapshot(), "attributes") if selection.where is not None else ()
        asker = 0 if opener is None else opener.number
        choose = meeting(selection, store.executions, asker=asker, known_keys=keys)
    return Inspector(
        tree,
        partial(Feed, store, live=live, choose=choose, opener=opener, asking=selection.asking),
        spans,
        _opener=0 if opener is None else opener.number,
    )


class MalformedMessageError(ValueError):
    """What the browser sent is none of the messages that it sends."""


class Inspector(anywidget.AnyWidget):
    """The inspector of a recording. `selection` is the id of the span that is selected in the browser, and can be set;
    `selected` its row of the spans table."""

    _esm = static("loader.js")

    selection = traitlets.Unicode("", help="Id of the selected span; empty if there is none.").tag(sync=True)
    height = traitlets.Int(460, min=160, help="Height in pixels at the most; what has less to show is lower.").tag(
        sync=True
    )
    _code = traitlets.Unicode("").tag(sync=True)
    _first = traitlets.Bytes(b"").tag(sync=True)
    _opener = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        tree: Callable[[], TreeView],
        feed: Callable[..., Feed],
        spans: Callable[[], pd.DataFrame],
        **traits: Any,
    ) -> None:
        self._tree = tree
        self._twin = Twin(tree)
        self._spans = spans
        self._feed = feed(self._send_frame, send_code=self._send_code, renewed=self._forget, settled=self._settled)
        first = self._feed.first()
        late = first if len(first) > MAX_FIRST else b""
        # With the widget, so that it is drawn while the cell that opens it still runs: until that ends, the kernel answers
        # nobody. Taken out again at its end, because what is in a trait is saved with the notebook.
        super().__init__(_code=static("inspector.js"), _first=b"" if late else first, **traits)
        self.on_msg(self._heard)
        self._forget_at_end_of_cell()
        self._feed.start(late)

    @property
    def selected(self) -> pd.DataFrame:
        """The selected span as a table of one row; of none if nothing is selected."""
        spans = self._spans()
        return spans[(spans["span_id"] == self.selection).astype(bool)].reset_index(drop=True)

    def close(self) -> None:
        """Close the widget, and send nothing any more."""
        self._feed.close()
        super().close()

    def __str__(self) -> str:
        return str(self._tree())

    def __repr__(self) -> str:
        return f"<Inspector of {len(self._tree())} spans>"

    def _ipython_display_(self) -> None:
        """Two outputs: first the static twin, then the widget, which hides its twin when it is drawn. In one output, a
        notebook that is opened without the widget's state shows an error instead of the twin."""
        from IPython.display import display

        self._twin.display()
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
                # Nobody will look at a notebook without a browser before it is saved.
                self._renew_twin()

        shell.events.register("post_run_cell", ended)

    def _forget(self) -> None:
        """Take out of the widget's state what the browser has, or is sent anew."""
        try:
            self._code, self._first = "", b""
        except Exception:  # a connection that is gone; this runs at the end of a cell of the user's
            fault("taking an inspector's code out of its state")

    def _settled(self) -> None:
        # A cell may begin meanwhile, and would be kept from the interpreter for as long.
        if self._twin.cost_s <= MAX_RENEWAL_S:
            self._renew_twin()

    def _renew_twin(self) -> None:
        """Have the table show what has ended since."""
        try:
            self._twin.renew()
        except Exception:  # as in `_forget`
            fault("renewing the table of an inspector")

    def _heard(self, _: Any, message: Any, buffers: Any) -> None:
        """Note what the browser wants: it has just come, is about to go, or wants the details of a row. Its feed's thread
        answers. Nothing else can be had by a message, and one that is none is told of once and ignored."""
        try:
            if not self._understood(message):
                raise MalformedMessageError(f"not a message of the inspector's: {reprlib.repr(message)}")
        except Exception:
            fault("reading a message from the browser")

    def _understood(self, message: Any) -> bool:
        if not isinstance(message, dict):
            return False
        kind, row = message.get("kind"), message.get("row")
        if kind == HELLO:
            rows, details, code = message.get("rows"), message.get("details", 0), message.get("code", False)
            profiles = message.get("profiles", 0)
            if not (_is_number(rows) and _is_number(details) and _is_number(profiles) and isinstance(code, bool)):
                return False
            self._forget()
            self._feed.hello(rows, details, profiles, code=code)
        elif kind == BYE:
            self._feed.rest()
        elif kind == DESCRIBE and _is_number(row):
            self._feed.describe(row)
        else:
            return False
        return True

    def _send_code(self) -> None:
        self.send({"kind": CODE, "code": static("inspector.js")})

    def _send_frame(self, frame: Frame) -> None:
        self.send({"kind": FRAME}, buffers=[frame])


def _is_number(value: Any) -> TypeGuard[int]:
    """Whether it is what a browser counts with: no bool, which Python takes for an int."""
    return type(value) is int and value >= 0
