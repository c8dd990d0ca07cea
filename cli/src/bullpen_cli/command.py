"""The furniture of every command: common options, examples in the help, lazily imported command families.

`--home` and `--json` may stand anywhere on the line, before or after the sub-command; the last one wins.
"""

from __future__ import annotations

import asyncio
import difflib
import importlib
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from bullpen_client import Session

T = TypeVar("T")


@dataclass
class State:
    """What holds for the whole command line."""

    home_flag: str | None = None
    json: bool = False

    @property
    def home(self) -> Path:
        """The home folder that the command works on."""
        from bullpen_client.home import resolve_home

        return resolve_home(self.home_flag)

    @property
    def notice(self) -> Callable[[str], object] | None:
        """What tells a person at a terminal that there is something to wait for; None where nobody reads it."""
        if self.json or not sys.stderr.isatty():
            return None
        from bullpen_cli.output import note

        return note

    def with_session(self, body: Callable[[Session], Awaitable[T]], *, start: bool = True) -> T:
        """Runs a coroutine with an open session; with `start` a daemon is started where none serves."""
        from bullpen_client import Session

        async def main() -> T:
            async with Session(self.home, start=start, notice=self.notice) as session:
                return await body(session)

        return asyncio.run(main())


class Whole(click.types.IntParamType):
    """A whole number within bounds; the help shows `N`, the error shows the bounds."""

    name = "n"

    def __init__(self, lowest: int, highest: int = 2**31 - 1) -> None:
        self.lowest = lowest
        self.highest = highest

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Reads the number, or fails with one line."""
        try:
            number = int(value)
        except ValueError:
            self.fail(f"'{value}' is not a whole number.", param, ctx)
        if not self.lowest <= number <= self.highest:
            self.fail(f"{number} is not between {self.lowest} and {self.highest}.", param, ctx)
        return number


pass_state = click.make_pass_decorator(State, ensure=True)


def _remember_home(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    state = ctx.ensure_object(State)
    if value is not None:
        state.home_flag = value


def _remember_json(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    state = ctx.ensure_object(State)
    state.json = state.json or value


def common_options() -> list[click.Parameter]:
    """The options that every command takes."""
    return [
        click.Option(
            ["--home"],
            metavar="DIR",
            expose_value=False,
            callback=_remember_home,
            help="Folder of the daemon. Default: $BULLPEN_HOME, or var/ in a checkout.",
        ),
        click.Option(
            ["--json"], is_flag=True, expose_value=False, callback=_remember_json, help="Answer as JSON, for scripts."
        ),
    ]


def _write_examples(formatter: click.HelpFormatter, examples: Sequence[str]) -> None:
    if examples:
        with formatter.section("Examples"):
            for example in examples:
                formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


class Command(click.Command):
    """A command with the common options and examples in its help."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples
        self.params.extend(common_options())

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the examples after the options."""
        _write_examples(formatter, self.examples)
        super().format_epilog(ctx, formatter)


class Group(click.Group):
    """A family of commands. `lazy` maps names to `module:attribute`; a module is imported when its command is used.

    `sections` is the same under headings, for a family that is too large for one list. `elsewhere` names the families
    of commands that people look for here.
    """

    command_class = Command
    group_class = type

    def __init__(
        self,
        *args: Any,
        examples: Sequence[str] = (),
        lazy: dict[str, str] | None = None,
        sections: dict[str, dict[str, str]] | None = None,
        elsewhere: dict[str, tuple[str, ...]] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("no_args_is_help", False)
        super().__init__(*args, **kwargs)
        self.elsewhere = elsewhere or {}
        self.examples = examples
        self.sections = sections or {}
        self.lazy = (lazy or {}) | {name: at for part in self.sections.values() for name, at in part.items()}
        self.params.extend(common_options())

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands, in the order in which they were added."""
        return [*self.lazy, *(name for name in self.commands if name not in self.lazy)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, imported when it is lazy."""
        if cmd_name in self.lazy:
            module, _, attribute = self.lazy[cmd_name].partition(":")
            command: click.Command = getattr(importlib.import_module(module), attribute)
            return command
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command, or says in one line which names come near."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            near = [f"{ctx.command_path} {family} {name}" for family in self.elsewhere.get(name, ())]
            near = near or difflib.get_close_matches(name, self.list_commands(ctx), n=3)
            known = f"did you mean {' or '.join(near)}?" if near else f"commands: {', '.join(self.list_commands(ctx))}."
            ctx.fail(f"no command '{name}'; {known}")
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Takes the line apart; without a command it says which there are."""
        if not args and not self.invoke_without_command:
            ctx.fail(f"which one? {', '.join(self.list_commands(ctx))}.")
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the commands with what each does, never cut, under their headings where they have some."""
        sections: dict[str, Iterable[str]] = dict(self.sections) or {"Commands": self.list_commands(ctx)}
        width = max(map(len, self.list_commands(ctx)), default=0)
        for heading, part in sections.items():
            commands = {name: self.get_command(ctx, name) for name in part}
            rows = [
                (f"{name:{width}}", command.get_short_help_str(200))
                for name, command in commands.items()
                if command and not command.hidden
            ]
            with formatter.section(heading):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the examples after the commands."""
        _write_examples(formatter, self.examples)
        super().format_epilog(ctx, formatter)


def pairs(values: Sequence[str], option: str = "--set") -> dict[str, str]:
    """`key=value` texts as a dict. Raises a usage error that names the option."""
    found: dict[str, str] = {}
    for text in values:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise click.UsageError(f"{option} takes key=value, not '{text}'.")
        found[key.strip()] = value
    return found
