"""`bullpen sync`: a project's pictures brought to another place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import storage_pb2
from bullpen_client import names

from bullpen_cli import output
from bullpen_cli.command import Command, State, pass_state
from bullpen_cli.failure import FAILED, OK

if TYPE_CHECKING:
    from bullpen_client import Session


@click.command(
    cls=Command,
    examples=[
        "bullpen sync harbor_lights ~/backup",
        "bullpen sync harbor_lights ~/backup --verify",
        "bullpen sync harbor_lights --bucket",
    ],
)
@click.argument("project")
@click.argument("folder", required=False, type=click.Path(resolve_path=True))
@click.option("--bucket", is_flag=True, help="To the project's bucket, in place of a folder.")
@click.option("--verify", is_flag=True, help="Read again what lies there, and replace what is damaged.")
@pass_state
def sync(state: State, project: str, folder: str | None, bucket: bool, verify: bool) -> int:
    """Bring a project's pictures to FOLDER or to its bucket. Nothing is deleted there."""
    if bool(folder) == bucket:
        raise click.UsageError("give FOLDER, or --bucket.")
    request = storage_pb2.SyncStorageRequest(
        parent=names.project(project), folder=folder or "", bucket=bucket, verify=verify
    )

    async def body(session: Session) -> storage_pb2.SyncReport:
        report = storage_pb2.SyncReport()
        async for item in session.storage.SyncStorage(request):
            if item.HasField("report"):
                report = item.report
        return report

    report = state.with_session(body)
    if state.json:
        output.emit(report)
    else:
        output.say(
            f"{report.copied} of {report.pictures} pictures copied to {report.place} "
            f"({report.bytes_copied / 1e6:.1f} MB), {report.unchanged} lay there already."
        )
        for name in report.lost:
            output.say(f"✗ {name} is lost or damaged here; it was not copied.", style="red")
    return FAILED if report.lost else OK
