"""What is seen of work that takes a while: something that moves on a terminal, a line elsewhere.

Enters: what is being done. Leaves: it on the standard error, so that what a command prints can be piped."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click


@contextmanager
def working(said: str) -> Iterator[None]:
    """Show what is being done while it is done."""
    from nbtrace.views.words import plain

    if not sys.stderr.isatty():
        click.echo(f"{plain(said)} …", err=True)
        yield
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(f"{plain(said)} …")):
        yield
