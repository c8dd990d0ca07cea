"""A daemon for tests of clients: a real grpc.aio server on a real Unix socket, with answers kept in memory.

It holds to the contract where clients depend on it: token, typed errors, health, reflection, endpoint file, a journal
that can be watched after a revision. What it makes is nothing: runs end by themselves, their pictures are a few bytes.
A test may refuse calls (`refuse`), hold runs (`gate`), break watchers (`drop_watchers`) and restart it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import grpc
import grpc.aio
from bullpen_api.v1 import (
    asset_pb2,
    asset_pb2_grpc,
    bible_pb2,
    bible_pb2_grpc,
    event_pb2,
    event_pb2_grpc,
    export_pb2,
    export_pb2_grpc,
    lab_pb2,
    lab_pb2_grpc,
    model_pb2,
    model_pb2_grpc,
    project_pb2,
    project_pb2_grpc,
    run_pb2,
    run_pb2_grpc,
    system_pb2,
    system_pb2_grpc,
)
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped, unused-ignore]
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

_FILES = (asset_pb2, bible_pb2, event_pb2, export_pb2, lab_pb2, model_pb2, project_pb2, run_pb2, system_pb2)
_OPEN = ("/grpc.health.", "/grpc.reflection.")


@dataclass(frozen=True)
class Refusal(Exception):
    """A typed error as the daemon gives it."""

    reason: str
    code: grpc.StatusCode = grpc.StatusCode.INVALID_ARGUMENT
    message: str = "Refused by the test."
    field: str = ""
    remedy: str = ""

    def trailing(self) -> tuple[tuple[str, bytes], ...]:
        """The trailing metadata that carries the details."""
        info = error_details_pb2.ErrorInfo(
            reason=self.reason, domain="bullpen", metadata={"field": self.field, "remedy": self.remedy}
        )
        packed = any_pb2.Any()
        packed.Pack(info)
        status = status_pb2.Status(code=self.code.value[0], message=self.message, details=[packed])
        return (("grpc-status-details-bin", status.SerializeToString()),)


# A "refusal" that never answers.
STALLED = Refusal("STALLED")


class _Guard(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in the stubs only
    """Asks for the token, counts calls, and gives the refusals that the test ordered."""

    def __init__(self, daemon: FakeDaemon) -> None:
        self.daemon = daemon

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any]]],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any]:
        handler = await continuation(details)
        method = str(details.method)
        if handler is None or method.startswith(_OPEN):
            return handler
        name = method.rpartition("/")[2]
        self.daemon.calls.append(name)
        refusal = self.daemon.refuse.pop(name, None)
        if ("authorization", f"Bearer {self.daemon.token}") not in details.invocation_metadata:
            refusal = Refusal("TOKEN_INVALID", grpc.StatusCode.UNAUTHENTICATED, "The token is not known.")
        return handler if refusal is None else _refusing(handler, refusal)


def _refusing(handler: Any, refusal: Refusal) -> grpc.RpcMethodHandler[Any, Any]:
    async def one(_: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        if refusal is STALLED:
            await asyncio.Event().wait()
        await context.abort(refusal.code, refusal.message, refusal.trailing())

    async def many(_: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
        await context.abort(refusal.code, refusal.message, refusal.trailing())
        yield None

    kind = f"{'stream' if handler.request_streaming else 'unary'}_{'stream' if handler.response_streaming else 'unary'}"
    return getattr(grpc, f"{kind}_rpc_method_handler")(  # type: ignore[no-any-return]
        many if handler.response_streaming else one,
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )


class FakeDaemon:
    """The daemon of one home; use it as `async with`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.token = "token-0"
        self.starts = 0
        self.calls: list[str] = []
        self.refuse: dict[str, Refusal] = {}
        self.journal: list[event_pb2.Event] = []
        self.projects: dict[str, project_pb2.Project] = {}
        self.scenes: dict[str, bible_pb2.Scene] = {}
        self.characters: dict[str, bible_pb2.Character] = {}
        self.styles: dict[str, bible_pb2.StyleGuide] = {}
        self.assets: dict[str, asset_pb2.Asset] = {}
        self.contents: dict[str, bytes] = {}
        self.runs: dict[str, run_pb2.Run] = {}
        self.jobs: dict[str, run_pb2.Job] = {}
        self.gate: asyncio.Event | None = None
        self.tasks: set[asyncio.Task[None]] = set()
        self.watchers: set[asyncio.Queue[event_pb2.WatchResponse | Refusal | None]] = set()
        self.alone = asyncio.Event()
        self.watched = asyncio.Event()
        self._server: grpc.aio.Server | None = None

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.home / "run" / "bullpend.sock"

    @property
    def revision(self) -> int:
        """Last revision of the journal."""
        return self.journal[-1].revision if self.journal else 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Serves, and writes the endpoint file; each start has its own token."""
        from tests.support import fake_services as services

        self.starts += 1
        self.token = f"token-{self.starts}"
        self.socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        server = grpc.aio.server(interceptors=[_Guard(self)])
        project_pb2_grpc.add_ProjectServiceServicer_to_server(services.Projects(self), server)
        bible_pb2_grpc.add_BibleServiceServicer_to_server(services.Bible(self), server)
        asset_pb2_grpc.add_AssetServiceServicer_to_server(services.Assets(self), server)
        run_pb2_grpc.add_RunServiceServicer_to_server(services.Runs(self), server)
        event_pb2_grpc.add_EventServiceServicer_to_server(services.Events(self), server)
        model_pb2_grpc.add_ModelServiceServicer_to_server(services.Models(self), server)
        model_pb2_grpc.add_DeviceServiceServicer_to_server(services.Devices(self), server)
        lab_pb2_grpc.add_LabServiceServicer_to_server(services.Lab(self), server)
        exports = services.Exports(self)  # type: ignore[abstract]  # no test of a client asks it for more
        export_pb2_grpc.add_ExportServiceServicer_to_server(exports, server)
        system_pb2_grpc.add_SystemServiceServicer_to_server(services.System(self), server)
        checks = health.aio.HealthServicer()  # type: ignore[attr-defined]  # the stubs leave it out
        await checks.set("", health_pb2.HealthCheckResponse.SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(checks, server)
        described = [s.full_name for f in _FILES for s in f.DESCRIPTOR.services_by_name.values()]
        reflection.enable_server_reflection([*described, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
        server.add_insecure_port(f"unix:{self.socket}")
        await server.start()
        self._server = server
        self.write_endpoint()

    def write_endpoint(self) -> None:
        """Writes the endpoint file as it should be now."""
        said = {
            "address": f"unix:{self.socket}",
            "token": self.token,
            "pid": os.getpid(),
            "version": "0.0.0",
            "instance": f"instance-{self.starts}",
        }
        file = self.home / "run" / "endpoint.json"
        file.write_text(json.dumps(said))
        file.chmod(0o600)

    async def stop(self) -> None:
        """Ends everything; journal and store stay, as on a disk."""
        self.drop_watchers()
        for task in list(self.tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._server is not None:
            await self._server.stop(None)
            self._server = None
        with contextlib.suppress(FileNotFoundError):
            (self.home / "run" / "endpoint.json").unlink()

    def publish(self, kind: str, subject: str, **payload: Any) -> event_pb2.Event:
        """Appends to the journal and tells the watchers. The payload is copied as it is now."""
        event = event_pb2.Event(revision=self.revision + 1, subject=subject, kind=kind, **payload)
        event.time.GetCurrentTime()
        self.journal.append(event)
        self.tell(event_pb2.WatchResponse(event=event))
        return event

    def tell(self, message: event_pb2.WatchResponse | Refusal | None) -> None:
        """Sends a message to every watcher; None ends their streams, a refusal breaks them."""
        for queue in self.watchers:
            queue.put_nowait(message)

    def drop_watchers(self, refusal: Refusal | None = None) -> None:
        """Ends every watcher's stream."""
        self.tell(refusal)

    def spawn(self, work: Any) -> None:
        """Runs a coroutine in the background until the daemon stops."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


async def _serve(home: Path) -> None:
    async with FakeDaemon(home):
        await asyncio.Event().wait()


if __name__ == "__main__":
    import sys

    # Services import this module by its name; the one that runs as a script is another.
    from tests.support import fake_daemon

    asyncio.run(fake_daemon._serve(Path(sys.argv[1])))
