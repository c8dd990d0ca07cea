"""A language model behind an OpenAI-compatible address: LM Studio, Ollama, vLLM, or a hosted one.

Chat completions over server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). What comes is
bounded in every direction: the length of a line, of an answer, of a silence, of the whole, and the rounds of tools. A
connection that breaks before the first word is tried again; after it, what there is stays, and the answer says so.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from bullpen_api.v1 import copilot_pb2

from bullpend.copilot import tools as toolbox
from bullpend.copilot import wire
from bullpend.copilot.engines import Part, Piece, Status, Turn, Words
from bullpend.copilot.tools import Tool
from bullpend.errors import BullpenError, LanguageEngineFailed
from bullpend.remote import addresses

if TYPE_CHECKING:
    import httpx2

log = structlog.get_logger("copilot")

ENGINE = "chatEngines/remote"
PROMPT_FILE = "copilot-prompt.md"
ROUNDS = 6
MOST_LINE = 1_000_000
MOST_ANSWER = 200_000
# Empty lines and comments in a row; a server that sends nothing else says nothing.
MOST_IDLE_LINES = 10_000


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the model is. `url` ends before `/chat/completions`; `secret` is a name in the vault, or empty."""

    url: str
    model: str
    secret: str = ""
    silence_seconds: float = 60.0
    whole_seconds: float = 600.0
    context_characters: int = 24_000
    attempts: int = 3


@dataclass
class _Call:
    name: str = ""
    arguments: str = ""
    identity: str = ""


@dataclass
class _Round:
    """What one request gave: words were passed on already, calls of tools are carried out after it."""

    text: str = ""
    calls: dict[int, _Call] = field(default_factory=dict)
    finished: str = ""


