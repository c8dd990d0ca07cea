"""Providers as devices: takes the frames that a device's worker takes, gives the frames that it gives.

Each `devices/remote-N` works on one job at a time. What is asked for is made by `Paying`; here a job's candidates
become orders, and paid answers become raw pictures. So runs, leases, cancel, quality and storing know no difference.

A cancelled job gives its device back at once. The call that was under way goes on: it is paid for, and its answer is
booked and kept.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import structlog
from bullpen_api.worker.v1 import link_pb2

from bullpend.clock import Clock, new_id
from bullpend.costs.model import Quote
from bullpend.db import Database
from bullpend.errors import BullpenError
from bullpend.remote import catalogue, uploads
from bullpend.remote.catalogue import Entry
from bullpend.remote.model import Order, Paid
from bullpend.remote.paying import Paying
from bullpend.remote.uploads import Uploads
from bullpend.workers.model import DeviceInfo, Lost

log = structlog.get_logger("remote")

KIND = "remote"
PREFIX = "devices/remote-"
PHASE = "waiting for the provider"
RunTask = Callable[[link_pb2.Task], Awaitable[link_pb2.TaskDone]]
Heard = Callable[[str, link_pb2.FromWorker | Lost], None]


def devices(count: int) -> list[DeviceInfo]:
    """So many calls at once."""
    return [
        DeviceInfo(f"{PREFIX}{number}", KIND, "", "Providers", catalogue.ENGINE, "takes the jobs of remote models")
        for number in range(1, count + 1)
    ]


def quote(entry: Entry) -> Quote:
    """What one picture is expected to cost at most: its shape decides the size, and a plan is for all shapes."""
    each = max((entry.price.expected(size) for size in ("", *entry.sizes)), key=lambda money: money.micros)
    steering = entry.price.cost(entry.price.estimate_by_reference)
    assumed = f"; {entry.price.assumption}" if entry.price.assumption else ""
    return Quote(entry.provider, each, f"{entry.title}, prices as of {entry.price.as_of}{assumed}", steering)


class RemoteEngine:
    """The devices' worker. Used on one event loop; `heard` is told every frame."""

    def __init__(self, database: Database, paying: Paying, run_task: RunTask, heard: Heard, clock: Clock) -> None:
        self._database = database
        self._paying = paying
        self._run_task = run_task
        self._heard = heard
        self._clock = clock
        # Marks the orders of the lab, whose numbers begin anew with each daemon.
        self._life = new_id()
        self._jobs: dict[str, tuple[tuple[str, int], asyncio.Task[None]]] = {}
        self._closed = False

    # ---- what a worker's process does -------------------------------------------------------------------------------

    def start(self, device: str) -> None:
        """Ready at once: there is no process."""
        ready = link_pb2.Ready(pid=os.getpid(), engine=catalogue.ENGINE, device_title="Providers")
        self._say(device, link_pb2.FromWorker(ready=ready))

    def send(self, device: str, frame: link_pb2.ToWorker) -> bool:
        """Takes a frame; those that mean nothing here are dropped."""
        match frame.WhichOneof("body"):
            case "run_job":
                job = frame.run_job
                self._jobs[device] = ((job.job, job.attempt), asyncio.ensure_future(self._job(device, job)))
            case "cancel_job":
                key, task = self._jobs.get(device, (("", 0), None))
                if task is not None and key == (frame.cancel_job.job, frame.cancel_job.attempt):
                    task.cancel()
        return True

    def kill(self, device: str, reason: str) -> None:
        """Gives the device up; a call under way is still taken in."""
        _, task = self._jobs.pop(device, (("", 0), None))
        if task is not None:
            task.cancel()
        if not self._closed:
            self._heard(device, Lost(reason))

    async def close(self) -> None:
        """Ends the jobs without a word: they go on after the next start."""
        self._closed = True
        tasks = [task for _, task in self._jobs.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- one job ----------------------------------------------------------------------------------------------------

    async def _job(self, device: str, job: link_pb2.RunJob) -> None:
        ended = link_pb2.JobEnded(job=job.job, attempt=job.attempt, outcome=link_pb2.JobEnded.OUTCOME_SUCCEEDED)
        try:
            await self._candidates(device, job)
        except asyncio.CancelledError:
            if self._closed or device not in self._jobs:
                raise
            ended.outcome = link_pb2.JobEnded.OUTCOME_CANCELED
        except BullpenError as error:
            ended.outcome = link_pb2.JobEnded.OUTCOME_FAILED
            ended.failure.CopyFrom(link_pb2.Failure(reason=error.reason, message=error.message, remedy=error.remedy))
        except Exception as error:
            log.error("remote.fault", job=job.job, exc_info=error)
            ended.outcome = link_pb2.JobEnded.OUTCOME_FAILED
            words = "Bullpen failed over the provider's answer; the daemon's log says how."
            ended.failure.CopyFrom(link_pb2.Failure(reason="INTERNAL", message=words))
        self._jobs.pop(device, None)
        self._say(device, link_pb2.FromWorker(job_ended=ended))

    async def _candidates(self, device: str, job: link_pb2.RunJob) -> None:
        await self._paying.forget()
        entry = await asyncio.to_thread(self._paying.catalogue.entry, job.model.name)
        folder = Path(job.out_folder)
        sent: list[Path] = []
        try:
            made = await uploads.prepare(self._run_task, job, entry, sent)
            order = await self._order(job, entry, made)
            for task in job.candidates:
                began = self._clock.monotonic()
                self._step(device, job, task.name, 0, PHASE)
                paid = await self._paying.pay(self._confirmed(order, entry, job.job, task))
                self._step(device, job, task.name, 1, "decoding")
                raw = folder / f"remote-{new_id()}.rgb"
                read = await self._read(job, paid, made.prepared, raw)
                ready = link_pb2.CandidateReady(
                    job=job.job,
                    attempt=job.attempt,
                    candidate=task.name,
                    raw_path=str(raw),
                    width=read.width,
                    height=read.height,
                    device_seconds=self._clock.monotonic() - began,
                )
                self._say(device, link_pb2.FromWorker(candidate_ready=ready))
        finally:
            for path in sent:
                path.unlink(missing_ok=True)

    async def _order(self, job: link_pb2.RunJob, entry: Entry, made: Uploads) -> Order:
        """The order of a job's candidates but for their confirmation."""
        project, run, stage = await self._place(job.job)
        account = await self._paying.accounts.choose(job.model.name, entry.provider, project)
        references = len(made.references)
        return Order(
            confirmation="",
            subject="",
            operation="edit" if made.source else "generate",
            model=job.model.name,
            account=account,
            estimate=entry.price.expected(f"{made.size[0]}x{made.size[1]}", references),
            # The lab has no project; its money is booked on that of the account.
            project=project or account.name.split("/")[1],
            run=run,
            stage=stage,
            prompt=entry.words(job.prompt, job.negative_prompt, references),
            upload=made.source,
            references=made.references,
            mask=made.mask,
            size=made.size,
            parameters=entry.parameters,
        )

    def _confirmed(self, order: Order, entry: Entry, job: str, task: link_pb2.CandidateTask) -> Order:
        """The order of one candidate: a run was confirmed as a whole, each of its candidates is paid once."""
        candidate = task.name
        if task.HasField("words"):
            words = entry.words(task.words.prompt, task.words.negative_prompt, len(order.references))
            order = replace(order, prompt=words)
        confirmation = candidate if order.run else f"lab/{self._life}/{candidate}"
        return replace(order, confirmation=confirmation, subject=candidate if order.run else f"lab/{job}")

    async def _place(self, job: str) -> tuple[str, str, str]:
        """Project, run and stage of a job; empty for an order of the lab."""
        if not job.startswith("projects/"):
            return "", "", ""
        _, project, _, slug, *_ = job.split("/")
        sql = "SELECT stage FROM runs WHERE project = ? AND slug = ?"
        stage = await self._database.read(lambda view: view.value(sql, project, slug))
        return project, f"projects/{project}/runs/{slug}", str(stage or "")

    async def _read(
        self, job: link_pb2.RunJob, paid: Paid, prepared: link_pb2.UploadPrepared | None, raw: Path
    ) -> link_pb2.AnswerRead:
        task = link_pb2.ReadAnswer(path=str(paid.path), raw_path=str(raw), width=job.width, height=job.height)
        if prepared is not None:
            task.source_width, task.source_height = prepared.source_width, prepared.source_height
            if prepared.mask_sha256:
                task.source_path = job.source_path
                task.mask.CopyFrom(job.method.mask)
        try:
            return (await self._run_task(link_pb2.Task(read_answer=task))).answer_read
        except BullpenError as error:
            error.message = error.message.replace(str(paid.path), "The provider's picture")
            error.remedy = f"It was paid for ({paid.amount}) and lies at {paid.path}."
            raise

    def _step(self, device: str, job: link_pb2.RunJob, candidate: str, step: int, phase: str) -> None:
        said = link_pb2.StepDone(job=job.job, attempt=job.attempt, candidate=candidate, step=step, steps=1, phase=phase)
        self._say(device, link_pb2.FromWorker(step_done=said))

    def _say(self, device: str, frame: link_pb2.FromWorker) -> None:
        if not self._closed:
            self._heard(device, frame)
