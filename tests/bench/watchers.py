"""How long events take to a watcher, against a bare stream; and a watcher that stops reading is not felt by another."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import grpc.aio
from bullpen_api.v1 import event_pb2, event_pb2_grpc, project_pb2
from bullpen_client.channel import OPTIONS

from tests.bench.bare_grpc import Bare
from tests.bench.effort import Effort
from tests.bench.studio import PROJECT, Studio
from tests.bench.table import Row, Series

RATIO = 1.2
STALLED = 3
STORY = "It rains on the harbour. " * 750
JOURNAL_BYTES = 12_000_000
# Long enough that the load leaves the machine idle in between: what is measured is the way, not a queue.
SCRIPT = "scripted: steps=4 step_ms=5 size=8x8"
# What a job of it takes: bursts of the bare stream come as often.
BURST_SECONDS = 0.03
# By percentile.
LATENCY = {50: 1.5, 99: 3.0}


async def measure(effort: Effort) -> list[Row]:
    """Rounds with and without stalled watchers take turns under the same load."""
    jobs, rounds = effort.count(60, 25), effort.count(6, 2)
    alone: list[float] = []
    beside: list[float] = []
    committed: list[float] = []
    bare: list[float] = []
    async with Studio() as studio, Bare(studio.folder / "bare") as wire:
        scenes = await studio.project(jobs)
        # More than the buffers on the way take: a watcher that does not read really stalls.
        for number in range(JOURNAL_BYTES // len(STORY)):
            project = project_pb2.Project(title="Filler", story=STORY)
            await studio.session.projects.CreateProject(
                project_pb2.CreateProjectRequest(project_id=f"filler-{number}", project=project)
            )
        # The first run starts the workers.
        await _round(studio, scenes, 1, 0)
        for number in range(rounds):
            alone += await _round(studio, scenes, 100 + number, 0)
            committed += await wire.latencies(jobs, BURST_SECONDS, durable=True)
            bare += await wire.latencies(jobs, BURST_SECONDS, durable=False)
            beside += await _round(studio, scenes, 200 + number, STALLED)
    without, with_stalled = Series.of(alone), Series.of(beside)
    rows = [
        _against(percent, most, without, Series.of(committed), Series.of(bare)) for percent, most in LATENCY.items()
    ]
    for percent in (50, 99):
        one, other = without.percentile(percent), with_stalled.percentile(percent)
        rows.append(
            Row(
                f"event latency p{percent}, {STALLED} watchers stalled / none",
                f"≤ {RATIO}" if percent == 50 else "",
                f"{other / one:.2f} ({other * 1000:.2f} / {one * 1000:.2f} ms)",
                other / one <= RATIO if percent == 50 else None,
                {"without_ms": one * 1000, "with_ms": other * 1000, "events": len(alone)},
            )
        )
    return rows


def _against(percent: int, most: float, events: Series, committed: Series, bare: Series) -> Row:
    """Events come after their commit: so does what the stream sends that they are held against."""
    ours, theirs, wire = (series.percentile(percent) * 1000 for series in (events, committed, bare))
    return Row(
        f"event latency p{percent} / a bare stream that commits what it sends",
        f"≤ {most:g}",
        f"{ours / theirs:.2f} ({ours:.2f} / {theirs:.2f} ms; {wire:.2f} without commits)",
        ours / theirs <= most,
        {"ratio": ours / theirs, "events_ms": ours, "committed_ms": theirs, "bare_ms": wire},
    )


async def _round(studio: Studio, scenes: list[str], seed: int, stalled: int) -> list[float]:
    """Latency of each event of a run as a healthy watcher sees it, from its time in the journal to its arrival."""
    seen: list[float] = []
    async with AsyncExitStack() as stack:
        for _ in range(stalled):
            await stack.enter_async_context(_Stalled(studio))
        await studio.quiet()
        call = studio.session.events.Watch(event_pb2.WatchRequest(parent=PROJECT, progress=True, batch=True))
        messages = aiter(call)
        await anext(messages)  # the first bookmark: from here on nothing is missed
        run, logged = await studio.create_run(scenes, SCRIPT, seed=seed), False
        async with asyncio.timeout(120):
            async for message in messages:
                now = time.time()
                for event in [message.event] if message.HasField("event") else message.events.events:
                    seen.append(now - event.time.seconds - event.time.nanos / 1e9)
                    logged |= event.subject == run.name and event.kind == "run.logged"
                if logged:
                    break
        call.cancel()
    return seen


class _Stalled:
    """Asks for everything from the beginning, on a connection of its own, and never reads."""

    def __init__(self, studio: Studio) -> None:
        self._endpoint = studio.session.endpoint
        self._channel: grpc.aio.Channel | None = None

    async def __aenter__(self) -> None:
        self._channel = grpc.aio.insecure_channel(self._endpoint.address, options=OPTIONS)
        stub: event_pb2_grpc.EventServiceAsyncStub = event_pb2_grpc.EventServiceStub(self._channel)
        self._call = stub.Watch(
            event_pb2.WatchRequest(after_revision=0, progress=True, previews=True),
            metadata=(("authorization", f"Bearer {self._endpoint.token}"),),
        )
        await self._call.initial_metadata()

    async def __aexit__(self, *_: object) -> None:
        self._call.cancel()
        assert self._channel is not None
        await self._channel.close(None)
