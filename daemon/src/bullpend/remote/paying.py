"""The life of a paid request: written down → marked as sent → sent → answer kept → booked.

Each arrow is durable before the next begins, so that at every moment the database says at least as much as was sent.
A request is repeated only where nothing can have been charged: no byte left this machine, or the provider says that it
took nothing (429, 503). Everything else that ends without a usable answer is of unknown outcome, is booked as what it
may have cost, and waits for a person.

Once it is sent it belongs to nobody who could cancel it: who asked may leave, the answer is still taken in.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import structlog

from bullpend.clock import Clock, new_id
from bullpend.costs.model import Money
from bullpend.db import Database, Row
from bullpend.errors import (
    AddressNotAllowed,
    BullpenError,
    DatabaseUnavailable,
    DiskFull,
    PaidOutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
)
from bullpend.failpoints import Failpoints
from bullpend.remote import addresses, ledger
from bullpend.remote.accounts import Accounts
from bullpend.remote.answers import Answers
from bullpend.remote.catalogue import Catalogue, Entry
from bullpend.remote.exchange import Limits, Lost, NotSent, Outgoing, Reply, exchange
from bullpend.remote.ledger import Kept
from bullpend.remote.model import Order, Paid, PaidState, Sent, name_of
from bullpend.remote.providers import PROVIDERS
from bullpend.remote.providers.base import Refusal, Unusable

log = structlog.get_logger("remote")
T = TypeVar("T")

SENDINGS = 4
KEEP_SECONDS = 30 * 86_400.0
_RETRY_SECONDS = 1.0
_STATUS_REMEDIES = {
    401: "Check the account's key: `bullpen vault set NAME`.",
    402: "The account has no credit left: add some at the provider, or choose another account.",
    403: "The account's key may not do this: check its rights at the provider.",
}
Send = Callable[[Outgoing, Mapping[str, str], Limits], Awaitable[Reply]]


class Paying:
    """Makes paid requests. Used on one event loop."""

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        catalogue: Catalogue,
        answers: Answers,
        clock: Clock,
        limits: Limits,
        patience_seconds: float,
        failpoints: Failpoints | None = None,
        send: Send = exchange,
    ) -> None:
        """`patience_seconds` is how long a busy provider is waited for in all."""
        self.accounts = accounts
        self.catalogue = catalogue
        self._database = database
        self._answers = answers
        self._clock = clock
        self._limits = limits
        self._patience = patience_seconds
        self._failpoints = failpoints or Failpoints()
        self._send = send
        # By what was confirmed and what is asked for.
        self._under_way: dict[tuple[object, ...], asyncio.Task[Paid]] = {}

    async def recover(self) -> int:
        """At the start, before anything is asked for: how many outcomes are unknown now."""
        unknown = await self._database.write(lambda tx: ledger.recover(tx, self._answers.read))
        await self.forget()
        return unknown

    async def forget(self) -> None:
        """Deletes answers that nobody needs any more."""
        before = self._clock.now() - KEEP_SECONDS
        slugs = await self._database.write(lambda tx: ledger.forget_answers(tx, before))
        await asyncio.to_thread(self._answers.forget, slugs)

    async def pay(self, order: Order) -> Paid:
        """Has the provider do the work, or gives the answer that was paid for under this confirmation before.

        Raises AddressNotAllowed, ProviderAccountMissing, the vault's errors, ProviderRefused, ProviderUnavailable,
        PaidOutcomeUnknown, StateConflict, ModelNotFound, SettingInvalid.
        """
        key = order.content
        task = self._under_way.get(key)
        if task is None:
            # Whoever asks for the same while it is under way gets the same answer.
            task = self._under_way[key] = asyncio.ensure_future(self._pay(order))
            task.add_done_callback(lambda done: self._done(key, done))
        return await asyncio.shield(task)

    async def close(self, seconds: float) -> None:
        """Waits for answers that are under way, that long at most; what is not answered then is of unknown outcome."""
        if self._under_way:
            log.info("paid.waiting_for_answers", requests=len(self._under_way))
            await asyncio.wait(self._under_way.values(), timeout=seconds)
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- one request ------------------------------------------------------------------------------------------------

    async def _pay(self, order: Order) -> Paid:
        entry = await asyncio.to_thread(self.catalogue.entry, order.model)
        protocol = PROVIDERS[entry.provider]
        outgoing = protocol.outgoing(order, entry.model, await asyncio.to_thread(_read, order))
        addresses.check(outgoing.url, self._limits.allow_private)
        secrets = protocol.secrets(await self.accounts.keys(order.account))
        payload = digest(outgoing, order)
        row = await self._database.write(lambda tx: ledger.prepare(tx, order, new_id(), payload))
        slug = str(row["slug"])
        if row["state"] == PaidState.ANSWERED:
            log.info("paid.answer_reused", request=name_of(slug))
            return self._paid(row)
        self._failpoints.reach("paid.prepared")
        headers = {**secrets, "idempotency-key": row["idempotency_key"]}
        reply = await self._sent(slug, outgoing, headers, entry)
        return await self._take(slug, reply, entry, order)

    async def _sent(self, slug: str, outgoing: Outgoing, headers: Mapping[str, str], entry: Entry) -> Reply:
        """Sends until there is a success, for as long as it costs nothing."""
        waited, sendings = 0.0, 0
        while True:
            await self._durably(lambda tx: ledger.sent(tx, slug))
            sendings += 1
            self._failpoints.reach("paid.marked_sent")
            try:
                reply = await self._send(outgoing, headers, self._limits)
            except AddressNotAllowed as error:
                await self._fail(slug, error)
                raise
            except NotSent as error:
                problem: BullpenError = ProviderUnavailable(f"{entry.title} cannot be reached: {error}.")
                pause = 0.5 * 2 ** (sendings - 1) if error.again else self._patience + 1
            except Lost as error:
                raise await self._lose(slug, f"{error}") from error
            else:
                if 200 <= reply.status < 300:
                    self._failpoints.reach("paid.answer_received")
                    return reply
                problem, pause = await self._refused(slug, reply, entry)
            if sendings >= SENDINGS or waited + pause > self._patience:
                if problem.metadata.get("status"):
                    problem.metadata["retry_after"] = f"{pause:.0f}"
                await self._fail(slug, problem)
                raise problem
            text = problem.message
            await self._durably(lambda tx, text=text: ledger.not_taken(tx, slug, ProviderUnavailable.reason, text))
            log.info("paid.waiting", request=name_of(slug), seconds=pause, reason=text)
            await asyncio.sleep(pause)
            waited += pause

    async def _refused(self, slug: str, reply: Reply, entry: Entry) -> tuple[BullpenError, float]:
        """What follows from an answer that is no success: to wait and send again, or an end, which is raised."""
        said: Refusal = PROVIDERS[entry.provider].refusal(reply)
        words = f"{entry.title}: {said.words}"
        known: dict[str, Any] = {"http_status": reply.status, "request_id": said.request_id}
        if said.charged or (reply.status >= 500 and not said.again and said.charged is None):
            why = "and says that it charged it" if said.charged else "and does not say whether it charged it"
            raise await self._lose(slug, f"the provider answered {reply.status} ({said.words}), {why}", **known)
        if said.again:
            busy = ProviderUnavailable(f"{words} (HTTP {reply.status}).", status=reply.status)
            return busy, _retry_after(reply, self._clock.now())
        error: BullpenError = ProviderRefused(
            f"{words} (HTTP {reply.status}).",
            remedy=_STATUS_REMEDIES.get(reply.status, ""),
            status=reply.status,
            paid_request=name_of(slug),
            **said.extra,
        )
        if 300 <= reply.status < 400:
            error = _redirected(reply, self._limits.allow_private)
        await self._fail(slug, error, **known)
        raise error

    async def _take(self, slug: str, reply: Reply, entry: Entry, order: Order) -> Paid:
        """Keeps and books an answer."""
        try:
            answer = await asyncio.to_thread(PROVIDERS[entry.provider].read, reply)
        except Unusable as error:
            raise await self._lose(slug, f"the provider answered {reply.status}, but {error}") from error
        note = "" if answer.units is not None else "The provider did not say what it charged; booked as estimated."
        units = answer.units if answer.units is not None else {}
        amount = entry.price.cost(units) if answer.units is not None else order.estimate
        kept = Kept(amount, units, answer.request_id, reply.status, note)
        await self._patiently(lambda: asyncio.to_thread(self._answers.keep, slug, answer.picture, kept))
        self._failpoints.reach("paid.answer_kept")
        await self._durably(lambda tx: ledger.answered(tx, slug, kept))
        log.info("paid.answered", request=name_of(slug), subject=order.subject, cost=str(amount))
        self._failpoints.reach("paid.answer_booked")
        return Paid(name_of(slug), self._answers.path(slug), amount, units)

    def _paid(self, row: Row) -> Paid:
        money = Money(row["currency"], row["actual_micros"])
        return Paid(name_of(row["slug"]), self._answers.path(row["slug"]), money, json.loads(row["units"]))

    async def _fail(self, slug: str, error: BullpenError, **known: Any) -> None:
        log.warning("paid.failed", request=name_of(slug), reason=error.reason, message=error.message)
        error.metadata.setdefault("paid_request", name_of(slug))
        await self._durably(lambda tx: ledger.failed(tx, slug, error.reason, error.message, **known))

    async def _lose(self, slug: str, why: str, **known: Any) -> PaidOutcomeUnknown:
        log.error("paid.unknown", request=name_of(slug), message=why)
        text = f"{why[:1].upper()}{why[1:]}."
        return ledger.unknown(await self._durably(lambda tx: ledger.lost(tx, slug, text, **known)))

    # ---- small parts ------------------------------------------------------------------------------------------------

    async def _durably(self, work: Callable[..., T]) -> T:
        return await self._patiently(lambda: self._database.write(work))

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Tries again while the disk is full: what was paid for is not dropped because of that."""
        while True:
            try:
                return await work()
            except (DiskFull, DatabaseUnavailable) as error:
                log.error("paid.write_failed", reason=error.reason, message=error.message)
                await asyncio.sleep(_RETRY_SECONDS)

    def _done(self, key: tuple[object, ...], task: asyncio.Task[Paid]) -> None:
        del self._under_way[key]
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, BullpenError):
            log.error("paid.fault", exc_info=error)


