"""Cutouts by a provider behind the interface of the local ones: the chain's runner, which pays before a worker works.

The provider's part is one picture in and one out; refining, upscaling and colour stay on this machine. The worker gets
the provider's picture and takes its transparency, so that the colours are those of the person's own file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bullpen_api.worker.v1 import link_pb2

from bullpend.clock import new_id
from bullpend.costs import guard
from bullpend.costs.model import MICROS, Money
from bullpend.db import Database
from bullpend.errors import BullpenError, SpendNotConfirmed
from bullpend.postprocess.following import RunLongTask
from bullpend.remote import catalogue
from bullpend.remote.catalogue import Entry
from bullpend.remote.model import Account, Order, Upload
from bullpend.remote.paying import Paying

RunTask = Callable[[link_pb2.Task], Awaitable[link_pb2.TaskDone]]
Follow = Callable[[link_pb2.TaskProgress], None]


@dataclass(frozen=True, slots=True)
class Consent:
    """A person's consent to pay for cutouts: who pays, what each is expected to cost, and for whom it is booked.

    `model` is the model's name with the account behind it.
    """

    model: str
    entry: Entry
    account: Account
    each: Money
    project: str

    def cost_usd(self, pictures: int) -> float:
        """The estimate for so many pictures, where it is in US dollars."""
        return self.each.micros * pictures / MICROS if self.each.currency == "USD" else 0.0


class PaidCutouts:
    """Asks for consent, and runs chains whose cutout a provider makes."""

    def __init__(
        self, database: Database, paying: Paying, run_task: RunTask, run_long: RunLongTask, scratch: Path
    ) -> None:
        """`scratch` holds a picture on its way out."""
        self._database = database
        self._paying = paying
        self._run_task = run_task
        self._run_long = run_long
        self._scratch = scratch

    async def consent(
        self, model: str, pictures: int, confirmed: bool, *, project: str = "", field: str, model_field: str
    ) -> Consent:
        """What a person agreed to, for so many pictures; `field` is where they say so.

        Without a project it is booked on that of the account. Raises ModelNotFound, ProviderAccountMissing,
        SpendNotConfirmed, SpendCapExceeded, CurrencyMismatch.
        """
        entry = await asyncio.to_thread(self._paying.catalogue.entry, model)
        account = await self._paying.accounts.choose(model, entry.provider, project, model_field)
        _, owner, _, slug = account.name.split("/")
        each, place = entry.price.expected(), project or owner
        cost = each.times(pictures)
        if not confirmed:
            count = "one picture" if pictures == 1 else f"{pictures} pictures"
            raise SpendNotConfirmed(
                f"{entry.title} charges about {cost} for {count} (prices as of {entry.price.as_of}).",
                field=field,
                remedy="Confirm it (--confirm-spend), or choose a model that runs here.",
                cost=cost,
            )
        await self._database.write(lambda tx: guard.admit(tx, place, cost))
        named = f"{catalogue.PREFIX}{catalogue.split(model)[0]}@{slug if owner == project else f'{owner}/{slug}'}"
        return Consent(named, entry, account, each, place)

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
