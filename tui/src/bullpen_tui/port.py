"""What the studio needs of a daemon: a narrow port, so that screens can be driven against a stand-in.

Everything that goes wrong behind it arrives as a `BullpenError` with words for a person.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from bullpen_api.v1 import (
    asset_pb2,
    bible_pb2,
    model_pb2,
    postprocess_pb2,
    project_pb2,
    quality_pb2,
    run_pb2,
    system_pb2,
)
from bullpen_client.errors import BullpenError
from bullpen_client.watch import Item

from bullpen_tui.bible.port import BiblePort
from bullpen_tui.exports.port import ExportPort
from bullpen_tui.gallery.port import GalleryPort
from bullpen_tui.machine.port import MachinePort
from bullpen_tui.port_desk import DeskPort
from bullpen_tui.port_lab import LabPort
from bullpen_tui.port_log import LogPort

WatchItem = Item


def sentence(error: BullpenError) -> str:
    """What happened and what to do, for a notice."""
    message = str(error)
    if not error.remedy or error.remedy in message:
        return message
    return f"{message.rstrip('.')}. {error.remedy}"


class Daemon(BiblePort, DeskPort, ExportPort, GalleryPort, LabPort, LogPort, MachinePort, Protocol):
    """What the studio needs of a daemon. Every call may raise `BullpenError`."""

    async def info(self) -> system_pb2.Info:
        """Version, home, devices."""
        ...

    async def projects(self) -> project_pb2.ListProjectsResponse:
        """All projects, and the revision to watch after."""
        ...

    async def project(self, name: str) -> project_pb2.Project:
        """One project with fresh figures."""
        ...

    async def create_project(self, slug: str, title: str, story: str, request_id: str) -> project_pb2.Project:
        """A new universe."""
        ...

    async def delete_project(self, name: str, look: bool, force: bool) -> project_pb2.DeleteProjectResponse:
        """Puts a project into the trash; with `look` only says what it holds. `force` cancels unfinished runs first."""
        ...

    async def undelete_project(self, name: str) -> project_pb2.Project:
        """Takes a project out of the trash."""
        ...

    async def scenes(self, project: str) -> bible_pb2.ListScenesResponse:
        """All scenes of a project, in story order."""
        ...

    async def characters(self, project: str) -> bible_pb2.ListCharactersResponse:
        """The cast of a project."""
        ...

    async def style_guides(self, project: str) -> bible_pb2.ListStyleGuidesResponse:
        """Style guides of a project."""
        ...

    async def reference_sets(self, project: str) -> bible_pb2.ListReferenceSetsResponse:
        """Reference sets of a project."""
        ...

    async def stages(self) -> run_pb2.ListStagesResponse:
        """Stages of the manifest with their limits."""
        ...

    async def runs(self, project: str, page_token: str = "") -> run_pb2.ListRunsResponse:
        """A page of runs, newest first."""
        ...

    async def run(self, name: str) -> run_pb2.Run:
        """One run with fresh figures."""
        ...

    async def jobs(self, run: str, page_token: str = "") -> run_pb2.ListJobsResponse:
        """A page of the jobs of a run with their candidates."""
        ...

    async def job(self, name: str) -> run_pb2.Job:
        """One job with the recipes of its candidates."""
        ...

    async def quality(self, name: str) -> quality_pb2.QualitySummary:
        """What was found in a run, a job or a candidate."""
        ...

    async def finding_kinds(self) -> quality_pb2.ListFindingKindsResponse:
        """The kinds of findings in words."""
        ...

    async def plan(self, project: str, spec: run_pb2.RunSpec) -> run_pb2.Plan:
        """What a run would do."""
        ...

    async def create_run(
        self, project: str, spec: run_pb2.RunSpec, digest: str, spend: bool, request_id: str
    ) -> run_pb2.Run:
        """Starts the run whose plan was shown; `spend` says that a person agreed to what it costs."""
        ...

    async def cancel_run(self, name: str) -> run_pb2.Run:
        """Stops a run within one step."""
        ...

    async def retry_run(self, name: str, request_id: str) -> run_pb2.Run:
        """A new run from what failed."""
        ...

    async def retry_found(self, name: str, finding: int, change: int, request_id: str) -> run_pb2.Run:
        """A new run from the pictures in whose best candidate a kind of finding was found, with what else changes."""
        ...

    async def retry_job(self, name: str, request_id: str) -> run_pb2.Job:
        """One job that did not succeed, made again in a new run."""
        ...

    async def cancel_job(self, name: str) -> run_pb2.Job:
        """Stops one job within one step."""
        ...

    async def tune_job(self, name: str, guidance_scale: float) -> run_pb2.Job:
        """Changes the guidance of a running job from its next step on."""
        ...

    async def accept(self, candidate: str, reason: str) -> run_pb2.Candidate:
        """Takes a candidate as the picture of its scene."""
        ...

    async def assets(
        self, project: str, page_token: str = "", kinds: Sequence[asset_pb2.Asset.Kind.ValueType] = ()
    ) -> asset_pb2.ListAssetsResponse:
        """A page of assets of these kinds or of all, newest first."""
        ...

    async def content(self, asset: str, thumbnail: bool) -> bytes:
        """Bytes of a picture."""
        ...

    async def models(self) -> model_pb2.ListModelsResponse:
        """Installed models."""
        ...

    async def residents(self) -> model_pb2.ListResidentsResponse:
        """Models in memory."""
        ...

    async def unload(self, model: str) -> model_pb2.UnloadModelResponse:
        """Frees a model's memory."""
        ...

    async def devices(self) -> model_pb2.ListDevicesResponse:
        """Devices with their state."""
        ...

    async def settings(self) -> system_pb2.ListSettingsResponse:
        """Settings with their sources."""
        ...

    async def diagnose(self) -> system_pb2.DiagnoseResponse:
        """What the doctor finds."""
        ...

    async def color_profiles(self) -> postprocess_pb2.ListColorProfilesResponse:
        """The colour profiles of the settings."""
        ...

    def watch(self, after_revision: int) -> AsyncIterator[WatchItem]:
        """Everything after a revision, for ever; a broken connection shows as `Reconnecting` and `Reconnected`."""
        ...

    def metrics(self, interval: float) -> AsyncIterator[system_pb2.Metrics]:
        """Figures of the machine, one message each interval in seconds."""
        ...

    async def close(self) -> None:
        """Lets go of the connection. The daemon goes on."""
        ...


class Dial(Protocol):
    """Reaches a daemon, starting one where none runs."""

    async def __call__(self) -> Daemon:
        """Raises `BullpenError` where no daemon can be reached."""
        ...
