"""JUnit XML, as the readers of GitHub's actions and of GitLab take it.

Enters: suites of cases. Leaves: bytes of XML. Knows no recording and no notebook."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree

from nbtrace.views.words import without_codes

MAX_TEXT = 65_536
"""Characters of a traceback: GitLab reads files of up to 30 MB, and shows the end of none that is longer."""

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a case failed."""

    message: str
    """One line."""
    text: str = ""
    """All of it, a traceback say."""
    kind: str = ""
    """The class of the exception, or what kind of failure it was."""


@dataclass(frozen=True, slots=True)
class Case:
    """A cell, or a budget."""

    name: str
    seconds: float | None = None
    """None where that means nothing."""
    failure: Failure | None = None
    skipped: str = ""
    """Why it was not reached; "" if it was."""
    output: str = ""
    """What is said of one that did not fail."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A notebook, or what else has cases."""

    name: str
    cases: Sequence[Case]
    file: str = ""
    """The path of what is judged, from where the tests run."""
    seconds: float | None = None
    """All of it; None for as much as its cases took."""
    start_ns: int | None = None
    """Since the epoch."""


def junit(suites: Sequence[Suite]) -> bytes:
    """Return a file of JUnit XML. Cases of a suite that have the same name get a number: readers take them for one else. What XML
    cannot hold is shown as U+FFFD, and terminal codes are left out."""
    root = ElementTree.Element("testsuites", {"name": "nbtrace"})
    root.attrib |= _sums([case for suite in suites for case in suite.cases])
    del root.attrib["skipped"]  # which schemas know of suites alone
    root.set("time", _time(sum(_seconds(suite) for suite in suites)))
    for suite in suites:
        element = ElementTree.SubElement(root, "testsuite", {"name": _line(suite.name), **_sums(suite.cases)})
        element.set("time", _time(_seconds(suite)))
        if suite.start_ns is not None:
            begun = datetime.fromtimestamp(suite.start_ns // 1_000_000_000, UTC)
            element.set("timestamp", f"{begun:%Y-%m-%dT%H:%M:%S}")
        if suite.file:
            element.set("file", _line(suite.file))
        for name, case in zip(_apart(suite.cases), suite.cases, strict=True):
            _add(element, suite, name, case)
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _add(above: ElementTree.Element, suite: Suite, name: str, case: Case) -> None:
    element = ElementTree.SubElement(above, "testcase", name=name, classname=_line(suite.name))
    if suite.file:
        element.set("file", _line(suite.file))
    element.set("time", _time(case.seconds or 0.0))
    if case.failure is not None:
        failure = ElementTree.SubElement(element, "failure", message=_line(case.failure.message))
        failure.set("type", _line(case.failure.kind) or "failure")
        failure.text = _text(case.failure.text or case.failure.message)
    elif case.skipped:
        ElementTree.SubElement(element, "skipped", message=_line(case.skipped))
    if case.output:
        ElementTree.SubElement(element, "system-out").text = _text(case.output)


def _sums(cases: Sequence[Case]) -> dict[str, str]:
    failed = sum(case.failure is not None for case in cases)
    skipped = sum(bool(case.skipped) and case.failure is None for case in cases)
    return {"tests": str(len(cases)), "failures": str(failed), "errors": "0", "skipped": str(skipped)}


def _seconds(suite: Suite) -> float:
    return suite.seconds if suite.seconds is not None else sum(case.seconds or 0.0 for case in suite.cases)


def _time(seconds: float) -> str:
    return f"{max(seconds, 0.0):.6f}"


def _apart(cases: Sequence[Case]) -> list[str]:
    """The names of cases, each another."""
    taken: dict[str, int] = {}
    found = []
    for case in cases:
        line = name = _line(case.name) or "unnamed"
        while name in taken:
            taken[line] += 1
            name = f"{line} ({taken[line]})"
        taken[name] = 1
        found.append(name)
    return found


def _line(text: str) -> str:
    return " ".join(_text(text).split())


def _text(text: str) -> str:
    shown = _NO_XML.sub("\ufffd", without_codes(text))
    # The end of a traceback says what happened.
    return shown if len(shown) <= MAX_TEXT else "…" + shown[1 - MAX_TEXT :]
