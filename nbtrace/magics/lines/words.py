"""The words of %spans and %nbtrace, the options they take, and what other words may have meant.

The words of %spans are the register's; a word of %nbtrace, or another option, is a line here. What is read, completed and
advised follows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from nbtrace.answers.register import Takes, by_word

Holds = Literal["cells", "count", "choice", "condition", "nothing"]

OPTIONS: dict[str, Holds] = {
    "--cell": "cells",
    "--last": "count",
    "--by": "choice",
    "--where": "condition",
    "--asking": "nothing",
}
"""Each option, and what stands behind it. `--where` takes the rest of the line, up to another option; a switch holds nothing."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word that a magic's line begins with."""

    options: tuple[str, ...] = ()
    takes: Takes = "nothing"
    """What may stand behind it: up to two sides of cells, on or off, a file."""
    needs_option: bool = False
    why: str = ""
    """Why it takes no other option."""
    by: tuple[str, ...] = ()
    """What may stand behind --by."""


@dataclass(frozen=True, slots=True)
class Magic:
    """A magic: its words, and what other words mean."""

    name: str
    words: dict[str, Word]
    default: str
    meant: dict[str, str]
    """Words that lie nearer to a line than their letters tell: what to type instead, a whole line if it begins with %. One
    that begins with a blank is advice in words."""
    in_shell: bool = False
    """Whether it is a command of a shell, which has taken its line apart and needs quotes around some of the pieces."""


def _lines(line: str, *words: str) -> dict[str, str]:
    return dict.fromkeys(words, line)


def _options(conditions: Collection[str], by: Collection[str]) -> tuple[str, ...]:
    """The options that stand for conditions; the last cells can be named wherever a cell can."""
    found = [*conditions, *(["last"] if "cell" in conditions else []), *(["by"] if by else [])]
    return tuple(option for option in OPTIONS if option[2:] in found)


_EXPORT = (
    ' Python writes files. Type  import nbtrace; nbtrace.save("run.parquet")  for all of it, or  '
    'nbtrace.report("run.html")  for a page, or  nbtrace.save("run.speedscope.json")  for a profile, or  '
    'nbtrace.spans().to_csv("spans.csv")  for a table, or  '
    "nbtrace.live().to_arrow()  for Arrow"
)
_RECOVER = (
    ' Python reads journals. Type  nbtrace.recover()  to see which there are, nbtrace.recover("FILE") to open one'
)
_CONFIG = " Type  %config NBTrace  to see and set options"
EXPORTS = (
    "export",
    "save",
    "write",
    "dump",
    "download",
    "html",
    "report",
    "csv",
    "parquet",
    "json",
    "arrow",
    "to_arrow",
    "to_csv",
    "to_parquet",
    "speedscope",
    "folded",
    "flamegraph",
)
_TO_NBTRACE = ("status", "on", "off", "reset", "forget", "display")

SPANS = Magic(
    "%spans",
    {
        word: Word(_options(asked.options, asked.by), asked.takes, why=asked.why, by=asked.by)
        for word, asked in by_word().items()
    },
    default="tree",
    meant={
        **_lines("view", "inspect", "inspector", "widget", "open", "ui", "timeline", "waterfall", "flame", "live"),
        **_lines("table", "dataframe", "df", "spans", "list", "ls", "all", "rows", "sql"),
        **_lines("tree", "show", "print", "text"),
        **_lines("stats", "statistics", "statistic", "summary", "describe"),
        **_lines("errors", "failed", "failures", "failure", "exceptions", "exception", "traceback"),
        **_lines(
            "hot",
            "slow",
            "slowest",
            "hotspots",
            "hotspot",
            "top",
            "time",
            "times",
            "profile",
            "profiler",
            "prun",
            "functions",
        ),
        **_lines("lines", "line", "code", "source", "heat", "lprun"),
        **_lines("self", "self_times"),
        **_lines("cells", "cpu", "memory", "resources", "ram"),
        **_lines(" Python answers that. Type  import nbtrace; nbtrace.statements()", "statements", "statement"),
        **_lines(" Python answers that. Type  import nbtrace; nbtrace.samples()", "samples", "stacks"),
        **_lines("path", "critical", "critical_path", "critical-path"),
        **_lines("gaps", "idle"),
        **_lines("tasks", "task", "pool", "pools", "workers", "worker", "processes", "process", "jobs", "joblib"),
        **_lines("compare", "diff", "changes", "change"),
        **_lines("headings", "sections", "notebook"),
        **_lines(_EXPORT, *EXPORTS),
        **{word: f"%nbtrace {word}" for word in _TO_NBTRACE},
        **_lines("%nbtrace reset", "clear"),
        **_lines("%nbtrace off", "stop", "pause"),
        **_lines("%nbtrace on", "start", "resume"),
        **_lines("%nbtrace status", "version"),
        **_lines(_CONFIG, "config", "options", "settings"),
    },
)

NBTRACE = Magic(
    "%nbtrace",
    {
        "status": Word(),
        "on": Word(),
        "off": Word(),
        "reset": Word(),
        "forget": Word(("--cell", "--where"), needs_option=True),
        "display": Word(takes="switch"),
        "journal": Word(takes="switch and file"),
        "propagate": Word(takes="switch or nothing"),
        "receive": Word(takes="switch or nothing"),
        "dask": Word(takes="name"),
    },
    default="status",
    meant={
        **_lines("on", "start", "enable", "resume", "enabled", "load", "true", "1"),
        **_lines("off", "stop", "disable", "pause", "disabled", "unload", "false", "0"),
        **_lines("reset", "clear", "empty"),
        **_lines("forget", "delete", "remove", "drop"),
        **_lines("journal", "log", "logfile", "spool"),
        **_lines("propagate", "subprocess", "subprocesses", "traceparent", "children", "context"),
        **_lines("receive", "receiver", "listen", "otlp", "collector", "endpoint"),
        **_lines("dask", "distributed", "cluster", "client", "scheduler"),
        **_lines(_RECOVER, "recover", "restore", "crash"),
        **_lines("display on", "show"),
        **_lines("display off", "hide"),
        **_lines("status", "info", "state", "version"),
        **_lines(
            _CONFIG,
            "config",
            "options",
            "settings",
            "redact",
            "max_spans",
            "max_bytes",
            "unstored_cells",
            "capture_source",
        ),
        **_lines(_EXPORT, *EXPORTS),
        **{word: f"%spans {word}" for word in SPANS.words},
        **_lines("%spans", "spans"),
        **_lines("%spans stats", "statistics"),
    },
)

MAGICS = {magic.name: magic for magic in (SPANS, NBTRACE)}
