"""Where the daemon lives: its home with the standard folders, the checkout if there is one, the settings folder."""

from __future__ import annotations

import importlib.util
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

import bullpend
from bullpend.errors import SettingInvalid


@dataclass(frozen=True, slots=True)
class Home:
    """The daemon's home and its standard folders."""

    root: Path

    @property
    def run(self) -> Path:
        """Socket, lock and endpoint file; for this user only."""
        return self.root / "run"

    @property
    def endpoint_file(self) -> Path:
        """Where a client finds the serving daemon."""
        return self.run / "endpoint.json"

    @property
    def logs(self) -> Path:
        """The daemon's own logs."""
        return self.root / "logs"

    @property
    def tmp(self) -> Path:
        """Unfinished files; swept at the start."""
        return self.root / "tmp"

    @property
    def projects(self) -> Path:
        """One folder a project."""
        return self.root / "projects"

    @property
    def models(self) -> Path:
        """Models that a person installed."""
        return self.root / "models"

    @property
    def database(self) -> Path:
        """The database file."""
        return self.root / "bullpen.sqlite3"

    @property
    def vault_key(self) -> Path:
        """The master key of the vault, where the environment gives none."""
        return self.root / "vault.key"

    def create(self) -> None:
        """Makes the home and its folders; `run` and the home itself for this user only. Raises SettingInvalid."""
        for folder in (self.root, self.run, self.logs, self.tmp, self.projects, self.models):
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                if folder == self.run:
                    folder.chmod(0o700)
            except (FileExistsError, NotADirectoryError):
                raise SettingInvalid(
                    f"{folder} cannot be made: a file is in its place.",
                    field="home",
                    remedy="Move that file away, or give another home with --home.",
                ) from None
            except PermissionError:
                raise SettingInvalid(
                    f"{folder} cannot be made or written by you.",
                    field="home",
                    remedy="Change the owner of the folder that it is in, or give another home with --home.",
                ) from None


def checkout_folder() -> Path | None:
    """Root of the repository that this package is installed from, or None for a packaged one."""
    here = Path(bullpend.__file__).resolve().parent
    for folder in here.parents:
        project = folder / "pyproject.toml"
        if project.is_file():
            try:
                name = tomllib.loads(project.read_text(encoding="utf-8")).get("project", {}).get("name")
            except (OSError, tomllib.TOMLDecodeError):
                return None
            return folder if name == "bullpen" else None
    return None


def starter_folder() -> Path | None:
    """Folder of the embedded models, if the starter is installed; the package itself is not imported."""
    spec = importlib.util.find_spec("bullpen_starter")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).resolve().parent / "models"


def settings_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Folder of the settings files. Raises SettingInvalid when $BULLPEN_SETTINGS names none."""
    env = os.environ if environ is None else environ
    named = env.get("BULLPEN_SETTINGS", "")
    if named:
        folder = Path(named).expanduser().absolute()
        if not folder.is_dir():
            raise SettingInvalid(
                f"BULLPEN_SETTINGS names {folder}, which is no folder.",
                field="BULLPEN_SETTINGS",
                remedy="Name the folder that holds manifest.json and daemon.toml, or unset the variable.",
            )
        return folder
    checkout = checkout_folder()
    if checkout is not None and (checkout / "settings").is_dir():
        return checkout / "settings"
    return Path(bullpend.__file__).resolve().parent / "_settings"


def resolve_home(flag: str | Path | None, environ: Mapping[str, str] | None = None) -> Path:
    """The daemon's home: the flag, else $BULLPEN_HOME, else `var/` in a checkout, else the platform's state folder."""
    env = os.environ if environ is None else environ
    named = str(flag) if flag else env.get("BULLPEN_HOME", "")
    if named:
        return Path(named).expanduser().absolute()
    checkout = checkout_folder()
    return checkout / "var" if checkout is not None else Path(platformdirs.user_state_dir("bullpen", appauthor=False))
