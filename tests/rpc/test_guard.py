"""The edge of the daemon: tokens, open doors, unknown methods, faults, oversized and malformed traffic."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
from importlib import import_module
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from bullpen_api.v1 import bible_pb2, event_pb2, project_pb2
from bullpen_client import Session, errors
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped, unused-ignore]
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.support.daemon import Daemon
from tests.support.studio import Studio

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
FILES = [
    import_module(f"bullpen_api.v1.{path.stem}_pb2") for path in sorted((ROOT / "proto/bullpen/v1").glob("*.proto"))
]
DAEMON = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "daemon/src/bullpend").rglob("*.py"))
SERVICES = [
    service
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    if f"{service.name}Servicer)" in DAEMON
]
METHODS = [(f"/{service.full_name}/{method.name}", method) for service in SERVICES for method in service.methods]


@pytest.fixture
def path(daemon: Daemon) -> str:
    """The socket's path."""
    return daemon.endpoint.address.removeprefix("unix:")


async def call(daemon: Daemon, method: str, authorization: str | None, data: bytes = b"") -> grpc.aio.AioRpcError:
    """Calls any method with raw bytes and returns its refusal."""
    async with grpc.aio.insecure_channel(daemon.endpoint.address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        metadata = [("authorization", authorization)] if authorization is not None else []
        untyped: Any = channel  # raw bytes need no serializers
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await untyped.unary_unary(method)(data, metadata=metadata, timeout=20)
        return refused.value


def info(error: grpc.aio.AioRpcError) -> Any:
    """The ErrorInfo of a refusal."""
    metadata: Any = error.trailing_metadata()
    trailing = dict(metadata or ())
    status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
    assert status.code == error.code().value[0]
    (detail,) = status.details
    found = error_details_pb2.ErrorInfo()
    assert detail.Unpack(found)
    return found


@pytest.mark.parametrize("method", [name for name, _ in METHODS])
async def test_every_method_needs_the_token(daemon: Daemon, method: str) -> None:
    """Without a token, with a wrong one, or in the wrong form, each method answers TOKEN_INVALID and nothing else."""
    token = daemon.endpoint.token
    wrong = [None, "", "Bearer", "Bearer wrong", token, f"bearer {token}", f"Bearer {token} ", f"Bearer {token[:-1]}"]
    for authorization in wrong if method.endswith("GetInfo") else wrong[:1] + wrong[3:4]:
        error = await call(daemon, method, authorization)
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        found = info(error)
        assert (found.reason, found.domain) == ("TOKEN_INVALID", "bullpen")
        assert found.metadata["remedy"]
        assert token not in str(error.details())


async def test_health_and_reflection_are_open(daemon: Daemon) -> None:
    """Without a token a client learns that the daemon serves, and what its methods are."""
    async with grpc.aio.insecure_channel(daemon.endpoint.address) as channel:
        for service in ("", "bullpen.v1.RunService"):
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        stream = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([asked]))
        listed = await stream.read()
        names = {service.name for service in listed.list_services_response.service}
    assert names >= {name.split("/")[1] for name, _ in METHODS}
    assert "grpc.health.v1.Health" in names


async def test_unknown_method_is_unimplemented(daemon: Daemon, studio: Studio) -> None:
    """A method that this version does not have is said to be unknown, with and without a token."""
    for authorization in (None, f"Bearer {daemon.endpoint.token}"):
        error = await call(daemon, "/bullpen.v1.RunService/PaintItBlack", authorization)
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("method", [name for name, _ in METHODS])
async def test_bytes_that_are_no_message_are_refused(daemon: Daemon, studio: Studio, method: str) -> None:
    """Garbage in place of a request message is an error of that call only, without a traceback."""
    garbage = b"\xff\xff\xff\xff garbage"
    error = await call(daemon, method, f"Bearer {daemon.endpoint.token}", garbage)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert info(error).reason == "FIELD_INVALID"
    assert (await call(daemon, method, None, garbage)).code() is grpc.StatusCode.UNAUTHENTICATED
    assert await studio.session.serving()


async def test_oversized_message_is_refused(studio: Studio) -> None:
    """A message beyond the limit is refused by its size; the connection goes on."""
    story = "x" * (5 << 20)
    request = project_pb2.CreateProjectRequest(project_id="big", project=project_pb2.Project(story=story))
    with pytest.raises(errors.BullpenError) as refused:
        await studio.session.projects.CreateProject(request)
    assert refused.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await studio.session.serving()


async def test_long_texts_and_odd_characters_are_data(studio: Studio) -> None:
    """Quotes, SQL and far characters come back as they were sent; signs that steer terminals are refused by field."""
    title = "Robert'); DROP TABLE projects;-- \"\u202e🙂 " + "é" * 100
    request = project_pb2.CreateProjectRequest(project_id="odd", project=project_pb2.Project(title=title))
    await studio.session.projects.CreateProject(request)
    answer = await studio.session.projects.GetProject(project_pb2.GetProjectRequest(name="projects/odd"))
    assert answer.title == title
    for title in ("a\x01", "\x1b[2J", "a\x9bm"):
        request = project_pb2.CreateProjectRequest(project_id="steers", project=project_pb2.Project(title=title))
        with pytest.raises(errors.FieldInvalid) as refused:
            await studio.session.projects.CreateProject(request)
        assert refused.value.field == "project.title"


@pytest.mark.parametrize(
    "garbage",
    [b"\x00" * 4096, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 4096, b""],
    ids=["zeros", "http1", "broken-http2", "nothing"],
)
async def test_raw_garbage_leaves_others_served(studio: Studio, path: str, garbage: bytes) -> None:
    """Bytes that are no gRPC end that connection; clients that were there and new ones are served."""
    watch = studio.session.events.Watch(event_pb2.WatchRequest())
    stream = aiter(watch)
    assert (await anext(stream)).HasField("bookmark")
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(garbage)
    await writer.drain()
    if garbage:
        async with asyncio.timeout(60):
            await reader.read(-1)
    project = await studio.project()
    assert (await anext(stream)).event.subject == project
    writer.close()


async def test_two_hundred_idle_connections_do_not_hinder(studio: Studio, path: str) -> None:
    """Connections that say nothing cost nobody anything."""
    idle = [socket.socket(socket.AF_UNIX) for _ in range(200)]
    try:
        for connection in idle:
            connection.connect(path)
        assert await studio.project()
    finally:
        for connection in idle:
            connection.close()


async def test_fault_of_the_daemon_has_an_incident_and_no_traceback(tmp_path: Path) -> None:
    """What nobody foresaw is INTERNAL with a number that the log knows, and tells nothing of the inside."""
    with Daemon(tmp_path / "home") as daemon:
        async with Session(daemon.home) as session:
            project = await Studio(session, tmp_path).universe(1)
            with sqlite3.connect(daemon.home / "bullpen.sqlite3") as connection:
                connection.execute("UPDATE scenes SET variables = 'secret no json'")
            connection.close()
            with pytest.raises(errors.Internal) as refused:
                await session.bible.ListScenes(bible_pb2.ListScenesRequest(parent=project))
            incident = refused.value.metadata["incident"]
            assert "secret" not in refused.value.message
            assert "json" not in refused.value.message
            assert refused.value.remedy
            assert await session.serving()
        lines = [json.loads(line) for line in daemon.log().splitlines()]
    (fault,) = [line for line in lines if line.get("incident") == incident]
    assert fault["method"] == "/bullpen.v1.BibleService/ListScenes"
