# ruff: noqa: D102 - the port documents every call
"""The calls of `TalkPort` over the client library."""

from __future__ import annotations

from collections.abc import Sequence

from bullpen_api.v1 import copilot_pb2, instruction_pb2, prompt_pb2
from bullpen_client.connect import Session
from google.protobuf import field_mask_pb2

PAGE = 200


class TalkCalls:
    """`TalkPort` over a session."""

    _session: Session

    async def update_chat(self, session: copilot_pb2.ChatSession, paths: Sequence[str]) -> copilot_pb2.ChatSession:
        mask = field_mask_pb2.FieldMask(paths=paths)
        request = copilot_pb2.UpdateChatSessionRequest(chat_session=session, update_mask=mask)
        return await self._session.copilot.UpdateChatSession(request)

    async def search_chat(self, project: str, query: str) -> copilot_pb2.SearchChatMessagesResponse:
        request = copilot_pb2.SearchChatMessagesRequest(parent=project, query=query, page_size=PAGE)
        return await self._session.copilot.SearchChatMessages(request)

    async def export_chat(
        self, session: str, form: copilot_pb2.ExportChatSessionRequest.Format.ValueType
    ) -> copilot_pb2.ExportChatSessionResponse:
        request = copilot_pb2.ExportChatSessionRequest(name=session, format=form)
        return await self._session.copilot.ExportChatSession(request)

    async def create_instruction(
        self, project: str, one: instruction_pb2.Instruction, request_id: str
    ) -> instruction_pb2.Instruction:
        request = instruction_pb2.CreateInstructionRequest(parent=project, instruction=one, request_id=request_id)
        return await self._session.instructions.CreateInstruction(request)

    async def update_instruction(self, one: instruction_pb2.Instruction) -> instruction_pb2.Instruction:
        return await self._session.instructions.UpdateInstruction(
            instruction_pb2.UpdateInstructionRequest(instruction=one)
        )

    async def prompts(self, project: str, query: str) -> prompt_pb2.ListPromptsResponse:
        request = prompt_pb2.ListPromptsRequest(parent=project, page_size=PAGE, query=query)
        return await self._session.prompts.ListPrompts(request)

    async def write_prompt(self, project: str, prompt: prompt_pb2.Prompt, request_id: str) -> prompt_pb2.Prompt:
        request = prompt_pb2.CreatePromptRequest(parent=project, prompt=prompt, request_id=request_id)
        return await self._session.prompts.CreatePrompt(request)

    async def enhance_prompt(self, project: str, prompt: prompt_pb2.Prompt, request_id: str) -> prompt_pb2.Prompt:
        request = prompt_pb2.EnhancePromptRequest(
            parent=project,
            text=prompt.text,
            negative_text=prompt.negative_text,
            model=prompt.model,
            family="" if prompt.model else prompt.family,
            request_id=request_id,
        )
        return await self._session.prompts.EnhancePrompt(request)

    async def revert_prompt(self, name: str) -> prompt_pb2.Prompt:
        return await self._session.prompts.RevertPrompt(prompt_pb2.RevertPromptRequest(name=name))
