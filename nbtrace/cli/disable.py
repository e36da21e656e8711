"""`nbtrace disable`: take back what `nbtrace enable` did."""

from __future__ import annotations

import click

from nbtrace.cli.enable import PROFILE, placed, typed, where
from nbtrace.views.words import plain


@click.command(
    epilog="""\b
Examples:
  nbtrace disable             in this environment
  nbtrace disable --profile   in your own kernels"""
)
@PROFILE
def disable(profile: str | None) -> None:
    """Take back what `nbtrace enable` did.

    Nothing else is taken away. Kernels that run keep it until they start anew, and a notebook's own `%load_ext nbtrace` works as
    ever."""
    from nbtrace.headless import startup

    with placed(profile, "disable") as place:
        was = startup.disable(place)
        others = [each for each in (startup.environment(), *startup.profiles()) if each.state == "on"]
    click.echo(f"Disabled in {where(place)}." if was else f"Nothing to take back: not enabled in {where(place)}.")
    for each in others:
        click.echo(plain(f"  Still enabled by {each.file}, which {typed('disable', each)} takes away."))
