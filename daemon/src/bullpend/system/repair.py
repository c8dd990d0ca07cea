"""What `bullpen doctor --repair` has a running daemon do: the registry is made to agree with the files that are there.

The files are the truth: content under its hash, and a sidecar that says what it is. So a registry that was lost is
built again from sidecars by the same means by which one forgotten picture is adopted. Everything is idempotent, one
file after the other; whoever interrupts it may start it again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Set
from pathlib import Path
from typing import Any

import structlog
from bullpen_api.v1 import asset_pb2, project_pb2, system_pb2

from bullpend.assets.files import EXTENSIONS, Files, name_of
from bullpend.assets.intake import Intake
from bullpend.assets.keeping import state_of
from bullpend.bible.kept import FILE_NAME, set_aside
from bullpend.db import Database, Row, Tx
from bullpend.errors import BullpenError, DatabaseUnavailable, DiskFull, ShuttingDown
from bullpend.projects import rules as project_rules
from bullpend.projects import service as projects
from bullpend.projects import store as project_store
from bullpend.rpc.names import SLUG
from bullpend.system import bibles, runlogs
from bullpend.system.bibles import BringIn
from bullpend.system.diagnosis import PUT_BACK

log = structlog.get_logger("repair")
KINDS = tuple(name.removeprefix("KIND_") for name, number in asset_pb2.Asset.Kind.items() if number)
PAGE = 1000
IMPORT = "import the same picture again"


class Repairs:
    """Finds and mends. `home` is where files go that are set aside; `bring_in` imports a bible."""

    def __init__(self, database: Database, files: Files, intake: Intake, home: Path, bring_in: BringIn) -> None:
        self._database = database
        self._files = files
        self._intake = intake
        self._bring_in = bring_in
        self._projects = home / "projects"
        self._aside = home / "set-aside"

    async def run(self, dry_run: bool) -> list[system_pb2.Repair]:
        """Everything that was wrong, in the order in which it was mended. Raises DatabaseUnavailable, DiskFull."""
        found = [repair async for repair in self._all(dry_run)]
        for repair in found:
            log.info("repair", kind=repair.kind, subject=repair.subject, done=repair.done)
        return found

    async def _all(self, dry_run: bool) -> AsyncIterator[system_pb2.Repair]:
        if not self._database.file_in_place():
            # Nothing can be registered, and what is read comes from a file that is gone.
            words = f"The database file was deleted or replaced while the daemon runs. {PUT_BACK}"
            yield system_pb2.Repair(kind="database", subject="bullpen.sqlite3", message=words, done=False)
            return
        async for repair in self._database_file(dry_run):
            yield repair
        async for repair in self._registered(dry_run):
            yield repair
        async for repair in self._unregistered(dry_run):
            yield repair
        async for repair in bibles.bring_back(self._database, self._projects, self._bring_in, dry_run):
            yield repair
        async for repair in runlogs.bring_back(self._database, self._projects, dry_run):
            yield repair

    # ---- the database -----------------------------------------------------------------------------------------------

    async def _database_file(self, dry_run: bool) -> AsyncIterator[system_pb2.Repair]:
        wrong = await self._quick_check()
        if wrong is None:
            return
        subject, done = "bullpen.sqlite3", False
        if not dry_run:
            try:
                await self._database.write(lambda tx: tx.run("REINDEX"))
                done = await self._quick_check() is None
            except DatabaseUnavailable as error:
                wrong = error.message
        words = "its indexes were built anew" if done else "building its indexes anew does not mend it"
        if dry_run:
            words = "its indexes would be built anew"
        remedy = "" if done or dry_run else " `bullpen doctor --rebuild` makes a new one from the stored files."
        yield system_pb2.Repair(kind="database", subject=subject, message=f"{wrong}: {words}.{remedy}", done=done)

    async def _quick_check(self) -> str | None:
        try:
            return await self._database.damage(deep=True)
        except BullpenError as error:
            return error.message

    # ---- what the registry knows ------------------------------------------------------------------------------------

    async def _registered(self, dry_run: bool) -> AsyncIterator[system_pb2.Repair]:
        after = 0
        while True:
            sql = "SELECT * FROM assets WHERE id > ? ORDER BY id LIMIT ?"
            rows = await self._database.read(lambda view: view.all(sql, after, PAGE))  # noqa: B023 -- awaited at once
            for row in rows:
                repair = await self._one(row, dry_run)
                if repair is not None:
                    yield repair
            if not rows:
                return
            after = rows[-1]["id"]

    async def _one(self, row: Row, dry_run: bool) -> system_pb2.Repair | None:
        if row["purge_time"] is not None:
            return None
        path = self._files.content(row["project"], row["sha256"], row["mime_type"])
        state = await asyncio.to_thread(_content, path, row["sha256"])
        name = name_of(row["project"], row["sha256"])
        if state == "gone":
            back = f"put it back from a backup, or {await self._again(name)}"
            words = f"The file of {name} is gone; {back}: {path}."
            return system_pb2.Repair(kind="lost", subject=name, message=words, done=False)
        if state == "changed":
            words = f"The content of {name} is not what its name says"
            return await self._set_aside(path, words, dry_run, await self._again(name))
        sidecar = path.with_suffix(".json")
        told, seen = await asyncio.gather(
            asyncio.to_thread(_sidecar, path),
            asyncio.to_thread(self._files.thumbnail(row["project"], row["sha256"]).is_file),
        )
        missing = [kind for kind, there in (("sidecar", bool(told)), ("thumbnail", seen)) if not there]
        if not missing:
            return None
        if not told and not dry_run:
            # One that is there is kept, whatever it says.
            await asyncio.to_thread(sidecar.unlink, missing_ok=True)
        said = {key: json.loads(row[key]) for key in ("tags", "derived_from")}
        columns = ("kind", "display_name", "origin", "licence", "rating", "note", "delete_time")
        said |= {key: row[key] for key in columns}
        done, why = await self._take(row["project"], path, said, dry_run)
        what = " and ".join(missing)
        words = f"The {what} of {name} was missing or damaged" + ("" if dry_run else why or " and was made again")
        return system_pb2.Repair(kind=missing[0], subject=name, message=f"{words}.", done=done)

    # ---- what it does not know --------------------------------------------------------------------------------------

    async def _unregistered(self, dry_run: bool) -> AsyncIterator[system_pb2.Repair]:
        sql = "SELECT project, sha256 FROM assets"
        known = await self._database.read(lambda view: {(row["project"], row["sha256"]) for row in view.all(sql)})
        slugs = await self._database.read(lambda view: {row["slug"] for row in view.all("SELECT slug FROM projects")})
        strays = await asyncio.to_thread(self._files.unknown, known)
        for folder in await asyncio.to_thread(lambda: sorted(self._projects.glob("*/assets"))):
            slug = folder.parent.name
            if slug in slugs or not SLUG.fullmatch(slug):
                continue
            if (folder.parent / FILE_NAME).exists() or any(path.parts[-5] == slug for path in strays):
                yield await self._project(slug, dry_run)
        for path in strays:
            yield await self._adopt(path, path.parts[-5], dry_run)
        for sidecar in await asyncio.to_thread(lambda: list(_lone_sidecars(self._projects, known))):
            if not dry_run:
                await asyncio.to_thread(sidecar.unlink, missing_ok=True)
            words = "A sidecar without a picture" + (" would be removed." if dry_run else " was removed.")
            yield system_pb2.Repair(kind="removed", subject=str(sidecar), message=words, done=not dry_run)

    async def _project(self, slug: str, dry_run: bool) -> system_pb2.Repair:
        if not dry_run:
            said = project_rules.checked(slug, project_pb2.Project())

            def create(tx: Tx) -> None:
                projects.emit(tx, project_store.create(tx, slug, said), "created")

            await asyncio.to_thread(set_aside, self._projects / slug)
            await self._database.write(create)
        words = f"The project {slug} has a folder and was not registered."
        return system_pb2.Repair(kind="project", subject=f"projects/{slug}", message=words, done=not dry_run)

    async def _adopt(self, path: Path, project: str, dry_run: bool) -> system_pb2.Repair:
        if await asyncio.to_thread(_content, path, path.stem) != "sound":
            return await self._set_aside(path, "A stored file is not what its name says", dry_run)
        done, why = await self._take(project, path, _sidecar(path), dry_run)
        words = "A stored file was not registered" + ("" if dry_run else why or "; it is an asset now")
        return system_pb2.Repair(kind="adopted", subject=str(path), message=f"{words}.", done=done)

    async def _take(self, project: str, path: Path, said: dict[str, Any], dry_run: bool) -> tuple[bool, str]:
        """Has the file checked and registered as it is; says whether, and why not."""
        if dry_run:
            return False, ""
        kind, recipe = said.get("kind"), said.get("recipe")
        try:
            await self._intake.take(
                project,
                path,
                kind=kind if kind in KINDS else "SOURCE",
                display_name=str(said.get("display_name") or path.name),
                origin=str(said.get("origin") or path),
                licence=str(said.get("licence") or ""),
                tags=_texts(said.get("tags")),
                derived_from=_texts(said.get("derived_from")),
                recipe=recipe if isinstance(recipe, dict) else None,
                said=state_of(said),
            )
        except (DatabaseUnavailable, DiskFull, ShuttingDown):
            raise
        except BullpenError as error:
            return False, f"; it stays as it is: {error.message.rstrip('.')}"
        return True, ""

    async def _again(self, name: str) -> str:
        """How a picture comes back that has no copy: the log of its run makes the very same file again, where it was
        drawn on this machine and not for money.
        """
        sql = (
            "SELECT r.log_path FROM candidates c JOIN jobs j ON j.id = c.job_id JOIN runs r ON r.id = j.run_id "
            "WHERE c.asset = ? AND r.log_path != '' AND r.model NOT LIKE 'models/%:%' ORDER BY r.id LIMIT 1"
        )
        log_path = await self._database.read(lambda view: view.value(sql, name))
        return f"have it drawn again (`bullpen run --replay {log_path}`)" if log_path else IMPORT

    async def _set_aside(self, path: Path, words: str, dry_run: bool, again: str = IMPORT) -> system_pb2.Repair:
        target = self._aside / path.parts[-5] / path.name
        if not dry_run:

            def move() -> None:
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                path.replace(target)

            await asyncio.to_thread(move)
        went = f" and would go to {target}" if dry_run else f" and lies at {target} now; {again}"
        return system_pb2.Repair(kind="set_aside", subject=str(path), message=f"{words}{went}.", done=not dry_run)


def _content(path: Path, sha256: str) -> str:
    """`gone`, `changed` or `sound`."""
    try:
        with path.open("rb") as file:
            return "sound" if hashlib.file_digest(file, "sha256").hexdigest() == sha256 else "changed"
    except OSError:
        return "gone"


def _sidecar(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _lone_sidecars(projects: Path, known: Set[tuple[str, str]]) -> Iterator[Path]:
    """Sidecars of pictures that are neither there nor registered."""
    for path in sorted(projects.glob("*/assets/??/??/*.json")):
        if (path.parts[-5], path.stem) not in known and not any(
            path.with_suffix(suffix).exists() for suffix in EXTENSIONS.values()
        ):
            yield path
