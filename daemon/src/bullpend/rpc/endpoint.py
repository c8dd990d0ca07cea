"""Where the daemon is found: the lock of a home, the socket's path, and `run/endpoint.json`.

The lock is taken before the socket is bound, because a second server would take the path silently. The kernel frees
it when its holder dies, so a crash leaves nothing to clean up by hand.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import platformdirs

from bullpend.errors import HomeLocked

PATH_LIMIT = 107


@dataclass(frozen=True)
class Endpoint:
    """The content of `endpoint.json`."""

    address: str
    token: str
    pid: int
    version: str
    instance: str


class HomeLock:
    """Exclusive use of a home for as long as this object, or the process, lives.

    The file `run/lock` says who holds it. It may be deleted under a living daemon, with all of `run`, and a new one be
    locked by another; so the home's folder itself is locked too, where the system can lock a folder.
    """

    def __init__(self, run_folder: Path) -> None:
        self._path = run_folder / "lock"
        self._file: IO[str] | None = None
        self._folder = -1

    def acquire(self) -> None:
        """Takes the lock or raises HomeLocked, naming who holds it."""
        self._folder = self._lock_folder()
        try:
            self._file = self._lock_file()
        except HomeLocked:
            self.release()
            raise

    def restore(self) -> None:
        """Makes the file again where it was deleted. Raises OSError, or HomeLocked where somebody else made it."""
        held = self._file
        if held is not None and not _same(self._path, held.fileno()):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = self._lock_file()
            held.close()

    def release(self) -> None:
        """Gives the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1

    def _lock_folder(self) -> int:
        if sys.platform == "win32":  # a folder cannot be opened there, nor a file be deleted that is locked
            return -1
        import fcntl

        folder = os.open(self._path.parent.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(folder)
            raise self._held() from None
        except OSError:
            # A file system that cannot lock a folder; the file is locked all the same.
            os.close(folder)
            return -1
        return folder

    def _lock_file(self) -> IO[str]:
        file = self._path.open("a+", encoding="utf-8")
        try:
            _lock(file)
        except OSError:
            file.close()
            raise self._held() from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        return file

    def _held(self) -> HomeLocked:
        try:
            holder = self._path.read_text(encoding="utf-8").strip() or "unknown"
        except OSError:
            holder = "unknown"
        return HomeLocked(
            f"Another daemon (process {holder}) serves {self._path.parent.parent}.",
            remedy="Use that one, stop it with `bullpen daemon stop`, or give this one another --home.",
            pid=holder,
        )


def _same(path: Path, descriptor: int) -> bool:
    """Whether an open file is the one that lies at a path now."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return False


def _lock(file: IO[str]) -> None:
    if sys.platform == "win32":  # not run in the tests of this project
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def socket_path(home: Path) -> Path:
    """`<home>/run/bullpend.sock`, or a path in the user's runtime folder where that would be too long to bind."""
    path = home / "run" / "bullpend.sock"
    if len(os.fsencode(path)) <= PATH_LIMIT:
        return path
    folder = Path(platformdirs.user_runtime_dir("bullpen"))
    if not os.access(folder.parent, os.W_OK):
        folder = Path(tempfile.gettempdir()) / f"bullpen-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Where it existed, it may be open to others; a folder of somebody else cannot be closed, which raises.
    folder.chmod(0o700)
    status = home.stat()
    return folder / f"{status.st_dev:x}-{status.st_ino:x}.sock"


def write_endpoint(run_folder: Path, endpoint: Endpoint) -> None:
    """Writes `endpoint.json` atomically, readable by the user alone."""
    target, scratch = run_folder / "endpoint.json", run_folder / "endpoint.json.tmp"
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(endpoint), file)
    scratch.replace(target)


def remove_endpoint(run_folder: Path, instance: str) -> None:
    """Removes `endpoint.json` if it is still that of `instance`."""
    if read_instance(run_folder) == instance:
        (run_folder / "endpoint.json").unlink(missing_ok=True)


def read_instance(run_folder: Path) -> str:
    """Whose `endpoint.json` it is; empty where there is none that can be read."""
    try:
        return str(json.loads((run_folder / "endpoint.json").read_text(encoding="utf-8"))["instance"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def notify_ready() -> None:
    """Tells systemd that the daemon serves, when it was started by it (sd_notify)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect("\0" + address[1:] if address.startswith("@") else address)
        sock.sendall(b"READY=1")
