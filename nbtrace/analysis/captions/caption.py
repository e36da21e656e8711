"""The caption of a span that follows OpenTelemetry's conventions: `GET /users 500`, `SELECT users`, `chat gpt-4o`.

Enters: name, kind and attributes of a span. Leaves: what is shown in place of the name, or None where the name says it all.
The name stays what a span is searched and grouped by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbtrace.analysis.captions import calls, models
from nbtrace.analysis.captions.read import text
from nbtrace.analysis.captions.said import Said
from nbtrace.analysis.captions.usage import Used

_MESSAGE = ("logfire.msg",)
_OF_LOGFIRE = ("logfire.msg", "logfire.msg_template", "logfire.json_schema", "logfire.span_type", "logfire.level_num")

KEYS = calls.KEYS | models.KEYS | {*_MESSAGE}
"""All attributes that are read."""

MARKS = calls.MARKS | models.MARKS | {*_MESSAGE}
"""A span that has none of these has no caption."""

_WORD = re.compile(r"\w+")
_LOOKED_AT = 2_000


@dataclass(frozen=True, slots=True)
class Caption:
    """What is shown in place of a name."""

    head: str
    rest: str
    told: tuple[str, ...]
    """Keys of attributes of which nothing more is to be said."""
    what: str
    """`head` without how it ended: what several calls have in common, be it that some failed."""
    used: Used | None = None
    """Of a call of a model: what `rest` says."""

    def __str__(self) -> str:
        return " · ".join(filter(None, [self.head, self.rest]))


def caption(name: str, kind: str, attributes: Mapping[str, Any]) -> Caption | None:
    """Return the caption of a span; None if it follows none of the conventions, or its name says the same.

    A name that somebody has chosen stands before what the conventions say: `load users · SELECT users`; one that is made
    of the same words, such as `SELECT`, is replaced. What Logfire writes beside a name is what that says."""
    message = text(attributes, *_MESSAGE)
    said = _said(name, kind, attributes)
    if said is None:
        return Caption(message, "", _OF_LOGFIRE, message) if message not in ("", name) else None
    # Logfire's names are templates, which are written out beside them.
    head = _headed(message if message and "{" in name else name, said, attributes)
    what = head.removesuffix(f" {said.outcome}") if said.outcome else head
    told = said.told + _OF_LOGFIRE if message else said.told
    return Caption(head, said.rest, told, what, said.used) if said.rest or head != name else None


def _said(name: str, kind: str, attributes: Mapping[str, Any]) -> Said | None:
    """What the first convention says that a span follows. A database may be asked by HTTP, a queue by a procedure."""
    if not models.MARKS.isdisjoint(attributes) and (found := models.model(name, attributes)):
        return found
    for marks, read in _CALLS:
        if not marks.isdisjoint(attributes) and (found := read(kind, attributes)):
            return found
    return None


_CALLS = (
    (calls.DATABASE, calls.database),
    (calls.MESSAGING, calls.messaging),
    (calls.RPC, calls.rpc),
    (calls.HTTP, calls.http),
)


def _headed(name: str, said: Said, attributes: Mapping[str, Any]) -> str:
    if not said.head or said.head == name:
        return name
    if said.head.startswith(f"{name} "):
        return said.head
    own, told = _words(name[:_LOOKED_AT]), _words(said.head)
    if told <= own and len(said.head) <= len(name):
        return name
    known = (item[:_LOOKED_AT] for key in said.known if isinstance(item := attributes.get(key), str))
    return said.head if own <= told | _words(*said.words, *known) else f"{name} · {said.head}"


def _words(*texts: str) -> set[str]:
    return {word for text in texts for word in _WORD.findall(text.lower())}
