"""The part of the fake daemon about changing what is said and proposed, and about prompts."""

from __future__ import annotations

from collections.abc import Sequence

from bullpen_api.v1 import copilot_pb2, instruction_pb2, prompt_pb2

from tests.tui import story, story_desk


class FakeTalk:
    """Implements `TalkPort`."""

    revision: int
    _chats: dict[str, copilot_pb2.ChatSession]
    _instructions: dict[str, instruction_pb2.Instruction]
    kept_prompts: list[prompt_pb2.Prompt]

    def _note(self, name: str, *details: object) -> None:
        raise NotImplementedError

    async def update_chat(self, session: copilot_pb2.ChatSession, paths: Sequence[str]) -> copilot_pb2.ChatSession:
        kept = self._chats[session.name]
        for path in paths:
            if path == "sampling":
                kept.sampling.CopyFrom(session.sampling)
            else:
                setattr(kept, path, getattr(session, path))
        self._note("update_chat", session.name, tuple(paths))
        self.revision += 1
        kept.revision = self.revision
        given = copilot_pb2.ChatSession()
        given.CopyFrom(kept)
        return given

    async def search_chat(self, project: str, query: str) -> copilot_pb2.SearchChatMessagesResponse:
        self._note("search_chat", project, query)
        said = [one for one in story_desk.chat_messages() if query in one.parts[0].text]
        return copilot_pb2.SearchChatMessagesResponse(chat_messages=said)

    async def export_chat(
        self, session: str, form: copilot_pb2.ExportChatSessionRequest.Format.ValueType
    ) -> copilot_pb2.ExportChatSessionResponse:
        self._note("export_chat", session, form)
        return copilot_pb2.ExportChatSessionResponse(text="# Scene planning\n", mime_type="text/markdown")

    async def create_instruction(
        self, project: str, one: instruction_pb2.Instruction, request_id: str
    ) -> instruction_pb2.Instruction:
        self._note("create_instruction", project, one.objective)
        self.revision += 1
        made = instruction_pb2.Instruction()
        made.CopyFrom(one)
        made.name, made.revision = f"{project}/instructions/i-0009", self.revision
        made.state, made.digest = instruction_pb2.Instruction.STATE_DRAFT, "digest-9"
        made.create_time.CopyFrom(story.at(0))
        made.preview.summary = f"Hand over to the agent at agents.example.org: {one.objective}"
        for label, value in (("agent", "agents.example.org"), ("is sent", '{"pages": [3]}')):
            made.preview.facts.add(label=label, value=value)
        self._instructions[made.name] = made
        return made

    async def update_instruction(self, one: instruction_pb2.Instruction) -> instruction_pb2.Instruction:
        self._note("update_instruction", one.name)
        self.revision += 1
        kept = self._instructions[one.name]
        kept.inputs.CopyFrom(one.inputs)
        kept.objective, kept.digest, kept.revision = one.objective, "digest-3", self.revision
        return kept

    async def prompts(self, project: str, query: str) -> prompt_pb2.ListPromptsResponse:
        self._note("prompts", project, query)
        found = [one for one in self.kept_prompts if query in one.text]
        return prompt_pb2.ListPromptsResponse(prompts=list(reversed(found)), revision=self.revision)

    async def write_prompt(self, project: str, prompt: prompt_pb2.Prompt, request_id: str) -> prompt_pb2.Prompt:
        self._note("write_prompt", project, prompt.text)
        return self._kept(project, prompt.text, prompt_pb2.Prompt.KIND_WRITTEN)

    async def enhance_prompt(self, project: str, prompt: prompt_pb2.Prompt, request_id: str) -> prompt_pb2.Prompt:
        self._note("enhance_prompt", project, prompt.text, prompt.model or prompt.family)
        before = self._kept(project, prompt.text, prompt_pb2.Prompt.KIND_SNAPSHOT)
        made = self._kept(project, f"{prompt.text}, masterpiece", prompt_pb2.Prompt.KIND_ENHANCED)
        made.parent_prompt, made.family = before.name, "sdxl"
        made.notes.append("sdxl takes lists of tags.")
        return made

    async def revert_prompt(self, name: str) -> prompt_pb2.Prompt:
        self._note("revert_prompt", name)
        by = {one.name: one for one in self.kept_prompts}
        project = "/".join(name.split("/")[:2])
        return self._kept(project, by[by[name].parent_prompt].text, prompt_pb2.Prompt.KIND_REVERTED)

    def _kept(self, project: str, text: str, kind: prompt_pb2.Prompt.Kind.ValueType) -> prompt_pb2.Prompt:
        made = prompt_pb2.Prompt(
            name=f"{project}/prompts/p-{len(self.kept_prompts) + 1}", text=text, kind=kind, create_time=story.at(0)
        )
        self.kept_prompts.append(made)
        return made
