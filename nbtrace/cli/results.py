"""The options of commands that run something: what is written of it, and what it is held against.

Enters: a command. Leaves: the same, with these options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., object])

_FILE = click.Path(path_type=Path)

_OPTIONS = (
    click.option("--save", default="", metavar="FILE", help="The recording; a folder (runs/) collects several runs."),
    click.option("--report", type=_FILE, metavar="HTML", help="The report, to be opened in a browser."),
    click.option("--budget", multiple=True, metavar="BUDGET", help='What must hold, as in "cell:train < 30s".'),
    click.option(
        "--baseline", default="", metavar="FILE", help="An earlier recording to compare with, or a folder of several."
    ),
    click.option(
        "--fail-if", multiple=True, metavar="LIMIT", help='How far the baseline may be left, as in "p95 +20%".'
    ),
    click.option("--junit", type=_FILE, metavar="XML", help="The results as JUnit XML."),
)


def result_options(command: Command) -> Command:
    """Give a command --save, --report, --budget, --baseline, --fail-if and --junit."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
