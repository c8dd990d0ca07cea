"""What carries jobs out: the dispatcher with its queue, the workers of this machine, the engine of providers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bullpend.assembly.ground import Ground
from bullpend.costs.under_way import UnderWay
from bullpend.dispatch.dispatcher import Dispatcher
from bullpend.models.loading import Loading
from bullpend.models.uses import Switching
from bullpend.queueing.board import Board, Terms
from bullpend.runs.plan import DeviceFacts
from bullpend.scheduling.model import Policy, Use
from bullpend.settings import Settings
from bullpend.workers.model import WorkerSettings
from bullpend.workers.supervisor import Supervisor

# How long an orderly stop waits for answers that are paid for.
ANSWER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Works:
    """At work since `recovered` jobs of an earlier daemon were taken up."""

    dispatcher: Dispatcher
    supervisor: Supervisor
    board: Board
    switching: Switching
    facts: list[DeviceFacts]
    recovered: int

    def in_use(self) -> list[DeviceFacts]:
        """Devices to plan for. Work that is planned while everything is switched off waits for the first one."""
        return [fact for fact in self.facts if self.switching.use(fact.name) is Use.ALL] or self.facts


async def start(ground: Ground, stack: AsyncExitStack, in_a_hurry: Callable[[], bool]) -> Works:
    """Starts workers and dispatcher, and recovers. `stack` ends them; `in_a_hurry` is asked then."""
    settings, machine, remote = ground.settings, ground.machine, ground.remote
    dispatcher = Dispatcher(
        database=ground.database,
        bus=ground.bus,
        files=ground.files,
        clock=ground.clock,
        policy=Policy(
            max_attempts=settings.scheduler.max_attempts,
            keep_alive_seconds=settings.scheduler.keep_alive_seconds,
        ),
        start_policy=settings.scheduler.start_policy,
        devices=[*machine.all, *remote.devices],
        models=Loading(ground.registry),
        scratch=ground.home.tmp,
        checks=ground.manifests.checks,
        previews=settings.previews.enabled,
        uses={device.name: Use.BOUND for device in machine.kept},
    )
    supervisor = await stack.enter_async_context(
        Supervisor(worker_settings(settings), machine.all, dispatcher.heard),
    )
    await remote.start(supervisor, dispatcher.heard)
    stack.push_async_callback(lambda: remote.close(0.0 if in_a_hurry() else ANSWER_SECONDS))
    under_way = UnderWay(ground.database, ground.home.run, dispatcher.under_way)
    await under_way.book()
    recovered = await dispatcher.start(supervisor)
    under_way.start()
    stack.push_async_callback(under_way.close)
    terms = Terms(settings.scheduler.queue_limit, settings.scheduler.start_policy)
    board = Board(
        ground.database,
        ground.bus,
        lambda: (dispatcher.state, dispatcher.remote.state),
        terms,
        dispatcher.spawn,
    )
    dispatcher.on_queue_changed = board.changed
    stack.callback(board.close)
    facts = [DeviceFacts(d.name, d.kind, d.title, d.reason, d.memory_total_bytes) for d in machine.all]
    switching = Switching(ground.database, dispatcher, machine.uses)
    return Works(dispatcher, supervisor, board, switching, facts, recovered)


def worker_settings(settings: Settings) -> WorkerSettings:
    """What the workers room takes of the settings."""
    return WorkerSettings(
        heartbeat_seconds=settings.worker.heartbeat_seconds,
        hung_seconds=settings.worker.hang_seconds,
        post_workers=settings.post.workers,
        threads=settings.worker_threads,
        max_pixels=settings.max_pixels,
        memory_limit_bytes=settings.devices.memory_limit_mb * 1024 * 1024,
        gpu_layers=settings.tree.copilot.gpu_layers,
        context_tokens=settings.tree.copilot.context_tokens,
    )
