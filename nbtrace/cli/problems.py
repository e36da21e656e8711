"""Errors as the command line tells them: one line that says what is wrong and what to type.

Enters: the errors of the floors below. Leaves: `Problem`, with which a command ends."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from nbtrace.cli import exits


class Problem(click.ClickException):
    """What was typed cannot be done, and why."""

    exit_code = exits.USAGE

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the one line."""
        click.echo(f"nbtrace: {self.format_message()}", file=file or sys.stderr)


@contextmanager
def told() -> Iterator[None]:
    """Turn errors about what was typed, about files and about libraries into one line each, and warnings of partly read files
    too."""
    from nbtrace.analysis.wrong_question import QuestionError
    from nbtrace.formats.reading import PartlyReadWarning, UnknownFormatError, UnreadableFileError
    from nbtrace.store.libraries import LibraryVersionsError
    from nbtrace.views.words import plain

    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", PartlyReadWarning)
            try:
                yield
            finally:
                for each in caught:
                    if issubclass(each.category, PartlyReadWarning):
                        click.echo(f"nbtrace: {plain(each.message)}", err=True)
    except BrokenPipeError:  # who read our output has gone: no problem of what was typed
        raise
    except (QuestionError, UnknownFormatError, UnreadableFileError, LibraryVersionsError, OSError) as error:
        raise Problem(_line(error)) from error


def _line(error: Exception) -> str:
    from nbtrace.analysis.wrong_question import QuestionError
    from nbtrace.views.words import plain

    if isinstance(error, QuestionError):
        return plain(error.in_magic)
    if isinstance(error, OSError) and error.errno is not None and error.filename is not None:
        return plain(f"{error.filename!r}: {error.strerror}.")
    return plain(error)
