"""Where a daemon lives and how to reach it: the home folder and the endpoint file in it.

Who says where the home is, first one wins: the flag `--home`, the variable `BULLPEN_HOME`, the folder `var/` of the
checkout that this package is installed from, the platform's folder for a user's state.
"""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = "BULLPEN_HOME"


@dataclass(frozen=True)
class Endpoint:
    """What `<home>/run/endpoint.json` says: the address that a daemon serves on and the token to show it."""

    address: str
    token: str
    pid: int = 0
    version: str = ""
    instance: str = ""
    remote: bool = False
    """Whether the daemon is on another machine, behind a forwarded socket: then none is started here."""


def checkout_root() -> Path | None:
    """The repository that this package is installed from, or None when it lies in site-packages."""
    for folder in Path(__file__).resolve().parents:
        project = folder / "pyproject.toml"
        if project.is_file():
            try:
                name = tomllib.loads(project.read_text(encoding="utf-8")).get("project", {}).get("name")
            except (tomllib.TOMLDecodeError, OSError):
                return None
            return folder if name == "bullpen" else None
    return None


def resolve_home(explicit: str | os.PathLike[str] | None = None) -> Path:
    """The home folder as an absolute path; it need not exist yet."""
    if explicit:
        return Path(explicit).expanduser().absolute()
    if from_environment := os.environ.get(ENVIRONMENT):
        return Path(from_environment).expanduser().absolute()
    if root := checkout_root():
        return root / "var"
    import platformdirs  # only a packaged installation comes here

    return Path(platformdirs.user_state_dir("bullpen", appauthor=False))


def endpoint_path(home: Path) -> Path:
    """The file in which a serving daemon says how to reach it."""
    return home / "run" / "endpoint.json"


def read_endpoint(home: Path) -> Endpoint | None:
    """What the endpoint file says; None when there is none, or it is not one."""
    try:
        said = json.loads(endpoint_path(home).read_text(encoding="utf-8"))
        return Endpoint(
            address=str(said["address"]),
            token=str(said.get("token", "")),
            pid=int(said.get("pid") or 0),
            version=str(said.get("version", "")),
            instance=str(said.get("instance", "")),
            remote=said.get("remote") is True,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def pid_alive(pid: int) -> bool:
    """Whether a process of this id runs here. One of another user counts; one that ended and was not yet waited for by
    its parent (a zombie) does not.
    """
    if pid <= 0:
        return False
    if os.name == "nt":
        return True  # os.kill would end it; the health check that follows tells
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return process_state(pid) != "Z"


def process_state(pid: int) -> str:
    """The letter of a process's state as proc(5) gives it: Z has ended, T was stopped; empty where nobody says."""
    try:
        said = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        # The state follows the name, which stands in parentheses and may hold anything.
        return said.rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""
