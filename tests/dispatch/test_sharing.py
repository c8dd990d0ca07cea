"""Room between the worker that draws and the one that answers, where both use one memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bullpend.dispatch.sharing import Sharing, neighbours
from bullpend.scheduling import model as s
from bullpend.scheduling.views import ResidentView
from bullpend.workers import language
from bullpend.workers.model import DeviceInfo

GPU = DeviceInfo("devices/cuda-0", "cuda", "cuda:0", "A card", "torch", "")
OTHER = DeviceInfo("devices/cuda-1", "cuda", "cuda:1", "Another card", "torch", "")
PROCESSOR = DeviceInfo("devices/cpu", "cpu", "cpu", "A processor", "torch", "")


def beside(*drawing: DeviceInfo, built: tuple[str, ...] = ("cuda",), layers: int = -1) -> dict[str, DeviceInfo]:
    """Devices that draw, and the one that answers."""
    talks = language.choose(built, drawing, layers)
    return {device.name: device for device in (*drawing, talks)}


def test_who_shares_a_memory() -> None:
    """The first GPU that llama.cpp was built for, else the main memory; never another card."""
    assert neighbours(language.NAME, beside(GPU, OTHER)) == ["devices/cuda-0"]
    assert neighbours("devices/cuda-1", beside(GPU, OTHER)) == []
    assert neighbours("devices/cuda-0", beside(GPU, OTHER)) == [language.NAME]
    for apart in (beside(GPU, built=()), beside(GPU, layers=0)):
        assert neighbours(language.NAME, apart) == []
    assert neighbours(language.NAME, beside(GPU, PROCESSOR, built=())) == ["devices/cpu"]


async def test_what_nobody_uses_or_pinned_makes_room() -> None:
    """Idle models of the other worker are unloaded, and their going is awaited; what is in use or pinned stays."""
    idle = ResidentView("models/a", GPU.name, 10, 0.0, 1.0, "", in_use=False)
    there = [
        idle,
        replace(idle, model="models/b", in_use=True),
        replace(idle, model="models/c", pinned=True),
        replace(idle, model="models/d", device=OTHER.name),
        replace(idle, model="models/x.gguf", device=language.NAME),
    ]
    told: asyncio.Queue[s.Fact] = asyncio.Queue()
    sharing = Sharing(beside(GPU, OTHER), lambda: there, told.put_nowait)
    assert [view.model for view in sharing.idle(language.NAME)] == ["models/a"]
    waiting = asyncio.create_task(sharing.make_room(language.NAME))
    assert await told.get() == s.UnloadRequested("", GPU.name)
    assert not waiting.done()
    there.remove(idle)
    sharing.moved()
    await asyncio.wait_for(waiting, 60)
    assert sharing.idle(language.NAME) == []
