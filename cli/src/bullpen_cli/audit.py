"""`bullpen audit`: who changed what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import audit_pb2
from bullpen_client import names

from bullpen_cli import output
from bullpen_cli.command import Command, State, Whole, pass_state
from bullpen_cli.paging import everything

if TYPE_CHECKING:
    from bullpen_client import Session

# Signs of a digest that are shown.
_DIGEST = 12


@click.command(
    cls=Command,
    examples=[
        "bullpen audit                                          the last 50 changes",
        "bullpen audit --project noir_city --limit 500",
        "bullpen audit --subject projects/noir_city/scenes/pier",
        "bullpen audit --method SetSecret --json",
    ],
)
@click.option("--project", metavar="SLUG", help="Only changes in this project.")
@click.option("--subject", default="", metavar="NAME", help="Only changes of this resource, by its whole name.")
@click.option("--method", default="", metavar="METHOD", help="Only calls of this method, such as UpdateScene.")
@click.option("--limit", type=Whole(1), default=50, show_default=True, help="How many, the newest first.")
@pass_state
def audit(state: State, project: str | None, subject: str, method: str, limit: int) -> None:
    """Show who changed what and when, newest first.

    A digest is that of the resource before and after the change, over what the journal of events keeps.
    """
    request = audit_pb2.ListAuditEntriesRequest(
        parent=names.project(project) if project else "", subject=subject, method=method
    )

    async def body(session: Session) -> list[audit_pb2.AuditEntry]:
        return (await everything(session.audit.ListAuditEntries, request, "audit_entries", limit=limit))[0]

    found = state.with_session(body)
    if state.json:
        output.emit({"auditEntries": [output.as_dict(item) for item in found]})
        return
    output.table(
        ("time", "who", "by", "what", "subject", "before", "after"),
        (
            (
                output.moment(item.time),
                item.actor,
                item.client or "–",
                item.kind,
                item.subject.removeprefix("projects/") or "–",
                item.before_digest[:_DIGEST] or "–",
                item.after_digest[:_DIGEST] or "–",
            )
            for item in found
        ),
        empty="Nothing was changed, or nothing that fits.",
    )
