"""Rows, origins and executions without secrets: what a recording keeps of them and shows.

Enters: rows as they wait, executions as they ran, and what a person chose. Leaves: the same, redacted. The one place where it
is done, so that tables, text, inspector and files agree; off the user's path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from nbtrace.store import origins
from nbtrace.store.book import MAX_EXECUTIONS, Execution
from nbtrace.store.redaction.redactor import Redactor
from nbtrace.store.schema import WIDTH, Extra, Origin, Row, RowFields
from nbtrace.store.values import with_tuples

CaptureSource = Literal["full", "hash", "none"]

_NAME, _ORIGIN, _THREAD, _EXTRA, _KEYS = map(RowFields._fields.index, ("name", "origin", "thread", "extra", "keys"))
_MAX_ORIGINS = 1_000
_NUMBERS = frozenset((int, float, bool, type(None)))


def rows(unredacted: Sequence[Row], redactor: Redactor) -> list[Row]:
    """Return the rows without secrets; those that hold none are the same objects."""
    if not redactor.active:
        return list(unredacted)
    return [_row(row, redactor) for row in unredacted]


def origin(unredacted: Origin, redactor: Redactor) -> Origin:
    """Return an origin without secrets: its names by their looks, its resource as attributes are. Redacted once: a
    callable of the user's is asked once about a resource, not once for each span."""
    known = redactor.origins.get(unredacted)
    if known is None:
        if len(redactor.origins) > _MAX_ORIGINS:  # tracers named by a loop
            redactor.origins.clear()
        attributes = origins.resource(unredacted)
        keys, values = _all_pairs(tuple(attributes), tuple(map(with_tuples, attributes.values())), redactor)
        known = redactor.origins[unredacted] = origins.origin(
            _text(unredacted.service_name, redactor, "service.name"),
            _text(unredacted.scope_name, redactor, "otel.scope.name"),
            _text(unredacted.scope_version, redactor, "otel.scope.version"),
            dict(zip(keys, values, strict=True)),
        )
    return known


class Shown:
    """Sources and origins without secrets, each redacted once as long as it and the rules stay the same."""

    def __init__(self) -> None:
        self._sources: dict[int, tuple[Redactor, str, str]] = {}
        self._settled: dict[int, str] = {}

    def execution(self, execution: Execution, redactor: Redactor, capture_source: CaptureSource) -> Execution:
        """Return an execution with as much of its source as is wanted, without secrets."""
        source = self._source(execution, redactor, capture_source)
        if execution.compiled is not None:
            execution.typed_line(
                1
            )  # reads the code as it was typed and as it was compiled, of which the second is not kept
            return replace(execution, source=source, compiled=None)
        return execution if source == execution.source else replace(execution, source=source)

    def _source(self, execution: Execution, redactor: Redactor, capture_source: CaptureSource) -> str:
        settled = self._settled.get(execution.number)
        if settled is not None:
            return settled
        raw = execution.source
        if capture_source != "full":
            return f"sha256:{execution.digest}" if capture_source == "hash" and execution.digest else ""
        known = self._sources.get(execution.number)
        if known is None or known[0] is not redactor or known[1] is not raw:
            if len(self._sources) > MAX_EXECUTIONS:
                self._sources.clear()
            known = self._sources[execution.number] = (redactor, raw, redactor.source(raw))
        return known[2]

    def settle(self, executions: Sequence[Execution], redactor: Redactor, capture_source: CaptureSource) -> None:
        """Keep the sources of these as they are shown now, whatever the rules are later."""
        self._settled.update({e.number: self._source(e, redactor, capture_source) for e in executions})

    def clear(self) -> None:
        """Let go of raw sources."""
        self._sources.clear()

    def forget(self, numbers: set[int]) -> None:
        """Let go of the sources of these."""
        for number in numbers:
            self._sources.pop(number, None)
            self._settled.pop(number, None)


def _row(row: Row, redactor: Redactor) -> Row:
    name = redactor.text(row[_NAME], "span.name")
    extra = row[_EXTRA]
    kept = None if extra is None else _extra(extra, redactor)
    keys, values = _pairs(row[_KEYS], row[WIDTH:], redactor)
    thread = row[_THREAD]
    if thread.thread_name is not None and (called := redactor.text(thread.thread_name)) != thread.thread_name:
        thread = thread._replace(thread_name=called)
    where = origin(row[_ORIGIN], redactor)
    if (
        where == row[_ORIGIN]
        and name is row[_NAME]
        and kept is extra
        and keys is row[_KEYS]
        and values is None
        and thread is row[_THREAD]
    ):
        return row
    rest = row[WIDTH:] if values is None else values
    return (*row[:_NAME], name, *row[_NAME + 1 : _ORIGIN], where, thread, kept, keys, *rest)


def _extra(extra: Extra, redactor: Redactor) -> Extra:
    return extra._replace(
        status_message=_text(extra.status_message, redactor, "status.message"),
        events=tuple(
            (when, redactor.text(name, "event.name"), *_all_pairs(keys, values, redactor))
            for when, name, keys, values in extra.events
        ),
        links=tuple(
            (trace_id, span_id, *_all_pairs(keys, values, redactor)) for trace_id, span_id, keys, values in extra.links
        ),
    )


def _text(text: str | None, redactor: Redactor, key: str) -> str | None:
    return None if text is None else redactor.text(text, key)


def _all_pairs(
    keys: tuple[str, ...], values: tuple[Any, ...], redactor: Redactor
) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    keys, changed = _pairs(keys, values, redactor)
    return keys, values if changed is None else changed


def _pairs(
    keys: tuple[str, ...], values: tuple[Any, ...], redactor: Redactor
) -> tuple[tuple[str, ...], tuple[Any, ...] | None]:
    """Keys and values without secrets; None for values of which none has changed."""
    asks_all = redactor.choice.call is not None
    changed: list[Any] | None = None
    for at, (key, value) in enumerate(zip(keys, values, strict=True)):
        if asks_all or type(value) not in _NUMBERS:
            safe = redactor.value(key, value)
            if safe is not value:
                changed = list(values) if changed is None else changed
                changed[at] = safe
    return redacted_keys(keys, redactor), None if changed is None else tuple(changed)


def redacted_keys(keys: tuple[str, ...], redactor: Redactor) -> tuple[str, ...]:
    """Return the keys of attributes without secrets: the same object if they hold none. Those that become equal stay two."""
    safe_keys = tuple(map(redactor.key, keys))
    if safe_keys == keys:
        return keys
    found: dict[str, None] = {}
    for key in safe_keys:
        while key in found:
            key += "'"
        found[key] = None
    return tuple(found)