def _read(order: Order) -> Sent:
    """The pictures of an order."""
    return Sent(
        order.upload.path.read_bytes() if order.upload else b"",
        tuple(one.path.read_bytes() for one in order.references),
        order.mask.path.read_bytes() if order.mask else b"",
    )


def digest(outgoing: Outgoing, order: Order) -> str:
    """SHA-256 over everything of a call that decides its answer; files by their hashes, keys not at all."""
    content = {
        "account": order.account.name,
        "url": outgoing.url,
        "fields": dict(outgoing.fields),
        "json": outgoing.json,
        "files": [[name, hashlib.sha256(file[1]).hexdigest()] for name, file in outgoing.files],
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _retry_after(reply: Reply, now: float) -> float:
    """Seconds that the provider asks to wait: a number, or a date (RFC 9110, 10.2.3). One where it says nothing."""
    text = reply.headers.get("retry-after", "").strip()
    try:
        seconds = float(text) if text else 1.0
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - now
        except ValueError:
            seconds = 1.0
    # NaN compares false.
    return seconds if 0.05 <= seconds <= 86_400 else 86_400.0 if seconds > 86_400 else 0.05


def _redirected(reply: Reply, allow_private: bool) -> BullpenError:
    """Redirects are never followed: the key and the picture go where the account says, and nowhere else."""
    target = reply.headers.get("location", "")
    if target.startswith(("http://", "https://")):
        try:
            addresses.check(target, allow_private)
        except AddressNotAllowed as error:
            error.message = f"The provider sends on to another place. {error.message}"
            error.metadata["status"] = str(reply.status)
            return error
    return ProviderRefused(
        f"The provider sends on to another address (HTTP {reply.status}), which is not followed.",
        field="base_url",
        remedy="Set the account's base_url to the address that the provider documents.",
        status=reply.status,
    )
