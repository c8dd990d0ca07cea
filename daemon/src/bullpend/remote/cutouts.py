"""Cutouts by a provider behind the interface of the local ones: the chain's runner, which pays before a worker works.

The provider's part is one picture in and one out; refining, upscaling and colour stay on this machine. The worker gets
the provider's picture and takes its transparency, so that the colours are those of the person's own file.

A provider may also stand behind a cutout of this machine, where the plan said so and a person agreed to what it costs:
it is asked when the work here fails at the cutout itself, and for nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog
from bullpen_api.worker.v1 import link_pb2

from bullpend.clock import new_id
from bullpend.errors import (
    BullpenError,
    DeviceOutOfMemory,
    EngineFailed,
    ModelCorrupt,
    ModelNotFound,
    ModelUnsupported,
    WorkerLost,
)
from bullpend.postprocess.following import RunLongTask
from bullpend.postprocess.resolving import Resolved
from bullpend.remote.consent import Consent, Consents
from bullpend.remote.model import Order, Upload
from bullpend.remote.paying import Paying

log = structlog.get_logger("remote")

# Failures of the cutter, as opposed to those of the picture, the disk, or a person who stopped it.
FAILS_OVER = (EngineFailed, ModelCorrupt, ModelNotFound, ModelUnsupported, DeviceOutOfMemory, WorkerLost)
# What a worker did last where it died without a word.
_BEFORE_END_OF_CUTOUT = ("", "waiting", "reading", "cutout")
RunTask = Callable[[link_pb2.Task], Awaitable[link_pb2.TaskDone]]
Follow = Callable[[link_pb2.TaskProgress], None]


class PaidCutouts:
    """Runs chains whose cutout a provider makes."""

    def __init__(
        self, consents: Consents, paying: Paying, run_task: RunTask, run_long: RunLongTask, scratch: Path
    ) -> None:
        """`scratch` holds a picture on its way out."""
        self.consents = consents
        self._paying = paying
        self._run_task = run_task
        self._run_long = run_long
        self._scratch = scratch

    async def agreed(
        self, resolved: Resolved, pictures: int, confirmed: bool, *, field: str, model_field: str, project: str = ""
    ) -> Consent | None:
        """Consent to a chain's cutouts, made or backed by a provider; None where all is done on this machine.

        What is announced, `resolved.post_process.cutout`, then says who pays. A fallback that only the settings name
        acts where a person agreed to spend, and is not announced otherwise. Raises what `Consents.ask` raises.
        """
        cutout = resolved.post_process.cutout
        by_provider = resolved.work.cutout.WhichOneof("by") == "provider"
        if cutout.fallback and not confirmed and not resolved.fallback_asked:
            cutout.fallback = ""
        if not by_provider and not cutout.fallback:
            return None
        consent = await self.consents.ask(
            cutout.model if by_provider else cutout.fallback,
            pictures,
            confirmed,
            project=project,
            field=field,
            model_field=f"{model_field}.model" if by_provider else f"{model_field}.fallback",
        )
        if by_provider:
            cutout.model = consent.model
        else:
            cutout.fallback = consent.model
        return consent

    def runner(self, consent: Consent, subject: str) -> RunLongTask:
        """A runner of tasks that has `consent` pay for what `subject` needs."""

        async def run(task: link_pb2.Task, follow: Follow | None = None) -> link_pb2.TaskDone:
            work = task.process_picture
            if work.cutout.WhichOneof("by") == "provider":
                if follow is not None:
                    follow(link_pb2.TaskProgress(step="cutout", share=0.0))
                return await _with_answer(self._run_long, task, follow, await self._answer(work.path, consent, subject))
            return await self._run_long(task, follow)

        return run

    def behind(self, consent: Consent, subject: str, changed: Callable[[link_pb2.ProcessPicture], None]) -> Behind:
        """A runner of one picture's chain that has `consent` pay for its cutout where this machine fails at it.

        `changed` may write down that another one makes it, in the work itself, before it is made.
        """

        async def answer(path: str) -> Path:
            return await self._answer(path, consent, subject)

        return Behind(self._run_long, answer, changed)

    async def _answer(self, path: str, consent: Consent, subject: str) -> Path:
        entry = consent.entry
        sent = self._scratch / f"upload-{new_id()}.png"
        try:
            task = link_pb2.PrepareUpload(path=path, out_path=str(sent), most_pixels=entry.most_pixels)
            prepared = (await self._run_task(link_pb2.Task(prepare_upload=task))).upload_prepared
            order = Order(
                # The same picture is not paid for twice while its answer is kept.
                confirmation=f"cutout/{consent.account.name}/{consent.model}/{prepared.sha256}",
                subject=subject,
                operation="cutout",
                model=consent.model,
                account=consent.account,
                estimate=consent.each,
                project=consent.project,
                upload=Upload(sent, prepared.sha256),
                parameters=entry.parameters,
                repeatable=True,
            )
            return (await self._paying.pay(order)).path
        except BullpenError as error:
            error.message = error.message.replace(str(sent), "the picture")
            raise
        finally:
            sent.unlink(missing_ok=True)


async def _with_answer(
    run_long: RunLongTask, task: link_pb2.Task, follow: Follow | None, answer: Path
) -> link_pb2.TaskDone:
    """The chain with a provider's answer for a cutout. Where that answer is of no use, the error says that it was paid
    for and where it lies: it is not the person's own picture that is at fault.
    """
    task.process_picture.cutout.answer_path = str(answer)
    try:
        return await run_long(task, follow)
    except BullpenError as error:
        if error.metadata.get("step") == "cutout":
            error.message = error.message.replace(str(answer), "The provider's answer")
            error.remedy = f"It was paid for, and lies at {answer}."
        raise


class Behind:
    """A runner of one picture's chain with a provider behind its cutout. `reason` is why it was asked, "" while not."""

    def __init__(
        self,
        run_long: RunLongTask,
        answer: Callable[[str], Awaitable[Path]],
        changed: Callable[[link_pb2.ProcessPicture], None],
    ) -> None:
        self._run_long = run_long
        self._answer = answer
        self._changed = changed
        self.reason = ""

    async def run(self, task: link_pb2.Task, follow: Follow | None = None) -> link_pb2.TaskDone:
        """As `RunLongTask` says."""
        last = ""

        def heard(frame: link_pb2.TaskProgress) -> None:
            nonlocal last
            last = frame.step
            if follow is not None:
                follow(frame)

        try:
            return await self._run_long(task, heard)
        except FAILS_OVER as error:
            step = error.metadata.get("step", "")
            at_cutout = step == "cutout" or (isinstance(error, WorkerLost) and last in _BEFORE_END_OF_CUTOUT)
            if not (task.process_picture.HasField("cutout") and at_cutout):
                raise
            log.warning("cutout.falls_back", reason=error.reason, message=error.message)
            self.reason = error.message
        again = link_pb2.Task()
        again.CopyFrom(task)
        if follow is not None:
            follow(link_pb2.TaskProgress(step="cutout", share=0.0))
        answer = await self._answer(task.process_picture.path)
        self._changed(again.process_picture)
        return await _with_answer(self._run_long, again, follow, answer)
