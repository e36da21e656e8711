"""How amounts are written for people: durations, sizes, ratios, numbers of things.

Enters: numbers. Leaves: text, the same in tables, in judgements and in the browser (tests/vectors/words.json)."""

from __future__ import annotations


def duration(ns: int | None) -> str:
    """Write a duration with three significant digits: 850 ns, 12.3 µs, 1.20 s, 2 min 05 s; "running" for None."""
    if ns is None:
        return "running"
    if ns < 0:
        return "-" + duration(-ns)
    if ns < 1_000:
        return f"{ns} ns"
    for size, unit, below in ((1e3, "µs", 999.5e3), (1e6, "ms", 999.5e6), (1e9, "s", 59.95e9)):
        if ns < below:
            number = ns / size
            return f"{number:.{2 if number < 9.995 else 1 if number < 99.95 else 0}f} {unit}"
    seconds = round(ns / 1e9)
    if seconds < 3_600:
        return f"{seconds // 60} min {seconds % 60:02} s"
    minutes = seconds // 60
    return f"{minutes // 60} h {minutes % 60:02} min"


def change(ns: int) -> str:
    """Write how much longer or shorter: +1.20 s, −310 ms."""
    return f"{'+' if ns > 0 else '−' if ns < 0 else ''}{duration(abs(ns))}"


def size(bytes_: int) -> str:
    """Write a number of bytes with three significant digits: 850 B, 12.3 kB, 410 MB, 1.20 GB."""
    if bytes_ < 0:
        return "−" + size(-bytes_)
    if bytes_ < 1_000:
        return f"{bytes_} B"
    units = ((1e3, "kB"), (1e6, "MB"), (1e9, "GB"), (1e12, "TB"))
    unit, name = next((each for each in units if bytes_ < 999.5 * each[0]), units[-1])
    number = bytes_ / unit
    return f"{number:.{2 if number < 9.995 else 1 if number < 99.95 else 0}f} {name}"


def growth(bytes_: int) -> str:
    """Write by how many bytes more or less: +410 MB, −1.20 GB."""
    return f"+{size(bytes_)}" if bytes_ > 0 else size(bytes_)


def ratio(times: float) -> str:
    """Write how many times as long: ▲ 1.80 ×, ▼ 0.55 ×, ▼ 76.9 × faster; within a hundredth there is no arrow."""
    if times != times:
        return ""
    faster = 0 < times < 0.0995
    told = 1 / times if faster else times
    digits = 2 if told < 9.995 else 1 if told < 99.95 else 0
    text = f"{told:,.{digits}f}"
    return f"{'▲ ' if times > 1.005 else '▼ ' if times < 0.995 else ''}{text} ×{' faster' if faster else ''}"


def share(part: float) -> str:
    """Write a part of a whole: 62 %, 0.4 %."""
    return "" if part != part else f"{part * 100:.{0 if part >= 0.0995 or part == 0 else 1}f} %"


def count(number: int, noun: str, plural: str = "") -> str:
    """Write "1 span", "2 spans"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
