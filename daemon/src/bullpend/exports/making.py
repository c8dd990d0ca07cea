"""Makes exports, one after the other: gather, draw, write beside the destination, seal, read again, give it its name.

    the hash is in the database  →  the file gets its name  →  the database says so

A daemon that dies before the first arrow leaves an unfinished file under a name of its own, which the next start
removes; one that dies later is recognised by the hash. At no moment is anything half written at the destination.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog
from bullpen_api.v1 import export_pb2 as pb
from bullpen_api.worker.v1 import link_pb2

from bullpend import failpoints
from bullpend.assets.files import Files
from bullpend.clock import new_id
from bullpend.db import Database, Row
from bullpend.errors import BullpenError, Internal, PathNotFound, StorageUnavailable
from bullpend.exports import archive, binding, checking, destination, gathering, progress, rules, seal, store, wire
from bullpend.exports.archive import Entry, Stopped
from bullpend.exports.checking import Checked
from bullpend.exports.model import Content, Format, Wish
from bullpend.exports.progress import Board, Standing
from bullpend.postprocess.following import RunLongTask

log = structlog.get_logger("exports")
T = TypeVar("T")


class Making:
    """The exports that are under way in this daemon. Used on the event loop."""

    def __init__(
        self,
        database: Database,
        files: Files,
        board: Board,
        draw: RunLongTask,
        stages: Callable[[str], Sequence[str]],
        scratch: Path,
    ) -> None:
        """`draw` has a post worker do what takes long; `scratch` holds drawn pages on their way into an archive."""
        self._database = database
        self._files = files
        self._board = board
        self._draw = draw
        self._stages = stages
        self._scratch = scratch
        self._turn = asyncio.Lock()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._closing = False

    async def recover(self) -> None:
        """Settles what an earlier daemon left: finished files are recognised, all others were interrupted."""
        for row in await self._database.read(store.unfinished):
            finished = await asyncio.to_thread(_arrived, row)
            settle = store.finish if finished else store.interrupt
            await self._database.write(partial(_with, settle, row["id"]))
            log.info("export.recovered", export=wire.name_of(row), finished=finished)

    def begin(self, row: Row) -> None:
        """Puts an export into the line; one that is in it already stays there."""
        if row["id"] not in self._tasks and not self._closing:
            task = asyncio.create_task(self._make(row), name=f"export {row['slug']}")
            self._tasks[row["id"]] = task
            task.add_done_callback(lambda _: self._tasks.pop(row["id"], None))

    async def cancel(self, row: Row) -> None:
        """Stops an export and waits until nothing of it is left."""
        task = self._tasks.get(row["id"])
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def close(self) -> None:
        """Ends everything; the next start finds what was interrupted."""
        self._closing = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _make(self, row: Row) -> None:
        """One export from its turn to its end, whatever that is."""
        name, identity = wire.name_of(row), row["id"]
        target = Path(row["path"])
        draft = destination.draft_of(target)
        try:
            async with self._turn:
                begun = await self._database.write(lambda tx: store.begin(tx, identity, draft))
                if begun is not None:
                    await self._one(begun, target, draft)
        except asyncio.CancelledError:
            if not self._closing:
                await self._database.write(lambda tx: store.cancel(tx, identity))
                log.info("export.canceled", export=name)
        except BullpenError as error:
            await self._failed(row, error)
        except Exception as error:
            log.exception("export.fault", export=name)
            await self._failed(row, Internal(f"The export failed by a fault of Bullpen: {type(error).__name__}."))
        finally:
            self._board.end(name)

    async def _failed(self, row: Row, error: BullpenError) -> None:
        log.warning("export.failed", export=wire.name_of(row), reason=error.reason, message=error.message)
        await self._database.write(lambda tx: store.fail(tx, row["id"], error))

    async def _one(self, row: Row, target: Path, draft: Path) -> None:
        project, spec = row["project"], pb.ExportSpec.FromString(row["spec"])
        stages = self._stages(project)
        wish = rules.wish_of(spec, project, stages)
        drawn = wish.format is not Format.BUNDLE and (wish.format is not Format.CBZ or wish.layout is not None)
        archived = wish.format in binding.ARCHIVES
        weights = (progress.DRAWN_ARCHIVE if archived else progress.DRAWN) if drawn else progress.ARCHIVE
        standing = self._board.begin(wire.name_of(row), weights)
        self._board.move(standing, "reading", 0, 0)
        content = await self._database.read(
            lambda view: gathering.content(view, project, wish, stages, whole=wish.format is Format.BUNDLE)
        )
        await asyncio.to_thread(destination.free, target, spec.overwrite)
        placed = False
        try:
            runs, missing = await self._written(content, wish, target, draft, standing)
            checked = await self._checked(draft, standing, content)
            told = wire.told_of(content, binding.page_count(content, wish), runs, missing).SerializeToString()

            def sealed(tx: Any) -> None:
                store.held(tx, row["id"], told)
                store.seal(tx, row["id"], checked.size, checked.sha256)

            # From here on it is finished, also for somebody who stops it now.
            placing = asyncio.ensure_future(self._placed(row, sealed, draft, target, spec.overwrite))
            placed = True
            await _to_its_end(placing)
        finally:
            if not placed or draft.exists():
                await asyncio.to_thread(draft.unlink, missing_ok=True)

    async def _placed(
        self, row: Row, sealed: Callable[[Any], None], draft: Path, target: Path, overwrite: bool
    ) -> None:
        await self._database.write(sealed)
        failpoints.reach("export.sealed")
        with destination.mapped(target.parent):
            await asyncio.to_thread(destination.place, draft, target, overwrite)
        failpoints.reach("export.placed")
        await self._database.write(lambda tx: store.finish(tx, row["id"]))
        log.info("export.finished", export=wire.name_of(row), path=str(target))

    async def _written(
        self, content: Content, wish: Wish, target: Path, draft: Path, standing: Standing
    ) -> tuple[int, str]:
        """Writes the sealed draft; returns how many run logs are in it, and which letters could not be set."""
        title = wish.title or content.title
        pages = await asyncio.to_thread(binding.pages_of, content, wish)
        task = binding.task_of(pages, self._files, content.project, title=title, wanted=wish.format)
        if wish.format is Format.BUNDLE:
            return await self._bundle(content, wish, target, draft, standing), ""
        if wish.format is Format.CBZ:
            await self._comic(content, wish, target, draft, standing, task)
            return 0, ""
        task.pdf_path = str(draft)
        drawn = await self._drawn(task, standing, target.parent)
        with destination.mapped(target.parent):
            await self._threaded(lambda _: _sealed_pdf(draft))
        return 0, drawn.missing_letters

    async def _bundle(self, content: Content, wish: Wish, target: Path, draft: Path, standing: Standing) -> int:
        universe = await self._database.read(lambda view: gathering.universe(view, content.project))
        runs = gathering.runs_of(content)
        logs = await self._database.read(lambda view: gathering.run_logs(view, runs))
        parts = await asyncio.to_thread(binding.bundle, content, wish, self._files, universe, logs)
        await self._archived(parts, target, draft, standing)
        return len(logs)

    async def _comic(
        self, content: Content, wish: Wish, target: Path, draft: Path, standing: Standing, task: link_pb2.DrawBook
    ) -> None:
        if not task.pages:
            await self._archived(
                binding.comic(content, wish, binding.leaves(content, self._files)), target, draft, standing
            )
            return
        mark = new_id()
        numbers = rules.numbered(len(task.pages))
        for number, page in zip(numbers, task.pages, strict=True):
            page.out_path = str(self._scratch / f"export-{mark}-{number}.png")
        try:
            files = (await self._drawn(task, standing, self._scratch)).files
            pages = binding.pages_of(content, wish)
            leaves = [
                binding.Leaf(
                    Entry(f"{number}.png", Path(file.path), file.size_bytes, file.sha256, f"page {number}"),
                    round(page.width),
                    round(page.height),
                    tuple(picture for picture, _ in page.pictures),
                )
                for number, file, page in zip(numbers, files, pages, strict=True)
            ]
            await self._archived(binding.comic(content, wish, leaves), target, draft, standing)
        finally:
            for page in task.pages:
                Path(page.out_path).unlink(missing_ok=True)

    async def _drawn(self, task: link_pb2.DrawBook, standing: Standing, folder: Path) -> link_pb2.BookDrawn:
        """Has a post worker draw the pages; whoever stops waiting stops it."""
        count = len(task.pages)
        self._board.move(standing, "drawing", 0, count)

        def follow(frame: link_pb2.TaskProgress) -> None:
            self._board.move(standing, "drawing", frame.share, count)

        if not await asyncio.to_thread(folder.is_dir):
            raise PathNotFound(f"The folder {folder} is gone.", field=destination.FIELD, path=folder)
        return (await self._draw(link_pb2.Task(draw_book=task), follow)).book_drawn

    async def _archived(self, parts: Sequence[Entry], target: Path, draft: Path, standing: Standing) -> None:
        size = sum(part.size for part in parts)
        await asyncio.to_thread(destination.room, target, size)

        def work(tell: archive.Tell) -> None:
            archive.write(draft, parts, tell)
            destination.durable(draft)

        # Copied, and then read once for the seal.
        with destination.mapped(target.parent):
            await self._threaded(work, self._telling(standing, "writing", 2 * size, len(parts)))

    async def _checked(self, draft: Path, standing: Standing, content: Content) -> Checked:
        """Reads the finished draft again. Raises StorageUnavailable where the disk gives back something else."""
        size = (await asyncio.to_thread(draft.stat)).st_size
        tell = self._telling(standing, "checking", size, standing.files or len(content.pictures))
        with destination.mapped(draft.parent):
            checked = await self._threaded(partial(checking.check, draft), tell)
        if not checked.sound:
            raise StorageUnavailable(
                f"What was written to {draft.parent} reads back differently: {checked.difference}: {checked.problem}",
                field=destination.FIELD,
                remedy="The disk may be failing; choose another one.",
            )
        return checked

    def _telling(self, standing: Standing, step: str, total: int, files: int) -> archive.Tell:
        """Counts bytes in a thread and has the board know."""
        loop, done = asyncio.get_running_loop(), 0
        self._board.move(standing, step, 0, files)

        def tell(size: int) -> None:
            nonlocal done
            done += size
            loop.call_soon_threadsafe(self._board.move, standing, step, min(1.0, done / max(1, total)), files)

        return tell

    async def _threaded(self, work: Callable[[archive.Tell], T], tell: archive.Tell = lambda _: None) -> T:
        """Runs blocking work that looks up at each chunk; a cancel ends it there, and waits for it."""
        stop = threading.Event()

        def told(size: int) -> None:
            if stop.is_set():
                raise Stopped
            tell(size)

        running = asyncio.ensure_future(asyncio.to_thread(work, told))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([running])
            with contextlib.suppress(Stopped, BullpenError, OSError):
                running.result()
            raise


def _with(move: Callable[[Any, int], object], identity: int, tx: Any) -> None:
    move(tx, identity)


def _arrived(row: Row) -> bool:
    """Whether an export that was not finished lies at its destination whole; what is unfinished is removed."""
    target = Path(row["path"])
    with contextlib.suppress(OSError):
        if row["draft"]:
            Path(row["draft"]).unlink(missing_ok=True)
    try:
        return (
            bool(row["sha256"])
            and target.stat().st_size == row["size_bytes"]
            and (seal.read(target).sha256 == row["sha256"])
        )
    except OSError:
        return False


def _sealed_pdf(draft: Path) -> None:
    seal.append(draft)
    seal.close(draft)
    destination.durable(draft)


async def _to_its_end(task: asyncio.Future[None]) -> None:
    """Waits for something that is not to be stopped half-way; a cancel is passed on only where it did not succeed."""
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        task.result()
