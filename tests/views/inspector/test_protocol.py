"""The page, the names of the kernel's side and those of the browser's side say the same."""

from __future__ import annotations

import re
from pathlib import Path

from nbtrace.views.inspector import protocol
from nbtrace.views.inspector.feed import Feed
from tests.profiles import Made
from tests.views.inspector.test_wire import read

HERE = Path(protocol.__file__).parent
PAGE = (HERE / "protocol.md").read_text(encoding="utf-8")
SCRIPT = (HERE.parent / "frontend" / "src" / "protocol.ts").read_text(encoding="utf-8")
DTYPES = {"Float64Array": "f8", "Uint32Array": "u4", "Int32Array": "i4", "Uint16Array": "u2", "Uint8Array": "u1"} | {
    "Uints": "u"
}


def table(*head: str) -> list[list[str]]:
    """The rows of the tables of the page with such a head, without what marks code."""
    found = []
    lines = iter(PAGE.splitlines())
    for line in lines:
        if cells(line)[: len(head)] == list(head):
            next(lines)
            while (line := next(lines, "")).startswith("|"):
                found.append(cells(line))
    return found


def cells(line: str) -> list[str]:
    return [cell.strip().replace("`", "") for cell in line.strip("|").split("|")]


def fields(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(", ")))


def test_the_page_has_each_message_with_its_fields() -> None:
    found: dict[str, dict[str, tuple[str, ...]]] = {"browser": {}, "kernel": {}}
    for sender, kind, text, _ in table("from", "kind", "fields"):
        found[sender][kind] = fields(text)
    assert found == {"browser": protocol.FROM_BROWSER, "kernel": protocol.FROM_KERNEL}
    assert {kind: fields(text) for kind, text, _ in table("kind", "fields", "when")} == protocol.FRAMES


def test_the_page_has_each_column_with_its_dtype() -> None:
    columns = [(name, dtype) for name, dtype, *_ in table("column", "dtype")]
    assert columns == [column for kind in protocol.FRAMES for column in protocol.COLUMNS[kind]]


def test_the_browser_has_the_same_messages_fields_and_columns() -> None:
    names = dict(re.findall(r'^export const (\w+) = "(\w+)";', SCRIPT, re.M))
    assert names == {name: value for name, value in vars(protocol).items() if name.isupper() and isinstance(value, str)}
    shapes = {}
    for body in re.findall(r"^export interface \w+ \{\n(.*?)^\}", SCRIPT, re.M | re.S):
        first, *others = re.findall(r"^  (\w+)\??: (.*);$", body, re.M)
        shapes[names[first[1].removeprefix("typeof ")]] = tuple(name for name, _ in others)
    assert shapes == {**protocol.FROM_BROWSER, **protocol.FROM_KERNEL, **protocol.FRAMES}
    for kind in (protocol.SPANS, protocol.DETAILS, protocol.PROFILE):
        [listed] = re.findall(rf"^export type {kind.capitalize()}Columns = \[(.*?)\];", SCRIPT, re.M | re.S)
        told = tuple((name, DTYPES[array]) for name, array in re.findall(r"(\w+): (\w+)", listed))
        assert told == protocol.COLUMNS[kind]


def test_frames_are_as_the_page_says() -> None:
    made = Made()
    cell = made.cell("f()", 0, 100, [(0, 1)])
    made.sample(cell, 50, 10, 1)
    spans, profile, described = Feed(made.store, lambda frame: None, live=False).frames()
    for kind, frame in ((protocol.SPANS, spans), (protocol.PROFILE, profile), (protocol.DETAILS, described)):
        header, columns = read(frame)
        assert header["kind"] == kind
        assert set(header) == {"kind", *protocol.FRAMES[kind]}
        for column, (name, dtype) in zip(columns, protocol.COLUMNS[kind], strict=True):
            assert column.dtype.str[1:] in (("u1", "u2", "u4") if dtype == "u" else (dtype,)), name


def test_the_page_has_each_trait() -> None:
    from nbtrace.views.inspector.widget import Inspector

    assert {trait for trait, *_ in table("trait", "set by")} == set(Inspector.class_own_traits(sync=True))
