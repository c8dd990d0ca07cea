"""C3, R02: a daemon that is killed around a delivery to an external agent never has it done twice."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path

import pytest
from bullpen_api.v1 import instruction_pb2, vault_pb2
from bullpen_client import Session, errors
from bullpend.failpoints import AGENT

from tests.instructions.agents import KEY, agent_serving, callback, post_to
from tests.instructions.test_service import confirm, ended
from tests.support.daemon import Daemon
from tests.support.studio import Studio

pytestmark = pytest.mark.faults
pb = instruction_pb2


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def test_death_on_either_side_of_the_wire(tmp_path: Path) -> None:
    """Killed before the first byte and killed with the answer in hand: asked first, begun once, called back once."""
    async with agent_serving() as agent:
        port = free_port()
        daemon = Daemon(
            tmp_path / "home",
            {
                "agent.url": agent.url,
                "agent.secret": "agent-token",
                "agent.allow_private_addresses": "true",
                "agent.callback_port": port,
            },
        )
        wish = pb.Instruction(
            objective="Draw the map",
            type=pb.Instruction.TYPE_ASSET_EDIT,
            execution=pb.InstructionExecution(executor=pb.InstructionExecution.EXECUTOR_AGENT),
        )
        shown = pb.Instruction()
        posts = []
        for point in (*AGENT, ""):
            daemon.settings["testing.failpoint"] = point
            await asyncio.to_thread(daemon.start)
            async with Session(daemon.home) as session:
                studio = Studio(session, tmp_path)
                if not shown.name:
                    await session.vault.SetSecret(vault_pb2.SetSecretRequest(name="secrets/agent-token", value=KEY))
                    project = await studio.project()
                    request = pb.CreateInstructionRequest(parent=project, instruction=wish)
                    shown = await session.instructions.CreateInstruction(request)
                    assert "Hand over to the agent" in shown.preview.summary
                    await confirm(session, shown)
                if point:
                    await asyncio.to_thread(daemon.wait)
                    assert daemon.status == -9, point
                    posts.append(len(agent.posts))
                    continue
                body, token, now, signature = callback(agent.posts[0], time.time())
                headers = {"Bullpen-Token": token, "Bullpen-Timestamp": now, "Bullpen-Signature": signature}
                headers["Content-Length"] = str(len(body))
                assert (await post_to(port, body, headers)).startswith("HTTP/1.1 200 ")
                done = await ended(studio, shown)
                again = pb.ReceiveCallbackRequest(body=body, token=token, timestamp=now, signature=signature)
                with pytest.raises(errors.CallbackReplayed):
                    await session.instructions.ReceiveCallback(again)
            await asyncio.to_thread(daemon.stop)
    # Nothing was sent before the first death; what the second death forgot was found by asking.
    assert posts == [0, 1]
    assert len(agent.posts) == 1
    assert (done.state, done.result, set(agent.begun.values())) == (pb.Instruction.STATE_DONE, "Drawn.", {1})
    assert (done.dispatch.deliveries, done.dispatch.answered_by) == (2, "callback")
