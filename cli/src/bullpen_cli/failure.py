"""The one place where errors leave the command line.

typed error          message, field and remedy in words; one JSON object on stderr with --json; status 1
wrong command line   one line; status 2
Ctrl-C               status 130
anything else        one line that says where the log is; the traceback goes to `<home>/logs/cli.log`; status 1
"""

from __future__ import annotations

import sys
import time
import traceback
from pathlib import Path

import click
from bullpen_client.errors import BullpenError

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def _write(text: str) -> None:
    sys.stderr.write(text.rstrip("\n") + "\n")
    sys.stderr.flush()


def usage(error: click.ClickException) -> int:
    """A wrong command line: one line with where help is."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "bullpen"
    words = " ".join(error.format_message().split())
    words += "" if words.endswith((".", "?", "!")) else "."
    _write(f"{path}: {words} See `{path} --help`.")
    return USAGE


def typed(error: BullpenError, *, as_json: bool) -> int:
    """A refused or failed call."""
    if as_json:
        from bullpen_cli.output import line

        _write(line(error.as_dict()))
        return FAILED
    from bullpen_cli.output import note

    note(f"✗ {error.message}", style="red", wrap=2)
    if error.field:
        note(f"  field   {error.field}", style=None, wrap=10)
    if error.remedy:
        note(f"  remedy  {error.remedy}", style=None, wrap=10)
    note(f"  reason  {error.reason}")
    return FAILED


def unexpected(error: BaseException, home: Path) -> int:
    """A fault of this program: nobody should see a traceback, but it must not be lost."""
    log = home / "logs" / "cli.log"
    words = " ".join(str(error).split()) or "no message"
    try:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as out:
            out.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {' '.join(sys.argv)}\n")
            out.write("".join(traceback.format_exception(error)) + "\n")
        where = f"details are in {log}"
    except OSError as problem:
        where = f"the log {log} could not be written ({problem.strerror})"
    _write(f"bullpen: something went wrong ({type(error).__name__}: {words}); {where}.")
    return FAILED