class Remote:
    """Answers by a language model."""

    def __init__(
        self,
        endpoint: Endpoint,
        prompt: Path,
        known: Callable[[], Mapping[str, Tool]],
        reveal: Callable[[str], Awaitable[str]],
    ) -> None:
        self._endpoint = endpoint
        self._prompt = prompt
        self._known = known
        self._reveal = reveal

    @property
    def card(self) -> copilot_pb2.ChatEngine:
        """What the settings name; whether it answers is seen when it is asked."""
        return copilot_pb2.ChatEngine(
            name=ENGINE,
            title="language model",
            model=self._endpoint.model,
            language_model=True,
            available=True,
            detail=f"OpenAI-compatible, at {self._endpoint.url}",
        )

    async def answer(self, turn: Turn) -> AsyncIterator[Piece]:
        """Words as they come; tools are used between the rounds."""
        known = self._known()
        messages = [{"role": "system", "content": await self._system(turn)}]
        older = self._history(turn, messages)
        if older:
            yield Part(_reading("", f"{older} earlier messages were summed up to fit the model's window."))
        messages.append({"role": "user", "content": turn.text})
        written = 0
        for number in range(ROUNDS):
            made = _Round()
            async for piece in self._round(turn, messages, known if number < ROUNDS - 1 else {}, made):
                if isinstance(piece, Words):
                    written += len(piece.text)
                    if written > MOST_ANSWER:
                        yield Part(_failure("The answer did not end, and was stopped."))
                        return
                yield piece
            if not made.calls:
                if made.finished == "length":
                    yield Part(_failure("The model stopped at its limit of words; the answer is not whole."))
                return
            calls = [made.calls[index] for index in sorted(made.calls)]
            messages.append(_asked(made.text, calls))
            for call in calls:
                result = await toolbox.use(turn, known, call.name, call.arguments)
                tool = known.get(call.name)
                if result.instruction:
                    yield Part(copilot_pb2.ChatPart(card=copilot_pb2.ChatCard(instruction=result.instruction)))
                elif tool is not None:
                    yield Part(_reading(tool.method, tool.words))
                messages.append({"role": "tool", "tool_call_id": call.identity, "content": result.text})
        yield Part(_failure(f"The model asked for tools {ROUNDS} times without an answer, and was stopped."))

    # ---- what is sent -----------------------------------------------------------------------------------------------

    async def _system(self, turn: Turn) -> str:
        world = await turn.world()
        template = await asyncio.to_thread(self._prompt.read_text, "utf-8")
        values = {
            "project": world.project,
            "stages": ", ".join(stage.id for stage in world.stages),
            "scenes": ", ".join(scene.slug for scene in world.scenes[:60]) or "none yet",
            "candidate_cap": str(world.candidate_cap),
        }
        for name, value in values.items():
            template = template.replace(f"{{{name}}}", value)
        return template

    def _history(self, turn: Turn, messages: list[dict[str, Any]]) -> int:
        """Adds what was said before. What does not fit is summed up, never left out in silence; returns how many."""
        said = [(message, wire.words_of(message)) for message in turn.history]
        said = [(message, text) for message, text in said if text]
        budget = self._endpoint.context_characters - len(turn.text)
        keep: list[dict[str, Any]] = []
        while said and budget - len(said[-1][1]) > 0:
            message, text = said.pop()
            budget -= len(text)
            role = "user" if message.role == copilot_pb2.ChatMessage.ROLE_PERSON else "assistant"
            keep.insert(0, {"role": role, "content": text})
        if said:
            lines = [f"- {_who(message)}: {' '.join(text.split())[:120]}" for message, text in said[-40:]]
            more = f"- ({len(said) - 40} messages before that)\n" if len(said) > 40 else ""
            messages.append(
                {"role": "system", "content": "Earlier in this conversation, in short:\n" + more + "\n".join(lines)}
            )
        messages += keep
        return len(said)

    def _body(self, turn: Turn, messages: Sequence[Mapping[str, Any]], known: Mapping[str, Tool]) -> dict[str, Any]:
        sampling: Any = turn.sampling()
        body: dict[str, Any] = {"model": self._endpoint.model, "messages": list(messages), "stream": True}
        for name in ("temperature", "top_p", "max_tokens", "seed"):
            if sampling.HasField(name):
                body[name] = getattr(sampling, name)
        if known:
            body["tools"] = [tool.described() for tool in known.values()]
        return body

    # ---- what comes -------------------------------------------------------------------------------------------------

    async def _round(
        self, turn: Turn, messages: Sequence[Mapping[str, Any]], known: Mapping[str, Tool], made: _Round
    ) -> AsyncIterator[Piece]:
        body = self._body(turn, messages, known)
        for attempt in range(1, self._endpoint.attempts + 1):
            try:
                async for text in self._stream(body, made):
                    yield Words(text)
                return
            except _Broken as broken:
                if made.text or made.calls or attempt == self._endpoint.attempts or not broken.again:
                    raise LanguageEngineFailed(f"The language model failed: {broken}.") from broken
                yield Status(f"The language model does not answer ({broken}); trying again.")
                await asyncio.sleep(0.5 * attempt)

    async def _stream(self, body: dict[str, Any], made: _Round) -> AsyncIterator[str]:
        """The words of one answer; calls of tools are put together in `made`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._endpoint.whole_seconds
        async with self._open(body) as response:
            idle = 0
            async for line in _lines(response):
                # Looked at here, since a generator must not cancel whoever reads it.
                if loop.time() > deadline:
                    raise _Broken("it did not come to an end in time")
                if not line.startswith("data:"):
                    idle += 1
                    if idle > MOST_IDLE_LINES:
                        raise _Broken("it sends lines without words")
                    continue
                idle = 0
                data = line[5:].strip()
                if data == "[DONE]":
                    return
                text = _take(data, made)
                if text:
                    made.text += text
                    yield text
            if not made.finished:
                raise _Broken("the answer broke off", again=True)

    @asynccontextmanager
    async def _open(self, body: dict[str, Any]) -> AsyncIterator[httpx2.Response]:
        import httpx2

        addresses.check(self._endpoint.url, allow_private=True)
        headers = {"accept": "text/event-stream"}
        if self._endpoint.secret:
            headers["authorization"] = f"Bearer {await self._reveal(self._endpoint.secret)}"
        seconds = self._endpoint.silence_seconds
        try:
            async with (
                httpx2.AsyncClient(
                    timeout=httpx2.Timeout(seconds, connect=10.0), follow_redirects=False, trust_env=False
                ) as client,
                client.stream(
                    "POST", f"{self._endpoint.url.rstrip('/')}/chat/completions", json=body, headers=headers
                ) as response,
            ):
                if response.status_code != 200:
                    again = response.status_code in (408, 429) or response.status_code >= 500
                    raise _Broken(f"it answers with status {response.status_code}", again=again)
                kind = response.headers.get("content-type", "")
                if "event-stream" not in kind:
                    raise _Broken(f"it answers with {kind[:60] or 'no type'} instead of a stream")
                yield response
        except httpx2.ConnectError as error:
            raise _Broken("nothing answers there", again=True) from error
        except httpx2.TimeoutException as error:
            raise _Broken(f"it was silent for {seconds:g} s", again=True) from error
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise _Broken("the connection broke", again=True) from error


class _Broken(Exception):
    """Why a round could not go on; `again` says that another attempt may do better."""

    def __init__(self, why: str, again: bool = False) -> None:
        super().__init__(why)
        self.again = again


async def _lines(response: httpx2.Response) -> AsyncIterator[str]:
    """Lines of a stream, each within bounds."""
    rest = b""
    async for chunk in response.aiter_bytes():
        rest += chunk
        *whole, rest = rest.split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace").rstrip("\r")
        if len(rest) > MOST_LINE:
            raise _Broken("it sends a line without end")
    if rest:
        yield rest.decode("utf-8", "replace")


def _take(data: str, made: _Round) -> str:
    """Takes one event: its words, and parts of calls of tools. Raises _Broken for what is none."""
    try:
        event = json.loads(data)
        if "error" in event:
            raise _Broken(f"it says {str(event['error'])[:120]}")
        choices = event.get("choices") or []
        if not choices:
            return ""
        choice = choices[0]
        delta = choice.get("delta") or {}
        for part in delta.get("tool_calls") or []:
            call = made.calls.setdefault(int(part.get("index", 0)), _Call())
            call.identity = part.get("id") or call.identity or f"call_{len(made.calls)}"
            function = part.get("function") or {}
            call.name = (call.name + (function.get("name") or ""))[:100]
            call.arguments += function.get("arguments") or ""
            if len(call.arguments) > MOST_ANSWER or len(made.calls) > 16:
                raise _Broken("it calls tools without end")
        made.finished = choice.get("finish_reason") or made.finished
        content = delta.get("content") or ""
    except (json.JSONDecodeError, RecursionError, AttributeError, TypeError, ValueError, KeyError, IndexError) as error:
        raise _Broken("it sends what makes no sense") from error
    if not isinstance(content, str):
        raise _Broken("it sends what makes no sense")
    return content


def _asked(text: str, calls: Sequence[_Call]) -> dict[str, Any]:
    """What the model said, as it has to be said back to it."""
    return {
        "role": "assistant",
        "content": text or None,
        "tool_calls": [
            {"id": call.identity, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in calls
        ],
    }


def _who(message: copilot_pb2.ChatMessage) -> str:
    return "person" if message.role == copilot_pb2.ChatMessage.ROLE_PERSON else "copilot"


def _reading(method: str, summary: str) -> copilot_pb2.ChatPart:
    return copilot_pb2.ChatPart(reading=copilot_pb2.ChatReading(method=method, summary=summary))


def _failure(message: str) -> copilot_pb2.ChatPart:
    error: BullpenError = LanguageEngineFailed(message)
    failure = copilot_pb2.ChatFailure(reason=error.reason, message=error.message, remedy=error.remedy)
    return copilot_pb2.ChatPart(failure=failure)
