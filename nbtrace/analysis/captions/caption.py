"""The caption of a span that follows OpenTelemetry's conventions: `GET /users 500`, `SELECT users`, `chat gpt-4o`.

Enters: name, kind and attributes of a span. Leaves: what is shown in place of the name, or None where the name says it all.
The name stays what a span is searched and grouped by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbtrace.analysis.captions import calls, models
from nbtrace.analysis.captions.read import Said

KEYS = calls.KEYS | models.KEYS
"""All attributes that are read."""

MARKS = calls.MARKS | models.MARKS
"""A span that has none of these has no caption."""

_WORD = re.compile(r"\w+")
_MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class Caption:
    """What is shown in place of a name."""

    head: str
    rest: str
    told: tuple[str, ...]
    """Keys of attributes of which nothing more is to be said."""

    def __str__(self) -> str:
        return " · ".join(filter(None, [self.head, self.rest]))


def caption(name: str, kind: str, attributes: Mapping[str, Any]) -> Caption | None:
    """Return the caption of a span; None if it follows none of the conventions, or its name says the same.

    A name that somebody has chosen stands before what the conventions say: `load users · SELECT users`; one that is made
    of the same words, such as `SELECT`, is replaced."""
    if MARKS.isdisjoint(attributes):
        return None
    said = (
        models.model(name, attributes)
        or calls.database(kind, attributes)
        or calls.messaging(kind, attributes)
        or calls.rpc(kind, attributes)
        or calls.http(kind, attributes)
    )
    if said is None:
        return None
    head = _headed(name, said)
    return Caption(head, said.rest, said.told) if said.rest or head != name else None


def _headed(name: str, said: Said) -> str:
    own, told = _words(name[:_MAX_NAME]), _words(said.head)
    if told <= own and len(said.head) <= len(name):
        return name
    if own <= told | _words(*said.known):
        return said.head
    return f"{name} · {said.head}"


def _words(*texts: str) -> set[str]:
    return {word for text in texts for word in _WORD.findall(text.lower())}
