"""A local server that speaks chat completions as a test tells it to: well, badly, slowly, or never to an end."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

Handler = Callable[["Server", asyncio.StreamWriter, dict[str, Any]], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


class Server:
    """Answers each request by the next handler; the last one stays."""

    def __init__(self, *handlers: Handler) -> None:
        self.handlers = list(handlers)
        self.requests: list[dict[str, Any]] = []
        self.headers: list[str] = []
        self.gone = asyncio.Event()
        self.port = 0

    @property
    def url(self) -> str:
        """What the settings would name."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One exchange."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(
                int(line.split(":")[1]) for line in head.lower().split("\r\n") if line.startswith("content-length")
            )
            body = json.loads(await reader.readexactly(length))
            self.requests.append(body)
            self.headers.append(head)
            handler = self.handlers.pop(0) if len(self.handlers) > 1 else self.handlers[0]
            await handler(self, writer, body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.gone.set()
        finally:
            self.gone.set()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


@asynccontextmanager
async def serving(*handlers: Handler) -> AsyncIterator[Server]:
    """A server on a port of its own."""
    server = Server(*handlers)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()


def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    """One event of a stream."""
    return f"data: {json.dumps({'choices': [{'delta': delta, 'finish_reason': finish}]})}\n\n".encode()


def words(*texts: str, finish: str = "stop") -> Handler:
    """Says these words, one event each."""

    async def handle(server: Server, writer: asyncio.StreamWriter, body: dict[str, Any]) -> None:
        writer.write(HEAD)
        for text in texts:
            writer.write(event({"content": text}))
            await writer.drain()
        writer.write(event({}, finish) + b"data: [DONE]\n\n")

    return handle


def calling(*calls: tuple[str, object]) -> Handler:
    """Calls tools, with their arguments in two parts as servers do."""

    async def handle(server: Server, writer: asyncio.StreamWriter, body: dict[str, Any]) -> None:
        writer.write(HEAD)
        for index, (name, arguments) in enumerate(calls):
            text = arguments if isinstance(arguments, str) else json.dumps(arguments)
            half = len(text) // 2
            first = {"index": index, "id": f"c{index}", "function": {"name": name, "arguments": text[:half]}}
            writer.write(event({"tool_calls": [first]}))
            writer.write(event({"tool_calls": [{"index": index, "function": {"arguments": text[half:]}}]}))
        writer.write(event({}, "tool_calls") + b"data: [DONE]\n\n")

    return handle


def raw(*parts: bytes, head: bytes = HEAD, hang: bool = False) -> Handler:
    """Sends these bytes, and then nothing more; with `hang` it keeps the connection until the client leaves."""

    async def handle(server: Server, writer: asyncio.StreamWriter, body: dict[str, Any]) -> None:
        writer.write(head)
        for part in parts:
            writer.write(part)
        await writer.drain()
        if hang:
            while not writer.is_closing():
                await asyncio.sleep(0.02)
                writer.write(b": still here\n")
                await writer.drain()

    return handle


def endless(text: str) -> Handler:
    """Says the same for ever."""

    async def handle(server: Server, writer: asyncio.StreamWriter, body: dict[str, Any]) -> None:
        writer.write(HEAD)
        while True:
            writer.write(event({"content": text}))
            await writer.drain()

    return handle


def status(code: int) -> Handler:
    """Refuses."""
    return raw(head=f"HTTP/1.1 {code} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
