"""The collector of garbage, kept from working in a thread of ours.

Enters: nothing. Leaves: the collector as it was."""

from __future__ import annotations

import gc


class HeldCollector:
    """Keeps the collector from working while a thread of ours makes objects: it would run the finalizers of the user's garbage
    there, and some must run in the thread that made them."""

    def __init__(self) -> None:
        self._held = False

    def hold(self) -> None:
        """Collect nothing from here on; what is due is collected by whoever makes an object next."""
        if gc.isenabled():
            self._held = True
            gc.disable()

    def let_go(self) -> None:
        """Collect again, if `hold` has kept it from that."""
        if self._held:
            self._held = False
            gc.enable()
