"""The static table that stands in front of an inspector, and alone where there is no kernel: renewed while there is one.

Enters: a tree of spans, made when it is asked for. Leaves: an output, and what takes its place in the notebook."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextvars import Context
from datetime import datetime
from typing import Any

from nbtrace.analysis.wrong_question import QuestionError
from nbtrace.views.tree import TreeView

_STYLE = (
    # What a front end says in place of a widget whose kernel is gone is one text: the table above it says more.
    "<style>.jp-OutputArea-child:has(.nbtrace-twin) + .jp-OutputArea-child > .jupyter-widgets:not(:has(*))"
    "{display:none}</style>"
)


class Twin:
    """A tree as a table, which says of when it is."""

    def __init__(self, tree: Callable[[], TreeView]) -> None:
        self._tree = tree
        self._id = f"nbtrace-{os.urandom(8).hex()}"
        self._shown: dict[str, str] | None = None
        self.cost_s = 0.0
        """How long it took to make, the last time."""

    def display(self) -> None:
        """Show it as an output of the cell that runs."""
        from IPython.display import display

        self._shown = self._made()
        display(_dated(self._shown), raw=True, display_id=self._id)

    def renew(self) -> None:
        """Have what it shows replaced wherever it is shown, in the notebook to be saved too, if there is something new.
        Callable from any thread; without a front end it does nothing."""
        from IPython import get_ipython

        publisher: Any = getattr(get_ipython(), "display_pub", None)
        if self._shown is None or not hasattr(publisher, "pub_socket"):
            return
        try:
            # In a context of its own: a thread may have been begun in a cell, which it would take for the one that asks.
            now = Context().run(self._made)
        except (
            QuestionError
        ):  # what was asked for is not there any more: the recording was cleared, or has forgotten it
            return
        if now == self._shown:
            return
        self._shown = now
        # Not by publisher.publish: it belongs to the cell that runs, and would note another output of it in the history.
        content = {"data": _dated(now), "metadata": {}, "transient": {"display_id": self._id}}
        publisher.session.send(
            publisher.pub_socket, "update_display_data", content, parent=publisher.parent_header, ident=publisher.topic
        )

    def _made(self) -> dict[str, str]:
        began = time.thread_time()
        found = self._tree().twin()
        self.cost_s = time.thread_time() - began
        return found


def _dated(twin: dict[str, str]) -> dict[str, str]:
    moment = f"as of {datetime.now():%Y-%m-%d %H:%M:%S}"
    table = (
        f'<div class="nbtrace-twin">{_STYLE}{twin["text/html"]}<p>{moment}; run the cell for the inspector</p></div>'
    )
    return {"text/html": table, "text/plain": f"{twin['text/plain']}\n{moment}"}
