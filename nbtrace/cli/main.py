"""`nbtrace`: the commands put together, and how they end."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import threading
from typing import Any

import click

from nbtrace.cli import exits
from nbtrace.cli.compare import compare
from nbtrace.cli.completion import completion
from nbtrace.cli.convert import convert
from nbtrace.cli.disable import disable
from nbtrace.cli.enable import enable
from nbtrace.cli.exec import exec_
from nbtrace.cli.problems import Problem
from nbtrace.cli.recover import recover
from nbtrace.cli.report import report
from nbtrace.cli.run import run
from nbtrace.cli.show import show

_NOT_HEARD = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""What is wrong where nobody takes what we say."""


class _Commands(click.Group):
    """Commands in the order in which they are written here, not of the alphabet."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what click says of a line that it cannot read becomes one line, as all errors here. That nobody reads
        on is none."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.filename is not None or error.errno not in _NOT_HEARD:
                raise
            # Who read our output has gone (`| head`): what is still in the buffer would fail once more at the very end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if error.errno == errno.EPIPE:
                raise click.exceptions.Exit(exits.FINE) from error
            raise Problem(f"the output cannot be written: {error.strerror}.") from error
        except click.UsageError as error:
            typed = " ".join(filter(None, (ctx.command_path, ctx.invoked_subcommand)))
            raise _in_a_line(error, typed) from error

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the options that stand before a command."""
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            if type(error).__name__ == "NoArgsIsHelpError":  # of click 8.2: no error, but the help
                raise
            raise _in_a_line(error, "nbtrace") from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return their names."""
        return list(self.commands)


def _in_a_line(error: click.UsageError, typed: str) -> Problem:
    said = " ".join(error.format_message().split())
    end = "" if said.endswith((".", "?")) else "."
    where = typed if error.ctx is None else error.ctx.command_path
    return Problem(f"{said[:1].lower()}{said[1:]}{end} Type  {where} --help")


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="nbtrace COMMAND --help has examples. Completion: nbtrace completion.",
)
@click.version_option(package_name="nbtrace", prog_name="nbtrace")
def cli() -> None:
    """Run notebooks traced, look at what was recorded, and judge it."""


for command in (run, exec_, show, report, compare, convert, recover, enable, disable, completion):
    cli.add_command(command)


def main() -> None:
    """Run the command line and exit with its status."""
    # Closed before we began (`>&-`): a stream that is None fails whoever writes into it.
    sys.stdout, sys.stderr = (stream or open(os.devnull, "w") for stream in (sys.stdout, sys.stderr))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a pipe on Windows, say, does not take all that a tree is drawn with
    try:
        status = cli.main(prog_name="nbtrace", standalone_mode=False)
    except click.exceptions.Exit as end:
        status = end.exit_code
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("nbtrace: interrupted.", err=True)
        status = exits.INTERRUPTED
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # one more Ctrl-C would end the end, and with another status
    sys.exit(status if isinstance(status, int) else exits.FINE)
