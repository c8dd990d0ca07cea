"""A local agent: takes instructions over HTTP as a test tells it to, and calls back with right and wrong signatures."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bullpend.instructions.agent import payload

KEY = "the-key-that-both-sides-know"


@dataclass
class Post:
    """A delivery as it came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class FakeAgent:
    """Each POST is answered by the next of `answers`, the last one stays: a status with JSON or words, `hang` (never),
    `cut` (takes it and breaks off) or `deaf` (breaks off without taking it). It heeds the key: work begins once.
    """

    answers: list[Any] = field(default_factory=lambda: [(202, {"status": "accepted"})])
    # What a question after a key is answered with; None answers by what was taken.
    status: Any = None
    posts: list[Post] = field(default_factory=list)
    begun: Counter[str] = field(default_factory=Counter)
    asked: list[str] = field(default_factory=list)
    canceled: list[str] = field(default_factory=list)
    # Called when a delivery was taken, before it is answered.
    took: Callable[[], None] = lambda: None
    news: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    @property
    def url(self) -> str:
        """What the settings would name."""
        return f"http://127.0.0.1:{self.port}/agent"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            method, path, _ = first.split(" ")
            answer = self._status(path) if method == "GET" else self._take(path, headers, json.loads(body))
            self.news.set()
            if answer == "hang":
                await reader.read()
            elif isinstance(answer, tuple):
                code, said, *more = answer
                text = said if isinstance(said, bytes) else json.dumps(said).encode()
                extra = "".join(f"{name}: {value}\r\n" for name, value in (more[0] if more else {}).items())
                head = f"HTTP/1.1 {code} Said\r\ncontent-length: {len(text)}\r\n{extra}connection: close\r\n\r\n"
                writer.write(head.encode() + text)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _status(self, path: str) -> Any:
        key = path.rpartition("/")[2]
        self.asked.append(key)
        if self.status is not None:
            return self.status
        return (200, {"status": "running"}) if self.begun[key] else (404, {"status": "unknown"})

    def _take(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> Any:
        if path.endswith("/cancel"):
            self.canceled.append(path.split("/")[-2])
            return (200, {})
        self.posts.append(Post(path, headers, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.took()
        taken = answer in ("hang", "cut") or (isinstance(answer, tuple) and answer[0] < 300)
        if taken and not self.begun[body["idempotency_key"]]:
            self.begun[body["idempotency_key"]] += 1
        return answer


@asynccontextmanager
async def agent_serving(**more: Any) -> AsyncIterator[FakeAgent]:
    """An agent on a port of its own."""
    agent = FakeAgent(**more)
    server = await asyncio.start_server(agent.serve, "127.0.0.1", 0)
    agent.port = server.sockets[0].getsockname()[1]
    try:
        yield agent
    finally:
        server.close()


def callback(post: Post, now: float, key: str = KEY, **said: Any) -> tuple[bytes, str, str, str]:
    """Body, token, timestamp and signature of an answer to a delivery; what is given replaces what is right."""
    about = {"instruction_id": post.body["instruction_id"], "status": "done", "result": "Drawn."}
    body = json.dumps({**about, **said}).encode()
    token = post.body["callback"]["token"]
    return body, token, f"{now:.0f}", payload.signature(key, token, f"{now:.0f}", body)


async def post_to(port: int, body: bytes, headers: dict[str, str], first: str = "POST /v1/callbacks HTTP/1.1") -> str:
    """What a listener answers to a request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"{first}\r\nhost: x\r\n{lines}\r\n".encode() + body)
    await writer.drain()
    answer = (await reader.read()).decode()
    writer.close()
    return answer
