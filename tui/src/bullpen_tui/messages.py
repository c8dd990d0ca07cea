"""What happened, as messages: the only way by which work in the background reaches the screen."""

from __future__ import annotations

from collections.abc import Callable

from bullpen_api.v1 import (
    asset_pb2,
    copilot_pb2,
    instruction_pb2,
    project_pb2,
    queue_pb2,
    run_pb2,
    storage_pb2,
    system_pb2,
)
from bullpen_client.errors import BullpenError, DaemonUnavailable
from PIL import Image
from textual.message import Message

from bullpen_tui.mirror import Change
from bullpen_tui.port import Daemon


class DaemonReached(Message):
    """A daemon answered, and told about itself."""

    def __init__(self, daemon: Daemon, info: system_pb2.Info) -> None:
        super().__init__()
        self.daemon = daemon
        self.info = info


class DaemonAwaited(Message):
    """A daemon is there, or is being started, and does not answer yet; the words say which."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


class DaemonMissed(Message):
    """No daemon could be reached."""

    def __init__(self, error: BullpenError) -> None:
        super().__init__()
        self.error = error


class ChangesArrived(Message):
    """A batch of changes, in their order."""

    def __init__(self, changes: tuple[Change, ...]) -> None:
        super().__init__()
        self.changes = changes


class ConnectionBroke(Message):
    """The watch was lost; it is being taken up again."""

    def __init__(self, error: BullpenError, attempt: int) -> None:
        super().__init__()
        self.error = error
        self.attempt = attempt


class ConnectionMended(Message):
    """The watch goes on where it broke off."""


class MetricsArrived(Message):
    """Figures of the machine."""

    def __init__(self, metrics: system_pb2.Metrics) -> None:
        super().__init__()
        self.metrics = metrics


class RunsEnded(Message):
    """Runs ended while the studio was open; `way` is how a terminal is told."""

    def __init__(self, runs: list[run_pb2.Run], way: str) -> None:
        super().__init__()
        self.runs = runs
        self.way = way


class CallRefused(Message):
    """A call did not succeed."""

    def __init__(self, error: BullpenError) -> None:
        super().__init__()
        self.error = error


class CallMissed(CallRefused):
    """A question that is asked again and again was not answered; the banner tells why, if anything does."""


class RecipeRead(Message):
    """Run and job of a candidate, with its recipe."""

    def __init__(self, candidate: str, run: run_pb2.Run, job: run_pb2.Job) -> None:
        super().__init__()
        self.candidate = candidate
        self.run = run
        self.job = job


class PictureArrived(Message):
    """A picture was read."""

    def __init__(self, asset: str, picture: Image.Image) -> None:
        super().__init__()
        self.asset = asset
        self.picture = picture


class PictureMissed(Message):
    """A picture could not be read. `passing` says that nothing is wrong with the picture: the daemon is away."""

    def __init__(self, asset: str, error: BullpenError) -> None:
        super().__init__()
        self.asset = asset
        self.error = error
        self.passing = isinstance(error, DaemonUnavailable)


class ProjectCreated(Message):
    """A project exists now."""

    def __init__(self, project: project_pb2.Project) -> None:
        super().__init__()
        self.project = project


class ProjectRefused(CallRefused):
    """A project was not made; the window that asked says why."""


class RunStarted(Message):
    """A run was accepted and is durable."""

    def __init__(self, run: run_pb2.Run) -> None:
        super().__init__()
        self.run = run


class RunStopped(Message):
    """A run was canceled."""

    def __init__(self, run: run_pb2.Run) -> None:
        super().__init__()
        self.run = run


class RunPaused(Message):
    """A run waits, or goes on."""

    def __init__(self, run: run_pb2.Run) -> None:
        super().__init__()
        self.run = run


class QueuePaused(Message):
    """The queue waits, or goes on."""

    def __init__(self, queue: queue_pb2.Queue) -> None:
        super().__init__()
        self.queue = queue


class Trashed(Message):
    """Something lies in the trash."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class Restored(Message):
    """Something came out of the trash."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class ModelLoaded(Message):
    """A model is in memory."""

    def __init__(self, model: str) -> None:
        super().__init__()
        self.model = model


class ModelPinned(Message):
    """A model stays in memory, or may go again."""

    def __init__(self, model: str, pinned: bool) -> None:
        super().__init__()
        self.model = model
        self.pinned = pinned


class LabMoved(Message):
    """How far the lab is, with the newest preview where there is one."""

    def __init__(self, words: str, preview: bytes = b"") -> None:
        super().__init__()
        self.words = words
        self.preview = preview


class LabMade(Message):
    """The lab made a picture; `content` is its file."""

    def __init__(self, content: bytes, about: str) -> None:
        super().__init__()
        self.content = content
        self.about = about


class LabEnded(Message):
    """The lab has done what was asked."""


class LabRefused(Message):
    """The lab could not do it."""

    def __init__(self, error: BullpenError) -> None:
        super().__init__()
        self.error = error


class ProjectLookedAt(Message):
    """It is known what a project holds that is to go into the trash."""

    def __init__(self, found: project_pb2.DeleteProjectResponse) -> None:
        super().__init__()
        self.found = found


class ProjectTrashed(Message):
    """A project is in the trash."""

    def __init__(self, gone: project_pb2.DeleteProjectResponse) -> None:
        super().__init__()
        self.gone = gone


class ProjectBack(Message):
    """A project came back from the trash."""

    def __init__(self, project: project_pb2.Project) -> None:
        super().__init__()
        self.project = project


class BroughtOut(Message):
    """A project's pictures lie in another place as well."""

    def __init__(self, report: storage_pb2.SyncReport) -> None:
        super().__init__()
        self.report = report


