"""Words of a language model through the daemon, against llama-cpp-python in a loop of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bullpen_api.v1 import copilot_pb2, project_pb2

from tests.bench.effort import Effort
from tests.bench.studio import PROJECT, Studio
from tests.bench.table import Row, Series
from tests.support.tiny_gguf import write

RATIO = 1.05
WINDOW, COUNT = 16_384, 120
# Some five million random weights: a token takes milliseconds, so that the way to the client is not all that is seen.
WIDTH, LAYERS = 256, 4
SAID = "Say something about the harbour, at length."


async def measure(effort: Effort) -> list[Row]:
    """An answer of the bare loop and one through the daemon take turns, over the same conversation."""
    async with AsyncExitStack() as stack:
        flags = [
            "devices.use=scripted",
            "testing.scripted=true",
            f"devices.threads={effort.threads}",
            "log.level=warning",
            "copilot.local_model=speech.gguf",
            f"copilot.context_tokens={WINDOW}",
        ]
        studio = Studio(flags)
        path = studio.home / "models" / "speech.gguf"
        await asyncio.to_thread(write, path, context=WINDOW, width=WIDTH, layers=LAYERS)
        await stack.enter_async_context(studio)
        request = project_pb2.CreateProjectRequest(project_id="bench", project=project_pb2.Project(title="Bench"))
        await studio.session.projects.CreateProject(request)
        bare = await stack.enter_async_context(BareWords(path, effort.threads, await _messages(studio)))
        await _through(studio, 0)  # loads the model, and takes the conversation in
        await bare.answer(0)
        alone: list[tuple[float, float]] = []
        through: list[tuple[float, float]] = []
        for number in range(1, effort.count(20, 6) + 1):
            alone.append(await bare.answer(number))
            through.append(await _through(studio, number))
    return [_tokens(alone, through), _first(alone, through)]


def _tokens(alone: Sequence[tuple[float, float]], through: Sequence[tuple[float, float]]) -> Row:
    # Neighbours in time meet the same machine; medians of all may not.
    ratio = Series.of([ours[1] / theirs[1] for ours, theirs in zip(through, alone, strict=True)])
    each = Series.of([seconds / (COUNT - 1) for _, seconds in through])
    bare = Series.of([seconds / (COUNT - 1) for _, seconds in alone])
    return Row(
        f"answer of {COUNT} tokens from its first word on, daemon / bare llama-cpp-python",
        f"≤ {RATIO}",
        f"{ratio.text('', digits=3).strip()} ({each.median * 1000:.2f} / {bare.median * 1000:.2f} ms a token)",
        ratio.median <= RATIO,
        {"ratio_of_pairs": ratio.to_dict(), "daemon": each.to_dict(), "bare": bare.to_dict()},
    )


def _first(alone: Sequence[tuple[float, float]], through: Sequence[tuple[float, float]]) -> Row:
    ours, theirs = Series.of([first for first, _ in through]), Series.of([first for first, _ in alone])
    return Row(
        "first word of a warm model, message durable before it",
        "",
        f"{ours.text('ms', 1000, 1)}; bare {theirs.text('ms', 1000, 1)}",
        None,
        {"daemon": ours.to_dict(), "bare": theirs.to_dict()},
    )


async def _through(studio: Studio, seed: int) -> tuple[float, float]:
    """Seconds from the message to the first words, and from there to the last, as a client sees them."""
    pb = copilot_pb2
    chat = pb.ChatSession(sampling=pb.ChatSampling(temperature=0.0, max_tokens=COUNT, seed=seed))
    made = await studio.session.copilot.CreateChatSession(
        pb.CreateChatSessionRequest(parent=PROJECT, chat_session=chat)
    )
    first = last = 0.0
    began = time.perf_counter()
    async for item in studio.session.copilot.SendChatMessage(pb.SendChatMessageRequest(parent=made.name, text=SAID)):
        if item.HasField("delta") and item.delta.text:
            last = time.perf_counter()
            first = first or last
    if not any("limit" in part.failure.message for part in item.message.parts):
        raise RuntimeError(f"The answer ended before its {COUNT} tokens.")
    return first - began, last - first


async def _messages(studio: Studio) -> list[dict[str, str]]:
    """What the daemon sends for a first message in an empty project, made by the same code."""
    import bullpend.app  # noqa: F401 -- knows every service of the contract
    from bullpend.copilot import tools
    from bullpend.copilot.dialogue import Dialogue
    from bullpend.copilot.engines import Turn
    from bullpend.copilot.local import Voice
    from bullpend.copilot.reading import READABLE
    from bullpend.copilot.world import World
    from bullpend.instructions.model import METHODS
    from bullpend.models.registry import Registry
    from bullpend.rpc.inside import Calls

    model = Registry([studio.home / "models"]).get("speech.gguf")
    calls, add = Calls(), None
    unused: Any = add
    calls.mount([(unused, object(), name) for name in {method.partition("/")[0] for method in (*READABLE, *METHODS)}])
    told: list[dict[str, str]] = []

    class Ear(Voice):
        async def exchange(self, turn: Turn, messages: Any, known: Any, made: Any) -> Any:
            told.extend(messages)
            return
            yield

    async def world() -> World:
        return World("bench")

    turn = Turn("bench", SAID, [], None, copilot_pb2.ChatSampling, world, unused, unused, unused)
    prompt = Path(__file__).resolve().parents[2] / "settings" / "copilot-prompt.md"
    async for _ in Dialogue(Ear(model, unused, WINDOW), prompt, lambda: tools.tools(calls)).answer(turn):
        pass
    return told


class BareWords:
    """A process that runs llama-cpp-python, and nothing else. Use it as `async with`."""

    def __init__(self, path: Path, threads: int, messages: list[dict[str, str]]) -> None:
        self._words = (str(path), str(WINDOW), str(threads), str(COUNT))
        self._messages = messages
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", str(Path(__file__).with_name("bare_words.py"))),
            *self._words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "OMP_WAIT_POLICY": "passive"},
            # As a worker has it: on a busy machine the processor is shared out by sessions.
            start_new_session=True,
        )
        self._write(json.dumps(self._messages))
        return self

    async def answer(self, seed: int) -> tuple[float, float]:
        """Seconds to the first words of an answer, and from there to the last."""
        self._write(str(seed))
        assert self._process is not None
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("The bare loop ended.")
        first, rest, whole = json.loads(line)
        if not whole:
            raise RuntimeError(f"The bare answer ended before its {COUNT} tokens.")
        return first, rest

    def _write(self, line: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()
