"""The %%span lines at the top of a cell: found, read, and taken out of the way of the parser.

Enters: the text of cells. Leaves: span lines, and the text without them."""

from __future__ import annotations

from nbtrace.capture.notebook.spanline import SpanLine, SpanLineError, parse

MAGIC = "%%span"


def is_span_line(line: str) -> bool:
    """Whether a line is one of the magic's."""
    line = line.lstrip()
    return line.startswith(MAGIC) and line[len(MAGIC) : len(MAGIC) + 1] in ("", " ", "\t", "\n", "\r")


def _arguments(line: str) -> str:
    return line.strip()[len(MAGIC) :].strip()


def span_lines(source: str) -> list[SpanLine]:
    """The leading %%span lines of a cell; none if one of them cannot be read, as then the magic itself runs."""
    found = []
    for line in source.lstrip().splitlines():
        if not is_span_line(line):
            break
        try:
            found.append(parse(_arguments(line)))
        except SpanLineError:
            return []
    return [] if any(line.statement is not None for line in found) else found


def without_span_lines(lines: list[str], *, nested: bool) -> list[str]:
    """Return a cell's lines, of which the first is a %%span line, with such lines as comments; as calls where the cell is
    `nested` in another, which no hook tells of; unchanged where they cannot be read or belong to another magic."""
    count = 0
    while count < len(lines) and is_span_line(lines[count]):
        count += 1
    body = lines[count:]
    try:
        for line in lines[:count]:
            if parse(_arguments(line)).statement is not None:
                return lines
    except SpanLineError:
        return lines
    while body and not body[0].strip():
        blank, body = body[0], body[1:]
        if not (body and any(rest.strip() for rest in body)):
            body = [blank, *body]
            break
    if body and body[0].lstrip().startswith("%%"):
        # That magic must see its own first line. Below another magic the real %%span runs it.
        return lines if nested else body
    if nested:
        calls = [f"get_ipython().run_cell_magic('span', {_arguments(line)!r}, '\\n')\n" for line in lines[:count]]
        return [*calls, *lines[count:]]
    return ["# " + line.lstrip()[2:] for line in lines[:count]] + lines[count:]