class SpendAsked(Message):
    """What was asked for costs money, and nothing was sent yet; `go_on` does it with the person's word."""

    def __init__(self, error: BullpenError, go_on: Callable[[], None]) -> None:
        super().__init__()
        self.error = error
        self.go_on = go_on


class PicturesMade(Message):
    """Post-process made these assets."""

    def __init__(self, made: list[asset_pb2.Asset], sources: int) -> None:
        super().__init__()
        self.made = made
        self.sources = sources


class InstructionChanged(Message):
    """An instruction was confirmed, canceled, shown anew or proposed again."""

    def __init__(self, instruction: instruction_pb2.Instruction) -> None:
        super().__init__()
        self.instruction = instruction


class ChatBegun(Message):
    """A conversation exists now."""

    def __init__(self, session: copilot_pb2.ChatSession) -> None:
        super().__init__()
        self.session = session


class ChatStatus(Message):
    """What goes on in a conversation before there are words; empty when there are."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


class JobStopped(Message):
    """A job was canceled."""

    def __init__(self, job: run_pb2.Job) -> None:
        super().__init__()
        self.job = job


class JobRetried(Message):
    """A job is made again, in a run of its own."""

    def __init__(self, job: run_pb2.Job) -> None:
        super().__init__()
        self.job = job


class JobTuned(Message):
    """A running job took another guidance."""

    def __init__(self, job: run_pb2.Job, guidance_scale: float) -> None:
        super().__init__()
        self.job = job
        self.guidance_scale = guidance_scale


class CandidateAccepted(Message):
    """A candidate is the picture of its scene now."""

    def __init__(self, candidate: run_pb2.Candidate) -> None:
        super().__init__()
        self.candidate = candidate


class PlanMade(Message):
    """A plan for what the form says now."""

    def __init__(self, plan: run_pb2.Plan) -> None:
        super().__init__()
        self.plan = plan


class PlanRefused(Message):
    """What the form says now cannot be planned."""

    def __init__(self, error: BullpenError) -> None:
        super().__init__()
        self.error = error


class RunRefused(PlanRefused):
    """The plan was not run."""


class ModelUnloaded(Message):
    """A model's memory was freed."""

    def __init__(self, model: str) -> None:
        super().__init__()
        self.model = model


class AssetSaid(Message):
    """What a person said of a picture is kept; `words` tell it."""

    def __init__(self, asset: asset_pb2.Asset, words: str) -> None:
        super().__init__()
        self.asset = asset
        self.words = words


class AssetPurged(Message):
    """The files of a picture are gone."""

    def __init__(self, asset: asset_pb2.Asset) -> None:
        super().__init__()
        self.asset = asset


class SearchSaved(Message):
    """A search is kept."""

    def __init__(self, search: asset_pb2.SavedSearch) -> None:
        super().__init__()
        self.search = search


class SearchForgotten(Message):
    """A saved search is forgotten; it is told as it was."""

    def __init__(self, search: asset_pb2.SavedSearch) -> None:
        super().__init__()
        self.search = search
