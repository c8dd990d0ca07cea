# ruff: noqa: D102 - the port documents every call
"""The calls of `DeskPort` over the client library."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from bullpen_api.v1 import copilot_pb2, cost_pb2, event_pb2, instruction_pb2, queue_pb2, run_pb2
from bullpen_client.connect import Session

from bullpen_tui.bible.session import BibleCalls
from bullpen_tui.gallery.session import GalleryCalls
from bullpen_tui.talk.session import TalkCalls

PAGE = 200


class DeskCalls(BibleCalls, GalleryCalls, TalkCalls):
    """`DeskPort` over a session."""

    _session: Session

    async def past(self, after: int, until: int) -> list[event_pb2.Event]:
        found: list[event_pb2.Event] = []
        if until <= after:
            return found
        async for message in self._session.events.Watch(event_pb2.WatchRequest(after_revision=after)):
            kind = message.WhichOneof("item")
            if kind == "event" and message.event.revision <= until:
                found.append(message.event)
            reached = message.event.revision if kind == "event" else message.bookmark.revision
            if kind in ("event", "bookmark") and reached >= until:
                break
        return found

    async def queue(self) -> queue_pb2.Queue:
        return await self._session.queue.GetQueue(queue_pb2.GetQueueRequest())

    async def pause_queue(self, paused: bool) -> queue_pb2.Queue:
        if paused:
            return await self._session.queue.PauseQueue(queue_pb2.PauseQueueRequest())
        return await self._session.queue.ResumeQueue(queue_pb2.ResumeQueueRequest())

    async def pause_run(self, name: str, paused: bool) -> run_pb2.Run:
        if paused:
            return await self._session.queue.PauseRun(queue_pb2.PauseRunRequest(name=name))
        return await self._session.queue.ResumeRun(queue_pb2.ResumeRunRequest(name=name))

    async def costs(self, project: str, group_by: Sequence[cost_pb2.CostDimension.ValueType]) -> cost_pb2.CostSummary:
        request = cost_pb2.SummarizeCostsRequest(parent=project, group_by=group_by, page_size=500)
        return await self._session.costs.SummarizeCosts(request)

    async def spend_limits(self, project: str) -> cost_pb2.SpendLimits:
        request = cost_pb2.GetSpendLimitsRequest(name=f"{project}/spendLimits")
        return await self._session.costs.GetSpendLimits(request)

    async def trash(self, name: str) -> None:
        if "/chatSessions/" in name:
            await self._session.copilot.DeleteChatSession(copilot_pb2.DeleteChatSessionRequest(name=name))
        elif "/assets/" in name:
            await self.trash_asset(name)
        else:
            await self.trash_entry(name)

    async def restore(self, name: str) -> None:
        if "/chatSessions/" in name:
            await self._session.copilot.UndeleteChatSession(copilot_pb2.UndeleteChatSessionRequest(name=name))
        elif "/assets/" in name:
            await self.restore_asset(name)
        else:
            await self.restore_entry(name)

    async def instructions(self, project: str, page_token: str = "") -> instruction_pb2.ListInstructionsResponse:
        request = instruction_pb2.ListInstructionsRequest(parent=project, page_size=PAGE, page_token=page_token)
        return await self._session.instructions.ListInstructions(request)

    async def instruction(self, name: str) -> instruction_pb2.Instruction:
        return await self._session.instructions.GetInstruction(instruction_pb2.GetInstructionRequest(name=name))

    async def show_instruction(self, name: str) -> instruction_pb2.Instruction:
        return await self._session.instructions.ShowInstruction(instruction_pb2.ShowInstructionRequest(name=name))

    async def confirm_instruction(self, name: str, digest: str, spend: bool) -> instruction_pb2.Instruction:
        request = instruction_pb2.ConfirmInstructionRequest(name=name, digest=digest, confirm_spend=spend)
        return await self._session.instructions.ConfirmInstruction(request)

    async def cancel_instruction(self, name: str) -> instruction_pb2.Instruction:
        return await self._session.instructions.CancelInstruction(instruction_pb2.CancelInstructionRequest(name=name))

    async def retry_instruction(self, name: str, request_id: str) -> instruction_pb2.Instruction:
        request = instruction_pb2.RetryInstructionRequest(name=name, request_id=request_id)
        return await self._session.instructions.RetryInstruction(request)

    async def chat_sessions(self, project: str) -> copilot_pb2.ListChatSessionsResponse:
        request = copilot_pb2.ListChatSessionsRequest(parent=project, page_size=500)
        return await self._session.copilot.ListChatSessions(request)

    async def chat_messages(self, session: str) -> copilot_pb2.ListChatMessagesResponse:
        whole = copilot_pb2.ListChatMessagesResponse()
        token = ""
        while True:
            request = copilot_pb2.ListChatMessagesRequest(parent=session, page_size=500, page_token=token)
            page = await self._session.copilot.ListChatMessages(request)
            whole.chat_messages.extend(page.chat_messages)
            whole.revision = whole.revision or page.revision
            if not (token := page.next_page_token):
                return whole

    async def new_chat(self, project: str, engine: str, request_id: str) -> copilot_pb2.ChatSession:
        given = copilot_pb2.ChatSession(engine=engine)
        request = copilot_pb2.CreateChatSessionRequest(parent=project, chat_session=given, request_id=request_id)
        return await self._session.copilot.CreateChatSession(request)

    async def send_chat(
        self, session: str, text: str, request_id: str
    ) -> AsyncIterator[copilot_pb2.SendChatMessageResponse]:
        request = copilot_pb2.SendChatMessageRequest(parent=session, text=text, request_id=request_id)
        async for message in self._session.copilot.SendChatMessage(request):
            yield message

    async def stop_answer(self, session: str) -> copilot_pb2.ChatSession:
        return await self._session.copilot.CancelChatAnswer(copilot_pb2.CancelChatAnswerRequest(name=session))

    async def chat_engines(self) -> copilot_pb2.ListChatEnginesResponse:
        return await self._session.copilot.ListChatEngines(copilot_pb2.ListChatEnginesRequest())
