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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from bullpen_api.v1 import copilot_pb2

from bullpend.copilot.dialogue import MOST_ANSWER, Call, Dialogue, Round
from bullpend.copilot.engines import Piece, Status, Turn, Words
from bullpend.copilot.tools import Tool
from bullpend.errors import LanguageEngineFailed
from bullpend.remote import addresses

if TYPE_CHECKING:
    import httpx2

log = structlog.get_logger("copilot")

ENGINE = "chatEngines/remote"
MOST_LINE = 1_000_000
# Empty lines and comments in a row; a server that sends nothing else says nothing.
MOST_IDLE_LINES = 10_000
_NAME_IT = (
    "Name one in daemon.toml ([copilot] url, model, and secret for its key: `bullpen vault set`), and start the "
    "daemon anew; or take another engine."
)


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


class NoServer:
    """Stands where the settings name no server, so that a person sees what could stand there."""

    @property
    def card(self) -> copilot_pb2.ChatEngine:
        """What is missing, and where it is said."""
        return copilot_pb2.ChatEngine(
            name=ENGINE,
            title="OpenAI-compatible server",
            language_model=True,
            detail="The settings name no server.",
            remedy=_NAME_IT,
        )

    async def answer(self, turn: Turn) -> AsyncIterator[Piece]:
        """Nothing. Raises LanguageEngineFailed."""
        raise LanguageEngineFailed("The settings name no server that could answer.", remedy=_NAME_IT)
        yield  # what makes this an iterator


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
            title="OpenAI-compatible server",
            model=self._endpoint.model,
            language_model=True,
            available=True,
            detail=f"OpenAI-compatible, at {self._endpoint.url}",
        )

    def answer(self, turn: Turn) -> AsyncIterator[Piece]:
        """Words as they come; tools are used between the rounds."""
        return Dialogue(self, self._prompt, self._known).answer(turn)

    # ---- what is sent -----------------------------------------------------------------------------------------------

    @property
    def budget(self) -> int:
        """As the settings say."""
        return self._endpoint.context_characters

    def introductions(self, known: Mapping[str, Tool]) -> Sequence[str]:
        """Tools are sent beside the messages."""
        return ()

    def asked(self, made: Round, calls: Sequence[Call]) -> dict[str, Any]:
        """The words, and the calls as the server gave them."""
        return {
            "role": "assistant",
            "content": made.text or None,
            "tool_calls": [
                {"id": call.identity, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in calls
            ],
        }

    def result(self, call: Call, text: str) -> dict[str, Any]:
        """A message of the tool."""
        return {"role": "tool", "tool_call_id": call.identity, "content": text}

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

    async def exchange(
        self, turn: Turn, messages: Sequence[Mapping[str, Any]], known: Mapping[str, Tool], made: Round
    ) -> AsyncIterator[Piece]:
        """One request, tried again while nothing was said. Raises LanguageEngineFailed."""
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

    async def _stream(self, body: dict[str, Any], made: Round) -> AsyncIterator[str]:
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


def _take(data: str, made: Round) -> str:
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
            call = made.calls.setdefault(int(part.get("index", 0)), Call())
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
