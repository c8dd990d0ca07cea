"""Hands metrics out where somebody asked for it in the settings: as a file that is written again and again, for the
textfile collector of Prometheus's node exporter, or on a Unix socket that answers `GET /metrics`. Never on a network.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from bullpend.errors import SettingInvalid
from bullpend.metrics.prometheus import CONTENT_TYPE
from bullpend.rpc.endpoint import PATH_LIMIT

log = structlog.get_logger("metrics")
READ_SECONDS = 5.0
REQUEST_BYTES = 8192
Read = Callable[[], Awaitable[str]]


@asynccontextmanager
async def published(read: Read, file: str, socket: str, seconds: float) -> AsyncIterator[None]:
    """While it lasts, what `read` gives lies in `file`, and is answered on `socket`; empty ones are left out.

    Raises SettingInvalid where the socket cannot be made.
    """
    async with contextlib.AsyncExitStack() as stack:
        if file:
            task = asyncio.create_task(_write_on(read, Path(file).expanduser(), seconds))
            stack.callback(task.cancel)
        if socket:
            await stack.enter_async_context(_answering(read, Path(socket).expanduser()))
        yield


async def _write_on(read: Read, path: Path, seconds: float) -> None:
    while True:
        try:
            text = await read()
            await asyncio.to_thread(_replace, path, text)
        except OSError as error:
            log.warning("metrics.not_written", path=str(path), error=error.strerror)
        await asyncio.sleep(seconds)


def _replace(path: Path, text: str) -> None:
    """A reader sees the old text or the new one, never half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


@asynccontextmanager
async def _answering(read: Read, path: Path) -> AsyncIterator[None]:
    if len(os.fsencode(path)) > PATH_LIMIT or (path.exists() and not path.is_socket()):
        raise SettingInvalid(
            f"{path} cannot be a socket: its path is too long, or something else lies there.",
            field="metrics.socket",
            remedy=f"Give a path of at most {PATH_LIMIT} bytes at which nothing lies.",
        )
    before = os.umask(0o177)
    try:
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(
            lambda reader, writer: _answer(read, reader, writer), path, limit=REQUEST_BYTES
        )
    except OSError as error:
        raise SettingInvalid(f"{path} cannot be made: {error.strerror}.", field="metrics.socket") from error
    finally:
        os.umask(before)
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)


async def _answer(read: Read, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request, one answer. Who says nothing, or too much, is let go."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        words = head.split(b"\r\n", 1)[0].split(b" ")
        known = len(words) == 3 and words[0] in (b"GET", b"HEAD") and words[1].split(b"?")[0] in (b"/", b"/metrics")
        status, text = ("200 OK", await read()) if known else ("404 Not Found", "Ask for /metrics.\n")
        body = text.encode()
        lines = (
            f"HTTP/1.1 {status}",
            f"Content-Type: {CONTENT_TYPE}",
            f"Content-Length: {len(body)}",
            "Connection: close",
            "",
            "",
        )
        writer.write("\r\n".join(lines).encode() + (b"" if words[0] == b"HEAD" else body))
        await writer.drain()
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return
    finally:
        writer.close()
