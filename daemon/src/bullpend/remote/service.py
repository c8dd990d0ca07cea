"""RemoteService: what was sent to providers, and what a person says became of it."""

from __future__ import annotations

import json
from typing import Any

from bullpen_api.v1 import remote_pb2, remote_pb2_grpc

from bullpend.costs.model import MICROS, Money
from bullpend.db import Database, Row
from bullpend.db.database import View
from bullpend.errors import FieldInvalid
from bullpend.remote import ledger
from bullpend.remote.model import CHARGED_IN_VAIN, MEANINGS, PaidState, Resolution, name_of
from bullpend.rpc import names, paging
from bullpend.rpc.wire import timestamp

COLLECTION = "paidRequests/*"
MOST_NOTE = 1000
MOST_USD = 100_000.0


def pack(row: Row) -> remote_pb2.PaidRequest:
    """The wire form of a row."""
    state = PaidState(row["state"])
    meaning = CHARGED_IN_VAIN if state is PaidState.FAILED and row["charged"] else MEANINGS[state]
    message = remote_pb2.PaidRequest(
        name=name_of(row["slug"]),
        state=remote_pb2.PaidRequest.State.Value(f"STATE_{state}"),
        meaning=meaning,
        provider=row["provider"],
        account=row["account"],
        model=row["model"],
        project=f"projects/{row['project']}" if row["project"] else "",
        subject=row["subject"],
        idempotency_key=row["idempotency_key"],
        payload_sha256=row["payload_sha256"],
        estimated_cost_usd=row["estimate_micros"] / MICROS,
        actual_cost_usd=row["actual_micros"] / MICROS,
        units=json.loads(row["units"]),
        provider_request_id=row["provider_request_id"],
        http_status=row["http_status"],
        sendings=row["sendings"],
        reason=row["reason"],
        message=row["message"],
        create_time=timestamp(row["create_time"]),
        send_time=timestamp(row["send_time"]),
        end_time=timestamp(row["end_time"]),
        resolution_note=row["resolution_note"],
    )
    if row["charged"] is not None:
        message.charged = bool(row["charged"])
    if row["resolution"]:
        message.resolution = remote_pb2.PaidRequest.Resolution.Value(f"RESOLUTION_{row['resolution']}")
    return message


class RemoteService(remote_pb2_grpc.RemoteServiceServicer):
    """Paid requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def GetPaidRequest(  # noqa: N802 - gRPC's names from here on
        self, request: remote_pb2.GetPaidRequestRequest, context: Any
    ) -> remote_pb2.PaidRequest:
        """One paid request."""
        (slug,) = names.parse(request.name, COLLECTION)
        return pack(await self._database.read(lambda view: ledger.get(view, slug)))

    async def ListPaidRequests(  # noqa: N802
        self, request: remote_pb2.ListPaidRequestsRequest, context: Any
    ) -> remote_pb2.ListPaidRequestsResponse:
        """Paid requests, the newest first."""
        enum = remote_pb2.PaidRequest.State.DESCRIPTOR
        states = [names.choice(enum, value, f"states[{index}]") for index, value in enumerate(request.states)]
        project = names.parse(request.project, "projects/*", "project")[0] if request.project else ""
        scope = f"paidRequests/{project}/{','.join(sorted(states))}"
        page = paging.page(request.page_size, request.page_token, scope, (int,))
        before = int(page.after[0]) if page.after else 2**62

        def read(view: View) -> tuple[list[Row], int]:
            return ledger.page(view, before, page.limit + 1, states, project), view.revision()

        rows, revision = await self._database.read(read)
        shown, token = page.cut(rows, [(row["id"],) for row in rows])
        return remote_pb2.ListPaidRequestsResponse(
            paid_requests=[pack(row) for row in shown], next_page_token=token, revision=revision
        )

    async def ResolvePaidRequest(  # noqa: N802
        self, request: remote_pb2.ResolvePaidRequestRequest, context: Any
    ) -> remote_pb2.PaidRequest:
        """Takes a person's word for what became of it."""
        (slug,) = names.parse(request.name, COLLECTION)
        enum = remote_pb2.PaidRequest.Resolution.DESCRIPTOR
        chosen = names.choice(enum, request.resolution, "resolution")
        if chosen == "UNSPECIFIED":
            raise FieldInvalid(
                "`resolution` does not say what became of it.",
                field="resolution",
                remedy="Say whether the provider charged it.",
            )
        resolution = Resolution(chosen)
        note = names.text(request.note, "note", MOST_NOTE)
        amount = _amount(request, resolution)
        row = await self._database.write(lambda tx: ledger.resolve(tx, slug, resolution, amount, note))
        return pack(row)


def _amount(request: remote_pb2.ResolvePaidRequestRequest, resolution: Resolution) -> Money | None:
    if not request.HasField("cost_usd"):
        return None
    if resolution is not Resolution.CHARGED:
        raise FieldInvalid("What was not charged has no cost.", field="cost_usd", remedy="Leave cost_usd out.")
    # Written so that a value that is no number fails too.
    if not 0 <= request.cost_usd <= MOST_USD:
        raise FieldInvalid(f"`cost_usd` is {request.cost_usd:g}, which is no cost.", field="cost_usd")
    return Money.of("USD", repr(request.cost_usd))
