"""How a job gets to its worker: its lease is written, and its order sent.

A worker of this machine dies with the daemon, so its order need not wait for the lease: it goes out at once where the
job's rows were read ahead, else when the lease's statement has run, and the lease is brought to the disk meanwhile.
What the worker makes is registered after the lease. What goes to a provider waits for the disk.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from bullpen_api.worker.v1 import link_pb2

from bullpend import failpoints
from bullpend.assets.files import Files
from bullpend.db import Database, Row, Tx
from bullpend.dispatch.lease import Lease
from bullpend.errors import BullpenError
from bullpend.models.loading import Loading, References
from bullpend.quality.model import Checks
from bullpend.runs import loras, method, order_rows, retrying, transitions
from bullpend.runs.order_rows import OrderRows
from bullpend.scheduling import model as s
from bullpend.scheduling.queue import Queue

T = TypeVar("T")

LOOKED_AT_SECONDS = 0.5
# Jobs whose rows are read together ahead of their turn, and whose rows are kept.
READ_AHEAD, MOST_AHEAD = 8, 64
# The kind of device that is not of this machine.
REMOTE = "remote"


@dataclass(frozen=True)
class Orders:
    """What an order to a worker needs besides the job: devices' kinds, models, folder of raw pictures, checks,
    previews.
    """

    kinds: dict[str, str]
    models: Loading
    scratch: Path
    # By project and stage.
    checks: Callable[[str, str], Checks]
    preview_every: int


class Durably(Protocol):
    """Writes until it is written."""

    async def __call__(self, work: Callable[[Tx], T]) -> T:
        """The result of `work`, once it is durable."""
        ...


class Leasing:
    """Writes leases and sends orders. `leased` tells which (attempt, device) the scheduler knows of a job now."""

    def __init__(
        self,
        database: Database,
        files: Files,
        orders: Orders,
        send: Callable[[str, link_pb2.ToWorker], Any],
        leased: Callable[[str], tuple[int, str] | None],
        tell: Callable[[s.Fact], None],
        durably: Durably,
    ) -> None:
        self._database = database
        self._files = files
        self._orders = orders
        self._send = send
        self._leased = leased
        self._tell = tell
        self._durably = durably
        self._ahead: OrderedDict[str, OrderRows] = OrderedDict()
        self._reading = False
        # What was looked at last, when, and what was seen.
        self._looked_at: tuple[tuple[Any, ...], float, References | None] = ((), 0.0, None)

    # ---- ahead ------------------------------------------------------------------------------------------------------

    def foreseen(self, rows: OrderRows) -> None:
        """Keeps the rows of a job that is soon to be started."""
        self._ahead[rows.job["name"]] = rows
        if len(self._ahead) > MOST_AHEAD:
            self._ahead.popitem(last=False)

    async def foresee(self, queue: Queue, devices: int) -> None:
        """Reads the rows of the jobs that are next, a few at once, where those of the very next are not here."""
        if self._reading or all(job in self._ahead for job in queue.window(devices)):
            return
        wanted = [job for job in queue.window(devices + READ_AHEAD) if job not in self._ahead]
        self._reading = True
        try:
            found = await self._database.read(lambda view: [order_rows.ahead(view, job) for job in wanted])
        finally:
            self._reading = False
        for rows in found:
            if rows is not None:
                self.foreseen(rows)

    def at_once(self, command: s.StartJob) -> Lease | None:
        """Sends an order without waiting for anything; None where that cannot be done."""
        rows = self._rows(command)
        if rows is None:
            return None
        seen = self._fresh(_names(rows))
        return None if seen is None else self._order(command, rows, seen)

    def _rows(self, command: s.StartJob) -> OrderRows | None:
        """The rows that were read ahead for a command, as leased by it."""
        rows = self._ahead.get(command.job)
        if rows is None or self._orders.kinds[command.device] == REMOTE:
            return None
        return rows.leased(command.attempt, command.device)

    # ---- a lease ----------------------------------------------------------------------------------------------------

    async def start(self, command: s.StartJob, ordered: bool, keep: Callable[[Lease], None]) -> bool:
        """Writes the lease and sends the order, unless that was `ordered` at once; returns when the lease is durable.

        `keep` gets the lease before its order is sent. False where the store refused: the job is final there already.
        """
        known = None if ordered else self._rows(command)
        self._ahead.pop(command.job, None)
        if not ordered and known is None:
            return await self._read_and_start(command, keep)
        durable = asyncio.ensure_future(self._durably(lambda tx: self._take(tx, command) is not None))
        try:
            if known is not None:
                await self._look_and_order(command, known, keep)
            if not await durable:
                stop = link_pb2.CancelJob(job=command.job, attempt=command.attempt)
                self._send(command.device, link_pb2.ToWorker(cancel_job=stop))
                return False
            failpoints.reach("job.leased")
            return True
        finally:
            durable.cancel()

    @staticmethod
    def _take(tx: Tx, command: s.StartJob) -> tuple[Row, Row] | None:
        return transitions.lease(tx, command.job, command.attempt, command.device)

    async def _read_and_start(self, command: s.StartJob, keep: Callable[[Lease], None]) -> bool:
        """The same where the job's rows are read with its lease."""
        loop, early = asyncio.get_running_loop(), asyncio.Event()
        found: list[OrderRows] = []

        def take(tx: Tx) -> OrderRows | None:
            leased = self._take(tx, command)
            if leased is None:
                return None
            taken = order_rows.of(tx, *leased)
            if self._orders.kinds[command.device] != REMOTE:
                found.append(taken)
                loop.call_soon_threadsafe(early.set)
            return taken

        durable = asyncio.ensure_future(self._durably(take))
        hint = asyncio.ensure_future(early.wait())
        try:
            await asyncio.wait({durable, hint}, return_when=asyncio.FIRST_COMPLETED)
            rows = found[0] if found else await durable
            if rows is not None:
                await self._look_and_order(command, rows, keep)
            if await durable is None:
                return False
            failpoints.reach("job.leased")
            return True
        finally:
            hint.cancel()
            durable.cancel()

    async def _look_and_order(self, command: s.StartJob, rows: OrderRows, keep: Callable[[Lease], None]) -> None:
        """Gives a leased job to its worker, unless that was lost meanwhile; what follows is under way then."""
        if self._leased(command.job) != (command.attempt, command.device):
            return
        try:
            seen = await self._references(_names(rows))
        except BullpenError as error:
            failure = s.Failure(error.reason, error.message, error.remedy)
            self._tell(s.JobEnded(command.job, command.attempt, command.device, s.Outcome.FAILED, failure))
            return
        if self._leased(command.job) == (command.attempt, command.device):
            self._order(command, rows, seen, keep)

    def _order(
        self, command: s.StartJob, rows: OrderRows, models: References, keep: Callable[[Lease], None] | None = None
    ) -> Lease:
        path, source = self._path(rows.source), rows.source
        lease = Lease(
            retrying.sampled(rows.run, rows.job),
            rows.job,
            path,
            (source["width"], source["height"]),
            command.device,
            self._orders.kinds[command.device],
            {name: self._path(row) for name, row in rows.beside.items()},
        )
        if keep is not None:
            keep(lease)
        self._send(command.device, lease.frame(models, self._orders.scratch, self._orders.preview_every))
        return lease

    def _path(self, asset: Row) -> Path:
        return self._files.content(asset["project"], asset["sha256"], asset["mime_type"])

    # ---- models -----------------------------------------------------------------------------------------------------

    async def _references(self, names: tuple[Any, ...]) -> References:
        """What the worker is told of models. Their files are looked at, but not anew for each of many quick jobs: the
        worker compares them again when it loads them.
        """
        seen = self._fresh(names)
        if seen is None:
            seen = await asyncio.to_thread(self._orders.models.references, *names)
            self._looked_at = (names, asyncio.get_running_loop().time(), seen)
        return seen

    def _fresh(self, names: tuple[Any, ...]) -> References | None:
        """What was seen of these models a moment ago."""
        known, at, seen = self._looked_at
        return seen if names == known and asyncio.get_running_loop().time() - at <= LOOKED_AT_SECONDS else None


def _names(rows: OrderRows) -> tuple[Any, ...]:
    """The models of an order, as `Loading.references` takes them: name and digest, LoRAs, and what acts beside it."""
    used = tuple((lora.name, lora.digest, lora.scale) for lora in loras.from_json(rows.job["loras"]))
    others = tuple((one.name, one.digest) for one in method.method_from_json(rows.run["method"]).companions)
    return rows.run["model"], rows.run["model_digest"], used, others
