"""`nbtrace completion`: the script by which a shell completes commands, words and files.

Enters: a shell's name. Leaves: click's script for it."""

from __future__ import annotations

import click

_INSTALL = {
    "bash": "nbtrace completion bash >> ~/.bashrc",
    "zsh": "nbtrace completion zsh >> ~/.zshrc",
    "fish": "nbtrace completion fish > ~/.config/fish/completions/nbtrace.fish",
}


@click.command()
@click.argument("shell", type=click.Choice(list(_INSTALL)))
@click.pass_context
def completion(ctx: click.Context, /, shell: str) -> None:
    """Print the script for completion in a shell.

    With it, the key Tab completes commands, options, words and files.

    \b
    Examples:
      nbtrace completion bash >> ~/.bashrc
      nbtrace completion zsh >> ~/.zshrc
      nbtrace completion fish > ~/.config/fish/completions/nbtrace.fish
    """
    from click.shell_completion import get_completion_class

    of_shell = get_completion_class(shell)
    assert of_shell is not None
    script = of_shell(ctx.find_root().command, {}, "nbtrace", "_NBTRACE_COMPLETE").source()
    click.echo(f"# To install, type  {_INSTALL[shell]}  and open a new shell.\n{script}")
