"""`bullpen doctor`: what is missing, and how to get it. Works without a daemon; with one it asks it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import system_pb2
from bullpen_client.errors import BullpenError, DaemonUnavailable

from bullpen_cli import output, repairs
from bullpen_cli.checks import ERROR, OK, WARNING, Finding, local_checks
from bullpen_cli.command import Command, State, pass_state
from bullpen_cli.failure import FAILED
from bullpen_cli.failure import OK as FINE
from bullpen_cli.resting import resting_checks

if TYPE_CHECKING:
    from bullpen_client import Session

_STATUS = {
    system_pb2.Check.STATUS_OK: OK,
    system_pb2.Check.STATUS_WARNING: WARNING,
    system_pb2.Check.STATUS_ERROR: ERROR,
}
_GLYPH = {OK: ("✓", "green"), WARNING: ("⚑", "yellow"), ERROR: ("✗", "red")}


def _ask_daemon(state: State, deep: bool) -> list[Finding]:
    """The daemon's own findings; one finding that says so when it does not answer or cannot."""

    async def body(session: Session) -> list[Finding]:
        answer = await session.system.Diagnose(system_pb2.DiagnoseRequest(deep=deep))
        return [Finding(c.name, _STATUS.get(c.status, WARNING), c.message, c.remedy) for c in answer.checks]

    try:
        return state.with_session(body, start=False)
    except DaemonUnavailable:
        words = "not running; stored files, models and devices were not checked"
        return [Finding("daemon", WARNING, words, "`bullpen daemon start`, then ask the doctor again.")]
    except BullpenError as error:
        return [Finding("daemon", ERROR, error.message, error.remedy)]


@click.command(
    cls=Command,
    examples=[
        "bullpen doctor",
        "bullpen doctor --deep --json",
        "bullpen doctor --repair --dry-run",
        "bullpen doctor --rebuild",
    ],
)
@click.option("--deep", is_flag=True, help="Also read every stored file and every model anew, and compare hashes.")
@click.option("--repair", is_flag=True, help="Mend what can be mended; nothing is deleted that could be wanted.")
@click.option(
    "--rebuild",
    is_flag=True,
    help="Set the database aside and make a new one from its tables, or from the files of the projects.",
)
@click.option("--dry-run", is_flag=True, help="With --repair: only say what would be done.")
@pass_state
def doctor(state: State, deep: bool, repair: bool, rebuild: bool, dry_run: bool) -> int:
    """Check the installation, the home and the daemon; exit status 1 when something is wrong."""
    if dry_run and not repair:
        raise click.UsageError("--dry-run goes with --repair.")
    if repair and rebuild:
        raise click.UsageError("--rebuild repairs too; give one of the two.")
    if rebuild:
        repairs.set_database_aside(state.home)
    if repair or rebuild:
        return repairs.run(state, dry_run=dry_run)
    asked = _ask_daemon(state, deep)
    told = {finding.name for finding in asked}
    # What both looked at is told once, as the daemon saw it.
    found = (*local_checks(state.home), *resting_checks(state.home))
    findings = [*(finding for finding in found if finding.name not in told), *asked]
    wrong = any(finding.status == ERROR for finding in findings)
    if state.json:
        output.emit({"healthy": not wrong, "checks": [finding.as_dict() for finding in findings]})
        return FAILED if wrong else FINE
    for finding in findings:
        glyph, style = _GLYPH[finding.status]
        colour = None if finding.status == OK else style
        output.say(f"{glyph} {finding.name:<14} {finding.message}", style=colour, wrap=17)
        if finding.remedy and finding.status != OK:
            output.say(f"    remedy: {finding.remedy}", wrap=12)
    return FAILED if wrong else FINE
