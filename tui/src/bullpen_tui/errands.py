"""What a person may have done: every command of the studio, once. The answer is a message to the one who asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from bullpen_api.v1 import asset_pb2, lab_pb2, postprocess_pb2, run_pb2
from bullpen_client.errors import SpendNotConfirmed
from textual.message import Message
from textual.message_pump import MessagePump

from bullpen_tui import messages as say
from bullpen_tui.bible.errands import BibleErrands
from bullpen_tui.exports.errands import ExportErrands
from bullpen_tui.lab import generated, processed
from bullpen_tui.machine.errands import MachineErrands
from bullpen_tui.mirror import Grew, Listed
from bullpen_tui.talk import told
from bullpen_tui.talk.errands import TalkErrands

if TYPE_CHECKING:
    from bullpen_tui.app import StudioApp


LAB = "lab"
"""Group of the worker that waits for the lab: there is one at most."""


class Errands(TalkErrands, ExportErrands, BibleErrands, MachineErrands):
    """Commands of one studio."""

    def __init__(self, studio: StudioApp) -> None:
        self._studio = studio

    def create_project(self, slug: str, title: str, story: str, request_id: str, to: MessagePump) -> None:
        """A new universe."""
        call = self._studio.daemon.create_project(slug, title, story, request_id)
        self._studio.ask(call, say.ProjectCreated, to=to, refused=say.ProjectRefused)

    def look_at_project(self, name: str, to: MessagePump) -> None:
        """What a project holds, before it is put into the trash."""
        self._studio.ask(self._studio.daemon.delete_project(name, True, True), say.ProjectLookedAt, to=to)

    def trash_project(self, name: str, force: bool, to: MessagePump) -> None:
        """Puts a project into the trash; `force` cancels its unfinished runs first."""
        self._studio.ask(self._studio.daemon.delete_project(name, False, force), say.ProjectTrashed, to=to)

    def undo_project(self, name: str, to: MessagePump) -> None:
        """Takes a project out of the trash."""
        self._studio.ask(self._studio.daemon.undelete_project(name), say.ProjectBack, to=to)

    def plan(self, project: str, spec: run_pb2.RunSpec, to: MessagePump) -> None:
        """What a run would do; only the last answer counts."""
        daemon = self._studio.daemon
        self._studio.ask(
            lambda: daemon.plan(project, spec),
            say.PlanMade,
            to=to,
            refused=say.PlanRefused,
            group="plan",
            latest_only=True,
        )

    def start_run(
        self, project: str, spec: run_pb2.RunSpec, digest: str, spend: bool, request_id: str, to: MessagePump
    ) -> None:
        """Starts the run whose plan was shown."""
        call = self._studio.daemon.create_run(project, spec, digest, spend, request_id)
        self._studio.ask(call, say.RunStarted, to=to, refused=say.RunRefused)

    def cancel_run(self, name: str, to: MessagePump) -> None:
        """Stops a run within one step."""
        self._studio.ask(self._studio.daemon.cancel_run(name), say.RunStopped, to=to)

    def retry_run(self, name: str, to: MessagePump) -> None:
        """A new run from what failed."""
        call = self._studio.daemon.retry_run(name, self._studio.request_id())
        self._studio.ask(call, say.RunStarted, to=to)

    def retry_found(self, name: str, finding: int, change: int, to: MessagePump) -> None:
        """A new run from the pictures in whose best candidate something was found."""
        call = self._studio.daemon.retry_found(name, finding, change, self._studio.request_id())
        self._studio.ask(call, say.RunStarted, to=to)

    def retry_job(self, name: str, to: MessagePump) -> None:
        """Makes one job that did not succeed again."""
        self._studio.ask(self._studio.daemon.retry_job(name, self._studio.request_id()), say.JobRetried, to=to)

    def cancel_job(self, name: str, to: MessagePump) -> None:
        """Stops one job within one step."""
        self._studio.ask(self._studio.daemon.cancel_job(name), say.JobStopped, to=to)

    def tune_job(self, name: str, guidance_scale: float, to: MessagePump) -> None:
        """Changes the guidance of a running job from its next step on."""
        call = self._studio.daemon.tune_job(name, guidance_scale)
        self._studio.ask(call, lambda job: say.JobTuned(job, guidance_scale), to=to)

    def accept(self, candidate: str, reason: str, to: MessagePump) -> None:
        """Takes a candidate as the picture of its scene."""
        self._studio.ask(self._studio.daemon.accept(candidate, reason), say.CandidateAccepted, to=to)

    def pause_run(self, name: str, paused: bool, to: MessagePump) -> None:
        """Lets a run wait, or go on."""
        self._studio.ask(self._studio.daemon.pause_run(name, paused), say.RunPaused, to=to)

    def pause_queue(self, paused: bool, to: MessagePump) -> None:
        """Begins nothing more, or goes on."""
        self._studio.ask(self._studio.daemon.pause_queue(paused), say.QueuePaused, to=to)

    def trash(self, name: str, to: MessagePump) -> None:
        """Puts something into the trash."""
        self._studio.ask(self._studio.daemon.trash(name), lambda _: say.Trashed(name), to=to)

    def restore(self, name: str, to: MessagePump) -> None:
        """Takes something out of the trash."""
        self._studio.ask(self._studio.daemon.restore(name), lambda _: say.Restored(name), to=to)

    def say_of_asset(self, asset: asset_pb2.Asset, paths: Sequence[str], words: str, to: MessagePump) -> None:
        """Changes what is said of a picture, unless somebody else did since."""
        self._studio.ask(self._studio.daemon.update_asset(asset, paths), lambda kept: say.AssetSaid(kept, words), to=to)

    def purge_asset(self, name: str, to: MessagePump) -> None:
        """Removes the files of a picture in the trash."""
        self._studio.ask(self._studio.daemon.purge_asset(name), say.AssetPurged, to=to)

    def save_search(self, project: str, slug: str, title: str, search: str, to: MessagePump) -> None:
        """Keeps a search under a name."""
        call = self._studio.daemon.save_search(project, slug, title, search, self._studio.request_id())
        self._studio.ask(call, say.SearchSaved, to=to)

    def forget_search(self, name: str, to: MessagePump) -> None:
        """Forgets a saved search."""
        self._studio.ask(self._studio.daemon.forget_search(name), say.SearchForgotten, to=to)

    def load(self, model: str, to: MessagePump) -> None:
        """Brings a model into memory."""
        self._studio.ask(self._studio.daemon.load(model), lambda _: say.ModelLoaded(model), to=to)

    def pin(self, model: str, pinned: bool, to: MessagePump) -> None:
        """Keeps a model in memory, or lets it go again."""
        self._studio.ask(self._studio.daemon.pin(model, pinned), lambda _: say.ModelPinned(model, pinned), to=to)

    def unload(self, model: str, to: MessagePump) -> None:
        """Frees a model's memory."""
        self._studio.ask(self._studio.daemon.unload(model), lambda _: say.ModelUnloaded(model), to=to)

    # --- instructions and conversations ------------------------------------------------------------------------------

    def confirm(self, name: str, digest: str, spend: bool, to: MessagePump) -> None:
        """Lets an instruction be carried out as it was shown."""
        self._studio.ask(self._studio.daemon.confirm_instruction(name, digest, spend), say.InstructionChanged, to=to)

    def cancel_instruction(self, name: str, to: MessagePump) -> None:
        """Ends an instruction."""
        self._studio.ask(self._studio.daemon.cancel_instruction(name), say.InstructionChanged, to=to)

    def show_anew(self, name: str, to: MessagePump) -> None:
        """Looks at a draft's target again."""
        self._studio.ask(self._studio.daemon.show_instruction(name), say.InstructionChanged, to=to)

    def retry_instruction(self, name: str, to: MessagePump) -> None:
        """Proposes a failed or canceled instruction again."""
        call = self._studio.daemon.retry_instruction(name, self._studio.request_id())
        self._studio.ask(call, told.InstructionProposed, to=to)

    def new_chat(self, project: str, engine: str, to: MessagePump) -> None:
        """Begins a conversation."""
        self._studio.ask(self._studio.daemon.new_chat(project, engine, self._studio.request_id()), say.ChatBegun, to=to)

    def send_chat(self, session: str, text: str, to: MessagePump) -> None:
        """Says something; the answer grows in the mirror."""
        kept = False

        async def follow() -> say.ChatStatus:
            nonlocal kept
            waits = False
            async for item in self._studio.daemon.send_chat(session, text, self._studio.request_id()):
                kind = item.WhichOneof("item")
                if kind == "message":
                    kept = True
                    self._studio.post_message(say.ChangesArrived((Listed((item.message,)),)))
                elif kind == "delta":
                    self._studio.post_message(say.ChangesArrived((Grew(item.delta),)))
                    if waits:
                        to.post_message(say.ChatStatus("…"))
                        waits = False
                elif kind == "status":
                    share = f" {item.status.share:.0%}" if item.status.HasField("share") else ""
                    to.post_message(say.ChatStatus(item.status.text + share))
                    waits = True
            return say.ChatStatus("")

        self._studio.ask(
            follow(),
            lambda ended: ended,
            to=to,
            refused=lambda error: told.ChatRefused("" if kept else text, error),
            group=f"chat {session}",
        )

    def stop_answer(self, session: str, to: MessagePump) -> None:
        """Stops the answer that is being written."""
        self._studio.ask(self._studio.daemon.stop_answer(session), lambda _: say.ChatStatus(""), to=to)

    # --- pictures ----------------------------------------------------------------------------------------------------

    def generate(self, request: lab_pb2.GenerateRequest, to: MessagePump) -> None:
        """Makes pictures from words."""
        self._follow(generated(self._studio.daemon.generate(request)), to)

    def process_picture(self, head: postprocess_pb2.ProcessPictureHead, to: MessagePump) -> None:
        """Takes one picture through the chain."""
        self._follow(processed(self._studio.daemon.process_picture(head)), to)

    def stop_lab(self) -> None:
        """Ends what the lab is doing; the daemon stops within one step."""
        self._studio.workers.cancel_group(self._studio, LAB)

    def _follow(self, happens: AsyncIterator[Message], to: MessagePump) -> None:
        async def follow() -> say.LabEnded:
            async for message in happens:
                to.post_message(message)
            return say.LabEnded()

        self._studio.ask(follow, lambda ended: ended, to=to, refused=say.LabRefused, group=LAB, latest_only=True)

    def post_process(
        self, project: str, assets: Sequence[str], run: str, to: MessagePump, agreed: bool = False
    ) -> None:
        """Takes assets, or what was accepted of a run, through the steps that the settings switch on.

        Where a step costs money the person is asked first.
        """

        async def follow() -> Message:
            made: list[asset_pb2.Asset] = []
            sources = 0
            try:
                async for answer in self._studio.daemon.process_assets(project, assets, run, agreed):
                    kind = answer.WhichOneof("body")
                    if kind == "started":
                        sources = len(answer.started.assets)
                    elif kind == "made":
                        made.append(answer.made.asset)
            except SpendNotConfirmed as error:
                if agreed:
                    raise
                return say.SpendAsked(error, lambda: self.post_process(project, assets, run, to, agreed=True))
            return say.PicturesMade(made, sources)

        self._studio.ask(follow(), lambda message: message, to=to, group="post-process")

    def bring_out(self, project: str, folder: str, to: MessagePump) -> None:
        """Copies a project's pictures to a folder of the daemon's machine, or to its bucket where none is named."""

        async def follow() -> Message | None:
            report = None
            async for answer in self._studio.daemon.sync_storage(project, folder, not folder):
                if answer.HasField("report"):
                    report = answer.report
            return say.BroughtOut(report) if report is not None else None

        self._studio.ask(follow, lambda message: message, to=to, group="bring out", latest_only=True)

    def recipe(self, candidate: str, to: MessagePump) -> None:
        """The run and the job that a candidate came from, to be made again."""
        run, job = candidate.split("/jobs/")[0], candidate.split("/candidates/")[0]

        async def read() -> say.RecipeRead:
            return say.RecipeRead(candidate, await self._studio.daemon.run(run), await self._studio.daemon.job(job))

        self._studio.ask(read, lambda message: message, to=to, group="recipe", latest_only=True)
