"""Opening the studio, the terminal user interface, which is imported only here and only when asked for."""

from __future__ import annotations

import asyncio
import gc
import sys
from pathlib import Path

import click

from bullpen_cli.command import Command, State, pass_state

GRAPHICS = ("auto", "kitty", "sixel", "half", "none")


def open_studio(home: Path, project: str | None, graphics: str) -> int:
    """Starts a daemon if none serves, then runs the studio; gives its exit status."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("the studio needs a terminal; name a command to use it in a script.")
    from bullpen_client import start_daemon

    from bullpen_cli.output import note

    asyncio.run(start_daemon(home, notice=note))
    # What is imported stays: looking through it for garbage takes a tenth of the start, and time from keys later.
    gc.disable()
    from bullpen_tui.app import run_tui

    gc.freeze()
    gc.enable()
    return run_tui(home, project, graphics)


@click.command(
    cls=Command,
    examples=["bullpen tui", "bullpen tui --project harbor_lights", "bullpen tui --graphics half"],
)
@click.option("--project", metavar="SLUG", help="Open this project.")
@click.option(
    "--graphics", type=click.Choice(GRAPHICS), default="auto", show_default=True, help="How pictures are drawn."
)
@pass_state
def tui(state: State, project: str | None, graphics: str) -> int:
    """Open the studio in this terminal."""
    return open_studio(state.home, project, graphics)
