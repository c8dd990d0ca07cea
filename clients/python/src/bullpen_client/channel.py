"""A channel that shows the token, raises typed errors, and survives a restart of the daemon.

Generated stubs are built over this channel once and stay valid: each call looks up the current gRPC channel. When a
call finds nobody there, or its token is refused, the endpoint file is read again before the next call, since a
restarted daemon has a new token. No call is repeated by itself; the caller knows what may be done twice.
"""

from __future__ import annotations

import asyncio
import functools
import re
import sys
from collections.abc import AsyncIterator, Callable, Generator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from bullpen_client import errors
from bullpen_client.home import Endpoint

# A daemon is local: no proxy may sit between. Sub-channels are not shared, so that a fresh channel does not inherit
# the reconnection delay of a broken one. Pictures travel in chunks below the usual 4 MiB limit.
OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_reconnect_backoff_ms", 1000),
)
# What calls, as the daemon's audit shows it: the program's own name, as far as metadata can carry it.
CLIENT = re.sub(r"[^A-Za-z0-9._-]", "_", Path(sys.argv[0] if sys.argv else "").name)[:60] or "python"
# Seconds that calls on a replaced channel may still take.
_GRACE = 1.0


class Call:
    """One call in progress: awaitable when it has one answer, iterable when it has many. Errors come out typed."""

    def __init__(
        self, call: Any, failed: Callable[[errors.BullpenError], None], replaced: Callable[[], bool] = lambda: False
    ) -> None:
        self._call = call
        self._failed = failed
        self._replaced = replaced
        self._canceled = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)

    def cancel(self) -> bool:
        """Ends the call; whoever waits for it gets a CancelledError."""
        self._canceled = True
        return bool(self._call.cancel())

    def _cut(self) -> bool:
        """Whether the channel was replaced below the call, and its caller is a task that nobody canceled."""
        task = asyncio.current_task()
        return self._replaced() and not self._canceled and task is not None and not task.cancelling()

    def _typed(self, error: grpc.RpcError) -> errors.BullpenError:
        typed = errors.from_rpc(error)
        self._failed(typed)
        return typed

    async def _answer(self) -> Any:
        try:
            return await self._call
        except grpc.RpcError as error:
            raise self._typed(error) from None
        except asyncio.CancelledError:
            if self._cut():
                raise _replaced() from None
            raise

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._answer().__await__()

    async def _messages(self) -> AsyncIterator[Any]:
        try:
            async for message in self._call:
                yield message
        except grpc.RpcError as error:
            raise self._typed(error) from None
        except asyncio.CancelledError:
            if self._cut():
                raise _replaced() from None
            raise
        finally:
            self._call.cancel()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._messages()


def _replaced() -> errors.DaemonUnavailable:
    return errors.DaemonUnavailable(
        "The connection was given up while this call was on its way; what became of it is not known.",
        remedy="Look whether it was done, and call again.",
        code=grpc.StatusCode.UNAVAILABLE,
    )


class _Method:
    """A method of a service; calling it begins a call on the channel of the moment."""

    def __init__(self, channel: TypedChannel, kind: str, path: str, options: dict[str, Any]) -> None:
        self._channel = channel
        self._kind = kind
        self._path = path
        self._options = options
        self._bound: tuple[int, Any] = (-1, None)

    def __call__(self, request: Any = None, *, timeout: float | None = None, wait_for_ready: bool = False) -> Call:
        channel = self._channel
        channel.refresh()
        generation, bound = self._bound
        if generation != channel.generation:
            bound = getattr(channel.raw, self._kind)(self._path, **self._options)
            self._bound = (channel.generation, bound)
        call = bound(request, timeout=timeout, metadata=channel.metadata, wait_for_ready=wait_for_ready)
        begun = channel.generation
        return Call(call, functools.partial(channel.note, begun), lambda: channel.generation != begun)


class TypedChannel:
    """What generated stubs take for a channel. `reread` gives the endpoint as it is now, or None."""

    def __init__(self, endpoint: Endpoint, reread: Callable[[], Endpoint | None] | None = None) -> None:
        self.endpoint = endpoint
        self.generation = 0
        self._reread = reread
        self._stale = False
        self._broken = False
        self._closing: set[asyncio.Task[None]] = set()
        self.raw = grpc.aio.insecure_channel(endpoint.address, options=OPTIONS)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Metadata of each call: the token, where there is one, and what calls, for the daemon's audit."""
        token = self.endpoint.token
        named = ("bullpen-client", CLIENT)
        return (("authorization", f"Bearer {token}"), named) if token else (named,)

    def note(self, generation: int, error: errors.BullpenError) -> None:
        """Remembers that the daemon may have changed since the channel of this generation was opened."""
        if generation == self.generation and isinstance(
            error, errors.DaemonUnavailable | errors.TokenInvalid | errors.ShuttingDown
        ):
            self._stale = True
            self._broken = self._broken or isinstance(error, errors.DaemonUnavailable)

    def refresh(self) -> None:
        """Opens a new gRPC channel after a failure; the stubs go on with it. Needs a running event loop."""
        if not self._stale:
            return
        current = self._reread() if self._reread else None
        if not self._broken and current in (None, self.endpoint):
            return  # the daemon ends, or refuses the token: the same connection carries other calls to their end
        self._stale = self._broken = False
        self.endpoint = current or self.endpoint
        closing = asyncio.get_running_loop().create_task(self.raw.close(_GRACE))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        self.raw = grpc.aio.insecure_channel(self.endpoint.address, options=OPTIONS)
        self.generation += 1

    async def close(self) -> None:
        """Ends every call and closes the connection."""
        await self.raw.close(None)
        await asyncio.gather(*self._closing)

    def unary_unary(self, path: str, *_: Any, **options: Any) -> _Method:
        """One request, one answer."""
        return _Method(self, "unary_unary", path, options)

    def unary_stream(self, path: str, *_: Any, **options: Any) -> _Method:
        """One request, many answers."""
        return _Method(self, "unary_stream", path, options)

    def stream_unary(self, path: str, *_: Any, **options: Any) -> _Method:
        """Many requests, one answer."""
        return _Method(self, "stream_unary", path, options)

    def stream_stream(self, path: str, *_: Any, **options: Any) -> _Method:
        """Many requests, many answers."""
        return _Method(self, "stream_stream", path, options)
