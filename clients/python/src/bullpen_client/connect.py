"""Connecting to the daemon of a home: `Session` with a typed stub for each service.

    async with Session(home) as session:
        answer = await session.projects.ListProjects(project_pb2.ListProjectsRequest())

Calls raise the family of `bullpen_client.errors`. A session survives a restart of the daemon: the stubs stay the
same, only calls in flight are lost.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import grpc

from bullpen_client.channel import TypedChannel
from bullpen_client.errors import BullpenError, DaemonUnavailable
from bullpen_client.health import PROBE_TIMEOUT, healthy, is_serving
from bullpen_client.home import Endpoint, checkout_root, endpoint_path, pid_alive, read_endpoint, resolve_home
from bullpen_client.launch import START_TIMEOUT, start_daemon
from bullpen_client.patience import Notice, reach

__all__ = [
    "Endpoint",
    "Session",
    "checkout_root",
    "endpoint_path",
    "is_serving",
    "pid_alive",
    "read_endpoint",
    "resolve_home",
    "start_daemon",
]

if TYPE_CHECKING:
    from bullpen_api.v1.advisor_pb2_grpc import AdvisorServiceAsyncStub
    from bullpen_api.v1.asset_pb2_grpc import AssetServiceAsyncStub
    from bullpen_api.v1.audit_pb2_grpc import AuditServiceAsyncStub
    from bullpen_api.v1.bible_pb2_grpc import BibleServiceAsyncStub
    from bullpen_api.v1.control_pb2_grpc import ControlServiceAsyncStub
    from bullpen_api.v1.copilot_pb2_grpc import CopilotServiceAsyncStub
    from bullpen_api.v1.cost_pb2_grpc import CostServiceAsyncStub
    from bullpen_api.v1.event_pb2_grpc import EventServiceAsyncStub
    from bullpen_api.v1.export_pb2_grpc import ExportServiceAsyncStub
    from bullpen_api.v1.history_pb2_grpc import HistoryServiceAsyncStub
    from bullpen_api.v1.instruction_pb2_grpc import InstructionServiceAsyncStub
    from bullpen_api.v1.lab_pb2_grpc import LabServiceAsyncStub
    from bullpen_api.v1.log_pb2_grpc import LogServiceAsyncStub
    from bullpen_api.v1.model_pb2_grpc import DeviceServiceAsyncStub, ModelServiceAsyncStub
    from bullpen_api.v1.postprocess_pb2_grpc import PostProcessServiceAsyncStub
    from bullpen_api.v1.project_pb2_grpc import ProjectServiceAsyncStub
    from bullpen_api.v1.prompt_pb2_grpc import PromptServiceAsyncStub
    from bullpen_api.v1.quality_pb2_grpc import QualityServiceAsyncStub
    from bullpen_api.v1.queue_pb2_grpc import QueueServiceAsyncStub
    from bullpen_api.v1.remote_pb2_grpc import RemoteServiceAsyncStub
    from bullpen_api.v1.run_pb2_grpc import RunServiceAsyncStub
    from bullpen_api.v1.storage_pb2_grpc import StorageServiceAsyncStub
    from bullpen_api.v1.style_pb2_grpc import StyleServiceAsyncStub
    from bullpen_api.v1.system_pb2_grpc import SystemServiceAsyncStub
    from bullpen_api.v1.vault_pb2_grpc import VaultServiceAsyncStub


_STUBS = {
    "projects": ("project_pb2_grpc", "ProjectServiceStub"),
    "bible": ("bible_pb2_grpc", "BibleServiceStub"),
    "runs": ("run_pb2_grpc", "RunServiceStub"),
    "quality": ("quality_pb2_grpc", "QualityServiceStub"),
    "history": ("history_pb2_grpc", "HistoryServiceStub"),
    "remote": ("remote_pb2_grpc", "RemoteServiceStub"),
    "assets": ("asset_pb2_grpc", "AssetServiceStub"),
    "events": ("event_pb2_grpc", "EventServiceStub"),
    "logs": ("log_pb2_grpc", "LogServiceStub"),
    "models": ("model_pb2_grpc", "ModelServiceStub"),
    "devices": ("model_pb2_grpc", "DeviceServiceStub"),
    "advisor": ("advisor_pb2_grpc", "AdvisorServiceStub"),
    "lab": ("lab_pb2_grpc", "LabServiceStub"),
    "postprocess": ("postprocess_pb2_grpc", "PostProcessServiceStub"),
    "instructions": ("instruction_pb2_grpc", "InstructionServiceStub"),
    "copilot": ("copilot_pb2_grpc", "CopilotServiceStub"),
    "prompts": ("prompt_pb2_grpc", "PromptServiceStub"),
    "styles": ("style_pb2_grpc", "StyleServiceStub"),
    "storage": ("storage_pb2_grpc", "StorageServiceStub"),
    "exports": ("export_pb2_grpc", "ExportServiceStub"),
    "control": ("control_pb2_grpc", "ControlServiceStub"),
    "queue": ("queue_pb2_grpc", "QueueServiceStub"),
    "system": ("system_pb2_grpc", "SystemServiceStub"),
    "vault": ("vault_pb2_grpc", "VaultServiceStub"),
    "costs": ("cost_pb2_grpc", "CostServiceStub"),
    "audit": ("audit_pb2_grpc", "AuditServiceStub"),
}
"""Module and class of the stub behind each attribute of a session; imported when it is used for the first time."""


def no_daemon(home: Path) -> DaemonUnavailable:
    """What to say when nothing serves a home."""
    return DaemonUnavailable(
        f"No daemon serves the home {home}.",
        remedy="Start one with `bullpen daemon start`, or name another home with --home.",
        metadata={"home": str(home)},
        code=grpc.StatusCode.UNAVAILABLE,
    )


class Session:
    """A connection to the daemon of one home. Use it as `async with`.

    `home` is resolved as `resolve_home` says. With `start` a daemon is started where none serves. With `endpoint` the
    files of the home are not read: for a forwarded socket, or a test. Entering raises `DaemonUnavailable` when nothing
    serves, `DaemonSilent` when a daemon lives and has not answered for `patience` seconds, and `DaemonStartFailed` when
    a started daemon ended. `notice` takes a line for a person when there is something to wait for.
    """

    projects: ProjectServiceAsyncStub
    bible: BibleServiceAsyncStub
    runs: RunServiceAsyncStub
    quality: QualityServiceAsyncStub
    history: HistoryServiceAsyncStub
    remote: RemoteServiceAsyncStub
    assets: AssetServiceAsyncStub
    events: EventServiceAsyncStub
    logs: LogServiceAsyncStub
    models: ModelServiceAsyncStub
    devices: DeviceServiceAsyncStub
    advisor: AdvisorServiceAsyncStub
    lab: LabServiceAsyncStub
    postprocess: PostProcessServiceAsyncStub
    instructions: InstructionServiceAsyncStub
    copilot: CopilotServiceAsyncStub
    prompts: PromptServiceAsyncStub
    styles: StyleServiceAsyncStub
    storage: StorageServiceAsyncStub
    exports: ExportServiceAsyncStub
    queue: QueueServiceAsyncStub
    control: ControlServiceAsyncStub
    system: SystemServiceAsyncStub
    vault: VaultServiceAsyncStub
    costs: CostServiceAsyncStub
    audit: AuditServiceAsyncStub

    def __init__(
        self,
        home: str | os.PathLike[str] | None = None,
        *,
        start: bool = False,
        endpoint: Endpoint | None = None,
        start_timeout: float = START_TIMEOUT,
        patience: float | None = None,
        notice: Notice | None = None,
    ) -> None:
        self.home = resolve_home(home)
        self._start = start
        self._given = endpoint
        self._start_timeout = start_timeout
        self._patience = patience
        self._notice = notice
        self._channel: TypedChannel | None = None

    def __getattr__(self, name: str) -> Any:
        """A stub, made when it is used for the first time: few programs need all of them, and each takes a while."""
        if name not in _STUBS:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        module, stub = _STUBS[name]
        made = getattr(import_module(f"bullpen_api.v1.{module}"), stub)(self.channel)
        setattr(self, name, made)
        return made

    @property
    def channel(self) -> TypedChannel:
        """The channel below the stubs, for services that have no attribute here."""
        if self._channel is None:
            raise RuntimeError("the session is not open; use `async with Session(…)`")
        return self._channel

    @property
    def endpoint(self) -> Endpoint:
        """Where the session is connected to now."""
        return self.channel.endpoint

    async def __aenter__(self) -> Self:
        channel = await reach(self.home, self._given, notice=self._notice, patience=self._patience)
        if channel is None:
            if not self._start:
                raise no_daemon(self.home)
            endpoint = await start_daemon(self.home, timeout=self._start_timeout, notice=self._notice)
            channel = TypedChannel(endpoint, lambda: read_endpoint(self.home))
        for name in _STUBS:
            self.__dict__.pop(name, None)
        self._channel = channel
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends every call of this session and closes the connection."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = None

    async def serving(self, timeout: float = PROBE_TIMEOUT) -> bool:  # noqa: ASYNC109 - it becomes the call's deadline
        """Whether the daemon answers its health check now."""
        try:
            return await healthy(self.channel, timeout)
        except BullpenError:
            return False
