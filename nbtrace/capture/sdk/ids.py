"""Trace and span ids from a generator of our own, so that `random.seed(0)` in a cell neither repeats an id nor is
disturbed by one."""

from __future__ import annotations

import os
import random
import weakref

from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator


class OwnIdGenerator(IdGenerator):
    """Random ids that depend on nothing a user can reach by accident; a forked child draws its own."""

    def __init__(self) -> None:
        self._random = random.Random()
        _GENERATORS.add(self)

    def generate_span_id(self) -> int:
        """Return 64 random bits, never 0."""
        return self._random.getrandbits(64) or self.generate_span_id()

    def generate_trace_id(self) -> int:
        """Return 128 random bits, never 0."""
        return self._random.getrandbits(128) or self.generate_trace_id()

    def is_trace_id_random(self) -> bool:
        """Return True: all bits are random."""
        return True

    def reseed(self) -> None:
        """Draw a new seed from the system."""
        self._random.seed()


_GENERATORS: weakref.WeakSet[OwnIdGenerator] = weakref.WeakSet()


def _reseed_all() -> None:
    for generator in _GENERATORS:
        generator.reseed()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reseed_all)


def shield(generator: object, ids: OwnIdGenerator) -> bool:
    """Let the SDK's default generator give ids of `ids`; return whether it is shielded now.

    It draws from the global `random` all the same, so that a user's seeded numbers stay those of an untraced run."""
    if type(generator) is not RandomIdGenerator:
        return False

    theirs, own = random.getrandbits, ids._random.getrandbits

    def span_id() -> int:
        theirs(64)
        return own(64) or span_id()

    def trace_id() -> int:
        theirs(128)
        return own(128) or trace_id()

    vars(generator).update(generate_span_id=span_id, generate_trace_id=trace_id)
    return True


def unshield(generator: object) -> None:
    """Undo `shield`."""
    for name in ("generate_span_id", "generate_trace_id"):
        vars(generator).pop(name, None)
