"""Cutouts by a provider behind the interface of the local ones: the chain's runner, which pays before a worker works.

The provider's part is one picture in and one out; refining, upscaling and colour stay on this machine. The worker gets
the provider's picture and takes its transparency, so that the colours are those of the person's own file.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from bullpen_api.worker.v1 import link_pb2

from bullpend.clock import new_id
from bullpend.errors import BullpenError
from bullpend.postprocess.following import RunLongTask
from bullpend.remote.consent import Consent, Consents
from bullpend.remote.model import Order, Upload
from bullpend.remote.paying import Paying

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

    def runner(self, consent: Consent, subject: str) -> RunLongTask:
        """A runner of tasks that has `consent` pay for what `subject` needs."""

        async def run(task: link_pb2.Task, follow: Follow | None = None) -> link_pb2.TaskDone:
            work = task.process_picture
            if work.cutout.WhichOneof("by") == "provider":
                if follow is not None:
                    follow(link_pb2.TaskProgress(step="cutout", share=0.0))
                work.cutout.answer_path = str(await self._answer(work.path, consent, subject))
            return await self._run_long(task, follow)

        return run

    async def _answer(self, path: str, consent: Consent, subject: str) -> Path:
        entry = consent.entry
        sent = self._scratch / f"upload-{new_id()}.png"
        try:
            task = link_pb2.PrepareUpload(
                path=path, out_path=str(sent), most_pixels=int(entry.most_megapixels * 1_000_000)
            )
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
