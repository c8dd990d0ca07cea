"""The part of the fake daemon about what is decided and spent, and about single pictures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from bullpen_api.v1 import (
    copilot_pb2,
    cost_pb2,
    event_pb2,
    instruction_pb2,
    lab_pb2,
    model_pb2,
    postprocess_pb2,
    queue_pb2,
    run_pb2,
    storage_pb2,
)

from tests.tui import story, story_desk
from tests.tui.fake_talk import FakeTalk


class FakeDesk(FakeTalk):
    """Implements `DeskPort` and `LabPort` from a small story."""

    revision: int
    _runs: dict[str, run_pb2.Run]

    def begin_desk(self, empty: bool) -> None:
        self.happened: list[event_pb2.Event] = []
        self.paused = False
        self._instructions = {} if empty else {one.name: one for one in story_desk.instructions()}
        self._chats = {} if empty else {one.name: one for one in story_desk.chat_sessions()}
        self._said = {} if empty else {story_desk.CHAT: story_desk.chat_messages()}
        self.kept_prompts = []
        self.answer: list[copilot_pb2.SendChatMessageResponse] = story_desk.answer()

    def _note(self, name: str, *details: object) -> None:
        raise NotImplementedError

    def move(self, name: str, in_trash: bool) -> None:
        """Puts a picture into the trash, or takes it out."""
        raise NotImplementedError

    # --- queue, costs, trash ---

    async def past(self, after: int, until: int) -> list[event_pb2.Event]:
        self._note("past", after, until)
        return [one for one in self.happened if after < one.revision <= until]

    async def queue(self) -> queue_pb2.Queue:
        self._note("queue")
        return story_desk.queue(self.paused)

    async def pause_queue(self, paused: bool) -> queue_pb2.Queue:
        self._note("pause_queue", paused)
        self.paused = paused
        return story_desk.queue(paused)

    async def pause_run(self, name: str, paused: bool) -> run_pb2.Run:
        self._note("pause_run", name, paused)
        self.revision += 1
        run = self._runs[name]
        run.paused = paused
        run.revision = self.revision
        return run

    async def costs(self, project: str, group_by: Sequence[cost_pb2.CostDimension.ValueType]) -> cost_pb2.CostSummary:
        self._note("costs", project, tuple(group_by))
        return story_desk.costs(group_by[0])

    async def spend_limits(self, project: str) -> cost_pb2.SpendLimits:
        self._note("spend_limits", project)
        return story_desk.spend_limits()

    async def trash(self, name: str) -> None:
        self._note("trash", name)
        if "/assets/" in name:
            self.move(name, True)

    async def restore(self, name: str) -> None:
        self._note("restore", name)
        if "/assets/" in name:
            self.move(name, False)

    # --- instructions ---

    async def instructions(self, project: str, page_token: str = "") -> instruction_pb2.ListInstructionsResponse:
        self._note("instructions", project)
        found = [one for one in self._instructions.values() if one.name.startswith(project + "/")]
        return instruction_pb2.ListInstructionsResponse(instructions=found, revision=self.revision)

    async def instruction(self, name: str) -> instruction_pb2.Instruction:
        self._note("instruction", name)
        whole = instruction_pb2.Instruction()
        whole.CopyFrom(self._instructions[name])
        whole.preview.plan.CopyFrom(story.plan(run_pb2.RunSpec(stage="style", candidates=3)))
        return whole

    def _become(
        self, name: str, state: instruction_pb2.Instruction.State.ValueType, **changes: str
    ) -> instruction_pb2.Instruction:
        self.revision += 1
        one = self._instructions[name]
        one.state, one.revision = state, self.revision
        for field, value in changes.items():
            setattr(one, field, value)
        return one

    async def show_instruction(self, name: str) -> instruction_pb2.Instruction:
        self._note("show_instruction", name)
        return self._become(name, instruction_pb2.Instruction.STATE_DRAFT, digest="digest-2")

    async def confirm_instruction(self, name: str, digest: str, spend: bool) -> instruction_pb2.Instruction:
        self._note("confirm_instruction", name, digest, spend)
        return self._become(name, instruction_pb2.Instruction.STATE_QUEUED)

    async def cancel_instruction(self, name: str) -> instruction_pb2.Instruction:
        self._note("cancel_instruction", name)
        return self._become(name, instruction_pb2.Instruction.STATE_CANCELED)

    async def retry_instruction(self, name: str, request_id: str) -> instruction_pb2.Instruction:
        self._note("retry_instruction", name, request_id)
        self.revision += 1
        again = instruction_pb2.Instruction()
        again.CopyFrom(self._instructions[name])
        again.name, again.state, again.retry_of = f"{name}-again", instruction_pb2.Instruction.STATE_DRAFT, name
        again.create_time.CopyFrom(story.at(0))
        again.revision = self.revision
        self._instructions[again.name] = again
        return again

    # --- copilot ---

    async def chat_sessions(self, project: str) -> copilot_pb2.ListChatSessionsResponse:
        self._note("chat_sessions", project)
        found = [one for one in self._chats.values() if one.name.startswith(project + "/")]
        return copilot_pb2.ListChatSessionsResponse(chat_sessions=found, revision=self.revision)

    async def chat_messages(self, session: str) -> copilot_pb2.ListChatMessagesResponse:
        self._note("chat_messages", session)
        return copilot_pb2.ListChatMessagesResponse(chat_messages=self._said.get(session, []), revision=self.revision)

    async def new_chat(self, project: str, engine: str, request_id: str) -> copilot_pb2.ChatSession:
        self._note("new_chat", project, engine)
        self.revision += 1
        made = copilot_pb2.ChatSession(
            name=f"{project}/chatSessions/c-new", engine=engine, update_time=story.at(0), revision=self.revision
        )
        self._chats[made.name] = made
        return made

    async def send_chat(
        self, session: str, text: str, request_id: str
    ) -> AsyncIterator[copilot_pb2.SendChatMessageResponse]:
        self._note("send_chat", session, text)
        yield copilot_pb2.SendChatMessageResponse(message=story_desk.person(session, text))
        for item in self.answer:
            yield item

    async def stop_answer(self, session: str) -> copilot_pb2.ChatSession:
        self._note("stop_answer", session)
        return self._chats[session]

    async def chat_engines(self) -> copilot_pb2.ListChatEnginesResponse:
        self._note("chat_engines")
        return story_desk.chat_engines()

    # --- lab, models ---

    async def generate(self, request: lab_pb2.GenerateRequest) -> AsyncIterator[lab_pb2.GenerateResponse]:
        self._note("generate", request)
        for item in story_desk.generated(request):
            yield item

    async def process_picture(
        self, head: postprocess_pb2.ProcessPictureHead
    ) -> AsyncIterator[postprocess_pb2.ProcessPictureResponse]:
        self._note("process_picture", head)
        for item in story_desk.processed(head):
            yield item

    async def process_assets(
        self, project: str, assets: Sequence[str], run: str, confirm_spend: bool
    ) -> AsyncIterator[postprocess_pb2.ProcessAssetsResponse]:
        self._note("process_assets", project, tuple(assets), run, confirm_spend)
        for item in story_desk.processed_assets(project, assets):
            yield item

    async def sync_storage(
        self, project: str, folder: str, bucket: bool
    ) -> AsyncIterator[storage_pb2.SyncStorageResponse]:
        self._note("sync_storage", project, folder, bucket)
        yield storage_pb2.SyncStorageResponse(progress=storage_pb2.SyncProgress(pictures_done=3, pictures=12))
        report = storage_pb2.SyncReport(place=f"{folder}/harbor_lights", pictures=12, copied=11, lost=["x"])
        yield storage_pb2.SyncStorageResponse(report=report)

    async def load(self, model: str) -> model_pb2.LoadModelResponse:
        self._note("load", model)
        return model_pb2.LoadModelResponse()

    async def pin(self, model: str, pinned: bool) -> model_pb2.ModelKeeping:
        self._note("pin", model, pinned)
        return model_pb2.ModelKeeping(model=model, pinned=pinned)
