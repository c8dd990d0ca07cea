"""A remote home over a forwarded socket: a relay stands for SSH; the studio needs the socket and a copied endpoint."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from bullpen_api.v1 import project_pb2
from bullpen_client import Session, errors, start_daemon
from bullpen_tui import live
from bullpen_tui.app import StudioApp
from bullpen_tui.session import dial

from tests.support.daemon import Daemon
from tests.tui.driving import Driver
from tests.tui.fake import FakeDaemon

pytestmark = pytest.mark.e2e


class Forwarding:
    """Carries bytes between a socket here and one there, as `ssh -L` does; `cut` drops every line."""

    def __init__(self, here: Path, there: str) -> None:
        self._here, self._there = here, there
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        self._here.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._carry, self._here)

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for line in list(self._lines):
            line.transport.abort()
        self._lines.clear()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            far, to = await asyncio.open_unix_connection(self._there)
            self._lines |= {writer, to}
            await asyncio.gather(self._pump(reader, to), self._pump(far, writer))

    @staticmethod
    async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.close()


@pytest.fixture
def here() -> Iterator[Path]:
    """A short path: a socket's holds at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="b-") as folder:
        (Path(folder) / "run").mkdir()
        yield Path(folder)


def copy_endpoint(daemon: Daemon, here: Path) -> None:
    """The endpoint as it is copied: another address, a process that is not of this machine."""
    said = json.loads((daemon.home / "run" / "endpoint.json").read_text())
    said.update(address=f"unix:{here}/run/bullpend.sock", pid=2**22 - 1, remote=True)
    (here / "run" / "endpoint.json").write_text(json.dumps(said))


async def test_r07_a_remote_home_over_a_forwarded_socket(
    daemon: Daemon, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What happens there shows here; a cut line is a banner, and what was missed is there when it is mended."""
    monkeypatch.setattr(live, "RETRY_SECONDS", 0.1)
    copy_endpoint(daemon, here)
    line = Forwarding(here / "run" / "bullpend.sock", daemon.endpoint.address.removeprefix("unix:"))
    await line.open()
    app = StudioApp(dial(here))
    async with Session(daemon.home) as there, app.run_test(size=(100, 30)) as pilot:
        at = Driver(pilot, app, FakeDaemon())

        async def make(slug: str) -> None:
            project = project_pb2.Project(title=slug.title())
            await there.projects.CreateProject(project_pb2.CreateProjectRequest(project_id=slug, project=project))

        await long(at, lambda: app.listed)
        await make("one")
        await long(at, lambda: "projects/one" in app.snapshot.projects)
        await line.cut()
        await long(at, lambda: app.lost)
        await make("two")
        assert "projects/two" not in app.snapshot.projects
        await line.open()
        await long(at, lambda: "projects/two" in app.snapshot.projects and not app.lost)
        await app.action_quit()
    await line.cut()


async def long(at: Driver, fact: Callable[[], object]) -> None:
    """Waits longer than for a daemon that lives in the test."""
    async with asyncio.timeout(90):
        while not fact():
            await at.pilot.pause(0.02)


async def test_no_daemon_is_started_for_a_remote_home(daemon: Daemon, here: Path) -> None:
    """Where nothing answers a sentence says what to look at, and this machine has no daemon of its own then."""
    copy_endpoint(daemon, here)
    with pytest.raises(errors.DaemonUnavailable, match="forwarded socket") as refused:
        await start_daemon(here)
    assert "copy its run/endpoint.json" in refused.value.remedy
    assert [path.name for path in here.iterdir()] == ["run"]
