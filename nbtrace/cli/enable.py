"""`nbtrace enable`: have kernels load nbtrace of themselves; and `--status`, which says where they do."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbtrace.cli.problems import Problem
from nbtrace.views.words import plain

if TYPE_CHECKING:
    from nbtrace.headless.kernelspecs import Kernelspec
    from nbtrace.headless.startup import Place

PROFILE = click.option(
    "--profile",
    metavar="[NAME]",
    is_flag=False,
    flag_value="default",
    help="An IPython profile instead of the environment: yours alone, in all environments. Without NAME the default one.",
)


@click.command(
    epilog="""\b
Examples:
  nbtrace enable              in every kernel of this environment
  nbtrace enable --profile    in your own kernels, where the environment is not yours
  nbtrace enable --status     where nbtrace is loaded, and which kernels that reaches
  nbtrace disable             take it back"""
)
@PROFILE
@click.option(
    "--status", is_flag=True, help="Change nothing; say where nbtrace is loaded, and which kernels that reaches."
)
def enable(profile: str | None, status: bool) -> None:
    """Load nbtrace in every kernel of this environment.

    Kernels then begin as with `%load_ext nbtrace` in a first cell; those that run are reached when they start anew. IPython in a
    terminal stays as it is. It is done by one file in a folder of files that IPython runs at its start: no configuration of yours
    is touched."""
    if status:
        if profile is not None:
            raise Problem("--status tells of all profiles. Type  nbtrace enable --status")
        for line in _status():
            click.echo(plain(line))
        return
    from nbtrace.headless import startup

    with placed(profile, "enable") as place:
        new = startup.enable(place)
    click.echo(f"{'Enabled' if new else 'Enabled before'} in {where(place)}: kernels load nbtrace when they start.")
    click.echo(plain(f"  By {place.file}, which {typed('disable', place)} takes away."))
    if place.profile is None and startup.is_shared():
        click.echo(
            "  IPython of every Python of this machine reads that folder: other environments that have nbtrace load it too."
        )


@contextmanager
def placed(profile: str | None, command: str) -> Iterator[Place]:
    """Give the place that was meant, and tell what goes wrong there."""
    from nbtrace.headless import startup

    try:
        place = startup.environment() if profile is None else startup.profile(profile)
    except startup.NoProfileError as error:
        raise Problem(f"{error} Make it with  ipython profile create NAME") from error
    try:
        yield place
    except startup.NotOursError as error:
        raise Problem(str(error)) from error
    except OSError as error:
        reason = f"{str(place.folder)!r} cannot be written to: {error.strerror or error}."
        hint = f" For your own kernels type  nbtrace {command} --profile" if place.profile is None else ""
        raise Problem(reason + hint) from error


def where(place: Place) -> str:
    """Say what a place is."""
    if place.profile is None:
        return f"the environment {sys.prefix} (Python {platform.python_version()})"
    return f"IPython's profile {place.profile!r}"


def typed(command: str, place: Place) -> str:
    """Say what to type for a place."""
    if place.profile is None:
        return f"`nbtrace {command}`"
    return f"`nbtrace {command} --profile {place.profile}`"


def _status() -> Iterator[str]:
    from nbtrace.headless import startup
    from nbtrace.headless.configured import configured
    from nbtrace.headless.kernelspecs import kernelspecs
    from nbtrace.views.words import count

    environment, profiles = startup.environment(), startup.profiles()
    files = configured([place.folder.parent for place in profiles])
    yield f"Environment {sys.prefix}, Python {platform.python_version()}"
    yield f"  {_state(environment)}"
    yield f"{count(len(profiles), 'profile')} of IPython in {startup.ipython_folder()}"
    for place in profiles:
        also = [f"loaded by {file}" for file in files.get(place.folder.parent, [])]
        state = [] if also and place.state == "off" else [_state(place)]
        yield f"  {place.profile}: {'; '.join([*state, *also])}"
    by_profile = profiles[0].state == "on" or bool(files.get(profiles[0].folder.parent))
    specs = kernelspecs()
    yield f"{count(len(specs), 'kernelspec')}"
    widest = max((len(spec.name) for spec in specs), default=0)
    for spec in specs:
        yield f"  {spec.name:{widest}}  {_reached(spec, by_profile)}"


def _state(place: Place) -> str:
    state = place.state
    if state == "on":
        return f"enabled by {place.file}"
    return "not enabled" if state == "off" else state


def _reached(spec: Kernelspec, by_profile: bool) -> str:
    """Whether a kernelspec's kernels load nbtrace, and why or why not."""
    from nbtrace.headless import startup

    if spec.kernel_json is None:
        return f"cannot be read: {spec.folder / 'kernel.json'}"
    if not spec.is_ipykernel:
        return f"not loaded: it is not IPython's kernel, but one of {spec.language or 'another language'}"
    python = spec.ask()
    if python is None:
        return f"cannot be told: its Python, {spec.argv[0]}, does not answer"
    ours = python.prefix.resolve() == Path(sys.prefix).resolve()
    whose = "this environment" if ours else f"another environment, {python.prefix}"
    if not python.has_nbtrace:
        return f"not loaded: {whose}, which has no nbtrace; type  {python.executable} -m pip install nbtrace"
    shared = startup.is_shared() and startup.environment().state == "on"
    if by_profile or shared or startup.environment(python.prefix).state == "on":
        return f"loaded: {whose}"
    command = "nbtrace" if ours else f"{python.executable} -m nbtrace"
    return f"not loaded: {whose}; type  {command} enable"
