"""AuditService: unpack, call, pack; and the entry of a call that has no event of its own."""

from __future__ import annotations

from typing import Any

import structlog
from bullpen_api.v1 import audit_pb2, audit_pb2_grpc

from bullpend.audit import rules, store
from bullpend.audit.calls import Call
from bullpend.audit.store import Filter
from bullpend.db import Database, Row
from bullpend.db.database import View
from bullpend.errors import BullpenError
from bullpend.projects import store as projects
from bullpend.rpc import names, paging
from bullpend.rpc.wire import timestamp

log = structlog.get_logger("audit")


class Notes:
    """Puts down calls that changed something without an event: their order is written, what they changed is not."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ended(self, call: Call, request: Any) -> None:
        """After a call that succeeded. The change has been made: an entry that cannot be written is in the log."""
        if call.entries or not rules.changed_silently(call.method, request):
            return
        subject = rules.subject_of(request)[:300]
        try:
            await self._database.write(lambda tx: store.note(tx, call.actor, call.client, call.method, subject))
        except BullpenError as error:
            log.error("audit.entry_lost", method=call.method, actor=call.actor, subject=subject, reason=error.reason)


class AuditService(audit_pb2_grpc.AuditServiceServicer):
    """Tells who changed what."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ListAuditEntries(  # noqa: N802
        self, request: audit_pb2.ListAuditEntriesRequest, context: Any
    ) -> audit_pb2.ListAuditEntriesResponse:
        """Entries, newest first."""
        project = "" if request.parent in ("", "projects/-") else names.parse(request.parent, "projects/*", "parent")[0]
        before = request.before.ToNanoseconds() / 1e9 if request.HasField("before") else None
        chosen = Filter(
            project, names.text(request.subject, "subject", 300), names.text(request.method, "method", 200), before
        )
        page = paging.page(request.page_size, request.page_token, f"audit/{chosen}", (int,))

        def read(view: View) -> tuple[list[Row], int]:
            if project:
                projects.get(view, project, "parent")
            after = int(page.after[0]) if page.after else None
            return store.page(view, chosen, after, page.limit + 1), view.revision()

        rows, revision = await self._database.read(read)
        shown, token = page.cut(rows, [(row["id"],) for row in rows])
        entries = [_pack(row) for row in shown]
        return audit_pb2.ListAuditEntriesResponse(audit_entries=entries, next_page_token=token, revision=revision)


def _pack(row: Row) -> audit_pb2.AuditEntry:
    return audit_pb2.AuditEntry(
        name=f"auditEntries/{row['id']}",
        time=timestamp(row["time"]),
        actor=row["actor"],
        client=row["client"],
        method=row["method"],
        project=f"projects/{row['project']}" if row["project"] else "",
        subject=row["subject"],
        kind=row["kind"],
        before_digest=row["before_digest"],
        after_digest=row["after_digest"],
        revision=row["revision"],
    )
