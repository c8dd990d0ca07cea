"""Where the master key lives, and how one takes the place of another.

- `BULLPEN_VAULT_KEY` in the daemon's environment: 32 bytes in base64 or hexadecimal. Whoever starts the daemon keeps
  it, in the machine's keyring or in a service manager's credentials. `BULLPEN_VAULT_PREVIOUS_KEY` is the one before,
  while secrets are sealed with it.
- `BULLPEN_VAULT_KEY_FILE` and `BULLPEN_VAULT_PREVIOUS_KEY_FILE`: the same, in files that only the daemon's user reads,
  such as those that a service manager hands over as credentials. They are read once.
- Else the file `vault.key` in the home, made with the first secret, for this user only (0600). That keeps secrets out
  of copies of the database, of logs and of exports; it does not keep them from someone who can read the home, who
  reads the key as well. The first key of the file is the current one; more than one is there only while a rotation is
  under way.

Keys that were read leave the environment, so that no child of this process inherits them.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import stat
import sys
from collections.abc import MutableMapping
from pathlib import Path

from bullpend.db.database import mapped_disk_errors
from bullpend.errors import SettingInvalid, VaultLocked
from bullpend.vault.sealing import KEY_BYTES, MasterKey

FILE_NAME = "vault.key"
CURRENT, PREVIOUS = "BULLPEN_VAULT_KEY", "BULLPEN_VAULT_PREVIOUS_KEY"
SCHEMA = "bullpen.vault-key/1"


class Keys:
    """The master keys that are at hand. The environment is read once, the file each time: it may be put back."""

    def __init__(self, file: Path, environment: MutableMapping[str, str]) -> None:
        """Takes the keys out of the environment. Raises SettingInvalid, which does not repeat them."""
        self.file = file
        from_file = "" if environment.get(CURRENT) else environment.get(f"{CURRENT}_FILE", "")
        given = {name: _given(name, environment) for name in (CURRENT, PREVIOUS)}
        if given[PREVIOUS] and not given[CURRENT]:
            raise SettingInvalid(f"{PREVIOUS} is set and {CURRENT} is not.", field=CURRENT, remedy=f"Set {CURRENT}.")
        self._given = [_read(name, text) for name, text in given.items() if text]
        self._source = f"environment {CURRENT}{from_file and '_FILE'}" if self._given else str(file)

    @property
    def from_environment(self) -> bool:
        """Whether the environment gave the current key."""
        return bool(self._given)

    @property
    def source(self) -> str:
        """Where the current key is, in words."""
        return self._source

    def all(self) -> list[MasterKey]:
        """Every key, the current one first; empty where there is none yet.

        Raises VaultLocked for a file that others can read, or that holds no keys.
        """
        return [*self._given, *self._filed()]

    def make(self) -> MasterKey:
        """A fresh key in a new file. Another one that appeared meanwhile is taken instead."""
        key = MasterKey.fresh()
        try:
            self._write([key], os.O_EXCL)
        except FileExistsError:
            return self.all()[0]
        return key

    def rotate(self) -> MasterKey:
        """A fresh key as the current one of the file; the others stay beside it."""
        key = MasterKey.fresh()
        self._replace([key, *self._filed()])
        return key

    def keep_only(self, key: MasterKey) -> None:
        """Takes all other keys out of the file: nothing is sealed with them any more."""
        self._replace([key])

    def _filed(self) -> list[MasterKey]:
        try:
            state = self.file.lstat()
            text = self.file.read_text(encoding="ascii")
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise VaultLocked(f"The vault's key file cannot be read: {type(error).__name__}.", path=self.file) from None
        if sys.platform != "win32" and (not stat.S_ISREG(state.st_mode) or state.st_mode & 0o077):
            raise VaultLocked(
                "The vault's key file can be read by others.",
                path=self.file,
                remedy=f"Make it yours alone: chmod 600 {self.file}. Consider `bullpen vault rotate-key` after that.",
            )
        try:
            data = json.loads(text)
            raw = [base64.b64decode(item, validate=True) for item in data["keys"]]
            good = data["schema"] == SCHEMA and raw and all(len(key) == KEY_BYTES for key in raw)
        except (ValueError, LookupError, TypeError):
            good = False
        if not good:
            raise VaultLocked("The vault's key file is damaged.", path=self.file)
        return [MasterKey(key) for key in raw]

    def _replace(self, keys: list[MasterKey]) -> None:
        beside = self.file.with_name(f".{FILE_NAME}.new")
        beside.unlink(missing_ok=True)
        self._write(keys, os.O_EXCL, beside)
        beside.replace(self.file)
        _sync_folder(self.file.parent)

    def _write(self, keys: list[MasterKey], flags: int, path: Path | None = None) -> None:
        content = {"schema": SCHEMA, "keys": [base64.b64encode(key.raw).decode() for key in keys]}
        place = path or self.file
        with mapped_disk_errors():
            number = os.open(place, os.O_WRONLY | os.O_CREAT | flags, 0o600)
            with os.fdopen(number, "w", encoding="ascii") as file:
                json.dump(content, file)
                file.flush()
                os.fsync(file.fileno())
            _sync_folder(place.parent)


def _given(name: str, environment: MutableMapping[str, str]) -> str:
    """A key as text, from its variable or from the file that another one names; empty where neither is set.

    Raises SettingInvalid.
    """
    text, path = environment.pop(name, ""), environment.pop(f"{name}_FILE", "")
    if text or not path:
        return text
    place = Path(path)
    try:
        if sys.platform != "win32" and place.stat().st_mode & 0o077:
            raise SettingInvalid(
                f"{name}_FILE names a file that others can read.",
                field=f"{name}_FILE",
                remedy=f"Make it yours alone: chmod 600 {place}.",
            )
        return place.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingInvalid(
            f"{name}_FILE names {place}, which cannot be read: {type(error).__name__}.",
            field=f"{name}_FILE",
            remedy="Name a file that holds the key in base64 or hexadecimal.",
        ) from None


def _read(name: str, text: str) -> MasterKey:
    """A key as the environment gives it. Raises SettingInvalid."""
    for decode in (bytes.fromhex, lambda value: base64.b64decode(value, validate=True)):
        try:
            raw = decode(text.strip())
        except (ValueError, binascii.Error):
            continue
        if len(raw) == KEY_BYTES:
            return MasterKey(raw)
    raise SettingInvalid(
        f"{name} is no key of {KEY_BYTES} bytes.",
        field=name,
        remedy=f"Give {KEY_BYTES} random bytes in base64 or hexadecimal: `openssl rand -hex {KEY_BYTES}` gives some.",
    ) from None


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":  # not run in the tests of this project
        return
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
