"""Telling a daemon that is slow from one that is gone.

On a busy machine a daemon may need seconds for an answer. Nobody is there where the connection is refused and no
process has the home's lock; only then another daemon may be started. Where a process lives and says nothing, it is
waited for, and in the end that is said: a second daemon could not have the home anyway.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Literal, TypeVar

import grpc

from bullpen_client.channel import TypedChannel
from bullpen_client.errors import BullpenError, DaemonSilent, DeadlineExceeded
from bullpen_client.health import healthy
from bullpen_client.home import Endpoint, process_state, read_endpoint
from bullpen_client.lock import keeper

T = TypeVar("T")
Said = Literal["serving", "not yet", "too slow", "nothing"]
Notice = Callable[[str], object]
"""Takes a line for a person who waits: once, and only when there is something to wait for."""

PATIENCE = 10.0
"""Seconds that a daemon which lives has for its first answer."""
NOTICE_AFTER = 1.0
_BETWEEN = 0.1


async def reach(
    home: Path, given: Endpoint | None = None, *, notice: Notice | None = None, patience: float | None = None
) -> TypedChannel | None:
    """An open channel to the daemon of a home, or of a `given` endpoint, once it says SERVING; None where nobody is.

    Raises `DaemonSilent` where one lives and did not say so within `patience` seconds, usually `PATIENCE`.
    """
    seconds = PATIENCE if patience is None else patience
    return await telling(_reach(home, given, seconds), notice, "A daemon is there, and does not answer yet; waiting.")


async def telling(waiting: Coroutine[Any, Any, T], notice: Notice | None, words: str) -> T:
    """What `waiting` gives. Where that takes a while, the person is told once."""
    if notice is None:
        return await waiting
    task = asyncio.ensure_future(waiting)
    try:
        done, _ = await asyncio.wait({task}, timeout=NOTICE_AFTER)
        if not done:
            notice(words)
        return await task
    finally:
        task.cancel()


async def _reach(home: Path, given: Endpoint | None, patience: float) -> TypedChannel | None:
    end = time.monotonic() + patience
    ready = True
    while True:
        endpoint = given or read_endpoint(home)
        process = 0 if given else keeper(home)
        said: Said = "nothing"
        if endpoint is not None:
            channel = TypedChannel(endpoint, lambda: given or read_endpoint(home))
            try:
                said = await _asked(channel, max(_BETWEEN, end - time.monotonic()))
                if said == "serving":
                    return channel
            finally:
                if said != "serving":
                    await channel.close()
        if said == "nothing" and not (process and process == keeper(home)):
            return None
        ready = ready and said != "not yet"
        if time.monotonic() >= end:
            raise silent(home, endpoint, process, patience, ready=ready)
        await asyncio.sleep(_BETWEEN)


async def _asked(channel: TypedChannel, timeout: float) -> Said:  # noqa: ASYNC109 - it becomes the call's deadline
    """One question: whether it serves, does not serve yet or any more, is too slow to say, or there is nobody."""
    try:
        return "serving" if await healthy(channel, timeout) else "not yet"
    except DeadlineExceeded:
        return "too slow"
    except BullpenError:
        return "nothing"


def silent(home: Path, endpoint: Endpoint | None, process: int, seconds: float, *, ready: bool) -> DaemonSilent:
    """What to say of a daemon that lives and does not serve: what is known, what it means, what helps.

    `ready` is False where it answers, and what it says is that it does not serve now.
    """
    where = endpoint.address if endpoint else str(home)
    who = f"The daemon of {home} (process {process})" if process else f"Whoever listens at {where}"
    if process and process_state(process) == "T":
        message = f"{who} was stopped and answers nobody; it goes on where it was as soon as it is let."
        remedy = (
            f"`kill -CONT {process}` lets it go on. `bullpen daemon stop` ends it, and the next command starts another."
        )
    elif not ready:
        message = f"{who} did not take calls for {seconds:g} seconds: it is starting, or ends after its last pictures."
        remedy = "Try again in a while; `bullpen daemon stop --now` ends it without waiting for pictures."
    elif endpoint is not None and endpoint.remote:
        message = f"{who} has not answered for {seconds:g} seconds: the daemon on the other machine is busy, or hangs."
        remedy = "Try again; `bullpen doctor` on the daemon's machine says how it is."
    else:
        message = f"{who} lives, and has not answered for {seconds:g} seconds: the machine is very busy, or it hangs."
        remedy = (
            "Try again when the machine has less to do. If it hangs: `bullpen daemon stop` ends it, the next command "
            "starts another, and what was stored is kept; `bullpen doctor` checks the home then."
        )
    metadata = {"home": str(home), "address": where, "ready": str(ready).lower()}
    if process:
        metadata["pid"] = str(process)
    return DaemonSilent(message, remedy=remedy, metadata=metadata, code=grpc.StatusCode.DEADLINE_EXCEEDED)
