"""`bullpen completion`: the script with which a shell completes commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from bullpen_cli.command import Command


@click.command(
    cls=Command,
    examples=[
        "bullpen completion bash > ~/.local/share/bash-completion/completions/bullpen",
        "bullpen completion zsh > ~/.zfunc/_bullpen",
        "bullpen completion fish > ~/.config/fish/completions/bullpen.fish",
    ],
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell."""
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(ctx.find_root().command, {}, "bullpen", "_BULLPEN_COMPLETE").source())
