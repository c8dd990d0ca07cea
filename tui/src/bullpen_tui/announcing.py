"""Telling a person who looks elsewhere that a run has ended: which ends are news, and what a terminal is sent. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bullpen_api.v1 import event_pb2, run_pb2, system_pb2

from bullpen_tui import words
from bullpen_tui.mirror import Change, Happened, Snapshot, leaf, project_of

SETTING = "studio.notify"
MOST = 120
BELL = "\a"


def ended(changes: Iterable[Change], before: Snapshot) -> list[run_pb2.Run]:
    """Runs that ended with these changes. One that ended before the studio looked is no news."""
    found: dict[str, run_pb2.Run] = {}
    for change in changes:
        item = change.item if isinstance(change, Happened) else None
        if not isinstance(item, event_pb2.Event) or item.WhichOneof("payload") != "run":
            continue
        known = before.runs.get(item.run.name)
        going = known is None or known.state not in words.ENDED_RUNS
        if item.revision > before.revision and item.run.state in words.ENDED_RUNS and going:
            found[item.run.name] = item.run
    return list(found.values())


def said(run: run_pb2.Run) -> str:
    """`r-0002-time of harbor_lights: done, 18 of 18 pictures`."""
    figures, word = run.figures, words.run_state(run)[2]
    made = f", {figures.candidates_done} of {words.plural(figures.candidates, 'picture')}" if figures.candidates else ""
    return f"{leaf(run.name)} of {leaf(project_of(run.name))}: {word}{made}"


def way_of(settings: system_pb2.ListSettingsResponse) -> str:
    """The setting's value; the bell where the daemon does not know it."""
    return next((one.value.strip('"') for one in settings.settings if one.name == SETTING), "bell")


def sequence(way: str, text: str, environment: Mapping[str, str]) -> str:
    """What is written to the terminal: nothing, a bell, or a bell and a notice; tmux is asked to pass the notice on."""
    if way == "off":
        return ""
    plain = "".join(sign for sign in text if sign.isprintable() and sign != ";")[:MOST]
    notice = {"osc9": f"\x1b]9;{plain}\a", "osc777": f"\x1b]777;notify;Bullpen;{plain}\a"}.get(way, "")
    if notice and environment.get("TMUX"):
        notice = "\x1bPtmux;" + notice.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    return notice + BELL
