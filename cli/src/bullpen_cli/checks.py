"""What can be found out about an installation without a daemon. Each check gives one finding with a remedy."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from bullpen_client import lock
from bullpen_client.home import endpoint_path, pid_alive, read_endpoint

OK, WARNING, ERROR = "ok", "warning", "error"
# struct sockaddr_un holds 108 bytes with the closing zero.
SOCKET_PATH_LIMIT = 107
_DISK_WARNING = 5 * 2**30
_DISK_ERROR = 500 * 2**20
_OLDEST_PYTHON = (3, 11)
# Folders that the daemon makes in its home.
_PARTS = ("run", "logs", "tmp", "projects", "models")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: how it is, and what to do when it is not well."""

    name: str
    status: str
    message: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """The finding as JSON."""
        return asdict(self)


def local_checks(home: Path) -> Iterator[Finding]:
    """All checks that need no daemon."""
    yield _python()
    yield _home(home)
    yield _disk(home)
    yield _socket_path(home)
    yield _endpoint(home)
    yield _starter()
    yield _library("torch", "torch", "torch (runs the models)")
    yield _library("diffusers", "diffusers", "diffusers (the models' pipelines)")


def _python() -> Finding:
    version = platform.python_version()
    if sys.version_info[:2] < _OLDEST_PYTHON:
        return Finding("python", ERROR, f"Python {version} is too old.", "Install Python 3.11 or newer.")
    return Finding("python", OK, f"Python {version} at {sys.executable}")


def _existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _home(home: Path) -> Finding:
    place = _existing(home)
    if not place.is_dir():
        return Finding("home", ERROR, f"{place} is a file, not a folder.", "Name another home with --home.")
    if not os.access(place, os.W_OK | os.X_OK):
        return Finding(
            "home", ERROR, f"{place} cannot be written by you.", "Change its owner, or name another home with --home."
        )
    for part in [home / name for name in _PARTS] if place == home else []:
        if part.exists() and not part.is_dir():
            return Finding("home", ERROR, f"{part} is a file where the daemon needs a folder.", "Move it away.")
        if part.exists() and not os.access(part, os.R_OK | os.W_OK | os.X_OK):
            return Finding(
                "home", ERROR, f"{part} cannot be written by you.", f"Give it back to you: chown, chmod {part}"
            )
    if place != home:
        return Finding("home", OK, f"{home} does not exist yet; it will be made with the first start")
    return Finding("home", OK, f"{home} can be written")


def _disk(home: Path) -> Finding:
    free = shutil.disk_usage(_existing(home)).free
    words = f"{free / 2**30:.1f} GiB free below {_existing(home)}"
    if free < _DISK_ERROR:
        return Finding("disk", ERROR, words, "Free some space, or name a home on another disk with --home.")
    if free < _DISK_WARNING:
        return Finding("disk", WARNING, words, "Free some space before a long run.")
    return Finding("disk", OK, words)


def _socket_path(home: Path) -> Finding:
    socket = home / "run" / "bullpend.sock"
    length = len(os.fsencode(socket))
    if length <= SOCKET_PATH_LIMIT:
        return Finding("socket path", OK, f"{length} of {SOCKET_PATH_LIMIT} bytes")
    return Finding(
        "socket path",
        WARNING,
        f"{socket} has {length} bytes; a socket's path holds {SOCKET_PATH_LIMIT}. The daemon uses your runtime folder.",
        "Nothing needs to be done; a home with a shorter path keeps the socket inside it.",
    )


def _endpoint(home: Path) -> Finding:
    file = endpoint_path(home)
    endpoint = read_endpoint(home)
    if endpoint is None:
        if file.exists():
            return Finding(
                "endpoint", ERROR, f"{file} cannot be read.", "Stop the daemon, remove the file, start again."
            )
        return Finding("endpoint", OK, "no daemon serves this home; it is started when it is needed")
    if os.name != "nt" and file.stat().st_mode & 0o077:
        return Finding("endpoint", ERROR, f"{file} holds the token, and others may read it.", f"chmod 600 {file}")
    if endpoint.remote:
        return Finding("endpoint", OK, f"the daemon of another machine, at {endpoint.address}")
    # The process may be another program by now.
    if not pid_alive(endpoint.pid) or not lock.held(home):
        return Finding(
            "endpoint",
            WARNING,
            f"a daemon ended without taking its endpoint file away (process {endpoint.pid})",
            "Nothing needs to be done; the next start replaces it.",
        )
    return Finding("endpoint", OK, f"bullpend {endpoint.version}, process {endpoint.pid}, at {endpoint.address}")


def _starter() -> Finding:
    found = _library("starter", "bullpen_starter", "the starter package (embedded models, sample universe)")
    spec = importlib.util.find_spec("bullpen_starter") if found.status == OK else None
    if spec is None or spec.origin is None:
        return found
    folder = Path(spec.origin).parent
    if not any(folder.glob("models/*/model_index.json")):
        return Finding("starter", ERROR, f"{folder} holds no model.", "Install the whole package again.")
    if not any(folder.glob("universe/*/universe.json")):
        return Finding("starter", ERROR, f"{folder} holds no sample universe.", "Install the whole package again.")
    return found


def _library(name: str, module: str, what: str) -> Finding:
    if importlib.util.find_spec(module) is None:
        return Finding(name, ERROR, f"{what} is not installed.", "pip install 'bullpen[starter]', or `make demo`.")
    return Finding(name, OK, f"{what} is installed")
