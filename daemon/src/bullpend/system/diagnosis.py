"""What `bullpen doctor` asks of a running daemon: each check says what it found, and what to do about it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

from bullpen_api.v1 import model_pb2, system_pb2

from bullpend.assets.files import Files
from bullpend.db import Database, Row
from bullpend.errors import BullpenError
from bullpend.metrics.collect import MachineFigures
from bullpend.models.registry import Registry

LOW_DISK = 1 << 30
PUT_BACK = (
    "Stop the daemon, put the file or its newest .bak back, and start it again. Where there is none, stop it and "
    "`bullpen doctor --rebuild` makes a new one from the pictures, bibles and logs beside it."
)
PAGE = 1000
OK = system_pb2.Check.STATUS_OK
WARNING = system_pb2.Check.STATUS_WARNING
ERROR = system_pb2.Check.STATUS_ERROR


class Diagnosis:
    """Runs the checks."""

    def __init__(
        self,
        database: Database,
        files: Files,
        registry: Registry,
        devices: Callable[[], list[model_pb2.Device]],
        machine: Callable[[], MachineFigures],
        others: Sequence[Callable[[], Awaitable[system_pb2.Check]]] = (),
    ) -> None:
        """`others` are checks that other rooms have."""
        self._database = database
        self._files = files
        self._registry = registry
        self._devices = devices
        self._machine = machine
        self._others = tuple(others)

    async def run(self, deep: bool) -> list[system_pb2.Check]:
        """All checks; `deep` also reads every stored file, and every file of the models anew."""
        checks = [await self._check_database(deep), self._check_disk()]
        checks += [check async for check in self._check_models(deep)]
        checks += [self._check_device(device) for device in self._devices()]
        checks.append(await _told("assets", self._check_files(deep)))
        checks.append(await _told("projects", self._check_projects()))
        for other in self._others:
            checks.append(await _told("others", other()))
        if deep:
            checks.append(await _told("strays", self._check_strays()))
        return checks

    async def _check_database(self, deep: bool) -> system_pb2.Check:
        name = "database"
        if not self._database.file_in_place():
            return system_pb2.Check(
                name=name,
                status=ERROR,
                message="The database file was deleted or replaced while the daemon runs; nothing can be saved.",
                remedy=PUT_BACK,
            )
        # The quick one does not hold indexes against their tables.
        try:
            found = await self._database.damage(deep=deep)
        except BullpenError as error:
            found = error.message
        if found is None:
            return system_pb2.Check(name=name, status=OK, message="The database is sound.")
        return system_pb2.Check(
            name=name,
            status=ERROR,
            message=f"The database is damaged: {found}.",
            remedy="`bullpen doctor --repair` builds damaged indexes anew; where that does not help, "
            "`bullpen doctor --rebuild` makes a new one from its tables, or from pictures, bibles and logs beside it.",
        )

    def _check_disk(self) -> system_pb2.Check:
        free = self._machine().disk_free_bytes
        low = free < LOW_DISK
        return system_pb2.Check(
            name="disk",
            status=WARNING if low else OK,
            message=f"{free / (1 << 30):.1f} GiB are free on the disk of the home.",
            remedy="Free some space: runs stop when the disk is full." if low else "",
        )

    async def _check_models(self, deep: bool) -> AsyncIterator[system_pb2.Check]:
        # Models at providers have no files; whether somebody can pay for them is for the list of models to say.
        models = [model for model in await asyncio.to_thread(self._registry.scan) if model.engine != "remote"]
        if not models:
            yield system_pb2.Check(
                name="models",
                status=WARNING,
                message="No model is installed.",
                remedy='Install the embedded starter: pip install "bullpen[starter]".',
            )
        for model in models:
            name = model.name
            try:
                await asyncio.to_thread(self._registry.verify, name, anew=deep)
            except BullpenError as error:
                status = WARNING if error.reason == "MODEL_UNSUPPORTED" else ERROR
                yield system_pb2.Check(name=name, status=status, message=error.message, remedy=error.remedy)
            else:
                yield system_pb2.Check(name=name, status=OK, message=f"{model.title} is ready.")

    def _check_device(self, device: model_pb2.Device) -> system_pb2.Check:
        failed = device.state == model_pb2.Device.STATE_FAILED
        return system_pb2.Check(
            name=device.name,
            status=ERROR if failed else OK,
            message=device.reason if failed else f"{device.title}: {device.reason}",
            remedy="See the daemon's log for why its worker ends; it is tried again by itself." if failed else "",
        )

    async def _check_files(self, deep: bool) -> system_pb2.Check:
        seen, lost, after = 0, [], 0
        while True:
            sql = (
                "SELECT id, project, sha256, mime_type FROM assets WHERE id > ? AND purge_time IS NULL "
                "ORDER BY id LIMIT ?"
            )
            rows = await self._database.read(lambda view: view.all(sql, after, PAGE))  # noqa: B023 -- awaited at once
            if not rows:
                break
            seen, after = seen + len(rows), rows[-1]["id"]
            lost += await asyncio.to_thread(self._unsound, rows, deep)
        what = "were read and are" if deep else "exist"
        if not lost:
            return system_pb2.Check(name="assets", status=OK, message=f"All {seen} stored files {what} as recorded.")
        return system_pb2.Check(
            name="assets",
            status=ERROR,
            message=f"{len(lost)} of {seen} stored files are missing or changed; the first is {lost[0]}.",
            remedy="Put the files back from a backup; or `bullpen doctor --repair` sets changed ones aside, and "
            "says of each whether it can be drawn again or has to be imported.",
        )

    async def _check_projects(self) -> system_pb2.Check:
        """Folders of projects that the database does not know: it was lost, and a new one was begun."""
        slugs = await self._database.read(lambda view: {row["slug"] for row in view.all("SELECT slug FROM projects")})
        unknown = await asyncio.to_thread(self._files.projects_beside, slugs)
        if not unknown:
            return system_pb2.Check(name="projects", status=OK, message=f"All {len(slugs)} projects are registered.")
        return system_pb2.Check(
            name="projects",
            status=WARNING,
            message=f"The database knows nothing of {len(unknown)} folders of projects; the first is {unknown[0]}.",
            remedy="Where bullpen.sqlite3 was lost and you have a copy: stop the daemon, put the copy back, start it "
            "again. Else `bullpen doctor --repair` makes the projects anew from their pictures, bibles and logs.",
        )

    async def _check_strays(self) -> system_pb2.Check:
        """Files that a kill between storing and registering an import left; a run makes its own again by itself."""
        sql = "SELECT project, sha256 FROM assets"
        known = await self._database.read(lambda view: {(row["project"], row["sha256"]) for row in view.all(sql)})
        strays = await asyncio.to_thread(self._files.unknown, known)
        if not strays:
            return system_pb2.Check(name="strays", status=OK, message="Every stored file is registered.")
        return system_pb2.Check(
            name="strays",
            status=WARNING,
            message=f"{len(strays)} stored files are not registered; the first is {strays[0]}.",
            remedy="`bullpen doctor --repair` registers them from their sidecars.",
        )

    def _unsound(self, rows: list[Row], deep: bool) -> list[Path]:
        bad = []
        for row in rows:
            path = self._files.content(row["project"], row["sha256"], row["mime_type"])
            try:
                sound = not deep or _sha256(path) == row["sha256"]
                sound = sound and path.is_file()
            except OSError:
                sound = False
            if not sound:
                bad.append(path)
        return bad


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _told(name: str, check: Awaitable[system_pb2.Check]) -> system_pb2.Check:
    """The check, or that it could not be made: a damaged database does not keep the other checks from people."""
    try:
        return await check
    except BullpenError as error:
        return system_pb2.Check(
            name=name, status=ERROR, message=f"This could not be checked. {error.message}", remedy=error.remedy
        )
