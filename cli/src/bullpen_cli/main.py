"""The console script `bullpen`: bare it opens the terminal studio, with a command it is the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click
from bullpen_client.errors import BullpenError

from bullpen_cli import failure
from bullpen_cli.command import Group, State

SECTIONS = {
    "Begin": {
        "tui": "bullpen_cli.studio:tui",
        "demo": "bullpen_cli.demo:demo",
        "projects": "bullpen_cli.projects:projects",
        "doctor": "bullpen_cli.doctor:doctor",
        "daemon": "bullpen_cli.daemon:daemon",
    },
    "The universe of a project": {
        "bootstrap": "bullpen_cli.bootstrap:bootstrap",
        "styles": "bullpen_cli.looks:styles",
        "characters": "bullpen_cli.characters:characters",
        "scenes": "bullpen_cli.scenes:scenes",
        "references": "bullpen_cli.references:references",
        "templates": "bullpen_cli.templates:templates",
    },
    "Runs": {
        "stages": "bullpen_cli.stages:stages",
        "advise": "bullpen_cli.advise:advise",
        "run": "bullpen_cli.run:run",
        "runs": "bullpen_cli.runs:runs",
        "queue": "bullpen_cli.queue:queue",
        "cancel": "bullpen_cli.control:cancel",
        "tune": "bullpen_cli.control:tune",
        "accept": "bullpen_cli.control:accept",
        "postprocess": "bullpen_cli.postprocess:postprocess",
    },
    "Pictures, and what they were made with": {
        "assets": "bullpen_cli.assets:assets",
        "recipes": "bullpen_cli.recipes:recipes",
        "sync": "bullpen_cli.storage:sync",
        "export": "bullpen_cli.export:export",
        "prompts": "bullpen_cli.prompts:prompts",
    },
    "In words": {
        "chat": "bullpen_cli.chat:chat",
        "instructions": "bullpen_cli.agents:instructions",
    },
    "A picture of your own, without a project": {
        "generate": "bullpen_cli.generate:generate",
        "cutout": "bullpen_cli.lab:cutout",
        "upscale": "bullpen_cli.lab:upscale",
        "color": "bullpen_cli.lab:color",
    },
    "Machine and models": {
        "models": "bullpen_cli.models:models",
        "ps": "bullpen_cli.models:ps",
        "devices": "bullpen_cli.models:devices",
        "metrics": "bullpen_cli.system:metrics",
        "settings": "bullpen_cli.system:settings",
        "logs": "bullpen_cli.logs:logs",
    },
    "Money, secrets and records": {
        "costs": "bullpen_cli.costs:costs",
        "providers": "bullpen_cli.providers:providers",
        "vault": "bullpen_cli.vault:vault",
        "remote": "bullpen_cli.remote:remote",
        "audit": "bullpen_cli.audit:audit",
    },
    "For scripts": {
        "watch": "bullpen_cli.events:watch",
        "call": "bullpen_cli.call:call",
        "completion": "bullpen_cli.completion:completion",
    },
}

# Verbs that other programs of the kind have at the top, with the families that have them here.
ELSEWHERE = {
    **dict.fromkeys(("load", "unload", "pin", "unpin", "keep", "convert"), ("models",)),
    **dict.fromkeys(("start", "stop", "status"), ("daemon",)),
    **dict.fromkeys(("pause", "resume"), ("queue", "runs")),
    **dict.fromkeys(("front", "priority", "retry", "follow"), ("runs",)),
    "move": ("queue",),
}


def _version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("bullpen")
        except PackageNotFoundError:
            number = "(not installed)"
        click.echo(f"bullpen {number}")
        ctx.exit()


@click.group(
    cls=Group,
    sections=SECTIONS,
    elsewhere=ELSEWHERE,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    examples=[
        "bullpen                                   open the studio in this terminal",
        "bullpen demo --headless                   make a whole comic run with the embedded starter",
        "bullpen projects list",
        "bullpen run --project harbor_lights --stage style --all-scenes",
        "bullpen doctor                            what is missing, and how to get it",
    ],
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
@click.pass_context
def bullpen(ctx: click.Context) -> None:
    """A comic studio in the terminal, over a local daemon.

    Without a command it opens the studio, and starts a daemon if none runs.
    """
    if ctx.invoked_subcommand is None:
        from bullpen_cli.studio import open_studio

        ctx.exit(open_studio(ctx.ensure_object(State).home, None, "auto"))


def _tolerant_streams() -> None:
    """A terminal that cannot show a sign gets a question mark, never an exception."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def run(args: Sequence[str] | None = None) -> int:
    """Runs one command line and gives its exit status (0, 1, 2, 130)."""
    _tolerant_streams()
    state = State()
    try:
        status = bullpen.main(args=args, prog_name="bullpen", standalone_mode=False, obj=state)
    except click.UsageError as error:
        return failure.usage(error)
    except click.ClickException as error:
        return failure.usage(error)
    except (click.Abort, KeyboardInterrupt):
        return failure.INTERRUPTED
    except BullpenError as error:
        return failure.typed(error, as_json=state.json)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a person never sees a traceback
        return failure.unexpected(error, state.home)
    return status if isinstance(status, int) else failure.OK
