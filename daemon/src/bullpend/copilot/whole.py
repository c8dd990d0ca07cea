"""What belongs together for the copilot: the desk of instructions, its worker, and the services in front of them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

import structlog
from bullpen_api.v1 import model_pb2

from bullpend.clock import SystemClock
from bullpend.copilot import dialogue, local, remote, store, tools, vocabulary
from bullpend.copilot.builtin import ENGINE, Builtin
from bullpend.copilot.conversation import Conversations
from bullpend.copilot.engines import Engine
from bullpend.copilot.gathering import Gathering
from bullpend.copilot.reading import Reading
from bullpend.copilot.service import CopilotService
from bullpend.db import Database
from bullpend.dispatch.texts import Texts
from bullpend.events.bus import Bus
from bullpend.instructions import store as instructions
from bullpend.instructions.agent.callbacks import Callbacks
from bullpend.instructions.agent.delivery import Delivery
from bullpend.instructions.agent.listener import listening
from bullpend.instructions.agent.model import Agent
from bullpend.instructions.desk import Desk
from bullpend.instructions.model import Policy
from bullpend.instructions.service import InstructionService
from bullpend.instructions.worker import Worker
from bullpend.models.registry import Registry
from bullpend.prompts import enhance
from bullpend.prompts.service import PromptService
from bullpend.rpc.inside import Calls
from bullpend.rpc.mounting import Mount
from bullpend.settings import Settings
from bullpend.settings_tree import AgentSettings
from bullpend.vault.vault import Vault

log = structlog.get_logger("copilot")

SEEDS = 2**32
RESIDENTS = "bullpen.v1.ModelService/ListResidents"


def _agent(chosen: AgentSettings) -> Agent:
    return Agent(
        url=chosen.url,
        secret=chosen.secret,
        dispatch_seconds=chosen.dispatch_seconds,
        retries=chosen.transport_retries,
        answer_seconds=chosen.answer_seconds,
        poll_seconds=chosen.poll_seconds,
        callback_url=chosen.callback_url,
        callback_port=chosen.callback_port,
        allow_private=chosen.allow_private_addresses,
    )


class Whole:
    """Made before the daemon serves; `start` needs the services of everybody."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        settings: Settings,
        registry: Registry,
        vault: Vault,
        texts: Callable[[], Texts] | None,
    ) -> None:
        """`texts` gives the answers of language models of this machine; None where llama.cpp is not installed."""
        chosen = settings.tree.instructions
        policy = Policy(
            poll_seconds=chosen.poll_seconds,
            lock_seconds=chosen.lock_seconds,
            max_attempts=chosen.max_attempts,
            backoff_seconds=chosen.backoff_seconds,
            confirm_seconds=chosen.confirm_seconds,
        )
        self._database = database
        self._calls = Calls()

        async def reveal(name: str) -> str:
            return (await vault.reveal(name, "copilot.secret")).reveal()

        async def agent_key(name: str) -> str:
            return (await vault.reveal(name, "agent.secret")).reveal()

        clock = SystemClock()
        delivery = Delivery(database, bus, clock, _agent(settings.tree.agent), agent_key)
        self._callbacks = Callbacks(database, delivery, clock)
        self._port = settings.tree.agent.callback_port
        self._open = AsyncExitStack()
        self._desk = Desk(database, self._calls, policy, delivery)
        self._worker = Worker(database, self._calls, bus, policy, self._desk.wake, delivery)
        self._task: asyncio.Task[None] | None = None
        reading = Reading(self._calls)
        words = vocabulary.load(settings.folder / vocabulary.FILE_NAME)
        gathering = Gathering(database, reading, self._desk, words)
        engines: dict[str, Engine] = {
            ENGINE: Builtin(lambda: secrets.randbelow(SEEDS)),
            remote.ENGINE: remote.NoServer(),
        }
        asked = settings.tree.copilot
        prompt = settings.folder / dialogue.PROMPT_FILE

        def known() -> dict[str, tools.Tool]:
            return tools.tools(self._calls)

        if asked.url:
            endpoint = remote.Endpoint(
                asked.url,
                asked.model,
                asked.secret,
                silence_seconds=asked.silence_seconds,
                context_characters=asked.context_characters,
            )
            engines[remote.ENGINE] = remote.Remote(endpoint, prompt, known, reveal)
        chosen_model = asked.local_model and f"models/{asked.local_model.removeprefix('models/')}"
        shelf = local.Shelf(
            engines,
            registry,
            lambda name: local.Local(name, registry, texts, prompt, known, asked.context_tokens),
            chosen_model,
        )
        default = remote.ENGINE if asked.url else local.engine_of(chosen_model) if chosen_model else ENGINE
        self._conversations = Conversations(database, shelf, gathering, reading, self._desk)
        self.servicers: list[object] = [
            InstructionService(self._desk, self._callbacks),
            CopilotService(database, self._conversations, shelf, default, shelf.look, self._loaded),
            PromptService(database, settings.home.root, settings.folder / enhance.FILE_NAME, registry.get),
        ]

    async def _loaded(self) -> dict[str, str]:
        """The device of each model in memory."""
        if RESIDENTS not in self._calls:
            return {}
        found = await self._calls.call(RESIDENTS, model_pb2.ListResidentsRequest())
        assert isinstance(found, model_pb2.ListResidentsResponse)
        return {one.model: one.device for one in found.residents if one.state == model_pb2.Resident.STATE_READY}

    async def start(self, mounts: Sequence[Mount]) -> None:
        """Takes up what the last daemon left, and begins to work. The home's lock says that no other worker lives.

        Raises SettingInvalid where the port of callbacks cannot be listened on.
        """
        self._calls.mount(mounts)
        if self._port:
            await self._open.enter_async_context(listening(self._callbacks, self._port))
        left = await self._database.write(instructions.recover)
        if left:
            log.info("instructions.recovered", instructions=left)
        broken = await self._database.write(store.interrupt_all)
        if broken:
            log.info("copilot.interrupted", answers=broken)
        self._task = asyncio.create_task(self._worker.run(), name="instructions")

    async def close(self) -> None:
        """Stops working; what runs is taken up by the next daemon."""
        await self._open.aclose()
        await self._conversations.close()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
