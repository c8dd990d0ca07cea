"""The command `bullpend`: reads settings, serves, and says in one line why it cannot."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from bullpend import __version__

EXAMPLES = """\
examples:
  bullpend                                  serve the default home
  bullpend --home ~/studio                  serve another home
  bullpend --set devices.use=cpu            override a setting (see `bullpen settings`)
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Ends with status 2."""
        sys.stderr.write(f"bullpend: {message} (see bullpend --help)\n")
        raise SystemExit(2)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = _Parser(
        prog="bullpend",
        description="The Bullpen daemon. It serves one home on a Unix socket until it is stopped.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--home", metavar="DIR", help="folder of database, projects and socket")
    made.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="override a setting")
    made.add_argument("--version", action="version", version=f"bullpend {__version__}")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Serves; returns 0 after a stop, 1 when it cannot serve, 2 for a wrong command line."""
    given = parser()
    options = given.parse_args(argv)
    flags: dict[str, Any] = {}
    for item in options.set:
        name, equals, value = item.partition("=")
        if not equals:
            given.error(f"--set needs NAME=VALUE, not {item!r}")
        flags[name] = value

    # Read when grpc is loaded. Its handlers for forks run in each worker between fork and exec, and crash there when
    # other threads are at work; the daemon never goes on in a fork.
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
    # What is imported stays: looking through it for garbage would take a tenth of the start.
    gc.disable()
    import structlog

    from bullpend import settings
    from bullpend.app import serve
    from bullpend.errors import BullpenError
    from bullpend.logs import writing
    from bullpend.open_files import raise_limit

    gc.freeze()
    gc.enable()
    os.umask(0o077)
    raise_limit()
    try:
        loaded = settings.load(settings.resolve_home(options.home), flags)
        loaded.home.create()
        kept = writing.configure(loaded.home.logs, loaded.log.level)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(serve(loaded, kept))
    except BullpenError as error:
        sys.stderr.write(f"bullpend: {error.message} {error.remedy}".rstrip() + "\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"bullpend: {error}\n")
        return 1
    except Exception as error:  # noqa: BLE001 -- the front end's last resort: a person gets a line, the log the rest
        structlog.get_logger("daemon").error("daemon.fault", exc_info=error)
        sys.stderr.write(f"bullpend: a fault ended the daemon ({type(error).__name__}); see logs/ in its home.\n")
        return 1
    return 0


def _loop_factory() -> Any:
    if sys.platform == "win32":  # not run in the tests of this project
        return None
    import uvloop

    return uvloop.new_event_loop
