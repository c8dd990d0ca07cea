"""Every call of the contract with requests made from its descriptor: a typed error or an answer, and others are served.

What a call may not do: meet a fault of the daemon's own, give an untyped error, hang, or take the daemon along.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import groupby
from typing import Any

import grpc
import grpc.aio
import pytest
from bullpen_api.v1 import queue_pb2
from bullpen_client import Session, errors
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from tests.support.daemon import Daemon
from tests.support.hostile import Fuzzer, methods
from tests.support.studio import Studio

pytestmark = pytest.mark.e2e

# Ends the daemon, which is its purpose.
MEANT = ("bullpen.v1.SystemService.Shutdown",)
REQUESTS = 5
# An answer that goes on for ever is read no further than this.
MOST_MESSAGES = 3
SECONDS, STREAM_SECONDS = 30.0, 2.0
BY_SERVICE = {
    str(service): list(group) for service, group in groupby(methods(), key=lambda m: m.containing_service.full_name)
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon of this file's own: what was fuzzed is not for others."""
    with Daemon(tmp_path_factory.mktemp("d") / "home") as running:
        yield running


@pytest.fixture
async def names(studio: Studio) -> list[str]:
    """Resources that exist: a project, a scene, a run with its job and candidate, an asset, a model."""
    project = await studio.universe(1)
    run = await studio.run(project)
    (candidate,) = await studio.candidates(run)
    slug = project.rsplit("/", 1)[-1]
    jobs = f"{run.name}/jobs/j-001"
    return [
        project,
        slug,
        f"{project}/scenes/s1",
        run.name,
        jobs,
        candidate.name,
        candidate.asset,
        "models/scripted",
        "style",
    ]


async def call(session: Session, method: MethodDescriptor, requests: list[Any]) -> errors.BullpenError | None:
    """Makes one call; returns the error that it ended with, None for an answer."""
    channel: Any = session._channel
    path = f"/{method.containing_service.full_name}/{method.name}"
    kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
    begin = getattr(channel, kind)(
        path,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )

    async def several() -> AsyncIterator[Any]:
        for request in requests:
            yield request

    seconds = STREAM_SECONDS if method.server_streaming else SECONDS
    given = begin(several() if method.client_streaming else requests[0], timeout=seconds)
    try:
        if not method.server_streaming:
            await given
            return None
        seen = 0
        async for _ in given:
            seen += 1
            if seen >= MOST_MESSAGES:
                break
    except errors.BullpenError as error:
        return error
    return None


@pytest.mark.parametrize("service", BY_SERVICE)
async def test_no_request_meets_a_fault(studio: Studio, daemon: Daemon, names: list[str], service: str) -> None:
    """All methods of a service, several requests each, some at once: every end is an answer or a typed error."""
    before = daemon.log().count("rpc.fault")
    for number, method in enumerate(BY_SERVICE[service]):
        if method.full_name in MEANT:
            continue
        fuzzer = Fuzzer(number, names)
        calls = [call(studio.session, method, [fuzzer.request(method) for _ in range(3)]) for _ in range(REQUESTS)]
        for error in await asyncio.gather(*calls):
            if error is None or (error.code is grpc.StatusCode.DEADLINE_EXCEEDED and method.server_streaming):
                continue
            assert error.reason not in ("UNKNOWN", "INTERNAL"), f"{method.name}: {error.code} {error}"
            assert error.code is not grpc.StatusCode.UNKNOWN, method.name
            assert "Traceback" not in str(error)
    log = daemon.log()
    assert log.count("rpc.fault") == before, "the daemon met a fault of its own"
    assert "dispatch.fault" not in log
    await studio.session.queue.ResumeQueue(queue_pb2.ResumeQueueRequest())
    assert await studio.session.serving()
