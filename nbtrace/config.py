"""The options of nbtrace, as traitlets: `%config NBTrace.max_spans = 50_000`, ipython_config.py, jupyter --NBTrace…

Enters: nothing. Leaves: `NBTrace`, one configurable for one shell. Imports traitlets, and the rules."""

from __future__ import annotations

import os
from typing import Any

from traitlets import Bool, Enum, Integer, TraitError, TraitType
from traitlets.config import Configurable

from nbtrace.store.rate import checked_rate
from nbtrace.store.redaction.choice import parse_choice


class _AutoOrBool(TraitType):  # type: ignore[type-arg]
    """ "auto", True or False; the words "true" and "false" are taken too, as a config file may hold them."""

    info_text = "'auto', True or False"

    def validate(self, obj: Any, value: Any) -> Any:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("auto", "true", "false"):
            return {"auto": "auto", "true": True, "false": False}[value.lower()]
        raise TraitError(f"NBTrace.{self.name} is {value!r}, but must be {self.info_text}.")


class _AtLeastOne(Integer):  # type: ignore[type-arg] # traitlets 5.7 has none at run time
    """A whole number of at least 1, with an error that says so in one line."""

    def validate(self, obj: Any, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise TraitError(f"NBTrace.{self.name} is {value!r}, but must be a whole number of at least 1.")
        return value


class _Redact(TraitType):  # type: ignore[type-arg]
    """True, False, a list of rules or a callable; what is none says which rules there are."""

    info_text = "True, False, a list of rules, or a callable f(key, value)"

    def validate(self, obj: Any, value: Any) -> Any:
        try:
            parse_choice(value)
        except ValueError as error:
            raise TraitError(f"NBTrace.redact: {error}") from None
        return value


class _Sampling(TraitType):  # type: ignore[type-arg]
    """How often a second, or False."""

    info_text = "a whole number from 1 to 1000, how often a second, or False"

    def validate(self, obj: Any, value: Any) -> Any:
        try:
            return checked_rate(value) or False
        except ValueError as error:
            raise TraitError(f"NBTrace.{error}") from None


class _Journal(TraitType):  # type: ignore[type-arg]
    """True, False, or where."""

    info_text = "True, False, or the path of a file"

    def validate(self, obj: Any, value: Any) -> Any:
        if isinstance(value, (bool, str)):
            return (
                {"true": True, "false": False, "": False}.get(value.lower(), value) if isinstance(value, str) else value
            )
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        raise TraitError(f"NBTrace.journal is {value!r}, but must be {self.info_text}.")


class NBTrace(Configurable):
    """Record every cell, and what runs inside, as OpenTelemetry spans."""

    max_spans = _AtLeastOne(
        1_000_000,
        help="How many finished spans the recording keeps; beyond it the oldest go first, and are counted.",
    ).tag(config=True)

    max_bytes = _AtLeastOne(
        1_000_000_000,
        help="How much memory the finished spans may take, in bytes, beside max_spans; the oldest go first.",
    ).tag(config=True)

    redact = _Redact(
        True,
        help="What looks like a secret is not kept. False keeps everything; a list of '+rule' and '-rule' changes the rules "
        "(a wrong one lists them); a callable f(key, value) has the last word. Holds for what is kept from now on. "
        "In %config lines double a pattern's braces, as '+pattern:ACME-[0-9]{{6}}': IPython replaces single ones.",
    ).tag(config=True)

    capture_source = Enum(
        ("full", "hash", "none"),
        "full",
        help="How much of a cell's code is kept: all of it, a hash that tells cells apart, or nothing.",
    ).tag(config=True)

    sampling = _Sampling(
        100,
        help="How often a second the threads of a running cell are looked at, from 1 to 1000: what %spans lines and %spans hot "
        "rest on. False for not at all. While Python's code computes it is some 200 at most, as often as that lets go of the "
        "interpreter's lock. In cells of more than ten seconds it is less, so that long cells cost no more memory.",
    ).tag(config=True)

    journal = _Journal(
        False,
        help="Write what is recorded into a file as it happens, which outlives the kernel: True for a file of its own in "
        ".nbtrace beside the notebook, or a path. nbtrace.recover() lists what there is.",
    ).tag(config=True)

    unstored_cells = _AutoOrBool(
        "auto",
        help="Trace executions that do not store history: True, False, or 'auto' for 'only in a kernel that has stored "
        "none so far', so that a test runner is traced and an editor's variable inspector is not.",
    ).tag(config=True)

    display = Bool(
        False,
        help="Show the tree of a cell's spans below the cell (%nbtrace display on).",
    ).tag(config=True)
