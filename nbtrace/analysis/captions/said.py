"""What a convention makes of a span: the words of a caption, and what they are made of.

Enters: nothing but what calls.py and models.py read. Leaves: a `Said`, which caption.py puts together with the span's name."""

from __future__ import annotations

from dataclasses import dataclass

from nbtrace.analysis.captions.usage import Used


@dataclass(frozen=True, slots=True)
class Said:
    """What a convention makes of a span."""

    head: str
    """What it did, and to what: `GET /users 500`; "" where only `rest` is known."""
    rest: str = ""
    """How much of it: tokens, rows, cost."""
    known: tuple[str, ...] = ()
    """Keys of values that say no more than `head` does: a name made of them is no name of its own."""
    words: tuple[str, ...] = ()
    """The same, as they are."""
    told: tuple[str, ...] = ()
    """Keys of which all is said."""
    outcome: str = ""
    """How it ended, where that is worth saying: `head` ends with it."""
    used: Used | None = None
    """What `rest` says, of a call of a model."""
