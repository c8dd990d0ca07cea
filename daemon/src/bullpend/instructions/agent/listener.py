"""Callbacks over HTTP, on the loopback address and only where the settings ask for it.

The daemon itself speaks over a Unix socket. An agent elsewhere reaches this port by what a person puts in front of it
(a reverse proxy with TLS, an SSH tunnel); `agent.callback_url` is then the address that the agent is told. No token of
the daemon is known or taken here: a callback's own token and signature are what lets it in. One request to a
connection; what is sent is bounded in size, in time and in number.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

import structlog

from bullpend.errors import BullpenError, SettingInvalid
from bullpend.instructions.agent.callbacks import Callbacks
from bullpend.instructions.agent.model import CALLBACK_PATH
from bullpend.instructions.agent.payload import MOST_BODY

log = structlog.get_logger("agent")

MOST_HEAD = 16 * 1024
MOST_AT_ONCE = 32
SECONDS = 10.0
_STATUS = {
    "INVALID_ARGUMENT": HTTPStatus.BAD_REQUEST,
    "PERMISSION_DENIED": HTTPStatus.FORBIDDEN,
    "ALREADY_EXISTS": HTTPStatus.CONFLICT,
    "FAILED_PRECONDITION": HTTPStatus.GONE,
    "UNAVAILABLE": HTTPStatus.SERVICE_UNAVAILABLE,
}


class _Refused(Exception):
    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@asynccontextmanager
async def listening(callbacks: Callbacks, port: int) -> AsyncIterator[int]:
    """While it lasts, callbacks are taken on 127.0.0.1; gives the port. Raises SettingInvalid where it is taken."""
    listener = _Listener(callbacks)
    try:
        server = await asyncio.start_server(listener.serve, "127.0.0.1", port, limit=MOST_HEAD)
    except OSError as error:
        raise SettingInvalid(
            f"agent.callback_port is {port}, which cannot be listened on: {error.strerror}.",
            field="agent.callback_port",
            remedy="Choose a port that nothing else uses; 0 listens on none.",
        ) from error
    bound: int = server.sockets[0].getsockname()[1]
    log.info("agent.listening", port=bound)
    try:
        yield bound
    finally:
        server.close()
        await listener.close()


class _Listener:
    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        task = asyncio.current_task()
        assert task is not None
        crowded = len(self._tasks) >= MOST_AT_ONCE
        self._tasks.add(task)
        try:
            async with asyncio.timeout(SECONDS):
                if crowded:
                    # What lies unread when a connection is closed would reset it, and the answer with it.
                    await reader.read(MOST_HEAD)
                status, said = (HTTPStatus.SERVICE_UNAVAILABLE, {}) if crowded else await self._answer(reader)
                body = json.dumps(said).encode()
                head = (
                    f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
                    f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
                )
                writer.write(head.encode() + body)
                await writer.drain()
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            log.info("agent.callback_broke_off")
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def close(self) -> None:
        """Ends what is not answered yet."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[HTTPStatus, dict[str, str]]:
        try:
            headers = await _head(reader)
            body = await reader.readexactly(_length(headers))
            name = await self._callbacks.receive(
                body,
                headers.get("bullpen-token", ""),
                headers.get("bullpen-timestamp", ""),
                headers.get("bullpen-signature", ""),
            )
        except _Refused as refused:
            return refused.status, {}
        except BullpenError as error:
            log.info("agent.callback_refused", reason=error.reason)
            return _STATUS.get(error.kind, HTTPStatus.INTERNAL_SERVER_ERROR), {
                "reason": error.reason,
                "message": error.message,
            }
        return HTTPStatus.OK, {"instruction": name}


async def _head(reader: asyncio.StreamReader) -> dict[str, str]:
    """Headers of a POST to the one path there is, in lower case."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError:
        raise _Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE) from None
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, _, rest = first.partition(" ")
    path, _, version = rest.rpartition(" ")
    if not version.startswith("HTTP/1."):
        raise _Refused(HTTPStatus.BAD_REQUEST)
    if path != CALLBACK_PATH:
        raise _Refused(HTTPStatus.NOT_FOUND)
    if method != "POST":
        raise _Refused(HTTPStatus.METHOD_NOT_ALLOWED)
    pairs = (line.partition(":") for line in lines)
    headers: dict[str, str] = {}
    for name, _, value in pairs:
        if name.lower() in headers and name.lower().startswith(("bullpen-", "content-length")):
            raise _Refused(HTTPStatus.BAD_REQUEST)
        headers[name.lower()] = value.strip()
    return headers


def _length(headers: dict[str, str]) -> int:
    said = headers.get("content-length", "")
    if not (said.isascii() and said.isdigit()):
        raise _Refused(HTTPStatus.LENGTH_REQUIRED)
    if len(said) > 9 or int(said) > MOST_BODY:
        raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return int(said)
